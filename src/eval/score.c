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

static void score_label(const float *y, int32_t classes, int32_t label, double sum, oct_outcome *r)
{
    double largest = (double)y[r->answer], exponentials = 0;
    r->place = 0;
    for (int32_t k = 0; k < classes; k++) {
        exponentials += exp((double)y[k] - largest);
        r->place += y[k] > y[label] || (y[k] == y[label] && k < label);
    }
    r->loss_logits = (float)(log(exponentials) + largest - (double)y[label]);
    double p = sum > 0 ? (double)y[label] / sum : 0;
    p = p < smallest_probability ? smallest_probability : p > 1 ? 1 : p;
    r->loss_probabilities = (float)-log(p);
}

void oct_score(const float *outputs, const float *first, size_t elements, int32_t classes,
    int32_t label_output, oct_outcome *outcome)
{
    *outcome = (oct_outcome){ .answer = -1, .place = -1 };
    score_distance(outputs, first, elements, outcome);
    if (classes == 0)
        return;
    double sum = 0;
    bool positive = true;
    outcome->answer = 0;
    for (int32_t k = 0; k < classes; k++) {
        sum += (double)outputs[k];
        positive = positive && outputs[k] >= 0;
        if (outputs[k] > outputs[outcome->answer])
            outcome->answer = k;
    }
    outcome->distribution = positive && fabs(sum - 1) < 1e-3;
    if (label_output >= 0)
        score_label(outputs, classes, label_output, sum, outcome);
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

oct_status oct_fold(oct_eval *eval, uint64_t seed, oct_error *err)
{
    double *values = malloc((size_t)eval->samples * sizeof *values);
    if (values == NULL)
        return oct_fail_memory(err, (size_t)eval->samples * sizeof *values, "metrics");
    oct_status status = OCT_OK;
    for (int32_t model = 0; model < eval->models && status == OCT_OK; model++) {
        fold_counts(eval, model, &eval->metrics[model], &eval->paired[model]);
        fold_rates(eval, &eval->metrics[model], &eval->paired[model]);
        if (eval->has_labels && eval->classes > 0)
            status = fold_loss(eval, model, seed, values, err);
    }
    free(values);
    return status;
}
