/*
 * What a layer reads as rows of its weights' size, their covariance, and the descent of every output.
 *
 * Rows come out of the layer itself: run with filters of a single one, its results are what it reads, with
 * the strides, dilation and padding that it has.
 */
#include "quant/reround.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quant/descend.h"

enum { CHEAP_WEIGHTS = 32, MOST_WEIGHTS = 2304, MOST_REFIT = 1152, MOST_ROWS = 20480, FEW_ROWS = 1024, ROWS_A_WEIGHT = 20 };
#define MOST_VALUES ((int64_t)12 << 20)
static const double damping = 0.01, refit_damping = 0.1;

typedef struct reround {
    const oct_reround *task;
    const oct_tensor *weights; /* of the float layer */
    bool depthwise;            /* every output reads a channel of its own */
    int32_t size;              /* weights of one output */
    int32_t outputs;
    int64_t positions, taken;  /* of a sample; looked at */
    int64_t rows;              /* taken * samples */
    float *read, *read_float;  /* [rows][size], depthwise [rows][size][outputs] */
    oct_covariance h, d, factor; /* for layers that are not depthwise */
    bool refit;
    int8_t *codes;
    bool short_of_memory;
} reround;

static const oct_tensor *input_of(const oct_replay *replay, const oct_layer *l, int32_t slot)
{
    return replay->sub->tensors[replay->sub->nodes[l->position]->inputs[slot]];
}

/* Element k of an output's weights. */
static int64_t element(const reround *r, int32_t output, int32_t k)
{
    return r->depthwise ? (int64_t)k * r->outputs + output : (int64_t)output * r->size + k;
}

/* False: not covered. */
static bool look_at(reround *r)
{
    const oct_reround *t = r->task;
    const oct_node *node = t->replay->sub->nodes[t->layer->position];
    const oct_tensor *result = t->replay->sub->tensors[node->outputs[0]];
    r->weights = t->weights;
    const oct_tensor *data = input_of(t->replay, t->layer, t->layer->data);
    int32_t axis = oct_node_rule(node)->weight_axis, last = r->weights->rank - 1;
    if (node->input_count != 3 || data->rank < 1 || last < 1 || (axis != 0 && axis != last))
        return false;
    r->depthwise = axis != 0;
    r->outputs = r->weights->dims[axis];
    r->size = (int32_t)(oct_tensor_elements(r->weights) / r->outputs);
    r->positions = oct_tensor_elements(result) / t->layer->channels;
    return r->outputs == t->layer->channels && r->size <= MOST_WEIGHTS &&
           (r->depthwise || r->weights->dims[last] == data->dims[data->rank - 1] || last == 1);
}

/* Reading rows. */

typedef struct reading {
    const reround *r;
    float *to;
    int32_t tap, width; /* depthwise: which tap the results are of; values a row has from them */
} reading;

/* Positions are spread over the result, in every sample others. */
static int64_t position_at(const reround *r, int64_t sample, int64_t index)
{
    return (index * r->positions + sample * 40503 % r->positions) / r->taken;
}

static void take_rows(void *user, int64_t sample, const float *values, size_t elements)
{
    const reading *g = user;
    const reround *r = g->r;
    (void)elements;
    size_t width = (size_t)g->width, stride = r->depthwise ? (size_t)r->size * width : width;
    for (int64_t i = 0; i < r->taken; i++)
        memcpy(g->to + (size_t)(sample * r->taken + i) * stride + (size_t)g->tap * width,
            values + (size_t)position_at(r, sample, i) * width, width * sizeof *values);
}

/* Each row is a pixel: what is stored is what is read. */
static void take_pixels(const oct_replay *replay, const oct_layer *l, reading *g)
{
    const reround *r = g->r;
    oct_tensor tensor = *input_of(replay, l, l->data);
    int32_t index = replay->sub->nodes[l->position]->inputs[l->data];
    for (int64_t s = 0; s < replay->count; s++) {
        tensor.data = replay->stored[index] + (size_t)s * replay->bytes[index];
        for (int64_t i = 0; i < r->taken; i++)
            for (int32_t k = 0; k < r->size; k++)
                g->to[(s * r->taken + i) * r->size + k] =
                    (float)oct_layer_value(&tensor, position_at(r, s, i) * r->size + k, 0);
    }
}

static bool reads_pixels(const reround *r, const oct_replay *replay, const oct_layer *l)
{
    int64_t elements = oct_tensor_elements(input_of(replay, l, l->data));
    int32_t last = r->weights->dims[r->weights->rank - 1];
    return !r->depthwise && last == r->size && elements == r->positions * r->size;
}

/* Filters with a single one at tap k: all outputs of a depthwise layer, or one filter for every k. */
static oct_status read_rows(
    const reround *r, const oct_replay *replay, const oct_layer *l, float *to, oct_error *err)
{
    reading g = { r, to, 0, r->depthwise ? r->outputs : r->size };
    if (reads_pixels(r, replay, l)) {
        take_pixels(replay, l, &g);
        return OCT_OK;
    }
    size_t size = (size_t)r->size, count = size * (r->depthwise ? (size_t)r->outputs : size);
    float *ones = calloc(count, sizeof *ones);
    if (ones == NULL)
        return oct_fail_memory(err, count * sizeof *ones, "filters");
    oct_status status = OCT_OK;
    if (!r->depthwise) {
        for (size_t k = 0; k < size; k++)
            ones[k * size + k] = 1;
        status = oct_layer_run(replay, l, ones, r->size, take_rows, &g, err);
    }
    for (int32_t k = 0; k < r->size && r->depthwise && status == OCT_OK; k++) {
        for (int32_t o = 0; o < r->outputs; o++) {
            if (k > 0)
                ones[(k - 1) * r->outputs + o] = 0;
            ones[k * r->outputs + o] = 1;
        }
        g.tap = k;
        status = oct_layer_run(replay, l, ones, r->outputs, take_rows, &g, err);
    }
    free(ones);
    return status;
}

/* Outputs. */

/* The weights of an output that fit what the quantized network reads: w (D + aI) (H + aI)^-1. */
static void fit(
    const reround *r, const oct_covariance *d, const oct_covariance *factor, double *target, double *scratch)
{
    size_t size = (size_t)r->size;
    memset(scratch, 0, size * sizeof *scratch);
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j < size; j++)
            scratch[j] += target[i] * d->values[i * size + j];
    oct_covariance_solve(factor, scratch);
    memcpy(target, scratch, size * sizeof *scratch);
}

static void descend_output(const reround *r, int32_t output, const oct_covariance *h,
    const oct_covariance *d, const oct_covariance *factor, double *scratch)
{
    double *target = scratch + r->size;
    int8_t codes[MOST_WEIGHTS];
    const oct_quant *quant = &r->task->codes->quant;
    double scale = (double)quant->scale[quant->count > 1 ? output : 0];
    for (int32_t k = 0; k < r->size; k++) {
        target[k] = (double)((const float *)r->weights->data)[element(r, output, k)];
        codes[k] = r->codes[element(r, output, k)];
    }
    if (r->refit)
        fit(r, d, factor, target, scratch);
    oct_descend_row(h, target, scale, r->task->limit, codes, scratch);
    for (int32_t k = 0; k < r->size; k++)
        r->codes[element(r, output, k)] = codes[k];
}

static void damp(const reround *r, const oct_covariance *h)
{
    /* With fewer rows than weights the covariance knows less than it seems to. */
    oct_covariance_damp(h, damping * fmax(1, (double)r->size / (double)r->rows));
}

/* factor = H + aI, factored; d += aI. */
static bool prepare_fit(const oct_covariance *h, const oct_covariance *d, const oct_covariance *factor)
{
    size_t size = (size_t)h->size;
    double trace = 0;
    for (size_t i = 0; i < size; i++)
        trace += h->values[i * size + i];
    memcpy(factor->values, h->values, size * size * sizeof *h->values);
    oct_covariance_damp(factor, refit_damping);
    for (size_t i = 0; i < size; i++)
        d->values[i * size + i] += refit_damping * trace / (double)size + 1e-12;
    return oct_covariance_factor(factor);
}

/* Dense layers: one covariance for all outputs. */

static void fill_range(void *user, size_t begin, size_t end, int32_t worker)
{
    const reround *r = user;
    (void)worker;
    oct_covariance_fill(&r->h, r->read, r->read, r->rows, (int32_t)begin, (int32_t)end);
    if (r->refit)
        oct_covariance_fill(&r->d, r->read_float, r->read, r->rows, (int32_t)begin, (int32_t)end);
}

static void descend_range(void *user, size_t begin, size_t end, int32_t worker)
{
    reround *r = user;
    (void)worker;
    double *scratch = malloc(2 * (size_t)r->size * sizeof *scratch);
    if (scratch == NULL)
        __atomic_store_n(&r->short_of_memory, true, __ATOMIC_RELAXED);
    for (size_t i = begin; i < end && scratch != NULL; i++)
        descend_output(r, (int32_t)i, &r->h, &r->d, &r->factor, scratch);
    free(scratch);
}

static oct_status reround_dense(reround *r, oct_error *err)
{
    size_t square = (size_t)r->size * (size_t)r->size;
    double *values = malloc((r->refit ? 3 : 1) * square * sizeof *values);
    if (values == NULL)
        return oct_fail_memory(err, square * sizeof *values, "a covariance");
    r->h = (oct_covariance){ r->size, values };
    r->d = (oct_covariance){ r->size, values + (r->refit ? square : 0) };
    r->factor = (oct_covariance){ r->size, values + (r->refit ? 2 * square : 0) };
    oct_columns_centre(r->read, r->rows, r->size);
    if (r->refit)
        oct_columns_centre(r->read_float, r->rows, r->size);
    oct_pool_for(r->task->replay->pool, (size_t)r->size, 32, fill_range, r);
    r->refit = r->refit && prepare_fit(&r->h, &r->d, &r->factor);
    damp(r, &r->h);
    oct_pool_for(r->task->replay->pool, (size_t)r->outputs, 4, descend_range, r);
    free(values);
    return OCT_OK;
}

/* Depthwise layers: a small covariance for each output. */

enum { TOGETHER = 16 }; /* outputs whose columns are copied at once: they lie in one cache line */

/* Columns of the outputs [first, first + count), one output's behind the other's. */
static void copy_channels(const reround *r, const float *from, int64_t first, int64_t count, float *to)
{
    int64_t numbers = r->rows * r->size;
    for (int64_t i = 0; i < numbers; i++)
        for (int64_t k = 0; k < count; k++)
            to[k * numbers + i] = from[i * r->outputs + first + k];
    for (int64_t k = 0; k < count; k++)
        oct_columns_centre(to + k * numbers, r->rows, r->size);
}

static void reround_channel(const reround *r, int32_t output, const float *columns,
    const float *float_columns, double *values)
{
    size_t size = (size_t)r->size, square = size * size;
    oct_covariance h = { r->size, values }, d = { r->size, values + square },
                   factor = { r->size, values + 2 * square };
    oct_covariance_fill(&h, columns, columns, r->rows, 0, r->size);
    reround own = *r;
    if (r->refit) {
        oct_covariance_fill(&d, float_columns, columns, r->rows, 0, r->size);
        own.refit = prepare_fit(&h, &d, &factor);
    }
    damp(r, &h);
    descend_output(&own, output, &h, &d, &factor, values + 3 * square);
}

/* Of the groups [begin, end) of TOGETHER outputs. */
static void reround_groups(void *user, size_t begin, size_t end, int32_t worker)
{
    reround *r = user;
    (void)worker;
    size_t size = (size_t)r->size, numbers = (size_t)r->rows * size;
    double *values = malloc((3 * size * size + 2 * size) * sizeof *values);
    float *columns = malloc(2 * TOGETHER * numbers * sizeof *columns);
    if (values == NULL || columns == NULL)
        __atomic_store_n(&r->short_of_memory, true, __ATOMIC_RELAXED);
    float *floats = columns + TOGETHER * numbers;
    for (size_t group = begin; group < end && values != NULL && columns != NULL; group++) {
        int64_t first = (int64_t)group * TOGETHER, rest = r->outputs - first;
        int64_t count = rest < TOGETHER ? rest : TOGETHER;
        copy_channels(r, r->read, first, count, columns);
        if (r->refit)
            copy_channels(r, r->read_float, first, count, floats);
        for (int64_t k = 0; k < count; k++)
            reround_channel(r, (int32_t)(first + k), columns + (size_t)k * numbers,
                floats + (size_t)k * numbers, values);
    }
    free(columns);
    free(values);
}

static oct_status run(reround *r, oct_error *err)
{
    const oct_reround *t = r->task;
    int64_t width = r->depthwise ? (int64_t)r->size * r->outputs : r->size;
    int64_t rows = oct_reround_is_cheap(t) && t->floats == NULL ? FEW_ROWS : MOST_ROWS;
    int64_t most = MOST_VALUES / width < rows ? MOST_VALUES / width : rows;
    r->taken = most / t->replay->count < 1 ? 1 : most / t->replay->count;
    r->taken = r->taken < r->positions ? r->taken : r->positions;
    r->rows = r->taken * t->replay->count;
    r->refit = t->floats != NULL && r->rows >= (int64_t)ROWS_A_WEIGHT * r->size && r->size <= MOST_REFIT;
    size_t values = (size_t)(r->rows * width);
    r->read = malloc((r->refit ? 2 : 1) * values * sizeof *r->read);
    if (r->read == NULL)
        return oct_fail_memory(err, values * sizeof *r->read, "rows");
    r->read_float = r->read + (r->refit ? values : 0);
    oct_status status = read_rows(r, t->replay, t->layer, r->read, err);
    if (status == OCT_OK && r->refit)
        status = read_rows(r, t->floats, t->original, r->read_float, err);
    if (status == OCT_OK && !r->depthwise)
        status = reround_dense(r, err);
    if (status == OCT_OK && r->depthwise)
        oct_pool_for(t->replay->pool, ((size_t)r->outputs + TOGETHER - 1) / TOGETHER, 1, reround_groups, r);
    free(r->read);
    return status == OCT_OK && r->short_of_memory ? oct_fail_memory(err, values, "rows") : status;
}

bool oct_reround_is_cheap(const oct_reround *task)
{
    reround r = { .task = task };
    return look_at(&r) && r.size <= CHEAP_WEIGHTS;
}

oct_status oct_reround_layer(const oct_reround *task, int8_t *codes, oct_error *err)
{
    reround r = { .task = task, .codes = codes };
    return look_at(&r) ? run(&r, err) : OCT_OK;
}
