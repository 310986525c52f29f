/*
 * The two containers: a .keras archive (config.json, metadata.json, model.weights.h5) and a legacy .h5
 * file (everything in attributes and groups). What the bytes are is decided by looking at them.
 */
#include "keras/keras.h"

#include <string.h>

#include "keras/build.h"
#include "keras/zip.h"

/* What a container holds, opened. */
typedef struct source {
    json_t *config;
    const oct_backing *file; /* what the weights lie in */
    oct_zip_member weights;
    oct_h5 *h5;
    bool keras2, legacy;
} source;

const char *oct_keras_detect(const void *bytes, size_t size)
{
    return oct_zip_is(bytes, size) ? "keras" : oct_h5_is(bytes, size) ? "h5" : NULL;
}

static bool is_keras2(const char *version)
{
    return version != NULL && (version[0] == '1' || version[0] == '2') && version[1] == '.';
}

static oct_status parse_member(const oct_zip_member *member, const char *name, json_t **out,
    oct_error *err)
{
    return oct_error_prefix(err, oct_keras_json((const char *)member->bytes, member->size, out, err),
        "%s", name);
}

/* A member as JSON; *out stays NULL when the archive has no such member. */
static oct_status json_member(const void *bytes, size_t size, const char *name, json_t **out,
    oct_error *err)
{
    oct_zip_member member;
    bool found;
    *out = NULL;
    OCT_TRY(oct_zip_find(bytes, size, name, &member, &found, err));
    oct_status status = found ? parse_member(&member, name, out, err) : OCT_OK;
    oct_zip_member_free(&member);
    return status;
}

static oct_status open_archive(const void *bytes, size_t size, source *from, oct_error *err)
{
    json_t *metadata;
    bool found;
    OCT_TRY(json_member(bytes, size, "config.json", &from->config, err));
    if (from->config == NULL)
        return oct_fail(err, OCT_E_INVALID,
            "the archive has no config.json: not a Keras model, or only its weights");
    OCT_TRY(json_member(bytes, size, "metadata.json", &metadata, err));
    from->keras2 = is_keras2(oct_keras_text(metadata, "keras_version", NULL));
    json_decref(metadata);
    OCT_TRY(oct_zip_find(bytes, size, "model.weights.h5", &from->weights, &found, err));
    if (!found)
        return oct_fail(err, OCT_E_INVALID, "the archive has no model.weights.h5");
    if (from->weights.owned != NULL)
        from->file = from->weights.owned;
    oct_backing_rest(from->file, from->weights.bytes, from->weights.size); /* checking it read it */
    return oct_error_prefix(err, oct_h5_open(from->weights.bytes, from->weights.size, &from->h5, err),
        "model.weights.h5");
}

/* Why an HDF5 file without a configuration is not a model. */
static oct_status refuse_weights_only(oct_h5 *h5, oct_error *err)
{
    uint64_t object;
    oct_h5_strings names;
    bool keras2, keras3;
    OCT_TRY(oct_h5_strings_read(h5, oct_h5_root(h5), "layer_names", &names, &keras2, err));
    OCT_TRY(oct_h5_find(h5, oct_h5_root(h5), "layers", &object, &keras3, err));
    if (keras2 || keras3)
        return oct_fail(err, OCT_E_INVALID,
            "weights without architecture (saved by save_weights); save the whole model with "
            "model.save()");
    return oct_fail(err, OCT_E_INVALID, "an HDF5 file without a Keras model in it (no model_config)");
}

static oct_status open_legacy(const void *bytes, size_t size, source *from, oct_error *err)
{
    oct_h5_strings text;
    bool found;
    from->legacy = true;
    OCT_TRY(oct_h5_open(bytes, size, &from->h5, err));
    OCT_TRY(oct_h5_strings_read(from->h5, oct_h5_root(from->h5), "model_config", &text, &found, err));
    if (!found || text.count != 1)
        return refuse_weights_only(from->h5, err);
    OCT_TRY(oct_error_prefix(err,
        oct_keras_json(text.text[0], strlen(text.text[0]), &from->config, err), "model_config"));
    OCT_TRY(oct_h5_strings_read(from->h5, oct_h5_root(from->h5), "keras_version", &text, &found, err));
    /* Files older than this attribute are Keras 1 and 2. */
    from->keras2 = !found || text.count != 1 || is_keras2(text.text[0]);
    return OCT_OK;
}

static oct_status import(oct_arena *arena, const source *from, const oct_load_options *options,
    oct_graph *graph, oct_error *err)
{
    oct_keras_model *model;
    OCT_TRY(oct_keras_model_parse(arena, from->config, from->keras2, options, &model, err));
    OCT_TRY(from->legacy ? oct_keras_bind_lists(arena, model, from->h5, err)
                         : oct_keras_bind_paths(arena, model, from->h5, err));
    OCT_TRY(oct_keras_build(arena, model, options, from->file, graph, err));
    graph->description = "Octavo";
    return oct_graph_check(graph, err);
}

static oct_status read_source(const source *from, const oct_load_options *options, oct_graph **out,
    oct_error *err)
{
    oct_arena arena = { 0 };
    oct_graph *graph = oct_graph_create();
    if (graph == NULL)
        return oct_fail_memory(err, sizeof *graph, "a graph");
    oct_status status = import(&arena, from, options, graph, err);
    oct_arena_free(&arena);
    if (status == OCT_OK)
        *out = graph;
    else
        oct_graph_free(graph);
    return status;
}

oct_status oct_keras_read(oct_backing *backing, const oct_load_options *options, oct_graph **out,
    oct_error *err)
{
    const void *bytes = oct_backing_bytes(backing);
    size_t size = oct_backing_size(backing);
    source from = { .file = backing };
    oct_status status;
    *out = NULL;
    if (oct_zip_is(bytes, size))
        status = open_archive(bytes, size, &from, err);
    else if (oct_h5_is(bytes, size))
        status = open_legacy(bytes, size, &from, err);
    else
        status = oct_fail(err, OCT_E_INVALID, "neither a .keras archive nor an HDF5 file");
    if (status == OCT_OK)
        status = read_source(&from, options, out, err);
    oct_h5_close(from.h5);
    oct_zip_member_free(&from.weights);
    json_decref(from.config);
    return status;
}
