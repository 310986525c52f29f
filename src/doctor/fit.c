/*
 * Whether samples become what the model expects: by trying on labelled ones, by what the model says of
 * its inputs, and by the values that arrive there.
 */
#include "doctor/diagnosis.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "eval/evaluate.h"
#include "eval/stats.h"
#include "eval/view.h"

enum { FEW = 200 };
#define SURE 0.01 /* a difference with a smaller p is taken for one */

typedef struct fitting {
    oct_examination *e;
    oct_data *few; /* up to FEW readable samples */
    int32_t outputs;
} fitting;

/* P(X >= right), X ~ Binomial(samples, 1 / outputs). */
static double by_chance(int64_t right, int64_t samples, int32_t outputs)
{
    double p = 1.0 / outputs, sum = 0;
    for (int64_t k = right; k <= samples; k++)
        sum += exp(lgamma((double)samples + 1) - lgamma((double)k + 1) -
                   lgamma((double)(samples - k) + 1) + (double)k * log(p) +
                   (double)(samples - k) * log1p(-p));
    return sum;
}

/* Which of the few samples are answered right. */
static oct_status answer(
    const fitting *f, const oct_preprocess_choice *choice, bool right[FEW], oct_error *err)
{
    oct_eval *eval = NULL;
    oct_eval_options options = { .threads = f->e->options->threads };
    OCT_TRY(oct_evaluate_samples(
        &f->e->model, 1, f->few, &choice->preprocess, &options, false, &eval, err));
    for (int64_t i = 0; i < f->few->count; i++)
        right[i] =
            oct_eval_answer(eval, 0, i) == oct_data_label(f->few, i) + choice->label_offset;
    oct_eval_free(eval);
    return OCT_OK;
}

static int64_t count_right(const bool right[FEW], int64_t count)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += right[i];
    return sum;
}

/* What was asked for against what the data or the model say. */
static oct_status compare(fitting *f, const oct_preprocess_choice *asked,
    const oct_preprocess_choice *found, const bool right[FEW], oct_error *err)
{
    bool other[FEW] = { false };
    int64_t lost = 0, won = 0, samples = f->few->count;
    OCT_TRY(answer(f, found, other, err));
    for (int64_t i = 0; i < samples; i++) {
        lost += right[i] && !other[i];
        won += other[i] && !right[i];
    }
    if (won <= lost || oct_mcnemar(lost, won) > SURE)
        return OCT_OK;
    oct_finding *finding = oct_diagnosis_add(f->e->out, OCT_FINDING_PREPROCESSING,
        OCT_SEVERITY_MEND, won - lost, "use --preprocess auto, or the one named here",
        "with --preprocess %s %lld of %lld samples are right, with %s %lld", asked->preprocess.name,
        (long long)count_right(right, samples), (long long)samples, found->preprocess.name,
        (long long)count_right(other, samples));
    oct_finding_place(f->e->out, finding, "--preprocess %s", found->preprocess.name);
    return OCT_OK;
}

static oct_status try_labels(fitting *f, bool automatic, oct_error *err)
{
    enum { FEW_TO_TELL = 30 };
    oct_diagnosis *d = f->e->out;
    bool right[FEW] = { false };
    int64_t samples = f->few->count;
    OCT_TRY(answer(f, &d->choice, right, err));
    int64_t correct = count_right(right, samples);
    if (by_chance(correct, samples, f->outputs) > SURE)
        oct_diagnosis_add(d, OCT_FINDING_PREPROCESSING,
            samples < FEW_TO_TELL ? OCT_SEVERITY_WARNING : OCT_SEVERITY_MEND, samples,
            "check the order of the classes, the preprocessing and that data and model belong "
            "together",
            "%lld of %lld answers are right with preprocessing %s, as many as by chance with %d "
            "outputs",
            (long long)correct, (long long)samples, d->choice.preprocess.name, (int)f->outputs);
    oct_preprocess_choice found;
    if (automatic || oct_preprocess_find("auto", f->e->model, f->few, f->e->options->threads, &found,
                         NULL) != OCT_OK)
        return OCT_OK;
    return compare(f, &d->choice, &found, right, err);
}

static bool same_numbers(const oct_preprocess *a, const oct_preprocess *b)
{
    for (int c = 0; c < 3; c++) {
        double low[2] = { (double)(-a->mean[c] / a->std[c]), (double)(-b->mean[c] / b->std[c]) };
        double step[2] = { 1 / ((double)a->divisor * (double)a->std[c]),
            1 / ((double)b->divisor * (double)b->std[c]) };
        if (fabs(low[0] - low[1]) > 0.02 * fmax(1, fabs(low[1])) ||
            fabs(step[0] - step[1]) > 0.02 * step[1])
            return false;
    }
    return true;
}

/* Without labels: does the model's metadata say otherwise than was asked? The range of a quantized input
 * has been compared with the values themselves. */
static void ask_model(fitting *f, bool automatic)
{
    oct_preprocess_choice found;
    const oct_preprocess *asked = &f->e->out->choice.preprocess;
    oct_tensor_info info;
    oct_model_input(f->e->model, 0, &info);
    if (automatic || info.scale > 0 || f->e->data->source->random ||
        oct_preprocess_find("auto", f->e->model, f->few, f->e->options->threads, &found, NULL) !=
            OCT_OK ||
        same_numbers(asked, &found.preprocess))
        return;
    oct_diagnosis_add(f->e->out, OCT_FINDING_PREPROCESSING, OCT_SEVERITY_WARNING, f->e->data->count,
        "use --preprocess auto unless you know better", "--preprocess %s was asked for, but %s",
        asked->name, found.reason);
}

/* Values at the inputs. */

static void say_beyond(fitting *f, const oct_tensor_info *info, const oct_extent *seen)
{
    const double much = 0.01;
    if ((double)seen->beyond <= much * (double)seen->values)
        return;
    oct_diagnosis_add(f->e->out, OCT_FINDING_RANGE, OCT_SEVERITY_MEND, seen->beyond,
        "say the preprocessing that the model was trained with",
        "input %s holds values from %.4g to %.4g, the samples have %.4g to %.4g: %.1f %% of their "
        "values lie beyond",
        info->name, seen->can_low, seen->can_high, (double)seen->low, (double)seen->high,
        100 * (double)seen->beyond / (double)seen->values);
}

static void say_large(fitting *f, const oct_tensor_info *info, const oct_extent *seen)
{
    const float large = 20;
    if (seen->high <= large && seen->low >= -large)
        return;
    oct_diagnosis_add(f->e->out, OCT_FINDING_RANGE, OCT_SEVERITY_WARNING, f->few->count,
        "say the preprocessing (tf: -1 to 1, unit: 0 to 1), unless the model was trained on this "
        "range or scales it itself",
        "values from %.4g to %.4g arrive at the float input %s, and there are no labels to try on",
        (double)seen->low, (double)seen->high, info->name);
}

static oct_status measure(fitting *f, oct_data_view *view, oct_error *err)
{
    for (int32_t input = 0; input < oct_view_input_count(view); input++) {
        oct_tensor_info info;
        oct_extent seen = { .low = FLT_MAX, .high = -FLT_MAX };
        oct_model_input(f->e->model, input, &info);
        for (int64_t i = 0; i < f->few->count; i++)
            OCT_TRY(oct_view_measure(view, i, input, &seen, err));
        if (seen.values == 0)
            continue;
        if (info.scale > 0)
            say_beyond(f, &info, &seen);
        else if (!oct_data_has_labels(f->few))
            say_large(f, &info, &seen);
    }
    return OCT_OK;
}

static void say_misfit(const fitting *f, const oct_error *why)
{
    oct_diagnosis_add(f->e->out, OCT_FINDING_MISFIT, OCT_SEVERITY_MEND, f->e->data->count,
        "take data of the input's shape and type; an .npz has one array by the name of each input",
        "%s", why->text);
}

static oct_status look_at_inputs(fitting *f, oct_error *err)
{
    oct_data_view *view;
    oct_error why = { 0 };
    oct_status status =
        oct_data_view_create(f->few, f->e->model, &f->e->out->choice.preprocess, &view, &why);
    if (status == OCT_E_INVALID) {
        say_misfit(f, &why);
        f->e->out->choice.reason[0] = '\0';
        return OCT_OK;
    }
    if (status == OCT_OK)
        status = measure(f, view, &why);
    oct_data_view_free(view);
    if (status != OCT_OK && err != NULL)
        *err = why;
    return status;
}

static oct_status fit(fitting *f, const char *how, oct_error *err)
{
    bool automatic = strcmp(how, "auto") == 0;
    oct_diagnosis *d = f->e->out;
    oct_error why = { 0 };
    oct_tensor_info info;
    if (!automatic)
        OCT_TRY(oct_preprocess_parse(how, &d->choice.preprocess, err));
    oct_status status =
        oct_preprocess_find(how, f->e->model, f->few, f->e->options->threads, &d->choice, &why);
    if (status == OCT_E_INVALID) {
        say_misfit(f, &why);
    } else if (status == OCT_E_USAGE) {
        oct_diagnosis_add(d, OCT_FINDING_PREPROCESSING, OCT_SEVERITY_NOTE, 0,
            "say it with --preprocess", "the preprocessing is not known: there are no labels to try on");
    } else if (status != OCT_OK && err != NULL) {
        *err = why;
    }
    if (status != OCT_OK) {
        d->choice.reason[0] = '\0';
        return status == OCT_E_INVALID || status == OCT_E_USAGE ? OCT_OK : status;
    }
    oct_model_output(f->e->model, 0, &info);
    f->outputs = info.rank == 2 ? info.dims[1] : 0;
    OCT_TRY(look_at_inputs(f, err));
    if (d->choice.reason[0] == '\0' || f->e->data->source->random)
        return OCT_OK;
    if (oct_data_has_labels(f->few) && f->outputs > 1)
        return try_labels(f, automatic, err);
    ask_model(f, automatic);
    return OCT_OK;
}

oct_status oct_examine_fit(oct_examination *e, oct_error *err)
{
    fitting f = { .e = e };
    const char *how = e->options->preprocess;
    OCT_TRY(oct_readable(e->data, e->looks, FEW, &f.few, err));
    if (f.few == NULL)
        return OCT_OK;
    oct_status status = fit(&f, how == NULL ? "auto" : how, err);
    oct_data_free(f.few);
    return status;
}
