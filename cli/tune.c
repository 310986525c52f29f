/*
 * octavo tune: mixed precision under a bound on the accuracy.
 */
#include "command.h"

#include <octavo/tune.h>

#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    { "data", 'd', "DATA", "samples to search with and to verify on; labelled where answers count" },
    { "max-drop", 0, "FRACTION", "accuracy that may be lost: 0.005 is half a point" },
    { "output", 'o', "FILE", "the .tflite to write" },
    { "recipe-out", 0, "FILE", "the recipe to write" },
    { "mode", 'm', "MODE", "int8 (default) or int8-full: what all other layers are" },
    { "effort", 0, "LEVEL", "none, default or high, as octavo quantize" },
    { "calib", 0, "DATA", "calibration samples (default: some of --data, used for nothing else)" },
    { "calib-samples", 0, "N", "use at most N calibration samples (default: 200)" },
    { "cost", 0, "WHAT", "what a layer is weighed by: bytes (default) or time" },
    { "front", 0, NULL, "goes on where the bound holds, for the whole front of size and accuracy" },
    { "budget", 0, "TIME", "ends the search after 90, 90s, 15m or 2h" },
    { "resume", 0, "FILE", "keeps what is measured, so that a killed search goes on from it" },
    { "bench-seconds", 0, "S", "time to measure latency (default: 0.5 for each model; 0: no latency)" },
    { "preprocess", 0, "HOW", "auto, none, tf, unit, torch, caffe or a JSON file (default: auto)" },
    CLI_SHAPE_OPTIONS,
    { 0 },
};

typedef struct job {
    const cli_args *args;
    oct_tune_options tune;
    oct_model *model;
    oct_data *data, *calib;
    oct_tuned *tuned;
} job;

static void show_progress(void *user, const char *what, int64_t done, int64_t total)
{
    cli_progress(user, what, done, total);
}

/* "90", "90s", "15m", "2h" */
static oct_status read_budget(job *j, oct_error *err)
{
    const char *text = cli_get(j->args, "budget");
    char *end;
    if (text == NULL)
        return OCT_OK;
    double value = strtod(text, &end), unit = *end == 'm' ? 60 : *end == 'h' ? 3600 : 1;
    if (end == text || (*end != '\0' && strchr("smh", *end) == NULL) || (*end != '\0' && end[1] != '\0') ||
        !(value > 0 && value < 1e7))
        return cli_usage(j->args, err, "--budget: '%s' is not a time such as 90s, 15m or 2h", text);
    j->tune.budget_seconds = value * unit;
    return OCT_OK;
}

static oct_status read_names(job *j, oct_error *err)
{
    const cli_args *args = j->args;
    const char *mode = cli_get(args, "mode"), *effort = cli_get(args, "effort"), *cost = cli_get(args, "cost");
    j->tune.mode = OCT_MODE_INT8;
    j->tune.effort = OCT_EFFORT_DEFAULT;
    if (mode != NULL && (!oct_mode_from_name(mode, &j->tune.mode) ||
            (j->tune.mode != OCT_MODE_INT8 && j->tune.mode != OCT_MODE_INT8_FULL)))
        return cli_usage(args, err, "--mode: '%s' is not int8 or int8-full", mode);
    if (effort != NULL && !oct_effort_from_name(effort, &j->tune.effort))
        return cli_usage(args, err, "--effort: '%s' is not none, default or high", effort);
    if (cost != NULL && strcmp(cost, "bytes") != 0 && strcmp(cost, "time") != 0)
        return cli_usage(args, err, "--cost: '%s' is neither bytes nor time", cost);
    j->tune.cost = cost != NULL && strcmp(cost, "time") == 0 ? OCT_TUNE_TIME : OCT_TUNE_BYTES;
    return OCT_OK;
}

static oct_status read_options(job *j, oct_error *err)
{
    const cli_args *args = j->args;
    j->tune = (oct_tune_options){ .preprocess = cli_get(args, "preprocess"),
        .resume = cli_get(args, "resume"),
        .threads = args->threads,
        .seed = args->seed,
        .progress = show_progress,
        .progress_user = (void *)(uintptr_t)args };
    j->tune.whole_front = cli_get(args, "front") != NULL;
    if (cli_get(args, "data") == NULL)
        return cli_usage(args, err, "--data DATA is missing");
    if (cli_get(args, "max-drop") == NULL)
        return cli_usage(args, err, "--max-drop is missing: how much accuracy may be lost");
    oct_status status = read_names(j, err);
    if (status == OCT_OK)
        status = cli_get_number(args, "max-drop", 0, &j->tune.max_drop, err);
    if (status == OCT_OK && !(j->tune.max_drop >= 0 && j->tune.max_drop < 1))
        return cli_usage(args, err, "--max-drop: %g is not in 0 … 1 (0.01 is one point)", j->tune.max_drop);
    if (status == OCT_OK)
        status = cli_get_int(args, "calib-samples", 1, 100000, 0, &j->tune.calib_samples, err);
    if (status == OCT_OK)
        status = cli_get_number(args, "bench-seconds", 0, &j->tune.bench_seconds, err);
    /* For the library 0 means its default and a negative time "no benchmark". */
    if (cli_get(args, "bench-seconds") != NULL && j->tune.bench_seconds == 0)
        j->tune.bench_seconds = -1;
    if (status == OCT_OK && j->tune.cost == OCT_TUNE_TIME && j->tune.bench_seconds < 0)
        return cli_usage(args, err, "--cost time needs latency, which --bench-seconds 0 leaves out");
    return status == OCT_OK ? read_budget(j, err) : status;
}

static oct_status open_inputs(job *j, oct_error *err)
{
    cli_shapes shapes;
    const char *calib = cli_get(j->args, "calib");
    oct_status status = cli_get_shapes(j->args, &shapes, err);
    if (status == OCT_OK)
        status = oct_model_load(j->args->words[0], &shapes.options, &j->model, err);
    if (status == OCT_OK)
        status = oct_data_open(cli_get(j->args, "data"), &j->data, err);
    if (status == OCT_OK && calib != NULL)
        status = oct_data_open(calib, &j->calib, err);
    j->tune.calib = j->calib;
    return status;
}

static oct_status save_files(const job *j, oct_error *err)
{
    const char *output = cli_get(j->args, "output"), *recipe = cli_get(j->args, "recipe-out");
    oct_status status = OCT_OK;
    if (output != NULL)
        status = oct_model_save(oct_tuned_model(j->tuned), output, NULL, err);
    if (status == OCT_OK && recipe != NULL)
        status = oct_recipe_save(oct_tuned_recipe(j->tuned), recipe, err);
    return status;
}

static oct_status print_result(const job *j, oct_error *err)
{
    char *text;
    oct_status status = j->args->json ? oct_tuned_json(j->tuned, &text, err) : oct_tuned_table(j->tuned, &text, err);
    if (status != OCT_OK)
        return status;
    status = cli_print_text(text, err);
    free(text);
    return status;
}

static oct_status work(job *j, oct_error *err)
{
    oct_status status = read_options(j, err);
    if (status == OCT_OK)
        status = open_inputs(j, err);
    if (status == OCT_OK)
        status = oct_tune(j->model, j->data, &j->tune, &j->tuned, err);
    if (status == OCT_OK)
        status = save_files(j, err);
    if (status == OCT_OK)
        status = print_result(j, err);
    return status == OCT_OK && !oct_tuned_holds(j->tuned) ? OCT_E_CONDITION : status;
}

static oct_status run(const cli_args *args, oct_error *err)
{
    job j = { .args = args };
    oct_status status = work(&j, err);
    oct_tuned_free(j.tuned);
    oct_data_free(j.calib);
    oct_data_free(j.data);
    oct_model_free(j.model);
    return status;
}

const cli_command cli_tune = {
    .name = "tune",
    .words = "MODEL",
    .min_words = 1,
    .max_words = 1,
    .summary = "mixed precision: layers kept float or in 16 bits until accuracy is within a bound",
    .text = "Half of DATA is searched with: a quarter of it ranks layers by the gain of keeping each, the rest\n"
            "verifies every step. The other half is looked at once, at the end. Exit code 1: the bound was not\n"
            "shown to hold there. Without labels the drop is the share of samples whose answer changes.",
    .options = options,
    .examples = "  octavo tune model.keras --data test.npz --max-drop 0.005 -o mixed.tflite\n"
                "  octavo tune model.tflite --data images/ --calib photos/ --max-drop 0.01 --budget 15m \\\n"
                "      --resume tune.journal --recipe-out recipe.json",
    .run = run,
};
