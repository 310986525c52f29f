/*
 * octavo doctor: what is wrong with data before anything is measured on them.
 */
#include "command.h"

#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    { "data", 'd', "DATA", "the samples to examine" },
    { "calib", 0, "DATA", "calibration samples: leakage, and whether there are enough" },
    { "calib-samples", 0, "N", "use at most N of them (default: 200)" },
    { "preprocess", 0, "HOW", "auto, none, tf, unit, torch, caffe or a JSON file (default: auto)" },
    CLI_SHAPE_OPTIONS,
    { 0 },
};

typedef struct job {
    const cli_args *args;
    oct_model *model;
    oct_data *data, *calib;
    oct_diagnosis *diagnosis;
} job;

static void show_progress(void *user, const char *what, int64_t done, int64_t total)
{
    cli_progress(user, what, done, total);
}

static oct_status examine(job *j, oct_error *err)
{
    cli_shapes shapes;
    oct_doctor_options doctor = { .preprocess = cli_get(j->args, "preprocess"),
        .threads = j->args->threads,
        .progress = show_progress,
        .progress_user = (void *)(uintptr_t)j->args };
    if (cli_get(j->args, "data") == NULL)
        return cli_usage(j->args, err, "--data DATA is missing");
    oct_status status =
        cli_get_int(j->args, "calib-samples", 1, 100000, 200, &doctor.calib_samples, err);
    if (status == OCT_OK)
        status = cli_get_shapes(j->args, &shapes, err);
    if (status == OCT_OK)
        status = oct_model_load(j->args->words[0], &shapes.options, &j->model, err);
    if (status == OCT_OK)
        status = oct_data_open(cli_get(j->args, "data"), &j->data, err);
    if (status == OCT_OK)
        status = cli_fit_length(j->args, j->data, j->model, err);
    if (status == OCT_OK && cli_get(j->args, "calib") != NULL)
        status = oct_data_open(cli_get(j->args, "calib"), &j->calib, err);
    return status == OCT_OK
               ? oct_doctor(j->model, j->data, j->calib, &doctor, &j->diagnosis, err)
               : status;
}

static int32_t count_of(const job *j, oct_severity severity)
{
    int32_t count = 0;
    for (int32_t i = 0; i < oct_diagnosis_count(j->diagnosis); i++)
        count += oct_diagnosis_finding(j->diagnosis, i)->severity == severity;
    return count;
}

static void print_finding(const oct_finding *f)
{
    static const char *const marks[] = { "note", "warning", "MEND" };
    printf("%-8s %s\n", marks[f->severity], f->text);
    for (int32_t i = 0; i < f->place_count; i++)
        printf("         %s%s\n", f->places[i],
            i + 1 == f->place_count && f->count > f->place_count && f->place_count == OCT_FINDING_PLACES
                ? ", …"
                : "");
    printf("         -> %s\n", f->advice);
}

static void print_growth(const oct_growth *g, bool first)
{
    if (g->activations == 0)
        return;
    printf("%sranges of %d activations by calibration samples, parts of that with all:\n%-10s %-8s "
           "lowest tenth\n",
        first ? "" : "\n", (int)g->activations, "samples", "median");
    for (int i = 0; i < OCT_GROWTH_STEPS; i++)
        if (g->samples[i] > 0)
            printf("%-10lld %-8.3f %.3f\n", (long long)g->samples[i], g->median[i], g->low[i]);
    if (g->samples[OCT_GROWTH_STEPS - 3] > 0)
        printf("twice as many would widen the median range by about %.1f %%\n", 100 * g->more);
}

static void print_all(const job *j)
{
    printf("%lld samples", (long long)oct_data_count(j->data));
    if (oct_data_has_labels(j->data))
        printf(", %d classes", (int)oct_data_class_count(j->data));
    if (j->calib != NULL)
        printf(", %lld calibration samples", (long long)oct_data_count(j->calib));
    if (oct_diagnosis_preprocess(j->diagnosis)[0] != '\0')
        printf("; preprocessing %s", oct_diagnosis_preprocess(j->diagnosis));
    puts("\n");
    for (int32_t i = 0; i < oct_diagnosis_count(j->diagnosis); i++)
        print_finding(oct_diagnosis_finding(j->diagnosis, i));
    const oct_growth *growth = oct_diagnosis_growth(j->diagnosis);
    bool none = oct_diagnosis_count(j->diagnosis) == 0;
    print_growth(growth, none);
    printf("%s%d to mend, %d warnings, %d notes\n", none && growth->activations == 0 ? "" : "\n",
        (int)count_of(j, OCT_SEVERITY_MEND), (int)count_of(j, OCT_SEVERITY_WARNING),
        (int)count_of(j, OCT_SEVERITY_NOTE));
}

static json_t *findings_json(const job *j)
{
    json_t *all = json_array();
    for (int32_t i = 0; i < oct_diagnosis_count(j->diagnosis); i++) {
        const oct_finding *f = oct_diagnosis_finding(j->diagnosis, i);
        json_t *places = json_array();
        for (int32_t k = 0; k < f->place_count; k++)
            json_array_append_new(places, json_string(f->places[k]));
        json_array_append_new(all,
            json_pack("{s:s, s:s, s:I, s:s, s:s, s:o}", "finding", oct_finding_name(f->kind),
                "severity", oct_severity_name(f->severity), "count", (json_int_t)f->count, "text",
                f->text, "advice", f->advice, "places", places));
    }
    return all;
}

static json_t *classes_json(const job *j)
{
    int32_t classes = oct_data_has_labels(j->data) ? oct_data_class_count(j->data) : 0;
    int64_t *counts = calloc((size_t)classes + 1, sizeof *counts);
    json_t *all = json_array();
    for (int64_t i = 0; counts != NULL && classes > 0 && i < oct_data_count(j->data); i++)
        counts[oct_data_label(j->data, i)]++;
    for (int32_t k = 0; counts != NULL && k < classes; k++)
        json_array_append_new(all,
            json_pack("{s:i, s:s?, s:I}", "class", (int)k, "name", oct_data_class_name(j->data, k),
                "samples", (json_int_t)counts[k]));
    free(counts);
    return all;
}

static json_t *growth_json(const oct_growth *g)
{
    if (g->activations == 0)
        return json_null();
    json_t *steps = json_array();
    for (int i = 0; i < OCT_GROWTH_STEPS; i++)
        if (g->samples[i] > 0)
            json_array_append_new(steps, json_pack("{s:I, s:f, s:f}", "samples",
                (json_int_t)g->samples[i], "median", g->median[i], "lowest_tenth", g->low[i]));
    return json_pack("{s:i, s:o, s:f}", "activations", (int)g->activations, "steps", steps,
        "twice_as_many", g->more);
}

static oct_status print_result(const job *j, oct_error *err)
{
    if (!j->args->json) {
        print_all(j);
        return cli_print_text("", err);
    }
    json_t *object = json_pack("{s:s, s:I, s:I, s:s, s:o, s:o, s:o}", "data",
        oct_data_spec(j->data), "samples", (json_int_t)oct_data_count(j->data),
        "calibration_samples", (json_int_t)(j->calib == NULL ? 0 : oct_data_count(j->calib)),
        "preprocessing", oct_diagnosis_preprocess(j->diagnosis), "findings", findings_json(j),
        "classes", classes_json(j), "ranges", growth_json(oct_diagnosis_growth(j->diagnosis)));
    oct_status status = cli_print_json(object, err);
    json_decref(object);
    return status;
}

static oct_status run(const cli_args *args, oct_error *err)
{
    job j = { .args = args };
    oct_status status = examine(&j, err);
    if (status == OCT_OK)
        status = print_result(&j, err);
    if (status == OCT_OK && count_of(&j, OCT_SEVERITY_MEND) > 0)
        status = OCT_E_CONDITION;
    oct_diagnosis_free(j.diagnosis);
    oct_data_free(j.calib);
    oct_data_free(j.data);
    oct_model_free(j.model);
    return status;
}

const cli_command cli_doctor = {
    .name = "doctor",
    .words = "MODEL",
    .min_words = 1,
    .max_words = 1,
    .summary = "what is wrong with data before anything is measured on them",
    .text =
        "Broken and cut files, NaN, equal and nearly equal samples, the same with different labels,\n"
        "calibration samples that are evaluated too, missing and unbalanced classes, values that the\n"
        "model's input does not expect, and whether there are enough calibration samples. The exit\n"
        "code is 1 where something must be mended.",
    .options = options,
    .examples = "  octavo doctor model.keras --data images/\n"
                "  octavo doctor model.tflite --data test.npz --calib train.npz:200 --json",
    .run = run,
};
