/*
 * The two graphs side by side, a sample at a time.
 */
#include "quant/quality.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "exec/session.h"
#include "quant/layer.h"
#include "quant/sweep.h"

enum { MOST_CALIBRATION = 32, MOST_HELD = 64 };

/* One thread's engines, and what the float one showed. */
typedef struct worker {
    oct_session *real, *made;
    const oct_range *ranges;
    int32_t tensors;
    uint64_t values, beyond; /* of activations with ranges; outside of them */
    oct_error err;
} worker;

typedef struct checking {
    const oct_graph *graph, *made;
    const oct_samples *samples;
    int64_t count;
    double *signal, *noise; /* [count][outputs] */
    double *medians;        /* [count] */
    worker *workers;
} checking;

static void see(void *user, int32_t tensor, const oct_value *value)
{
    worker *w = user;
    if (value->type != OCT_FLOAT32 || w->ranges == NULL || tensor < 0 || tensor >= w->tensors ||
        !w->ranges[tensor].seen)
        return;
    const float *values = value->data;
    size_t count = value->size / sizeof *values, beyond = 0;
    oct_range range = w->ranges[tensor];
    for (size_t i = 0; i < count; i++)
        beyond += values[i] < range.min || values[i] > range.max;
    w->values += count;
    w->beyond += beyond;
}

/* Float values as an input's codes. */
static void encode(const oct_tensor *tensor, const float *values, size_t count, void *codes)
{
    if (oct_tensor_is_float(tensor)) {
        memcpy(codes, values, count * sizeof *values);
        return;
    }
    bool is_signed = tensor->type == OCT_INT8;
    double low = is_signed ? -128 : 0, scale = (double)tensor->quant.scale[0];
    for (size_t i = 0; i < count; i++) {
        double code = round((double)values[i] / scale) + (double)tensor->quant.zero_point[0];
        code = fmin(fmax(code, low), low + 255);
        if (is_signed)
            ((int8_t *)codes)[i] = (int8_t)code;
        else
            ((uint8_t *)codes)[i] = (uint8_t)code;
    }
}

static oct_status load(const checking *c, worker *w, int64_t sample, oct_error *err)
{
    const oct_subgraph *sub = c->graph->subgraphs[0], *made = c->made->subgraphs[0];
    for (int32_t i = 0; i < sub->input_count; i++) {
        size_t size, coded;
        void *values = oct_session_input(w->real, i, &size);
        OCT_TRY(c->samples->read(c->samples->user, sample, i, values, size, err));
        const oct_tensor *tensor = made->tensors[made->inputs[i]];
        void *codes = oct_session_input(w->made, i, &coded);
        if (sub->tensors[sub->inputs[i]]->type == OCT_FLOAT32)
            encode(tensor, values, size / sizeof(float), codes);
        else
            memcpy(codes, values, size < coded ? size : coded);
    }
    return OCT_OK;
}

static void compare(const checking *c, const worker *w, int64_t sample)
{
    const oct_subgraph *sub = c->made->subgraphs[0];
    for (int32_t i = 0; i < sub->output_count; i++) {
        size_t size;
        oct_tensor tensor = *sub->tensors[sub->outputs[i]];
        const float *real = oct_session_output(w->real, i, &size);
        double *signal = &c->signal[sample * sub->output_count + i];
        double *noise = &c->noise[sample * sub->output_count + i];
        tensor.data = oct_session_output(w->made, i, NULL);
        if (c->graph->subgraphs[0]->tensors[c->graph->subgraphs[0]->outputs[i]]->type != OCT_FLOAT32)
            continue;
        for (size_t k = 0; k < size / sizeof *real; k++) {
            double value = (double)real[k];
            double error = value - oct_layer_value(&tensor, (int64_t)k, 0);
            *signal += value * value;
            *noise += error * error;
        }
    }
}

static void check_range(void *user, size_t begin, size_t end, int32_t index)
{
    const checking *c = user;
    worker *w = &c->workers[index];
    for (size_t i = begin; i < end && w->err.status == OCT_OK; i++) {
        oct_status status = load(c, w, (int64_t)i, &w->err);
        oct_session_reset(w->real);
        oct_session_reset(w->made);
        if (status == OCT_OK)
            status = oct_session_run(w->real, &w->err);
        if (status == OCT_OK)
            status = oct_session_run(w->made, &w->err);
        if (status == OCT_OK)
            compare(c, w, (int64_t)i);
    }
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* What is noise over signal of one sample, the mean over outputs, in decibels. */
static double decibels_of(const checking *c, int64_t sample)
{
    int32_t outputs = c->made->subgraphs[0]->output_count, counted = 0;
    double sum = 0;
    for (int32_t i = 0; i < outputs; i++) {
        double signal = c->signal[sample * outputs + i], noise = c->noise[sample * outputs + i];
        if (signal > 0) {
            sum += 10 * log10(signal / fmax(noise, signal * 1e-12));
            counted++;
        }
    }
    return counted > 0 ? sum / counted : 0;
}

/* The median, as a few samples with large errors would decide a mean. */
static double decibels(checking *c)
{
    for (int64_t s = 0; s < c->count; s++)
        c->medians[s] = decibels_of(c, s);
    qsort(c->medians, (size_t)c->count, sizeof *c->medians, ascending);
    return c->medians[c->count / 2];
}

static oct_status start(
    const checking *c, worker *w, const oct_range *ranges, oct_error *err)
{
    oct_session_options options = { .kernels = OCT_KERNELS_FAST, .threads = 1,
        .batch = oct_sweep_batch(c->graph) };
    w->ranges = ranges;
    w->tensors = c->graph->subgraphs[0]->tensor_count;
    OCT_TRY(oct_session_create_graph(c->graph, &options, &w->real, err));
    oct_session_set_tap(w->real, see, w);
    return oct_session_create_graph(c->made, &options, &w->made, err);
}

static oct_status check(checking *c, oct_pool *pool, const oct_samples *samples, int64_t most,
    const oct_range *ranges, double *sqnr, double *saturated, oct_error *err)
{
    int32_t threads = oct_pool_threads(pool);
    int32_t outputs = c->made->subgraphs[0]->output_count;
    c->samples = samples;
    c->count = samples->count < most ? samples->count : most;
    size_t numbers = (size_t)c->count * (size_t)outputs;
    c->workers = calloc((size_t)threads, sizeof *c->workers);
    c->signal = calloc(2 * numbers + (size_t)c->count, sizeof *c->signal);
    oct_status status = c->workers == NULL || c->signal == NULL
                            ? oct_fail_memory(err, numbers * sizeof *c->signal, "a check")
                            : OCT_OK;
    if (status == OCT_OK) {
        c->noise = c->signal + numbers;
        c->medians = c->noise + numbers;
    }
    for (int32_t i = 0; status == OCT_OK && i < threads; i++)
        status = start(c, &c->workers[i], ranges, err);
    if (status == OCT_OK)
        oct_pool_for(pool, (size_t)c->count, 1, check_range, c);
    uint64_t values = 0, beyond = 0;
    for (int32_t i = 0; c->workers != NULL && i < threads; i++) {
        worker *w = &c->workers[i];
        values += w->values;
        beyond += w->beyond;
        if (status == OCT_OK && w->err.status != OCT_OK) {
            status = w->err.status;
            if (err != NULL)
                *err = w->err;
        }
        oct_session_free(w->made);
        oct_session_free(w->real);
    }
    if (status == OCT_OK) {
        *sqnr = decibels(c);
        *saturated = values > 0 ? (double)beyond / (double)values : 0;
    }
    free(c->workers);
    free(c->signal);
    return status;
}

/* Median over activations of the smaller half's width by that of all samples. */
static double half_range(const oct_evidence *e)
{
    double *shares = malloc((size_t)e->tensors * sizeof *shares + 1);
    size_t count = 0;
    for (int32_t i = 0; shares != NULL && i < e->tensors; i++) {
        const oct_range *halves[2] = { &e->halves[0][i], &e->halves[1][i] };
        double low = fmin((double)halves[0]->min, (double)halves[1]->min);
        double high = fmax((double)halves[0]->max, (double)halves[1]->max);
        if (!halves[0]->seen || !halves[1]->seen || high <= low)
            continue;
        shares[count++] = fmin((double)halves[0]->max - (double)halves[0]->min,
                              (double)halves[1]->max - (double)halves[1]->min) /
                          (high - low);
    }
    if (count > 0)
        qsort(shares, count, sizeof *shares, ascending);
    double median = count > 0 ? shares[count / 2] : 0;
    free(shares);
    return median;
}

oct_status oct_quality_measure(const oct_graph *graph, const oct_graph *made,
    const oct_quant_options *options, const oct_evidence *evidence, const oct_range *ranges,
    oct_quant_quality *out, oct_error *err)
{
    checking c = { .graph = graph, .made = made };
    double unused;
    oct_pool *pool;
    OCT_TRY(oct_pool_create(options->threads, &pool, err));
    *out = (oct_quant_quality){ .half_range = evidence != NULL ? half_range(evidence) : 0 };
    oct_status status = check(&c, pool, options->calib, MOST_CALIBRATION, NULL,
        &out->calibration_sqnr, &unused, err);
    out->calibration_samples = c.count;
    if (status == OCT_OK)
        status = check(&c, pool, options->held, MOST_HELD, ranges, &out->held_sqnr,
            &out->saturated, err);
    out->held_samples = c.count;
    oct_pool_free(pool);
    return status;
}
