/*
 * octavo diff: layer by layer error of one model against another.
 */
#include "command.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    { "data", 'd', "DATA", "samples; labels are not needed (a few dozen are enough)" },
    { "preprocess", 0, "HOW", "auto, none, tf, unit, torch, caffe or a JSON file (default: auto)" },
    { "kernels", 0, "KIND", "fast (default) or ref: TensorFlow Lite's reference arithmetic" },
    { "worst", 0, "N", "only the N layers that lose most, worst first" },
    { 0 },
};

typedef struct job {
    const cli_args *args;
    oct_model *a, *b;
    oct_data *data;
    oct_diff *diff;
    int64_t worst; /* 0: all, in order of execution */
} job;

static void show_progress(void *user, const char *what, int64_t done, int64_t total)
{
    cli_progress(user, what, done, total);
}

static oct_status compare(job *j, oct_error *err)
{
    const char *how = cli_get(j->args, "preprocess"), *kernels = cli_get(j->args, "kernels");
    if (kernels != NULL && strcmp(kernels, "ref") != 0 && strcmp(kernels, "fast") != 0)
        return cli_usage(j->args, err, "--kernels: '%s' is neither fast nor ref", kernels);
    oct_preprocess_choice choice;
    oct_status status = oct_preprocess_find(
        how == NULL ? "auto" : how, j->a, j->data, j->args->threads, &choice, err);
    if (status != OCT_OK)
        return status;
    oct_diff_options diff = { .threads = j->args->threads,
        .kernels =
            kernels != NULL && strcmp(kernels, "ref") == 0 ? OCT_KERNELS_REF : OCT_KERNELS_FAST,
        .progress = show_progress,
        .progress_user = (void *)(uintptr_t)j->args };
    return oct_diff_run(j->a, j->b, j->data, &choice.preprocess, &diff, &j->diff, err);
}

static int most_lost_first(const void *a, const void *b)
{
    const oct_layer_error *x = *(const oct_layer_error *const *)a;
    const oct_layer_error *y = *(const oct_layer_error *const *)b;
    return (x->loss_db < y->loss_db) - (x->loss_db > y->loss_db);
}

/* The layers to print, in the order to print them; free(). NULL when memory is short. */
static const oct_layer_error **choose(const job *j, int32_t *count)
{
    *count = oct_diff_count(j->diff);
    const oct_layer_error **layers = malloc((size_t)*count * sizeof(const oct_layer_error *));
    for (int32_t i = 0; i < *count && layers != NULL; i++)
        layers[i] = oct_diff_layer(j->diff, i);
    if (layers != NULL && j->worst > 0) {
        qsort(layers, (size_t)*count, sizeof *layers, most_lost_first);
        *count = j->worst < *count ? (int32_t)j->worst : *count;
    }
    return layers;
}

static oct_status print_json(
    const job *j, const oct_layer_error **layers, int32_t count, oct_error *err)
{
    json_t *array = json_array();
    for (int32_t i = 0; i < count; i++) {
        const oct_layer_error *e = layers[i];
        json_array_append_new(
            array, json_pack("{s:s, s:s, s:s, s:o, s:f, s:f, s:f, s:i}", "layer", e->layer, "op",
                       e->op, "type", e->type, "sqnr_db",
                       isfinite(e->sqnr_db) ? json_real(e->sqnr_db) : json_null(), "loss_db",
                       e->loss_db, "largest_error", e->largest_error, "saturated", e->saturated,
                       "codes_used", (int)e->codes_used));
    }
    json_t *object = json_pack("{s:s, s:s, s:I, s:o}", "a", j->args->words[0], "b",
        j->args->words[1], "samples", (json_int_t)oct_diff_samples(j->diff), "layers", array);
    oct_status status = cli_print_json(object, err);
    json_decref(object);
    return status;
}

static oct_status print_table(const oct_layer_error **layers, int32_t count, oct_error *err)
{
    printf("%-9s %9s %9s %9s %6s  %-20s %s\n", "SQNR", "lost here", "largest", "saturated", "codes",
        "operator", "tensor");
    for (int32_t i = 0; i < count; i++) {
        const oct_layer_error *e = layers[i];
        char sqnr[16] = "equal", codes[16] = "-";
        if (isfinite(e->sqnr_db))
            snprintf(sqnr, sizeof sqnr, "%.1f dB", e->sqnr_db);
        if (e->codes_used > 0)
            snprintf(codes, sizeof codes, "%d", (int)e->codes_used);
        printf("%-9s %6.1f dB %9.3g %7.2f %% %6s  %-20s %s\n", sqnr, e->loss_db, e->largest_error,
            100 * e->saturated, codes, e->op, e->layer);
    }
    return cli_print_text("", err);
}

static oct_status work(job *j, oct_error *err)
{
    const char *data = cli_get(j->args, "data");
    if (data == NULL)
        return cli_usage(j->args, err, "--data DATA is missing");
    oct_status status = cli_get_int(j->args, "worst", 1, INT32_MAX, 0, &j->worst, err);
    if (status == OCT_OK)
        status = oct_model_load(j->args->words[0], NULL, &j->a, err);
    if (status == OCT_OK)
        status = oct_model_load(j->args->words[1], NULL, &j->b, err);
    if (status == OCT_OK)
        status = oct_data_open(data, &j->data, err);
    if (status == OCT_OK)
        status = cli_fit_length(j->args, j->data, j->a, err);
    if (status == OCT_OK)
        status = cli_fit_length(j->args, j->data, j->b, err);
    if (status == OCT_OK)
        status = compare(j, err);
    if (status != OCT_OK)
        return status;
    int32_t count;
    const oct_layer_error **layers = choose(j, &count);
    if (layers == NULL) {
        err->status = OCT_E_MEMORY;
        snprintf(err->text, sizeof err->text, "out of memory (layers)");
        return OCT_E_MEMORY;
    }
    status = j->args->json ? print_json(j, layers, count, err) : print_table(layers, count, err);
    free(layers);
    return status;
}

static oct_status run(const cli_args *args, oct_error *err)
{
    job j = { .args = args };
    oct_status status = work(&j, err);
    oct_diff_free(j.diff);
    oct_data_free(j.data);
    oct_model_free(j.a);
    oct_model_free(j.b);
    return status;
}

const cli_command cli_diff = {
    .name = "diff",
    .words = "A B",
    .min_words = 2,
    .max_words = 2,
    .summary = "layer by layer error of B against A",
    .text =
        "Tensors that both models compute under one name are compared on the samples, integers\n"
        "dequantized. SQNR is 10 log10(signal / error) over all of them; 'lost here' is how far\n"
        "it lies below the worst input of the operator; 'saturated' the share of values at an\n"
        "end of the integer range; 'codes' the different values of an 8-bit tensor, of 256.",
    .options = options,
    .examples = "  octavo diff float32.tflite int8.tflite --data images/:32\n"
                "  octavo diff model.keras int8.tflite --data images/:32 --worst 10",
    .run = run,
};
