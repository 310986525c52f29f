/*
 * octavo quantize: one quantized form of a model, and what became of every layer.
 */
#include "command.h"

#include <string.h>

static const cli_option options[] = {
    { "output", 'o', "FILE", "the .tflite to write" },
    { "mode", 'm', "MODE", "float16, dynamic, int8, int8-full, int16x8 or weight-only" },
    { "io", 0, "TYPE", "int8-full: type of inputs and outputs, int8 (default) or uint8" },
    { "calib", 0, "DATA", "calibration samples (int8, int8-full, int16x8; any form with --effort)" },
    { "calib-samples", 0, "N", "use at most N of them (default: 200)" },
    { "preprocess", 0, "HOW", "auto, none, tf, unit, torch, caffe or a JSON file (default: auto)" },
    { "effort", 0, "LEVEL", "none: as TFLiteConverter, exactly (the default); default: closer to the float model" },
    CLI_SHAPE_OPTIONS,
    { 0 },
};

typedef struct job {
    const cli_args *args;
    oct_quant_options quant;
    const char *output;
    oct_model *model, *quantized;
    oct_quant_report *report;
    oct_data *data, *chosen;
    oct_data_view *view;
} job;

static void show_progress(void *user, int64_t done, int64_t total)
{
    cli_progress(user, "calibrating", done, total);
}

static oct_status read_options(job *j, oct_error *err)
{
    const cli_args *args = j->args;
    const char *mode = cli_get(args, "mode"), *io = cli_get(args, "io");
    const char *effort = cli_get(args, "effort");
    j->output = cli_get(args, "output");
    if (j->output == NULL)
        return cli_usage(args, err, "-o FILE is missing");
    if (mode == NULL)
        return cli_usage(args, err, "--mode MODE is missing");
    if (!oct_mode_from_name(mode, &j->quant.mode))
        return cli_usage(args, err, "--mode: '%s' is not a mode", mode);
    if (effort != NULL && !oct_effort_from_name(effort, &j->quant.effort))
        return cli_usage(args, err, "--effort: '%s' is neither none nor default", effort);
    if (io != NULL && j->quant.mode != OCT_MODE_INT8_FULL)
        return cli_usage(args, err, "--io belongs to --mode int8-full");
    if (io != NULL && strcmp(io, "int8") != 0 && strcmp(io, "uint8") != 0)
        return cli_usage(args, err, "--io: '%s' is neither int8 nor uint8", io);
    j->quant.io = io != NULL && strcmp(io, "uint8") == 0 ? OCT_IO_UINT8 : OCT_IO_INT8;
    if (oct_mode_needs_calibration(j->quant.mode) && cli_get(args, "calib") == NULL)
        return cli_usage(args, err, "--mode %s needs --calib DATA: samples like those of real use", mode);
    j->quant.threads = args->threads;
    j->quant.progress = show_progress;
    j->quant.progress_user = (void *)(uintptr_t)args;
    return OCT_OK;
}

/* The first N samples, N from --calib-samples. */
static oct_status choose_samples(job *j, oct_error *err)
{
    enum { MOST = 100000 };
    static int64_t indices[MOST];
    int64_t count;
    oct_status status = cli_get_int(j->args, "calib-samples", 1, MOST, 200, &count, err);
    if (status != OCT_OK)
        return status;
    if (count > oct_data_count(j->data))
        count = oct_data_count(j->data);
    for (int64_t i = 0; i < count; i++)
        indices[i] = i;
    return oct_data_subset(j->data, indices, count, &j->chosen, err);
}

static oct_status open_calibration(job *j, oct_error *err)
{
    const char *how = cli_get(j->args, "preprocess");
    oct_preprocess_choice choice;
    oct_status status = oct_data_open(cli_get(j->args, "calib"), &j->data, err);
    if (status == OCT_OK)
        status = choose_samples(j, err);
    if (status == OCT_OK)
        status = oct_preprocess_find(how == NULL ? "auto" : how, j->model, j->data, j->args->threads,
            &choice, err);
    if (status == OCT_OK)
        status = oct_data_view_create(j->chosen, j->model, &choice.preprocess, &j->view, err);
    if (status != OCT_OK)
        return status;
    cli_note(j->args, "calibrating on %lld samples of %s, preprocessing %s",
        (long long)oct_data_count(j->chosen), oct_data_spec(j->data), choice.reason);
    j->quant.calib = oct_data_view_samples(j->view);
    return OCT_OK;
}

static void print_layers(const job *j, size_t bytes)
{
    char size[32];
    int32_t count = oct_quant_report_count(j->report);
    for (int32_t i = 0; i < count; i++) {
        const oct_layer_note *note = oct_quant_report_note(j->report, i);
        if (j->args->verbose || note->reason[0] != '\0')
            printf("%-40.40s %-18s %s%s%s\n", note->layer, note->op, note->result,
                note->reason[0] != '\0' ? ": " : "", note->reason);
    }
    printf("%s: %s, %d layers (%s)\n", j->output, cli_bytes(bytes, size, sizeof size), (int)count,
        oct_mode_name(j->quant.mode));
}

static json_t *layers_json(const oct_quant_report *report)
{
    json_t *layers = json_array();
    for (int32_t i = 0; i < oct_quant_report_count(report); i++) {
        const oct_layer_note *note = oct_quant_report_note(report, i);
        json_array_append_new(layers,
            json_pack("{s:s, s:s, s:s, s:s, s:I, s:I}", "layer", note->layer, "op", note->op, "result",
                note->result, "reason", note->reason, "weight_bytes_before",
                (json_int_t)note->weight_bytes_before, "weight_bytes_after",
                (json_int_t)note->weight_bytes_after));
    }
    return layers;
}

static oct_status print_result(const job *j, size_t bytes, oct_error *err)
{
    if (!j->args->json) {
        if (!j->args->quiet)
            print_layers(j, bytes);
        return cli_print_text("", err);
    }
    json_t *object = json_pack("{s:s, s:s, s:I, s:o}", "file", j->output, "mode",
        oct_mode_name(j->quant.mode), "bytes", (json_int_t)bytes, "layers", layers_json(j->report));
    oct_status status = cli_print_json(object, err);
    json_decref(object);
    return status;
}

static oct_status work(job *j, oct_error *err)
{
    cli_shapes shapes;
    size_t bytes;
    oct_status status = read_options(j, err);
    if (status == OCT_OK)
        status = cli_get_shapes(j->args, &shapes, err);
    if (status == OCT_OK)
        status = oct_model_load(j->args->words[0], &shapes.options, &j->model, err);
    if (status == OCT_OK && cli_get(j->args, "calib") != NULL &&
        oct_mode_uses_calibration(j->quant.mode, j->quant.effort))
        status = open_calibration(j, err);
    if (status == OCT_OK)
        status = oct_quantize(j->model, &j->quant, &j->quantized, &j->report, err);
    if (status == OCT_OK)
        status = oct_model_save(j->quantized, j->output, &bytes, err);
    return status == OCT_OK ? print_result(j, bytes, err) : status;
}

static oct_status run(const cli_args *args, oct_error *err)
{
    job j = { .args = args };
    oct_status status = work(&j, err);
    oct_quant_report_free(j.report);
    oct_model_free(j.quantized);
    oct_data_view_free(j.view);
    oct_data_free(j.chosen);
    oct_data_free(j.data);
    oct_model_free(j.model);
    return status;
}

const cli_command cli_quantize = {
    .name = "quantize",
    .words = "MODEL",
    .min_words = 1,
    .max_words = 1,
    .summary = "one quantized form of a model, and what became of every layer",
    .text = "MODEL is a .keras, .h5 or float .tflite file. Layers that stay float are listed with the\n"
            "reason; --verbose lists all. DATA is a folder of class folders, a folder of images, X.npy,\n"
            "XY.npz or an IDX file, with an optional choice of samples behind: DATA:100, DATA:0-500,\n"
            "DATA:every=10.",
    .options = options,
    .examples = "  octavo quantize model.keras -o dynamic.tflite --mode dynamic\n"
                "  octavo quantize model.keras -o int8.tflite --mode int8 --calib photos/:every=50\n"
                "  octavo quantize model.tflite -o npu.tflite --mode int8-full --io uint8 --calib x.npy",
    .run = run,
};
