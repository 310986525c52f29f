/*
 * From outputs to outcomes, and from outcomes to metrics.
 *
 * Whether outputs are probabilities or logits is decided once, by the first model over all samples,
 * so that a quantized softmax whose rounded values do not add up to 1 is measured like its float
 * original.
 */
#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "eval/evaluate.h"
#include "eval/metrics.h"
#include "eval/stats.h"

static const double smallest_probability = 1e-7; /* keras.backend.epsilon() */

static void score_distance(
    const float *outputs, const float *first, size_t elements, oct_outcome *r)
{
    for (size_t i = 0; i < elements; i++) {
        double difference = (double)first[i] - (double)outputs[i];
        r->signal += (double)first[i] * (double)first[i];
        r->noise += difference * difference;
        r->invalid = r->invalid || !isfinite(outputs[i]);
    }
}

/* exponentials: the sum of exp(y - largest y). */
static void score_label(
    const float *y, int32_t classes, int32_t label, double sum, double exponentials, oct_outcome *r)
{
    r->place = 0;
    for (int32_t k = 0; k < classes; k++)
        r->place += y[k] > y[label] || (y[k] == y[label] && k < label);
    r->loss_logits = (float)(log(exponentials) + (double)y[r->answer] - (double)y[label]);
    double p = sum > 0 ? (double)y[label] / sum : 0;
    p = p < smallest_probability ? smallest_probability : p > 1 ? 1 : p;
    r->loss_probabilities = (float)-log(p);
}

static void score_classes(const float *y, int32_t classes, int32_t label, oct_outcome *r)
{
    double sum = 0, exponentials = 0;
    bool positive = true;
    r->answer = 0;
    for (int32_t k = 0; k < classes; k++) {
        sum += (double)y[k];
        positive = positive && y[k] >= 0;
        if (y[k] > y[r->answer])
            r->answer = k;
    }
    for (int32_t k = 0; k < classes; k++)
        exponentials += exp((double)y[k] - (double)y[r->answer]);
    r->distribution = positive && fabs(sum - 1) < 1e-3;
    r->sure_probabilities = (float)(sum > 0 ? (double)y[r->answer] / sum : 0);
    r->sure_logits = (float)(1 / exponentials);
    if (classes == 2) {
        r->second = y[1];
        r->margin = y[1] - y[0];
    }
    if (label >= 0)
        score_label(y, classes, label, sum, exponentials, r);
}

void oct_score(const oct_eval *eval, const float *outputs, const float *first, int32_t label_output,
    oct_outcome *outcome)
{
    *outcome = (oct_outcome){ .answer = -1, .place = -1, .label = label_output };
    score_distance(outputs, first, eval->elements, outcome);
    if (eval->single) {
        /* A sigmoid's number is the second of two probabilities; a logit stands against 0. */
        const float two[2] = { eval->single_is_probability ? 1 - outputs[0] : 0, outputs[0] };
        score_classes(two, 2, label_output, outcome);
    } else if (eval->classes > 0) {
        score_classes(outputs, eval->classes, label_output, outcome);
    }
}

static bool are_probabilities(const oct_eval *e)
{
    for (int64_t i = 0; i < e->samples; i++)
        if (!e->outcomes[i * e->models].distribution)
            return false;
    return true;
}

static void fold_counts(const oct_eval *e, int32_t model, oct_metrics *m, oct_paired *p)
{
    double signal = 0, noise = 0;
    for (int64_t i = 0; i < e->samples; i++) {
        const oct_outcome *first = &e->outcomes[i * e->models], *r = first + model;
        m->top1 += r->place == 0;
        m->top5 += r->place >= 0 && r->place < 5 && e->classes > 5;
        m->invalid += r->invalid;
        p->agree += r->answer == first->answer;
        p->lost += first->place == 0 && r->place != 0;
        p->won += first->place != 0 && r->place == 0;
        signal += r->signal;
        noise += r->noise;
    }
    p->sqnr_db = 10 * log10(signal / noise);
    if (signal == 0 && noise == 0)
        p->sqnr_db = INFINITY;
}

static void fold_rates(const oct_eval *e, oct_metrics *m, oct_paired *p)
{
    m->samples = e->samples;
    m->classes = e->classes;
    m->has_labels = e->has_labels;
    m->top1_interval = oct_wilson(m->top1, e->samples);
    p->agree_interval = oct_wilson(p->agree, e->samples);
    p->difference = (double)(p->won - p->lost) / (double)e->samples;
    p->difference_interval = oct_tango_interval(e->samples, p->lost, p->won);
    p->mcnemar_p = oct_mcnemar(p->lost, p->won);
}

static double loss_of(const oct_outcome *r, bool probabilities)
{
    return (double)(probabilities ? r->loss_probabilities : r->loss_logits);
}

/* Mean of values and its bootstrap interval. */
static oct_status fold_mean(const double *values, int64_t count, uint64_t seed, double *mean,
    oct_interval *interval, oct_error *err)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += values[i];
    *mean = sum / (double)count;
    return oct_bootstrap_mean(values, count, seed, interval, err);
}

static oct_status fold_loss(
    const oct_eval *e, int32_t model, uint64_t seed, double *values, oct_error *err)
{
    bool probabilities = are_probabilities(e);
    oct_metrics *m = &e->metrics[model];
    oct_paired *p = &e->paired[model];
    const oct_outcome *r = e->outcomes + model;
    for (int64_t i = 0; i < e->samples; i++)
        values[i] = loss_of(&r[i * e->models], probabilities);
    OCT_TRY(fold_mean(values, e->samples, seed, &m->loss, &m->loss_interval, err));
    for (int64_t i = 0; i < e->samples; i++)
        values[i] -= loss_of(&e->outcomes[i * e->models], probabilities);
    return fold_mean(
        values, e->samples, seed, &p->loss_difference, &p->loss_difference_interval, err);
}

/* What one pass of the records into arrays gives. */
typedef struct columns {
    float *values;
    bool *flags;
    int32_t *labels, *answers;
} columns;

static oct_status fold_classes(oct_eval *e, int32_t model, columns *c, oct_error *err)
{
    bool probabilities = are_probabilities(e);
    oct_metrics *m = &e->metrics[model];
    const oct_outcome *r = e->outcomes + model;
    oct_class_counts *counts = e->counts + (size_t)model * (size_t)e->classes;
    for (int64_t i = 0; i < e->samples; i++) {
        const oct_outcome *one = &r[i * e->models];
        c->values[i] = probabilities ? one->sure_probabilities : one->sure_logits;
        c->flags[i] = one->place == 0;
        c->labels[i] = one->label;
        c->answers[i] = one->answer;
    }
    m->calibration_error = oct_calibration_error(c->values, c->flags, e->samples);
    oct_count_classes(c->labels, c->answers, e->samples, e->classes, counts);
    m->macro_f1 = oct_macro_f1(counts, e->classes);
    m->auc = NAN;
    if (e->classes != 2)
        return OCT_OK;
    for (int64_t i = 0; i < e->samples; i++) {
        c->values[i] = probabilities ? r[i * e->models].second : r[i * e->models].margin;
        c->flags[i] = c->labels[i] == 1;
    }
    return oct_roc_auc(c->values, c->flags, e->samples, &m->auc, err);
}

static oct_status fold_labelled(oct_eval *e, uint64_t seed, oct_error *err)
{
    size_t samples = (size_t)e->samples;
    columns c = { .values = malloc(samples * sizeof *c.values),
        .flags = malloc(samples * sizeof *c.flags),
        .labels = malloc(samples * sizeof *c.labels),
        .answers = malloc(samples * sizeof *c.answers) };
    double *losses = malloc(samples * sizeof *losses);
    e->counts = calloc((size_t)e->models * (size_t)e->classes, sizeof *e->counts);
    oct_status status = OCT_OK;
    if (c.values == NULL || c.flags == NULL || c.labels == NULL || c.answers == NULL ||
        losses == NULL || e->counts == NULL)
        status = oct_fail_memory(err, samples * sizeof *losses, "metrics");
    for (int32_t model = 0; model < e->models && status == OCT_OK; model++) {
        status = fold_loss(e, model, seed, losses, err);
        if (status == OCT_OK)
            status = fold_classes(e, model, &c, err);
    }
    free(c.values);
    free(c.flags);
    free(c.labels);
    free(c.answers);
    free(losses);
    return status;
}

oct_status oct_fold(oct_eval *eval, uint64_t seed, oct_error *err)
{
    for (int32_t model = 0; model < eval->models; model++) {
        fold_counts(eval, model, &eval->metrics[model], &eval->paired[model]);
        fold_rates(eval, &eval->metrics[model], &eval->paired[model]);
    }
    return eval->has_labels && eval->classes > 0 ? fold_labelled(eval, seed, err) : OCT_OK;
}
