/*
 * Bias correction, one layer after the other.
 *
 * The quantized network is replayed up to a layer; the layer alone is then run in float with its rounded
 * weights on those inputs. Source: Finkelstein et al. 2019 (arXiv 1906.03193), after the activation.
 */
#include "quant/correct.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quant/layer.h"
#include "quant/reround.h"

enum { STEPS = 3, FEW_SAMPLES = 16 };

typedef struct correction {
    const oct_graph *graph;
    const oct_evidence *evidence;
    oct_rewritten *sim, *real;
    oct_pool *pool;
    oct_replay replay; /* of sim */
    oct_replay floats; /* of the float graph; effort high */
    oct_layer *layers; /* [count], in order of execution */
    int32_t count;
    oct_arena arena;
} correction;

/* Finding the layers. */

static oct_effort effort_of(const correction *c, int32_t index)
{
    const oct_settings *settings = c->real->work.settings;
    return settings == NULL ? c->real->work.options->effort : settings->of[index].effort;
}

static const oct_channels *channels_of(const correction *c, const oct_layer *l)
{
    return &c->evidence->channels[c->graph->subgraphs[0]->nodes[l->index]->outputs[0]];
}

/* A bias of float16 stands behind a DEQUANTIZE and stays what it is. */
static bool has_own_bias(const correction *c, const oct_layer *l)
{
    const oct_node *node = c->real->nodes[l->index];
    return oct_tensor_is_constant(c->real->work.sub->tensors[node->inputs[l->bias]]);
}

static oct_status find_layers(correction *c, oct_error *err)
{
    int32_t nodes = c->graph->subgraphs[0]->node_count;
    c->layers = oct_arena_array(&c->arena, (size_t)nodes, sizeof *c->layers);
    if (c->layers == NULL)
        return oct_fail_memory(err, (size_t)nodes * sizeof *c->layers, "layers");
    for (int32_t i = 0; i < nodes; i++) {
        int32_t position = c->replay.positions[oct_work_position(&c->sim->work, c->sim->nodes[i])];
        oct_layer *found = &c->layers[c->count];
        if ((c->real->work.kept != NULL && c->real->work.kept[i]) || position < 0 || position >= c->replay.end || effort_of(c, i) == OCT_EFFORT_NONE ||
            !oct_layer_look_at(&c->replay, c->replay.sub->nodes[position], found))
            continue;
        found->index = i;
        found->position = position;
        c->count += channels_of(c, found)->count == found->channels && has_own_bias(c, found);
    }
    return OCT_OK;
}

/* The shift. */

void oct_shift_solve(const oct_shift_problem *p, double *shift, double *scratch)
{
    /* Newton's method, whose slope is the share of values inside; where hardly any is, small steps. */
    const double least = 0.125;
    double *mean = scratch, *inside = scratch + p->channels;
    for (int step = 0; step < (p->clamped ? STEPS : 1); step++) {
        p->measure(p->user, shift, mean, inside);
        for (int32_t i = 0; i < p->channels; i++)
            shift[i] += (p->target[i] - mean[i]) / fmax(p->clamped ? inside[i] : 1.0, least);
    }
}

typedef struct shifted {
    const correction *c;
    float *values; /* [samples][rows][channels] */
    size_t rows;
    int32_t channels;
    float low, high;
    float *shift;
    double *sums, *counts, *column; /* [samples][channels] twice, [samples] */
} shifted;

/* Loops that compilers make vectors of; a few rows are summed in float, their sums in double. */

static void add_row(const float *restrict values, const float *restrict shift, size_t channels,
    float low, float high, float *restrict sums, float *restrict counts)
{
    for (size_t k = 0; k < channels; k++) {
        float value = values[k] + shift[k];
        float raised = value > low ? value : low, cut = raised < high ? raised : high;
        sums[k] += cut;
        counts[k] += value == cut ? 1.f : 0.f;
    }
}

static void add_rows(const shifted *s, const float *values, size_t rows, double *sums, double *counts)
{
    enum { WIDTH = 256 };
    size_t channels = (size_t)s->channels;
    for (size_t from = 0; from < channels; from += WIDTH) {
        float sum[WIDTH] = { 0 }, count[WIDTH] = { 0 };
        size_t width = channels - from < WIDTH ? channels - from : WIDTH;
        for (size_t row = 0; row < rows; row++)
            add_row(values + row * channels + from, s->shift + from, width, s->low, s->high, sum, count);
        for (size_t k = 0; k < width; k++) {
            sums[from + k] += (double)sum[k];
            counts[from + k] += (double)count[k];
        }
    }
}

static void sum_samples(void *user, size_t begin, size_t end, int32_t worker)
{
    enum { CHUNK = 32 };
    const shifted *s = user;
    size_t channels = (size_t)s->channels;
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        double *sums = s->sums + i * channels, *counts = s->counts + i * channels;
        memset(sums, 0, channels * sizeof *sums);
        memset(counts, 0, channels * sizeof *counts);
        for (size_t row = 0; row < s->rows; row += CHUNK)
            add_rows(s, s->values + (i * s->rows + row) * channels,
                s->rows - row < CHUNK ? s->rows - row : CHUNK, sums, counts);
    }
}

static void measure_shifted(void *user, const double *shift, double *mean, double *inside)
{
    shifted *s = user;
    int64_t samples = s->c->replay.count;
    for (int32_t k = 0; k < s->channels; k++)
        s->shift[k] = (float)shift[k];
    oct_pool_for(s->c->pool, (size_t)samples, 1, sum_samples, s);
    for (int32_t k = 0; k < s->channels; k++) {
        for (int64_t i = 0; i < samples; i++)
            s->column[i] = s->sums[i * s->channels + k];
        mean[k] = oct_mean_of(s->column, samples) / (double)s->rows;
        inside[k] = 0;
        for (int64_t i = 0; i < samples; i++)
            inside[k] += s->counts[i * s->channels + k];
        inside[k] /= (double)samples * (double)s->rows;
    }
}

static void keep(void *user, int64_t sample, const float *values, size_t elements)
{
    const shifted *s = user;
    memcpy(s->values + (size_t)sample * elements, values, elements * sizeof *values);
}

static oct_status find_shift(
    correction *c, const oct_layer *l, double *shift, double *scratch, oct_error *err)
{
    oct_node *node = c->replay.sub->nodes[l->position];
    shifted s = { .c = c, .channels = l->channels };
    size_t samples = (size_t)c->replay.count, numbers = samples * (size_t)l->channels;
    size_t elements = (size_t)oct_tensor_elements(c->replay.sub->tensors[node->outputs[0]]);
    bool clamped = oct_layer_limits(node, &s.low, &s.high);
    s.rows = elements / (size_t)l->channels;
    s.values = malloc(samples * elements * sizeof *s.values);
    s.sums = malloc((2 * numbers + samples) * sizeof(double));
    s.shift = malloc((size_t)l->channels * sizeof *s.shift);
    oct_status status = s.values == NULL || s.sums == NULL || s.shift == NULL
                            ? oct_fail_memory(err, samples * elements * sizeof *s.values, "activations")
                            : oct_layer_run(&c->replay, l, NULL, 0, keep, &s, err);
    if (status == OCT_OK) {
        s.counts = s.sums + numbers;
        s.column = s.counts + numbers;
        const oct_shift_problem problem = { l->channels, channels_of(c, l)->mean, clamped,
            measure_shifted, &s };
        oct_shift_solve(&problem, shift, scratch);
    }
    free(s.shift);
    free(s.sums);
    free(s.values);
    return status;
}

/* The bias. */

/* Adds the shift in the bias's own type; true where the type cannot hold the sum. */
static bool add_shift(const oct_tensor *bias, int32_t channel, double shift, void *to)
{
    if (oct_tensor_is_float(bias)) {
        ((float *)to)[channel] = (float)((double)((const float *)bias->data)[channel] + shift);
        return false;
    }
    double scale = (double)bias->quant.scale[bias->quant.count > 1 ? channel : 0];
    bool narrow = bias->type == OCT_INT32;
    /* Kernels of int16 activations take sums below 2^47. */
    double limit = narrow ? (double)INT32_MAX : 0x1p46;
    double code = narrow ? (double)((const int32_t *)bias->data)[channel]
                         : (double)((const int64_t *)bias->data)[channel];
    double sum = scale > 0 ? code + round(shift / scale) : code,
           cut = fmin(fmax(sum, -limit), limit);
    if (narrow)
        ((int32_t *)to)[channel] = (int32_t)cut;
    else
        ((int64_t *)to)[channel] = (int64_t)cut;
    return cut != sum;
}

/* Gives a node of the graph a bias of its own with these bytes. */
static oct_status replace_bias(
    oct_graph *graph, oct_node *node, int32_t slot, const void *bytes, oct_error *err)
{
    oct_subgraph *sub = graph->subgraphs[0];
    const oct_tensor *old = sub->tensors[node->inputs[slot]];
    void *copy = oct_graph_new_bytes(graph, old->size);
    int32_t index;
    if (copy == NULL)
        return oct_fail_memory(err, old->size, "a bias");
    memcpy(copy, bytes, old->size);
    OCT_TRY(
        oct_graph_add_tensor(graph, sub, old->name, old->type, old->rank, old->dims, &index, err));
    oct_tensor *tensor = sub->tensors[index];
    tensor->has_rank = old->has_rank;
    tensor->data = copy;
    tensor->size = old->size;
    tensor->quant = old->quant;
    node->inputs[slot] = index;
    return OCT_OK;
}

static oct_status note_limit(correction *c, const oct_layer *l, int32_t channels, oct_error *err)
{
    oct_quant_report *report = c->real->work.report;
    return oct_report_set(report, l->index, report->notes[l->index].result, err,
        "%d corrected biases are at the limit of their type", (int)channels);
}

/* The weights. */

/* The replay's weights are codes too, or what they expand to. */
static oct_status show_codes(correction *c, const oct_layer *l, const oct_tensor *codes, oct_error *err)
{
    oct_tensor *shown =
        c->replay.sub->tensors[c->replay.sub->nodes[l->position]->inputs[l->weight]];
    if (!oct_tensor_is_float(shown)) {
        shown->data = codes->data;
        return OCT_OK;
    }
    float *values = oct_graph_new_bytes(c->replay.graph, shown->size);
    if (values == NULL)
        return oct_fail_memory(err, shown->size, "weights");
    int64_t inner = 1, count = oct_tensor_elements(codes);
    for (int32_t i = codes->quant.axis + 1; codes->quant.count > 1 && i < codes->rank; i++)
        inner *= codes->dims[i];
    for (int64_t i = 0; i < count; i++)
        values[i] = (float)oct_layer_value(codes, i, i / inner % codes->quant.count);
    shown->data = values;
    return OCT_OK;
}

/* Rounds a layer's weights anew; with effort default only where that costs little or 4 bits need it. */
static oct_status reround(correction *c, const oct_layer *l, oct_error *err)
{
    oct_layer original;
    oct_replay few = c->replay;
    bool fits = effort_of(c, l->index) == OCT_EFFORT_HIGH;
    const oct_subgraph *floats = c->graph->subgraphs[0];
    const oct_tensor *weights = floats->tensors[floats->nodes[l->index]->inputs[l->weight]];
    int32_t position = fits ? c->floats.positions[l->index] : 0;
    oct_tensor *codes = oct_codes_of(c->real->work.sub, c->real->nodes[l->index], l->weight);
    bool narrow = c->real->narrow != NULL && c->real->narrow[l->index] != NULL;
    oct_reround task = { .replay = &few, .layer = l, .weights = weights, .codes = codes,
        .limit = narrow ? OCT_NARROW_LIMIT : 127 };
    if (codes == NULL || position < 0 || !oct_tensor_is_float(weights) || !oct_tensor_is_constant(weights) ||
        (fits && !oct_layer_look_at(&c->floats, c->floats.sub->nodes[position], &original)) ||
        (!fits && !narrow && !oct_reround_is_cheap(&task)))
        return OCT_OK;
    if (fits) {
        original.index = l->index;
        original.position = position;
        task.floats = &c->floats;
        task.original = &original;
        OCT_TRY(oct_replay_run_to(&c->floats, position, err));
    } else if (!narrow) {
        few.count = few.count < FEW_SAMPLES ? few.count : FEW_SAMPLES;
    }
    int8_t *bytes = oct_graph_new_bytes(c->real->work.graph, codes->size);
    if (bytes == NULL)
        return oct_fail_memory(err, codes->size, "weights");
    memcpy(bytes, codes->data, codes->size);
    OCT_TRY(oct_reround_layer(&task, bytes, err));
    codes->data = bytes;
    return show_codes(c, l, codes, err);
}

static oct_status correct(correction *c, const oct_layer *l, oct_error *err)
{
    oct_node *node = c->replay.sub->nodes[l->position];
    size_t channels = (size_t)l->channels;
    double *shift = oct_arena_array(&c->arena, 3 * channels, sizeof *shift);
    if (shift == NULL)
        return oct_fail_memory(err, 3 * channels * sizeof *shift, "biases");
    OCT_TRY(oct_replay_run_to(&c->replay, l->position, err));
    OCT_TRY(reround(c, l, err));
    OCT_TRY(find_shift(c, l, shift, shift + channels, err));
    const oct_tensor *bias = c->replay.sub->tensors[node->inputs[l->bias]];
    void *bytes = oct_arena_alloc(&c->arena, bias->size);
    if (bytes == NULL)
        return oct_fail_memory(err, bias->size, "a bias");
    int32_t cut = 0;
    for (int32_t i = 0; i < l->channels; i++)
        cut += add_shift(bias, i, shift[i], bytes);
    OCT_TRY(replace_bias(c->replay.graph, node, l->bias, bytes, err));
    OCT_TRY(replace_bias(c->real->work.graph, c->real->nodes[l->index], l->bias, bytes, err));
    return cut > 0 ? note_limit(c, l, cut, err) : OCT_OK;
}

/* In front of which node of a graph all layers have been. */
static int32_t behind_layers(const oct_subgraph *sub)
{
    int32_t end = 0;
    for (int32_t i = 0; i < sub->node_count; i++) {
        const oct_op_def *def = oct_op_find(sub->nodes[i]->op);
        if (def != NULL && (def->traits & OCT_TRAIT_LINEAR) != 0)
            end = i + 1;
    }
    return end;
}

static oct_status start(correction *c, const oct_graph *graph, oct_replay *replay, oct_error *err)
{
    int32_t end = behind_layers(graph->subgraphs[0]);
    OCT_TRY(oct_replay_create(graph, end, c->pool, replay, err));
    return oct_replay_start(replay, c->evidence->from, &c->evidence->choice, err);
}

static oct_status run(correction *c, oct_error *err)
{
    const oct_quant_options *options = c->real->work.options;
    if (behind_layers(c->graph->subgraphs[0]) == 0)
        return OCT_OK;
    OCT_TRY(oct_pool_create(options->threads, &c->pool, err));
    OCT_TRY(start(c, c->sim->work.graph, &c->replay, err));
    OCT_TRY(find_layers(c, err));
    if (c->count > 0 && oct_settings_effort(c->real->work.settings, options) == OCT_EFFORT_HIGH)
        OCT_TRY(start(c, c->graph, &c->floats, err));
    for (int32_t i = 0; i < c->count; i++) {
        OCT_TRY(correct(c, &c->layers[i], err));
        if (options->progress != NULL)
            options->progress(options->progress_user, "correcting", i + 1, c->count);
    }
    return OCT_OK;
}

oct_status oct_correct(const oct_graph *graph, const oct_evidence *evidence, oct_rewritten *sim,
    oct_rewritten *real, oct_error *err)
{
    correction c = { .graph = graph, .evidence = evidence, .sim = sim, .real = real };
    oct_status status = run(&c, err);
    oct_replay_free(&c.floats);
    oct_replay_free(&c.replay);
    oct_pool_free(c.pool);
    oct_arena_free(&c.arena);
    return status;
}
