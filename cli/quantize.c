/*
 * octavo quantize: one quantized form of a model, and what became of every layer.
 */
#include "command.h"

#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    { "output", 'o', "FILE", "the .tflite to write" },
    { "mode", 'm', "MODE", "float16, dynamic, int8, int8-full, int16x8 or weight-only" },
    { "io", 0, "TYPE", "int8-full: type of inputs and outputs, int8 (default) or uint8" },
    { "calib", 0, "DATA", "calibration samples: needed for int8, int8-full and int16x8, of use for all but float16" },
    { "calib-samples", 0, "N", "use at most N of them (default: 200); others check the result" },
    { "stats-out", 0, "FILE", "no model: writes what these calibration samples give (all of them, unless N is said)" },
    { "stats", 0, "FILE", "what --stats-out wrote, in place of --calib; repeated for each part of the samples" },
    { "cache", 0, "DIR", "keeps decoded and resized pictures there, for the next time" },
    { "range", 0, "NAME", "minmax (default), moving-average, percentile[:99.999], mse or entropy" },
    { "recipe", 0, "FILE", "rules for single layers, as JSON; AI Edge Quantizer's are read, too" },
    { "recipe-out", 0, "FILE", "writes what became of every layer as a recipe" },
    { "preprocess", 0, "HOW", "auto, none, tf, unit, torch, caffe or a JSON file (default: auto)" },
    { "effort", 0, "LEVEL", "none: as TFLiteConverter, exactly; default: closer to the float model; high: closer still, and slower" },
    { "weight-bits", 0, "N", "8 (default), or 4 for layers whose kernels in LiteRT take such weights" },
    CLI_SHAPE_OPTIONS,
    { 0 },
};

typedef struct job {
    const cli_args *args;
    oct_quant_options quant;
    const char *output;
    oct_model *model, *quantized;
    oct_quant_report *report;
    oct_recipe *recipe;
    char *resolved, *unused; /* the recipe layer by layer, and its rules of no effect; NULL without */
    oct_statistics *stats; /* of --stats, or for --stats-out; NULL without */
    oct_data *data, *chosen, *held;
    oct_data_view *view, *held_view;
    char preprocess[64];
} job;

static void show_progress(void *user, const char *what, int64_t done, int64_t total)
{
    cli_progress(user, what, done, total);
}

/* "percentile:99.99" */
static oct_status read_range(job *j, oct_error *err)
{
    const char *text = cli_get(j->args, "range");
    char name[32], *end;
    if (text == NULL)
        return OCT_OK;
    size_t length = strcspn(text, ":");
    snprintf(name, sizeof name, "%.*s", (int)length, text);
    if (!oct_range_method_from_name(name, &j->quant.range))
        return cli_usage(j->args, err, "--range: '%s' is not a range method", name);
    if (text[length] == '\0')
        return OCT_OK;
    j->quant.range_argument = strtod(text + length + 1, &end);
    if (*end != '\0' || j->quant.range != OCT_RANGE_PERCENTILE ||
        !(j->quant.range_argument > 50 && j->quant.range_argument <= 100))
        return cli_usage(j->args, err, "--range: '%s': only percentile takes a number, above 50, up to 100", text);
    return OCT_OK;
}

static oct_status read_options(job *j, oct_error *err)
{
    const cli_args *args = j->args;
    const char *mode = cli_get(args, "mode"), *io = cli_get(args, "io");
    const char *effort = cli_get(args, "effort");
    j->output = cli_get(args, "output");
    if (j->output == NULL && cli_get(args, "stats-out") == NULL)
        return cli_usage(args, err, "-o FILE is missing");
    if (cli_get(args, "stats") != NULL && (cli_get(args, "calib") != NULL || cli_get(args, "stats-out") != NULL))
        return cli_usage(args, err, "--stats stands in place of --calib and --stats-out");
    if (cli_get(args, "stats-out") != NULL && cli_get(args, "calib") == NULL)
        return cli_usage(args, err, "--stats-out needs --calib DATA");
    if (mode == NULL && cli_get(args, "recipe") == NULL)
        return cli_usage(args, err, "--mode MODE is missing");
    if (mode != NULL && !oct_mode_from_name(mode, &j->quant.mode))
        return cli_usage(args, err, "--mode: '%s' is not a mode", mode);
    j->quant.effort = OCT_EFFORT_DEFAULT;
    if (effort != NULL && !oct_effort_from_name(effort, &j->quant.effort))
        return cli_usage(args, err, "--effort: '%s' is not none, default or high", effort);
    if (io != NULL && strcmp(io, "int8") != 0 && strcmp(io, "uint8") != 0)
        return cli_usage(args, err, "--io: '%s' is neither int8 nor uint8", io);
    j->quant.io = io != NULL && strcmp(io, "uint8") == 0 ? OCT_IO_UINT8 : OCT_IO_INT8;
    int64_t bits;
    oct_status status = cli_get_int(args, "weight-bits", 4, 8, 8, &bits, err);
    if (status != OCT_OK)
        return status;
    j->quant.weight_bits = (int32_t)bits;
    j->quant.threads = args->threads;
    j->quant.group = args->group;
    j->quant.progress = show_progress;
    j->quant.progress_user = (void *)(uintptr_t)args;
    return read_range(j, err);
}

/* The recipe's defaults say what the mode is, unless they leave it to --mode. */
static oct_status read_recipe(job *j, oct_error *err)
{
    const cli_args *args = j->args;
    const char *path = cli_get(args, "recipe"), *mode = cli_get(args, "mode");
    oct_mode own;
    if (path != NULL) {
        oct_status status = oct_recipe_load(path, &j->recipe, err);
        if (status != OCT_OK)
            return status;
        bool has_mode = oct_recipe_mode(j->recipe, &own);
        if (mode != NULL && has_mode && own != j->quant.mode)
            return cli_usage(args, err, "--mode %s: the recipe says %s", mode, oct_mode_name(own));
        if (mode == NULL && !has_mode)
            return cli_usage(args, err, "--mode MODE is missing: the recipe has no default form");
        j->quant.mode = has_mode ? own : j->quant.mode;
        j->quant.recipe = j->recipe;
    }
    if (cli_get(args, "io") != NULL && j->quant.mode != OCT_MODE_INT8_FULL)
        return cli_usage(args, err, "--io belongs to --mode int8-full");
    if (oct_mode_needs_calibration(j->quant.mode) && cli_get(args, "calib") == NULL &&
        cli_get(args, "stats") == NULL)
        return cli_usage(args, err, "--mode %s needs --calib DATA: samples like those of real use",
            oct_mode_name(j->quant.mode));
    return OCT_OK;
}

/* Without a recipe one that says nothing stands in, so that what became of layers can be written. */
static oct_status resolve(job *j, oct_error *err)
{
    const char *path = cli_get(j->args, "recipe-out"), *nothing = "{\"octavo_recipe\": 1}";
    oct_quant_options asked = j->quant;
    oct_recipe *own = NULL;
    if (path == NULL && j->recipe == NULL)
        return OCT_OK;
    oct_status status = j->recipe == NULL ? oct_recipe_parse(nothing, strlen(nothing), "", &own, err) : OCT_OK;
    asked.recipe = j->recipe != NULL ? j->recipe : own;
    if (status == OCT_OK)
        status = oct_recipe_resolve(j->model, &asked, &j->resolved, &j->unused, err);
    if (status == OCT_OK && path != NULL)
        status = oct_recipe_save(j->resolved, path, err);
    oct_recipe_free(own);
    return status;
}

static oct_status subset(const job *j, int64_t from, int64_t count, oct_data **out, oct_error *err)
{
    int64_t *indices = malloc((size_t)count * sizeof *indices + 1);
    if (indices == NULL)
        return cli_usage(j->args, err, "--calib-samples: memory is too short for %lld", (long long)count);
    for (int64_t i = 0; i < count; i++)
        indices[i] = from + i;
    oct_status status = oct_data_subset(j->data, indices, count, out, err);
    free(indices);
    return status;
}

/* The first N samples, N from --calib-samples, and some of those behind to check the result on. */
static oct_status choose_samples(job *j, oct_error *err)
{
    enum { MOST_HELD = 64 };
    int64_t count, all = oct_data_count(j->data);
    bool part = cli_get(j->args, "stats-out") != NULL;
    oct_status status = cli_get_int(
        j->args, "calib-samples", 1, part ? all : 100000, part ? all : 200, &count, err);
    if (status != OCT_OK)
        return status;
    count = count < all ? count : all;
    int64_t held = part ? 0 : all - count < MOST_HELD ? all - count : MOST_HELD;
    status = subset(j, 0, count, &j->chosen, err);
    return status == OCT_OK && held > 0 ? subset(j, count, held, &j->held, err) : status;
}

static oct_status open_calibration(job *j, oct_error *err)
{
    const char *how = cli_get(j->args, "preprocess");
    oct_preprocess_choice choice;
    oct_status status = cli_open_data(j->args, cli_get(j->args, "calib"), &j->data, err);
    if (status == OCT_OK)
        status = cli_fit_length(j->args, j->data, j->model, err);
    if (status == OCT_OK)
        status = choose_samples(j, err);
    if (status == OCT_OK)
        status = oct_preprocess_find(how == NULL ? "auto" : how, j->model, j->data, j->args->threads,
            &choice, err);
    if (status == OCT_OK)
        status = oct_data_view_create(j->chosen, j->model, &choice.preprocess, &j->view, err);
    if (status == OCT_OK && j->held != NULL)
        status = oct_data_view_create(j->held, j->model, &choice.preprocess, &j->held_view, err);
    if (status != OCT_OK)
        return status;
    cli_note(j->args, "calibrating on %lld samples of %s, preprocessing %s",
        (long long)oct_data_count(j->chosen), oct_data_spec(j->data), choice.reason);
    snprintf(j->preprocess, sizeof j->preprocess, "%s", choice.preprocess.name);
    j->quant.calib = oct_data_view_samples(j->view);
    if (j->held_view != NULL)
        j->quant.held = oct_data_view_samples(j->held_view);
    return OCT_OK;
}

/* Calibration that fits its samples much better than others has learnt them, or they differ in kind. */
static void print_quality(const oct_quant_quality *q)
{
    const double worth_a_warning = 4;
    if (q == NULL)
        return;
    printf("SQNR of the outputs: %.1f dB on %lld other samples, %.1f dB on %lld of the calibration samples\n",
        q->held_sqnr, (long long)q->held_samples, q->calibration_sqnr, (long long)q->calibration_samples);
    if (q->half_range > 0)
        printf("ranges: half of the calibration samples find %.0f %% of them; %.2g %% of other samples' "
               "values lie beyond\n", 100 * q->half_range, 100 * q->saturated);
    if (q->calibration_sqnr - q->held_sqnr > worth_a_warning)
        printf("warning: %.1f dB worse on samples that calibration did not see: it saw too few, or others "
               "than these\n", q->calibration_sqnr - q->held_sqnr);
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
    print_quality(oct_quant_report_quality(j->report));
    for (const char *line = j->unused; line != NULL && *line != '\0'; line += strcspn(line, "\n") + 1)
        printf("recipe, no layer follows %.*s\n", (int)strcspn(line, "\n"), line);
}

static json_t *quality_json(const oct_quant_quality *q)
{
    if (q == NULL)
        return json_null();
    return json_pack("{s:I, s:f, s:I, s:f, s:f, s:f}", "calibration_samples",
        (json_int_t)q->calibration_samples, "calibration_sqnr", q->calibration_sqnr, "held_samples",
        (json_int_t)q->held_samples, "held_sqnr", q->held_sqnr, "saturated", q->saturated,
        "half_range", q->half_range);
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
    json_t *recipe = j->resolved == NULL ? json_null() : json_loads(j->resolved, 0, NULL);
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:I, s:o, s:o, s:o, s:s}", "file", j->output, "mode",
        oct_mode_name(j->quant.mode), "effort", oct_effort_name(j->quant.effort), "range",
        oct_range_method_name(j->quant.range), "bytes", (json_int_t)bytes, "quality",
        quality_json(oct_quant_report_quality(j->report)), "layers", layers_json(j->report), "recipe", recipe,
        "unused_rules", j->unused == NULL ? "" : j->unused);
    oct_status status = cli_print_json(object, err);
    json_decref(object);
    return status;
}

/* Adds up the files of --stats. */
static oct_status load_stats(job *j, oct_error *err)
{
    oct_status status = OCT_OK;
    for (int i = 0; i < j->args->given_count && status == OCT_OK; i++) {
        oct_statistics *part = NULL;
        if (strcmp(j->args->given[i].option->name, "stats") != 0)
            continue;
        status = oct_statistics_load(j->args->given[i].value, &part, err);
        if (status == OCT_OK && j->stats == NULL) {
            j->stats = part;
            continue;
        }
        if (status == OCT_OK)
            status = oct_statistics_merge(j->stats, part, err);
        oct_statistics_free(part);
    }
    if (j->stats != NULL)
        cli_note(j->args, "calibrating by statistics of %lld samples",
            (long long)oct_statistics_samples(j->stats));
    j->quant.statistics = j->stats;
    return status;
}

static bool is_first(const job *j)
{
    return j->args->group == NULL || j->args->group->rank == 0;
}

/* Of several processes the first writes. */
static oct_status save(const job *j, size_t *bytes, oct_error *err)
{
    *bytes = 0;
    return is_first(j) ? oct_model_save(j->quantized, j->output, bytes, err) : OCT_OK;
}

static oct_status write_stats(job *j, oct_error *err)
{
    const char *path = cli_get(j->args, "stats-out");
    oct_status status =
        oct_statistics_gather(j->model, &j->quant, j->preprocess, &j->stats, err);
    if (status == OCT_OK && is_first(j))
        status = oct_statistics_save(j->stats, path, err);
    if (status != OCT_OK || j->args->quiet)
        return status;
    long long samples = (long long)oct_statistics_samples(j->stats);
    if (!j->args->json) {
        printf("%s: statistics of %lld samples\n", path, samples);
        return cli_print_text("", err);
    }
    json_t *object = json_pack("{s:s, s:I}", "file", path, "samples", (json_int_t)samples);
    status = cli_print_json(object, err);
    json_decref(object);
    return status;
}

static oct_status work(job *j, oct_error *err)
{
    cli_shapes shapes;
    size_t bytes;
    oct_status status = read_options(j, err);
    if (status == OCT_OK)
        status = read_recipe(j, err);
    if (status == OCT_OK)
        status = cli_get_shapes(j->args, &shapes, err);
    if (status == OCT_OK)
        status = oct_model_load(j->args->words[0], &shapes.options, &j->model, err);
    if (status == OCT_OK)
        status = resolve(j, err);
    if (status == OCT_OK && cli_get(j->args, "calib") != NULL && (j->recipe != NULL ||
        oct_mode_uses_calibration(j->quant.mode, j->quant.effort)))
        status = open_calibration(j, err);
    if (status == OCT_OK)
        status = load_stats(j, err);
    if (status == OCT_OK && cli_get(j->args, "stats-out") != NULL)
        return write_stats(j, err);
    if (status == OCT_OK)
        status = oct_quantize(j->model, &j->quant, &j->quantized, &j->report, err);
    if (status == OCT_OK)
        status = save(j, &bytes, err);
    return status == OCT_OK ? print_result(j, bytes, err) : status;
}

static oct_status run(const cli_args *args, oct_error *err)
{
    job j = { .args = args };
    oct_status status = work(&j, err);
    oct_quant_report_free(j.report);
    oct_recipe_free(j.recipe);
    free(j.resolved);
    free(j.unused);
    oct_model_free(j.quantized);
    oct_statistics_free(j.stats);
    oct_data_view_free(j.held_view);
    oct_data_view_free(j.view);
    oct_data_free(j.held);
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
                "  octavo quantize model.keras --mode int8 --calib photos/:0-5000 --stats-out a.stats\n"
                "  octavo quantize model.keras --mode int8 --calib photos/:5000-9000 --stats-out b.stats\n"
                "  octavo quantize model.keras -o int8.tflite --mode int8 --stats a.stats --stats b.stats\n"
                "  octavo quantize model.keras -o mixed.tflite --recipe recipe.json --calib photos/\n"
                "  octavo quantize model.tflite -o npu.tflite --mode int8-full --io uint8 --calib x.npy",
    .run = run,
    .shared = true,
};
