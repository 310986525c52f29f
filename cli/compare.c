/*
 * octavo compare: the main job. Every form made, measured on the user's data, and weighed.
 */
#include "constraints.h"
#include "device.h"

#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    { "data", 'd', "DATA", "labelled samples for the accuracy" },
    { "output", 'o', "DIR", "gets the .tflite files, results.json and report.html" },
    { "calib", 0, "DATA", "calibration samples (default: some of --data, left out of the accuracy)" },
    { "calib-samples", 0, "N", "use at most N calibration samples (default: 200)" },
    { "modes", 0, "A,B,…", "forms to make (default: all seven; float32 always)" },
    { "effort", 0, "LEVEL", "none: as TFLiteConverter, exactly; default: closer to the float model; high: closer still, and slower" },
    { "weight-bits", 0, "N", "8 (default), or 4 for layers whose kernels in LiteRT take such weights" },
    { "cache", 0, "DIR", "keeps decoded and resized pictures there, for the next time" },
    { "recipe", 0, "FILE", "a further form by rules for single layers, as quantize and tune write them" },
    { "resume", 0, "FILE", "keeps what is evaluated, so that a killed comparison goes on from it" },
    { "preprocess", 0, "HOW", "auto, none, tf, unit, torch, caffe or a JSON file (default: auto)" },
    { "bench-threads", 0, "N", "threads inside one timed inference (default: 1)" },
    { "bench-seconds", 0, "S", "time to measure latency (default: 2 for each form; 0: no latency)" },
    { "engine", 0, "NAME", "also measure in litert (XNNPACK) or litert-builtin" },
    { "litert-library", 0, "FILE", "libLiteRt.so (default: $OCT_LITERT_LIBRARY)" },
    CLI_CONSTRAINT_OPTIONS,
    CLI_SHAPE_OPTIONS,
    CLI_DEVICE_OPTIONS,
    { 0 },
};

typedef struct job {
    const cli_args *args;
    oct_compare_options compare;
    oct_variant variants[OCT_VARIANTS];
    oct_model *model;
    oct_data *data, *calib;
    oct_device *device; /* NULL: the host alone */
    oct_results *results;
    oct_engine *other;
    oct_recipe *recipe;
} job;

static void show_progress(void *user, const char *what, int64_t done, int64_t total)
{
    cli_progress(user, what, done, total);
}

/* "float16,int8" */
static oct_status read_forms(job *j, oct_error *err)
{
    const char *text = cli_get(j->args, "modes");
    while (text != NULL && *text != '\0') {
        char name[32];
        size_t length = strcspn(text, ",");
        snprintf(name, sizeof name, "%.*s", (int)length, text);
        if (j->compare.variant_count == OCT_VARIANTS)
            return cli_usage(j->args, err, "--modes: more than %d forms", OCT_VARIANTS);
        if (!oct_variant_from_name(name, &j->variants[j->compare.variant_count]))
            return cli_usage(j->args, err, "--modes: '%s' is not a form", name);
        j->compare.variant_count++;
        text += length + (text[length] == ',');
    }
    j->compare.variants = j->compare.variant_count == 0 ? NULL : j->variants;
    return OCT_OK;
}

static oct_status read_options(job *j, oct_error *err)
{
    const cli_args *args = j->args;
    /* Of several processes only the first writes files and measures latency. */
    bool others = args->group != NULL && args->group->rank > 0;
    int64_t bench_threads, bits;
    if (cli_get(args, "data") == NULL)
        return cli_usage(args, err, "--data DATA is missing");
    j->compare = (oct_compare_options){ .model_name = args->words[0],
        .given = args->word_count > 1 ? (const char *const *)args->words : NULL,
        .given_count = args->word_count > 1 ? args->word_count : 0,
        .preprocess = cli_get(args, "preprocess"),
        .folder = others ? NULL : cli_get(args, "output"),
        .group = args->group,
        .resume = cli_get(args, "resume"),
        .threads = args->threads,
        .seed = args->seed,
        .progress = show_progress,
        .progress_user = (void *)(uintptr_t)args };
    const char *effort = cli_get(args, "effort");
    j->compare.effort = OCT_EFFORT_DEFAULT;
    if (effort != NULL && !oct_effort_from_name(effort, &j->compare.effort))
        return cli_usage(args, err, "--effort: '%s' is not none, default or high", effort);
    oct_status status = read_forms(j, err);
    if (status == OCT_OK)
        status = cli_get_int(args, "weight-bits", 4, 8, 8, &bits, err);
    if (status == OCT_OK)
        status = cli_get_int(args, "calib-samples", 1, 100000, 0, &j->compare.calib_samples, err);
    if (status == OCT_OK)
        status = cli_get_int(args, "bench-threads", 1, 256, 1, &bench_threads, err);
    if (status == OCT_OK)
        status = cli_get_number(args, "bench-seconds", 0, &j->compare.bench_seconds, err);
    if (status == OCT_OK)
        status = cli_get_constraints(args, &j->compare.constraints, err);
    if (status != OCT_OK)
        return status;
    j->compare.bench_threads = (int32_t)bench_threads;
    j->compare.weight_bits = (int32_t)bits;
    /* For the library 0 means its default and a negative time "no benchmark". */
    if (others || (cli_get(args, "bench-seconds") != NULL && j->compare.bench_seconds == 0))
        j->compare.bench_seconds = -1;
    return OCT_OK;
}

/* Accuracy on samples that calibration has seen says too much. */
static oct_status warn_of_leakage(const job *j, oct_error *err)
{
    int64_t count;
    char name[256];
    oct_status status = oct_data_overlap(j->data, j->calib, &count, name, sizeof name, err);
    if (status == OCT_OK && count > 0)
        cli_note(j->args,
            "warning: %lld calibration samples (%s) are evaluated too; see octavo doctor",
            (long long)count, name);
    return status;
}

static oct_status open_inputs(job *j, oct_error *err)
{
    cli_shapes shapes;
    const char *calib = cli_get(j->args, "calib");
    oct_status status = cli_get_shapes(j->args, &shapes, err);
    if (status == OCT_OK)
        status = oct_model_load(j->args->words[0], &shapes.options, &j->model, err);
    if (status == OCT_OK)
        status = cli_open_data(j->args, cli_get(j->args, "data"), &j->data, err);
    if (status == OCT_OK)
        status = cli_fit_length(j->args, j->data, j->model, err);
    if (status == OCT_OK && calib != NULL)
        status = cli_open_data(j->args, calib, &j->calib, err);
    j->compare.calib = j->calib;
    if (status == OCT_OK && j->calib != NULL && (j->args->group == NULL || j->args->group->rank == 0))
        status = warn_of_leakage(j, err);
    return status;
}

static oct_status save_files(const job *j, oct_error *err)
{
    if (j->compare.folder == NULL)
        return OCT_OK;
    char path[4096];
    const oct_results *results = j->results;
    snprintf(path, sizeof path, "%s/results.json", j->compare.folder);
    oct_status status = oct_results_save(results, path, err);
    if (status != OCT_OK)
        return status;
    snprintf(path, sizeof path, "%s/report.html", j->compare.folder);
    return oct_report_save(&results, 1, path, err);
}

static oct_status print_result(const job *j, oct_error *err)
{
    char *text;
    oct_status status = j->args->json ? oct_results_json(j->results, &text, err) :
                                        oct_results_table(j->results, &text, err);
    if (status != OCT_OK)
        return status;
    status = cli_print_text(text, err);
    free(text);
    if (status != OCT_OK || j->args->json)
        return status;
    status = cli_print_text(oct_results_advice(j->results), err);
    if (j->compare.folder != NULL)
        cli_note(j->args, "written: %s/results.json, report.html and the .tflite files",
            j->compare.folder);
    return status;
}

static oct_status work(job *j, oct_error *err)
{
    oct_status status = read_options(j, err);
    if (status == OCT_OK && (j->args->group == NULL || j->args->group->rank == 0))
        status = cli_device_open(j->args, j->compare.bench_threads, &j->device, err);
    bool first = j->args->group == NULL || j->args->group->rank == 0;
    if (status == OCT_OK && first && cli_get(j->args, "engine") != NULL)
        status = oct_engine_open(
            cli_get(j->args, "engine"), cli_get(j->args, "litert-library"), &j->other, err);
    if (status == OCT_OK && cli_get(j->args, "recipe") != NULL)
        status = oct_recipe_load(cli_get(j->args, "recipe"), &j->recipe, err);
    j->compare.recipe = j->recipe;
    j->compare.other = j->other;
    j->compare.device = j->device;
    if (status == OCT_OK)
        status = open_inputs(j, err);
    if (status == OCT_OK)
        status = oct_compare(j->model, j->data, &j->compare, &j->results, err);
    if (status == OCT_OK)
        status = save_files(j, err);
    if (status == OCT_OK)
        status = print_result(j, err);
    if (status == OCT_OK && oct_results_failure(j->results) != NULL) {
        *err = (oct_error){ .status = OCT_E_SYSTEM, .offset = -1 };
        snprintf(err->text, sizeof err->text, "%s", oct_results_failure(j->results));
        return OCT_E_SYSTEM;
    }
    return status == OCT_OK ? cli_condition(j->args, j->results) : status;
}

static oct_status run(const cli_args *args, oct_error *err)
{
    job j = { .args = args };
    oct_status status = work(&j, err);
    oct_results_free(j.results);
    oct_engine_close(j.other);
    oct_recipe_free(j.recipe);
    oct_device_close(j.device);
    oct_data_free(j.calib);
    oct_data_free(j.data);
    oct_model_free(j.model);
    return status;
}

const cli_command cli_compare = {
    .name = "compare",
    .words = "MODEL [MODEL…]",
    .min_words = 1,
    .max_words = 16,
    .summary = "every quantized form of a model: size, accuracy, latency, and which to choose",
    .text = "DATA is a folder of class folders, a folder of images with labels.csv, XY.npz or an IDX file,\n"
            "with an optional choice of samples behind: DATA:1000, DATA:0-500, DATA:every=10.\n"
            "Forms: float32, dynamic, float16, int8, int8-full, int8-full-uint8, int16x8.\n"
            "Of several .tflite files none is made: they are compared with the first, the float32 one.\n"
            "With --max-drop, --max-size or --max-latency the exit code is 1 when no form satisfies them.",
    .options = options,
    .examples = "  octavo compare model.keras --data images/ -o out/\n"
                "  octavo compare model.h5 --data test.npz --calib train.npz --max-drop 0.01\n"
                "  octavo compare model.tflite --data images/ --modes int8,dynamic --for int-only\n"
                "  octavo compare model.keras --data images/ -o out/ --device adb\n"
                "  mpirun -n 8 octavo compare model.keras --data images/ --resume done.journal -o out/",
    .run = run,
    .shared = true,
};
