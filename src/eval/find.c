/*
 * --preprocess auto: ask the model, else try.
 *
 * A wrong preprocessing costs a classifier most of its accuracy, so a few hundred samples tell the
 * right one apart with certainty; where they do not, the sentence says so.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "eval/evaluate.h"
#include "eval/metadata.h"
#include "eval/source.h"
#include "eval/stats.h"
#include "eval/wav.h"
#include "model/model.h"

enum { TRY_SAMPLES = 200, MAX_OFFSET = 1 };

typedef struct finder {
    const oct_model *model;
    const oct_data *data;
    oct_data *few; /* the samples tried on */
    int32_t threads;
    int32_t outputs; /* of the model; 0: not one vector */
    bool *right;     /* [OCT_PREPROCESS_TRIES][TRY_SAMPLES] */
    oct_preprocess tried[OCT_PREPROCESS_TRIES];
    oct_preprocess_choice *out;
} finder;

static oct_status take_few(finder *f, oct_error *err)
{
    int64_t indices[TRY_SAMPLES];
    int64_t count = oct_data_count(f->data), few = count < TRY_SAMPLES ? count : TRY_SAMPLES;
    for (int64_t i = 0; i < few; i++)
        indices[i] = i * count / few;
    f->right = calloc((size_t)OCT_PREPROCESS_TRIES * TRY_SAMPLES, sizeof *f->right);
    if (f->right == NULL)
        return oct_fail_memory(err, OCT_PREPROCESS_TRIES * TRY_SAMPLES, "tries");
    return oct_data_subset(f->data, indices, few, &f->few, err);
}

static int32_t count_outputs(const oct_model *model)
{
    oct_tensor_info info;
    oct_model_output(model, 0, &info);
    return info.rank >= 2 ? info.dims[info.rank - 1] : 0;
}

/* The offsets a label can have: 0, and 1 where the model has outputs to spare (a background class).
 */
static int32_t last_offset(const finder *f)
{
    int32_t spare = f->outputs - oct_data_class_count(f->data);
    return spare >= MAX_OFFSET ? MAX_OFFSET : 0;
}

static oct_status try_one(finder *f, const oct_preprocess *p, oct_error *err)
{
    oct_eval *eval = NULL;
    oct_eval_options options = { .threads = f->threads };
    OCT_TRY(oct_evaluate_samples(&f->model, 1, f->few, p, &options, false, &eval, err));
    oct_preprocess_choice *out = f->out;
    out->samples = oct_data_count(f->few);
    for (int32_t offset = 0; offset <= last_offset(f); offset++) {
        int32_t at = out->tries++;
        f->tried[at] = *p;
        snprintf(out->tried[at].name, sizeof out->tried[at].name, "%s", p->name);
        out->tried[at].label_offset = offset;
        for (int64_t i = 0; i < out->samples; i++) {
            bool right = oct_eval_answer(eval, 0, i) == oct_data_label(f->few, i) + offset;
            f->right[at * TRY_SAMPLES + i] = right;
            out->tried[at].correct += right;
        }
    }
    oct_eval_free(eval);
    return OCT_OK;
}

/* Index of the best try except one; -1 when there is none. The earlier wins a tie. */
static int32_t best_except(const oct_preprocess_choice *out, int32_t except)
{
    int32_t best = -1;
    for (int32_t i = 0; i < out->tries; i++)
        if (i != except && (best < 0 || out->tried[i].correct > out->tried[best].correct))
            best = i;
    return best;
}

static void describe_try(const oct_preprocess_choice *out, int32_t at, char *text, size_t size)
{
    snprintf(text, size, out->tried[at].label_offset == 0 ? "%s" : "%s with labels moved by %d",
        out->tried[at].name, (int)out->tried[at].label_offset);
}

static void judge(finder *f)
{
    oct_preprocess_choice *out = f->out;
    int32_t best = best_except(out, -1), next = best_except(out, best);
    out->preprocess = f->tried[best];
    out->label_offset = out->tried[best].label_offset;
    char winner[96], loser[96] = "";
    describe_try(out, best, winner, sizeof winner);
    int at = snprintf(out->reason, sizeof out->reason, "%.80s: %lld of %lld samples right", winner,
        (long long)out->tried[best].correct, (long long)out->samples);
    const char *doubt = "";
    if (next >= 0) {
        int64_t lost = 0, won = 0;
        for (int64_t i = 0; i < out->samples; i++) {
            bool a = f->right[best * TRY_SAMPLES + i], b = f->right[next * TRY_SAMPLES + i];
            won += a && !b;
            lost += b && !a;
        }
        describe_try(out, next, loser, sizeof loser);
        at += snprintf(out->reason + at, sizeof out->reason - (size_t)at, ", next %.80s with %lld",
            loser, (long long)out->tried[next].correct);
        if (oct_mcnemar(lost, won) > 0.05)
            doubt = "; the samples cannot tell them apart";
    }
    if (f->outputs > 2 && out->tried[best].correct * f->outputs < 2 * out->samples)
        doubt = "; all are near chance, data and model may not fit";
    snprintf(out->reason + at, sizeof out->reason - (size_t)at, "%s", doubt);
}

static bool floats(const oct_data *data)
{
    const oct_source *s = data->source;
    if (s->files != NULL)
        return oct_wav_name(s->files[0]);
    return s->array_count > 0 &&
           (s->arrays[0].view.type == OCT_FLOAT32 || s->arrays[0].view.type == OCT_FLOAT64 ||
               s->arrays[0].view.type == OCT_FLOAT16);
}

/* Arrays of floats have usually been prepared; bytes never have. */
static const char *const image_order[] = { "tf", "unit", "torch", "caffe", "none", NULL };
static const char *const float_order[] = { "none", "unit", "tf", "torch", "caffe", NULL };
static const char *const blue_first[] = { "tf-bgr", "unit-bgr", "none-bgr", NULL };

static bool has_colours(const oct_model *model)
{
    oct_tensor_info info;
    oct_model_input(model, 0, &info);
    return info.rank == 4 && info.dims[3] == 3;
}

static bool near(double a, double b)
{
    return fabs(a - b) < 0.02 * (fabs(b) > 1 ? fabs(b) : 1);
}

/* The range of a quantized input is the range it was calibrated on. NULL: it says nothing. */
static const char *say_from_range(const oct_model *model)
{
    oct_tensor_info info;
    oct_model_input(model, 0, &info);
    bool s8 = strcmp(info.type, "int8") == 0;
    if (!(info.scale > 0) || (!s8 && strcmp(info.type, "uint8") != 0))
        return NULL;
    double low = info.scale * (double)((s8 ? -128 : 0) - info.zero_point),
           high = low + 255 * info.scale;
    if (near(low, -1) && near(high, 1))
        return "tf";
    if (near(low, 0) && near(high, 1))
        return "unit";
    return near(low, 0) && near(high, 255) ? "none" : NULL;
}

/* Normalization parameters in the model's metadata. */
static bool say_from_metadata(const oct_model *model, oct_preprocess *out)
{
    const oct_graph *graph = model->graph;
    for (int32_t i = 0; i < graph->metadata_count; i++)
        if (graph->metadata[i].name != NULL &&
            strcmp(graph->metadata[i].name, "TFLITE_METADATA") == 0)
            return oct_metadata_normalization(
                graph->metadata[i].data, graph->metadata[i].size, out);
    return false;
}

/* What needs no try; false when nothing says it. */
static bool ask(finder *f, const char *spec)
{
    oct_preprocess_choice *out = f->out;
    const char *said = say_from_range(f->model);
    const char *name = said, *why = "the range of the model's quantized input says so";
    if (f->data->source->random) {
        name = "none";
        why = "noise has no preprocessing";
    } else if (said == NULL && !oct_data_has_labels(f->data) && floats(f->data)) {
        name = "none";
        why = "the data are floating-point numbers and taken as they are";
    }
    if (strcmp(spec, "auto") != 0)
        return false;
    if (!f->data->source->random && say_from_metadata(f->model, &out->preprocess)) {
        snprintf(out->reason, sizeof out->reason, "metadata: the model's own say (x - %g) / %g",
            (double)out->preprocess.mean[0], (double)out->preprocess.std[0]);
        return true;
    }
    if (name == NULL)
        return false;
    oct_preprocess_parse(name, &out->preprocess, NULL);
    snprintf(out->reason, sizeof out->reason, "%s: %s", name, why);
    return true;
}

static oct_status try_all(finder *f, const char *const *names, oct_error *err)
{
    for (int i = 0; names[i] != NULL; i++) {
        oct_preprocess p;
        OCT_TRY(oct_preprocess_parse(names[i], &p, err));
        OCT_TRY(try_one(f, &p, err));
    }
    return OCT_OK;
}

static oct_status find(finder *f, const char *spec, oct_error *err)
{
    bool labels = oct_data_has_labels(f->data) && f->outputs > 0;
    bool automatic = strcmp(spec, "auto") == 0;
    bool asked = ask(f, spec);
    if (!automatic) {
        OCT_TRY(oct_preprocess_parse(spec, &f->out->preprocess, err));
        snprintf(f->out->reason, sizeof f->out->reason, "%.60s: as asked", spec);
        asked = true;
    }
    if (asked && (!labels || last_offset(f) == 0))
        return OCT_OK;
    if (!labels)
        return oct_fail(err, OCT_E_USAGE,
            "%s: without labels the preprocessing cannot be found by trying; say it with "
            "--preprocess",
            oct_data_spec(f->data));
    OCT_TRY(take_few(f, err));
    const oct_preprocess known = f->out->preprocess;
    OCT_TRY(asked ? try_one(f, &known, err)
                  : try_all(f, floats(f->data) ? float_order : image_order, err));
    if (!asked && has_colours(f->model))
        OCT_TRY(try_all(f, blue_first, err));
    judge(f);
    return OCT_OK;
}

oct_status oct_preprocess_find(const char *spec, const oct_model *model, const oct_data *data,
    int32_t threads, oct_preprocess_choice *out, oct_error *err)
{
    *out = (oct_preprocess_choice){ 0 };
    finder f = { .model = model,
        .data = data,
        .threads = threads,
        .out = out,
        .outputs = count_outputs(model) };
    oct_status status = find(&f, spec, err);
    oct_data_free(f.few);
    free(f.right);
    return status;
}
