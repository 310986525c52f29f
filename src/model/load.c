/*
 * Reading a model of any kind: what it is, the content says.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "keras/keras.h"
#include "model/model.h"
#include "passes/pass.h"
#include "tflite/tflite.h"

static const char kinds[] = "a .tflite, .keras or .h5 file";

static oct_status read_tflite(oct_backing *backing, const oct_load_options *options,
    oct_graph **graph, oct_error *err)
{
    OCT_TRY(oct_tflite_read(backing, graph, err));
    oct_status status = oct_graph_reshape(*graph, options, err);
    if (status != OCT_OK) {
        oct_graph_free(*graph);
        *graph = NULL;
    }
    return status;
}

static oct_status read_keras(oct_backing *backing, const oct_load_options *options,
    oct_graph **graph, oct_error *err)
{
    OCT_TRY(oct_keras_read(backing, options, graph, err));
    oct_status status = oct_passes_run(*graph, err);
    if (status != OCT_OK) {
        oct_graph_free(*graph);
        *graph = NULL;
    }
    return status;
}

/* Files that people take for models, by how they begin. */
static const struct {
    const char *magic;
    const char *what;
} others[] = {
    { "PK\3\4", "a zip archive without a Keras model in it" },
    { "\x1f\x8b", "a gzip file: unpack it first" },
    { "\x93NUMPY", "a NumPy array" },
    { "\x89HDF", "an HDF5 file without a Keras model in it" },
    { "ARMN", "an ArmNN model" },
    { "GGUF", "a GGUF model" },
};

/* Parts of Keras models that are JSON: the index of sharded weights, a configuration by itself. */
static const char *keras_part(const unsigned char *bytes, size_t size)
{
    size_t looked_at = size < 512 ? size : 512;
    if (size == 0 || bytes[0] != '{')
        return NULL;
    if (memmem(bytes, looked_at, "\"weight_map\"", 12) != NULL ||
        memmem(bytes, looked_at, "\"total_size\"", 12) != NULL)
        return "the index of sharded Keras weights, without architecture";
    return memmem(bytes, looked_at, "\"class_name\"", 12) != NULL
               ? "the configuration of a Keras model, without weights"
               : NULL;
}

static oct_status fail_unknown(const unsigned char *bytes, size_t size, oct_error *err)
{
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        size_t length = strlen(others[i].magic);
        if (size >= length && memcmp(bytes, others[i].magic, length) == 0)
            return oct_fail(err, OCT_E_INVALID, "this is %s; %s is needed", others[i].what, kinds);
    }
    const char *part = keras_part(bytes, size);
    if (part != NULL)
        return oct_fail(err, OCT_E_INVALID,
            "this is %s; save the whole model as one file: model.save(\"x.keras\")", part);
    char start[32] = "";
    for (size_t i = 0; i < size && i < 8; i++)
        snprintf(start + 3 * i, sizeof start - 3 * i, " %02x", bytes[i]);
    return oct_fail(err, OCT_E_INVALID, "not %s (it begins with%s)", kinds, start);
}

static oct_status read_any(oct_backing *backing, const oct_load_options *options, oct_graph **graph,
    const char **source, oct_error *err)
{
    const unsigned char *bytes = oct_backing_bytes(backing);
    size_t size = oct_backing_size(backing);
    if (oct_tflite_detect(bytes, size)) {
        *source = "tflite";
        return read_tflite(backing, options, graph, err);
    }
    *source = oct_keras_detect(bytes, size);
    if (*source != NULL)
        return read_keras(backing, options, graph, err);
    return fail_unknown(bytes, size, err);
}

/* Takes note of a model that fixes leading dimensions and cannot be computed for one sample. */
static oct_status look_for_batch(oct_graph *graph, oct_error *err)
{
    oct_subgraph *sub = graph->subgraphs[0];
    bool fixed = false;
    for (int32_t i = 0; i < sub->input_count; i++)
        fixed |= oct_input_has_batch(sub, i) && sub->tensors[sub->inputs[i]]->dims[0] > 1;
    if (!fixed)
        return OCT_OK;
    oct_graph *single;
    const oct_load_options one = { .batch = 1 };
    OCT_TRY(oct_graph_clone(graph, &single, err));
    oct_status status = oct_graph_reshape(single, &one, err);
    const oct_subgraph *made = single->subgraphs[0];
    sub->is_whole = status != OCT_OK;
    for (int32_t i = 0; i < made->output_count; i++) {
        const oct_tensor *output = made->tensors[made->outputs[i]];
        sub->is_whole |= output->rank == 0 || output->dims[0] != 1;
    }
    oct_graph_free(single);
    if (status == OCT_E_MEMORY)
        return status;
    if (err != NULL)
        *err = (oct_error){ 0 };
    return OCT_OK;
}

static oct_status load_backing(oct_backing *backing, const char *name,
    const oct_load_options *options, oct_model **out, oct_error *err)
{
    oct_graph *graph = NULL;
    const char *source;
    oct_status status = read_any(backing, options, &graph, &source, err);
    oct_backing_release(backing);
    if (status != OCT_OK)
        return oct_error_prefix(err, status, "%s", name);
    status = look_for_batch(graph, err);
    if (status != OCT_OK) {
        oct_graph_free(graph);
        return status;
    }
    OCT_TRY(oct_model_create(graph, source, out, err));
    bool reshaped = options != NULL && (options->batch != 0 || options->shape_count != 0);
    (*out)->as_read = !reshaped && strcmp(source, "tflite") == 0;
    return OCT_OK;
}

static oct_status check_path(const char *path, oct_error *err)
{
    struct stat info;
    char inside[4096];
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
        return OCT_OK;
    snprintf(inside, sizeof inside, "%s/saved_model.pb", path);
    if (stat(inside, &info) == 0)
        return oct_fail(err, OCT_E_UNSUPPORTED,
            "%s: a SavedModel folder; save the Keras model as one file: model.save(\"x.keras\")",
            path);
    return oct_fail(err, OCT_E_INVALID, "%s: a folder; %s is needed", path, kinds);
}

oct_status oct_model_load(const char *path, const oct_load_options *options, oct_model **out,
    oct_error *err)
{
    *out = NULL;
    oct_backing *backing;
    OCT_TRY(check_path(path, err));
    OCT_TRY(oct_backing_map(path, &backing, err));
    return load_backing(backing, path, options, out, err);
}

oct_status oct_model_load_bytes(const void *bytes, size_t size, const char *name,
    const oct_load_options *options, oct_model **out, oct_error *err)
{
    *out = NULL;
    oct_backing *backing = oct_backing_create(size);
    if (backing == NULL)
        return oct_fail_memory(err, size, name);
    if (size != 0)
        memcpy(oct_backing_bytes(backing), bytes, size);
    return load_backing(backing, name, options, out, err);
}
