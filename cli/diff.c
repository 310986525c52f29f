/*
 * octavo diff: layer by layer error of one model against another, the layers to blame, and what it
 * would cost to keep these in float.
 */
#include "command.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const cli_option options[] = {
    { "data", 'd', "DATA", "samples; labels are not needed (a few dozen are enough)" },
    { "preprocess", 0, "HOW", "auto, none, tf, unit, torch, caffe or a JSON file (default: auto)" },
    { "kernels", 0, "KIND", "fast (default) or ref: TensorFlow Lite's reference arithmetic" },
    { "worst", 0, "N", "only the N layers that add most error, worst first" },
    { 0 },
};

enum { BLAMED = 5, MAX_BLAMED = 100 };

typedef struct job {
    const cli_args *args;
    oct_model *a, *b;
    oct_data *data;
    oct_diff *diff;
    int64_t worst;                  /* 0: all, in order of execution */
    const oct_layer_error **layers; /* [count] to print */
    int32_t count;
    const oct_layer_error *blamed[MAX_BLAMED];
    oct_layer_cost costs[MAX_BLAMED];
    int32_t blamed_count;
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

/* The layers to print, in the order to print them, and those to blame. */
static oct_status choose(job *j, oct_error *err)
{
    int32_t count = oct_diff_count(j->diff);
    int32_t blamed = j->worst == 0           ? BLAMED
                     : j->worst < MAX_BLAMED ? (int32_t)j->worst
                                             : MAX_BLAMED;
    j->layers = malloc((size_t)count * sizeof(const oct_layer_error *));
    if (j->layers == NULL) {
        snprintf(err->text, sizeof err->text, "out of memory (layers)");
        return err->status = OCT_E_MEMORY;
    }
    j->blamed_count = oct_diff_blame(j->diff, j->blamed, blamed);
    if (j->worst > 0)
        j->count = oct_diff_blame(j->diff, j->layers, j->worst < count ? (int32_t)j->worst : count);
    else
        for (; j->count < count; j->count++)
            j->layers[j->count] = oct_diff_layer(j->diff, j->count);
    return OCT_OK;
}

/* What keeping the blamed layers in float would cost. */
static oct_status price(job *j, oct_error *err)
{
    const oct_model *const models[] = { j->a, j->b };
    oct_bench_options how = { .threads = j->args->threads == 0 ? 1 : j->args->threads,
        .rounds = 1,
        .profile = true,
        .seed = j->args->seed };
    oct_bench *bench;
    if (j->blamed_count == 0)
        return OCT_OK;
    oct_status status = oct_bench_run(models, 2, &how, &bench, err);
    if (status == OCT_OK)
        status = oct_layer_costs(bench, 0, 1, j->blamed, j->blamed_count, j->costs, err);
    oct_bench_free(bench);
    return status;
}

/* JSON. */

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *layer_json(const oct_layer_error *e)
{
    json_t *layer = json_pack("{s:s, s:s, s:s, s:o, s:I, s:f, s:f, s:f, s:i, s:f}", "layer",
        e->layer, "op", e->op, "type", e->type, "sqnr_db", number(e->sqnr_db), "channels_rescaled",
        (json_int_t)e->channels_rescaled, "loss_db", e->loss_db, "largest_error", e->largest_error,
        "saturated", e->saturated, "codes_used", (int)e->codes_used, "blame", e->blame);
    if (e->alone) {
        json_object_set_new(layer, "entering_db", number(e->entering_db));
        json_object_set_new(layer, "added_db", number(e->added_db));
    }
    if (e->has_range) {
        json_object_set_new(layer, "range", json_pack("[f, f]", e->range_low, e->range_high));
        json_object_set_new(layer, "most_values", json_pack("[f, f]", e->most_low, e->most_high));
    }
    return layer;
}

static json_t *blamed_json(const oct_layer_error *e, const oct_layer_cost *c)
{
    json_t *blamed = json_pack("{s:s, s:s, s:f, s:I}", "layer", e->layer, "op", e->op, "blame",
        e->blame, "float_adds_bytes", (json_int_t)c->bytes);
    if (c->timed)
        json_object_update_new(blamed,
            json_pack("{s:f, s:f, s:f, s:f}", "float_ns", c->float_ns, "ns", c->ns, "convert_ns",
                c->convert_ns, "float_adds_ns", c->float_ns - c->ns + c->convert_ns));
    return blamed;
}

static oct_status print_json(const job *j, oct_error *err)
{
    json_t *layers = json_array(), *blamed = json_array();
    for (int32_t i = 0; i < j->count; i++)
        json_array_append_new(layers, layer_json(j->layers[i]));
    for (int32_t i = 0; i < j->blamed_count; i++)
        json_array_append_new(blamed, blamed_json(j->blamed[i], &j->costs[i]));
    json_t *object =
        json_pack("{s:s, s:s, s:I, s:o, s:o}", "a", j->args->words[0], "b", j->args->words[1],
            "samples", (json_int_t)oct_diff_samples(j->diff), "layers", layers, "blamed", blamed);
    oct_status status = cli_print_json(object, err);
    json_decref(object);
    return status;
}

/* The table. */

/* "equal" for no error, "-" where it is not known. */
static const char *decibels(bool known, double value, char text[16])
{
    if (!known || !isfinite(value))
        snprintf(text, 16, "%s", !known ? "-" : "equal");
    else
        snprintf(text, 16, "%.1f dB", value);
    return text;
}

static void print_layer(const oct_layer_error *e)
{
    char sqnr[16], entering[16], added[16], blame[16] = "-", codes[16] = "-", range[16] = "-";
    double most = e->most_high - e->most_low;
    if (e->alone)
        snprintf(blame, sizeof blame, "%.1f %%", 100 * e->blame);
    if (e->codes_used > 0)
        snprintf(codes, sizeof codes, "%d", (int)e->codes_used);
    if (e->has_range && most > 0)
        snprintf(range, sizeof range, "%.2f x", (e->range_high - e->range_low) / most);
    printf("%9s %9s %9s %7s %7.2f %% %6s %8s  %-20s %s", decibels(true, e->sqnr_db, sqnr),
        decibels(e->alone, e->entering_db, entering), decibels(e->alone, e->added_db, added), blame,
        100 * e->saturated, codes, range, e->op, e->layer);
    if (e->channels_rescaled > 0)
        printf(" (%lld channels rescaled)", (long long)e->channels_rescaled);
    printf("\n");
}

static void print_blamed(const oct_layer_error *e, const oct_layer_cost *c)
{
    printf("%6.1f %% %+9.1f kB", 100 * e->blame, (double)c->bytes / 1e3);
    if (c->timed)
        printf(" %+9.1f us  (%.1f to %.1f, conversions %.1f)",
            (c->float_ns - c->ns + c->convert_ns) / 1e3, c->ns / 1e3, c->float_ns / 1e3,
            c->convert_ns / 1e3);
    printf("  %s %s\n", e->op, e->layer);
}

static oct_status print_table(const job *j, oct_error *err)
{
    printf("%9s %9s %9s %7s %9s %6s %8s  %-20s %s\n", "SQNR", "entering", "added", "blame",
        "saturated", "codes", "range", "operator", "tensor");
    for (int32_t i = 0; i < j->count; i++)
        print_layer(j->layers[i]);
    if (j->blamed_count > 0)
        printf("\nlayers to blame, and what keeping each in float would add:\n");
    for (int32_t i = 0; i < j->blamed_count; i++)
        print_blamed(j->blamed[i], &j->costs[i]);
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
    status = choose(j, err);
    if (status == OCT_OK)
        status = price(j, err);
    if (status != OCT_OK)
        return status;
    return j->args->json ? print_json(j, err) : print_table(j, err);
}

static oct_status run(const cli_args *args, oct_error *err)
{
    job j = { .args = args };
    oct_status status = work(&j, err);
    free(j.layers);
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
        "dequantized. SQNR is 10 log10(signal / error). Channels that B multiplies by a factor "
        "and\n"
        "divides again where they are read (equalised ones) are divided by it first, and it says "
        "so.\n"
        "For 'entering' and 'added' A's operator runs on B's inputs: its result against A's is "
        "the\n"
        "error that entered, B's result against it the error that this layer adds. 'blame' is its\n"
        "share of all error added. 'saturated' is the share of values at an end of the integer "
        "range,\n"
        "'codes' the different values of an 8-bit tensor, of 256; 'range' what the codes cover, of "
        "what\n"
        "all but 0.01 % of the float values at each end need: 2 x wastes a bit, below 1 x cuts "
        "off.\n"
        "Keeping a blamed layer in float makes the file larger by its weights, and changes the "
        "time by\n"
        "that of the operator and of the conversions around it, as measured here.",
    .options = options,
    .examples = "  octavo diff float32.tflite int8.tflite --data images/:32\n"
                "  octavo diff model.keras int8.tflite --data images/:32 --worst 10",
    .run = run,
};
