/*
 * octavo convert: Keras or .tflite to float32 .tflite.
 */
#include "command.h"

static const cli_option options[] = {
    { "output", 'o', "FILE", "the .tflite to write" },
    CLI_SHAPE_OPTIONS,
    { 0 },
};

static oct_status print_result(const cli_args *args, const oct_model *model, const char *path,
    size_t bytes, oct_error *err)
{
    if (args->json) {
        json_t *object = json_pack("{s:s, s:I, s:s}", "file", path, "bytes", (json_int_t)bytes,
            "source", oct_model_source(model));
        oct_status status = cli_print_json(object, err);
        json_decref(object);
        return status;
    }
    char size[32];
    cli_note(args, "%s: %s", path, cli_bytes(bytes, size, sizeof size));
    return OCT_OK;
}

static oct_status run(const cli_args *args, oct_error *err)
{
    const char *path = cli_get(args, "output");
    if (path == NULL)
        return cli_usage(args, err, "-o FILE is missing");
    cli_shapes shapes;
    oct_model *model;
    size_t bytes;
    oct_status status = cli_get_shapes(args, &shapes, err);
    if (status != OCT_OK)
        return status;
    status = oct_model_load(args->words[0], &shapes.options, &model, err);
    if (status != OCT_OK)
        return status;
    status = oct_model_save(model, path, &bytes, err);
    if (status == OCT_OK)
        status = print_result(args, model, path, bytes, err);
    oct_model_free(model);
    return status;
}

const cli_command cli_convert = {
    .name = "convert",
    .words = "MODEL",
    .min_words = 1,
    .max_words = 1,
    .summary = "a Keras model or a .tflite to float32 .tflite",
    .text = "MODEL is a .keras or .h5 file, or a .tflite (which is rewritten canonically: identical\n"
            "vectors, strings and buffers are stored once). Batch normalisation is folded, activations\n"
            "are fused. The kind is decided by content, not by the name.",
    .options = options,
    .examples = "  octavo convert model.keras -o model.tflite\n"
                "  octavo convert model.h5 -o model.tflite --batch 1\n"
                "  octavo convert any-size.keras -o model.tflite --input-shape image=1,224,224,3",
    .run = run,
};
