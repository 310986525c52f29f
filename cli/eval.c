/*
 * octavo eval: metrics of given files on the same samples, paired against the first.
 */
#include "device.h"
#include "engines.h"
#include "truth.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    { "data", 'd', "DATA", "labelled samples" },
    { "preprocess", 0, "HOW", "auto, none, tf, unit, torch, caffe or a JSON file (default: auto)" },
    CLI_ENGINE_OPTIONS,
    { "predictions", 0, "FILE", "top-1 answers as int32 .npy: [samples], or [models, samples]" },
    { "outputs", 0, "FILE", "outputs of the only model: the first as .npy, or all, with labels, as .npz" },
    { "metric", 0, "COMMAND", "your own: gets outputs as .npz, prints lines \"name value\", for each model" },
    { "resume", 0, "FILE", "keeps what is done, so that a killed evaluation goes on from it" },
    { "cache", 0, "DIR", "keeps decoded and resized pictures there, for the next time" },
    { "classes", 0, NULL, "how each class fared, in every model" },
    { "max-drop", 0, "X", "exit code 1 unless every model is shown to lose at most X (0.01: a point)" },
    CLI_DEVICE_OPTIONS,
    { 0 },
};

enum { MAX_OWN = 16 };

typedef struct job {
    const cli_args *args;
    cli_engines engines;
    int32_t model_count; /* models times engines */
    oct_device *device;  /* NULL: here */
    oct_data *data;
    oct_eval *eval;
    oct_preprocess_choice choice;
    double max_drop; /* negative: not asked */
    oct_named_value own[CLI_MAX_SUBJECTS][MAX_OWN]; /* of the user's metric */
    int32_t own_count[CLI_MAX_SUBJECTS];
    int name_width;  /* of the longest model name */
} job;

static void show_progress(void *user, const char *what, int64_t done, int64_t total)
{
    cli_progress(user, what, done, total);
}

static oct_status evaluate(job *j, oct_error *err)
{
    const char *how = cli_get(j->args, "preprocess");
    oct_status status = oct_preprocess_find(how == NULL ? "auto" : how, j->engines.models[0], j->data,
        j->args->threads, &j->choice, err);
    if (status != OCT_OK)
        return status;
    oct_eval_options eval = { .threads = j->args->threads,
        .kernels = j->engines.kernels,
        .engines = j->device == NULL ? j->engines.subject_engines : NULL,
        .label_offset = j->choice.label_offset,
        .keep_outputs = cli_get(j->args, "outputs") != NULL || cli_get(j->args, "metric") != NULL,
        .seed = j->args->seed,
        .group = j->args->group,
        .resume = cli_get(j->args, "resume"),
        .progress = show_progress,
        .progress_user = (void *)(uintptr_t)j->args };
    if (j->device != NULL)
        return oct_device_evaluate(j->device, j->engines.subjects, j->model_count, j->data,
            &j->choice.preprocess, &eval, &j->eval, err);
    return oct_evaluate(j->engines.subjects, j->model_count, j->data, &j->choice.preprocess, &eval,
        &j->eval, err);
}

static oct_status write_predictions(const job *j, const char *path, oct_error *err)
{
    int64_t samples = oct_eval_sample_count(j->eval);
    int64_t dims[2] = { j->model_count, samples };
    int32_t *answers = malloc(((size_t)samples * (size_t)j->model_count + 1) * sizeof *answers);
    if (answers == NULL) {
        err->status = OCT_E_MEMORY;
        snprintf(err->text, sizeof err->text, "out of memory (predictions)");
        return OCT_E_MEMORY;
    }
    for (int32_t m = 0; m < j->model_count; m++)
        for (int64_t s = 0; s < samples; s++)
            answers[m * samples + s] = oct_eval_answer(j->eval, m, s);
    bool one = j->model_count == 1;
    oct_status status = oct_npy_write(path, "int32", one ? 1 : 2, one ? dims + 1 : dims, answers, err);
    free(answers);
    return status;
}

static json_t *interval_json(oct_interval interval)
{
    return json_pack("[f, f]", interval.low, interval.high);
}

/* Samples on which a model answers otherwise than in the first engine; -1 in that engine itself, and
 * where a sample has no single answer. */
static int64_t answers_that_differ(const job *j, int32_t m)
{
    int32_t first = m - m % j->engines.engine_count;
    int64_t differ = 0;
    if (oct_eval_task(j->eval) != OCT_TASK_CLASSES)
        return -1;
    for (int64_t s = 0; s < oct_eval_sample_count(j->eval); s++)
        differ += oct_eval_answer(j->eval, m, s) != oct_eval_answer(j->eval, first, s);
    return m == first ? -1 : differ;
}

static json_t *classes_json(const job *j, int32_t m)
{
    json_t *classes = json_array();
    const oct_class_counts *counts = oct_eval_classes(j->eval, m);
    for (int32_t k = 0; k < oct_eval_metrics(j->eval, m)->classes; k++) {
        const char *name = oct_data_class_name(j->data, k - j->choice.label_offset);
        json_array_append_new(classes,
            json_pack("{s:i, s:s?, s:I, s:I, s:I}", "class", (int)k, "name", name, "samples",
                (json_int_t)counts[k].samples, "answered", (json_int_t)counts[k].answered, "right",
                (json_int_t)counts[k].right));
    }
    return classes;
}

static json_t *model_json(const job *j, int32_t m)
{
    const oct_metrics *metrics = oct_eval_metrics(j->eval, m);
    const oct_paired *paired = oct_eval_paired(j->eval, m);
    json_t *object = json_pack("{s:s, s:s, s:I, s:I}", "model", j->engines.subject_names[m],
        "engine", oct_engine_name(j->engines.subject_engines[m]), "samples",
        (json_int_t)metrics->samples, "invalid", (json_int_t)metrics->invalid);
    if (metrics->has_labels) {
        json_object_set_new(object, "top1", json_integer(metrics->top1));
        json_object_set_new(object, "top1_interval", interval_json(metrics->top1_interval));
        json_object_set_new(object, "top5", json_integer(metrics->top5));
        json_object_set_new(object, "calibration_error", json_real(metrics->calibration_error));
        json_object_set_new(object, "macro_f1", json_real(metrics->macro_f1));
        json_object_set_new(object, "auc",
            isfinite(metrics->auc) ? json_real(metrics->auc) : json_null());
        json_object_set_new(object, "classes", classes_json(j, m));
        json_object_set_new(object, "loss", json_real(metrics->loss));
        json_object_set_new(object, "loss_interval", interval_json(metrics->loss_interval));
    }
    cli_truth_json(j->eval, m, object);
    if (m > 0 && oct_eval_task(j->eval) == OCT_TASK_CLASSES)
        json_object_set_new(object, "agree", json_integer(paired->agree));
    if (m > 0)
        json_object_set_new(object, "sqnr_db",
            isfinite(paired->sqnr_db) ? json_real(paired->sqnr_db) : json_null());
    if (m > 0 && metrics->has_labels) {
        json_object_set_new(object, "lost", json_integer(paired->lost));
        json_object_set_new(object, "won", json_integer(paired->won));
        json_object_set_new(object, "difference", json_real(paired->difference));
        json_object_set_new(object, "difference_interval", interval_json(paired->difference_interval));
        json_object_set_new(object, "mcnemar_p", json_real(paired->mcnemar_p));
    }
    for (int32_t i = 0; i < j->own_count[m]; i++)
        json_object_set_new(object, j->own[m][i].name, json_real(j->own[m][i].value));
    int64_t differ = answers_that_differ(j, m);
    if (differ >= 0)
        json_object_set_new(object, "differs_from_first_engine", json_integer(differ));
    return object;
}

static oct_status print_json(const job *j, oct_error *err)
{
    json_t *models = json_array();
    for (int32_t m = 0; m < j->model_count; m++)
        json_array_append_new(models, model_json(j, m));
    json_t *object = json_pack("{s:s, s:s, s:i, s:o}", "data", oct_data_spec(j->data), "preprocess",
        j->choice.preprocess.name, "label_offset", (int)j->choice.label_offset, "models", models);
    if (j->device != NULL)
        json_object_set_new(object, "device", cli_device_json(j->device));
    oct_status status = cli_print_json(object, err);
    json_decref(object);
    return status;
}

/* Columns are only those that have something to say. */
static void print_header(const job *j)
{
    bool labels = oct_eval_metrics(j->eval, 0)->has_labels, several = j->model_count > 1;
    printf("%-*s", j->name_width, "model");
    if (labels)
        printf("  %-22s", "top-1");
    if (labels && several)
        printf("  %-26s  %-8s", "points lost or won (95 %)", "p");
    cli_truth_header(j->eval, several);
    if (several && oct_eval_task(j->eval) == OCT_TASK_CLASSES)
        printf("  %-13s", "same answer");
    if (several)
        printf("  SQNR");
    putchar('\n');
}

static void print_row(const job *j, int32_t m)
{
    const oct_metrics *metrics = oct_eval_metrics(j->eval, m);
    const oct_paired *paired = oct_eval_paired(j->eval, m);
    long long samples = (long long)metrics->samples;
    char text[64], label[256];
    printf("%-*s", j->name_width, cli_subject_label(&j->engines, m, label, sizeof label));
    if (metrics->has_labels) {
        snprintf(text, sizeof text, "%.2f %% (%lld/%lld)",
            100 * (double)metrics->top1 / (double)metrics->samples, (long long)metrics->top1, samples);
        printf("  %-22s", text);
    }
    if (m > 0 && metrics->has_labels) {
        snprintf(text, sizeof text, "%+.2f [%+.2f, %+.2f]", 100 * paired->difference,
            100 * paired->difference_interval.low, 100 * paired->difference_interval.high);
        printf("  %-26s  %-8.3g", text, paired->mcnemar_p);
    }
    cli_truth_cells(j->eval, m);
    if (m > 0 && oct_eval_task(j->eval) == OCT_TASK_CLASSES) {
        snprintf(text, sizeof text, "%lld/%lld", (long long)paired->agree, samples);
        printf("  %-13s", text);
    }
    if (m > 0)
        printf("  %.1f dB", paired->sqnr_db);
    if (metrics->invalid > 0)
        printf("  %lld samples with NaN or infinity", (long long)metrics->invalid);
    if (answers_that_differ(j, m) >= 0)
        printf("  %lld answers differ from %s", (long long)answers_that_differ(j, m),
            oct_engine_name(j->engines.engines[0]));
    putchar('\n');
}

/* --classes: recall and precision of each class, a column a model. */
static void print_classes(const job *j)
{
    int32_t classes = oct_eval_metrics(j->eval, 0)->classes;
    printf("\n%-24s %8s", "class", "samples");
    for (int32_t m = 0; m < j->model_count; m++)
        printf("  %-17s", m == 0 ? "recall precision" : "");
    putchar('\n');
    for (int32_t k = 0; k < classes; k++) {
        const char *name = oct_data_class_name(j->data, k - j->choice.label_offset);
        char number[16];
        snprintf(number, sizeof number, "%d", (int)k);
        printf("%-24.24s %8lld", name == NULL ? number : name,
            (long long)oct_eval_classes(j->eval, 0)[k].samples);
        for (int32_t m = 0; m < j->model_count; m++) {
            const oct_class_counts *c = &oct_eval_classes(j->eval, m)[k];
            printf("  %6.2f %8.2f  ", c->samples > 0 ? 100. * (double)c->right / (double)c->samples : 0,
                c->answered > 0 ? 100. * (double)c->right / (double)c->answered : 0);
        }
        putchar('\n');
    }
    for (int32_t m = 0; m < j->model_count; m++) {
        const oct_metrics *metrics = oct_eval_metrics(j->eval, m);
        char label[256];
        printf("%s: F1 %.4f over classes, calibration error %.4f", cli_subject_label(&j->engines, m,
            label, sizeof label), metrics->macro_f1, metrics->calibration_error);
        if (isfinite(metrics->auc))
            printf(", area under the ROC curve %.4f", metrics->auc);
        putchar('\n');
    }
}

/* --max-drop: every model against the first must be shown to lose no more. */
static oct_status check_drop(const job *j)
{
    bool holds = true;
    for (int32_t m = 1; m < j->model_count && j->max_drop >= 0; m++) {
        const oct_paired *paired = oct_eval_paired(j->eval, m);
        int64_t samples = oct_eval_sample_count(j->eval);
        bool labels = oct_eval_metrics(j->eval, m)->has_labels;
        oct_equivalence test;
        char label[256];
        /* Without labels every changed answer counts as lost. */
        oct_equivalence_test(samples, labels ? paired->lost : samples - paired->agree,
            labels ? paired->won : 0, j->max_drop, &test);
        cli_note(j->args, "%s: at most %g lost: %s (%.1f %% sure)",
            cli_subject_label(&j->engines, m, label, sizeof label), j->max_drop,
            test.holds ? "yes" : test.fails ? "no" : "cannot tell", 100 * test.confidence);
        holds &= test.holds;
    }
    return holds ? OCT_OK : OCT_E_CONDITION;
}

static oct_status write_files(const job *j, oct_error *err)
{
    const char *predictions = cli_get(j->args, "predictions"), *outputs = cli_get(j->args, "outputs");
    oct_status status = predictions != NULL ? write_predictions(j, predictions, err) : OCT_OK;
    if (status != OCT_OK || outputs == NULL)
        return status;
    size_t length = strlen(outputs);
    return length > 4 && strcmp(outputs + length - 4, ".npz") == 0 ?
        oct_eval_save_outputs(j->eval, 0, outputs, err) :
        oct_eval_write_outputs(j->eval, 0, 0, outputs, err);
}

static oct_status run_metrics(job *j, oct_error *err)
{
    const char *command = cli_get(j->args, "metric");
    oct_status status = OCT_OK;
    for (int32_t m = 0; command != NULL && m < j->model_count && status == OCT_OK; m++)
        status = oct_eval_run_metric(j->eval, m, command, j->own[m], MAX_OWN, &j->own_count[m], err);
    return status;
}

static void print_own(const job *j)
{
    char label[256];
    for (int32_t m = 0; m < j->model_count; m++)
        for (int32_t i = 0; i < j->own_count[m]; i++)
            printf("%s: %s %.6g\n", cli_subject_label(&j->engines, m, label, sizeof label),
                j->own[m][i].name, j->own[m][i].value);
}

static oct_status answer(job *j, oct_error *err)
{
    if (j->args->group != NULL && j->args->group->rank > 0)
        return OCT_OK; /* the first of several processes speaks for all */
    oct_status status = write_files(j, err);
    if (status == OCT_OK)
        status = run_metrics(j, err);
    if (status != OCT_OK)
        return status;
    if (j->args->json)
        return print_json(j, err);
    cli_note(j->args, "%lld samples%s%s, preprocessing %s", (long long)oct_eval_sample_count(j->eval),
        j->device == NULL ? "" : " on ", j->device == NULL ? "" : oct_device_name(j->device),
        j->choice.reason);
    print_header(j);
    for (int32_t m = 0; m < j->model_count; m++)
        print_row(j, m);
    if (cli_get(j->args, "classes") != NULL && oct_eval_metrics(j->eval, 0)->has_labels)
        print_classes(j);
    if (cli_get(j->args, "classes") != NULL)
        cli_truth_classes(j->eval);
    print_own(j);
    return cli_print_text("", err);
}

static oct_status work(job *j, oct_error *err)
{
    const char *data = cli_get(j->args, "data"), *outputs = cli_get(j->args, "outputs");
    if (data == NULL)
        return cli_usage(j->args, err, "--data DATA is missing");
    oct_status status = cli_get_number(j->args, "max-drop", -1, &j->max_drop, err);
    if (status == OCT_OK)
        status = cli_device_open(j->args, j->args->threads, &j->device, err);
    if (status == OCT_OK)
        status = cli_engines_open(j->args, &j->engines, err);
    j->model_count = j->engines.subject_count;
    if (status == OCT_OK && outputs != NULL && j->model_count != 1)
        return cli_usage(j->args, err, "--outputs: %d models; it takes one in one engine",
            (int)j->model_count);
    j->name_width = (int)sizeof "model" - 1;
    for (int32_t m = 0; m < j->model_count; m++) {
        char label[256];
        int width = (int)strlen(cli_subject_label(&j->engines, m, label, sizeof label));
        j->name_width = width > j->name_width ? width : j->name_width;
    }
    if (status == OCT_OK)
        status = cli_open_data(j->args, data, &j->data, err);
    for (int i = 0; status == OCT_OK && i < j->args->word_count; i++)
        status = cli_fit_length(j->args, j->data, j->engines.models[i], err);
    if (status != OCT_OK)
        return status;
    status = evaluate(j, err);
    /* What a device computed before it failed is printed all the same. */
    oct_status answered = j->eval != NULL ? answer(j, err) : OCT_OK;
    if (status == OCT_OK)
        status = answered;
    if (status == OCT_OK && j->max_drop >= 0 && oct_eval_task(j->eval) != OCT_TASK_CLASSES)
        return cli_usage(j->args, err, "--max-drop is about right answers; these data have none");
    return status == OCT_OK ? check_drop(j) : status;
}

static oct_status run(const cli_args *args, oct_error *err)
{
    job j = { .args = args };
    oct_status status = work(&j, err);
    oct_eval_free(j.eval);
    oct_data_free(j.data);
    oct_device_close(j.device);
    cli_engines_close(&j.engines);
    return status;
}

const cli_command cli_eval = {
    .name = "eval",
    .words = "MODEL…",
    .min_words = 1,
    .max_words = CLI_MAX_SUBJECTS,
    .summary = "accuracy of given files on the same samples, paired against the first",
    .text = "Intervals are 95 %: Wilson for a rate, Tango's score interval for a paired difference; p is the\n"
            "exact McNemar test. Without labels only agreement with the first model is counted.\n"
            "Masks are measured by mean IoU, boxes by mAP (COCO), values by absolute error, RMSE and R2; their\n"
            "intervals come from a bootstrap of samples. docs/data.md lists what DATA may be.",
    .options = options,
    .examples = "  octavo eval float.tflite int8.tflite --data images/\n"
                "  octavo eval float.tflite mine.tflite --data test.npz --max-drop 0.01 && deploy\n"
                "  octavo eval int8.tflite --data images/ --engine octavo,litert\n"
                "  octavo eval float.tflite int8.tflite --data images/ --device adb",
    .run = run,
    .shared = true,
};
