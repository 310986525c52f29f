/*
 * Writing a model: versions assigned, checked, written beside the target, read back, renamed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "model/model.h"
#include "ops/op.h"
#include "tflite/tflite.h"

oct_status oct_model_prepare(const oct_model *model, oct_graph **out, oct_error *err)
{
    OCT_TRY(oct_graph_clone(model->graph, out, err));
    oct_status status = model->as_read ? OCT_OK : oct_ops_assign_versions(*out, err);
    if (status == OCT_OK)
        status = oct_graph_check(*out, err);
    if (status != OCT_OK) {
        oct_graph_free(*out);
        *out = NULL;
    }
    return status;
}

typedef struct file_sink {
    oct_file file;
    size_t bytes;
} file_sink;

static oct_status to_file(void *user, const void *bytes, size_t size, oct_error *err)
{
    file_sink *sink = user;
    sink->bytes += size;
    return oct_file_write(&sink->file, bytes, size, err);
}

/* What lies on the disk must be a model again, as large as what was sent. */
static oct_status read_back(file_sink *sink, oct_error *err)
{
    oct_backing *backing;
    oct_graph *graph;
    OCT_TRY(oct_file_flush(&sink->file, err));
    if (sink->file.temporary == NULL) /* a device */
        return OCT_OK;
    OCT_TRY(oct_backing_map(sink->file.temporary, &backing, err));
    oct_status status = oct_backing_size(backing) == sink->bytes ?
        oct_tflite_read(backing, &graph, err) :
        oct_fail(err, OCT_E_SYSTEM, "the file has %zu bytes of the %zu written",
            oct_backing_size(backing), sink->bytes);
    oct_backing_release(backing);
    if (status == OCT_OK)
        oct_graph_free(graph);
    return oct_error_prefix(err, status, "%s, read back", sink->file.path);
}

static oct_status write_file(const oct_graph *graph, const char *path, size_t *bytes_out,
    oct_error *err)
{
    file_sink sink = { .bytes = 0 };
    OCT_TRY(oct_file_begin(&sink.file, path, err));
    oct_status status = oct_tflite_write(graph, to_file, &sink, err);
    if (status == OCT_OK)
        status = read_back(&sink, err);
    if (status != OCT_OK) {
        oct_file_abandon(&sink.file);
        return status;
    }
    if (bytes_out != NULL)
        *bytes_out = sink.bytes;
    return oct_file_commit(&sink.file, err);
}

oct_status oct_model_save(const oct_model *model, const char *path, size_t *bytes_out,
    oct_error *err)
{
    oct_graph *graph;
    OCT_TRY(oct_model_prepare(model, &graph, err));
    oct_status status = write_file(graph, path, bytes_out, err);
    oct_graph_free(graph);
    return status;
}

typedef struct memory_sink {
    unsigned char *bytes;
    size_t size, capacity;
} memory_sink;

static oct_status to_memory(void *user, const void *bytes, size_t size, oct_error *err)
{
    memory_sink *sink = user;
    if (size > sink->capacity - sink->size) {
        size_t capacity = 2 * sink->capacity + size;
        unsigned char *grown = realloc(sink->bytes, capacity);
        if (grown == NULL)
            return oct_fail_memory(err, capacity, "model file");
        sink->bytes = grown;
        sink->capacity = capacity;
    }
    memcpy(sink->bytes + sink->size, bytes, size);
    sink->size += size;
    return OCT_OK;
}

oct_status oct_model_serialize(const oct_model *model, void **bytes, size_t *size, oct_error *err)
{
    oct_graph *graph;
    memory_sink sink = { NULL, 0, 0 };
    *bytes = NULL;
    *size = 0;
    OCT_TRY(oct_model_prepare(model, &graph, err));
    oct_status status = oct_tflite_write(graph, to_memory, &sink, err);
    oct_graph_free(graph);
    if (status != OCT_OK) {
        free(sink.bytes);
        return status;
    }
    *bytes = sink.bytes;
    *size = sink.size;
    return OCT_OK;
}
