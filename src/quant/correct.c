/*
 * Bias correction, one layer after the other.
 *
 * The quantized network is replayed up to a layer; the layer alone is then run in float with its rounded
 * weights on those inputs. Source: Finkelstein et al. 2019 (arXiv 1906.03193), after the activation.
 */
#include "quant/correct.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quant/means.h"
#include "quant/replay.h"

enum { MOST_SAMPLES = 128, STEPS = 4 };
#define STORE_BYTES ((size_t)512 << 20)

typedef struct layer {
    int32_t index;              /* node of the float graph */
    int32_t position;           /* in the replay */
    int32_t data, weight, bias; /* input slots */
    int32_t channels;
    double *target; /* [channels]: mean of the float output */
} layer;

typedef struct correction {
    const oct_graph *graph;
    oct_rewritten *sim, *real;
    oct_pool *pool;
    oct_replay replay;
    layer *layers; /* [count], in order of execution */
    int32_t count;
    oct_arena arena;
} correction;

/* The fused activation as limits. False: none. */
static bool limits_of(oct_node *node, float *low, float *high)
{
    const int8_t *activation = oct_node_option(node, "fused_activation");
    int kind = activation == NULL ? OCT_ACT_NONE : *activation;
    *low = kind == OCT_ACT_RELU_N1_TO_1 ? -1.f : kind == OCT_ACT_NONE ? -FLT_MAX : 0.f;
    *high = kind == OCT_ACT_RELU6 ? 6.f : kind == OCT_ACT_RELU_N1_TO_1 ? 1.f : FLT_MAX;
    return kind != OCT_ACT_NONE;
}

/* Finding the layers. */

static const oct_tensor *input_of(const oct_subgraph *sub, const oct_node *node, int32_t slot)
{
    return slot < 0 || slot >= node->input_count || node->inputs[slot] < 0
               ? NULL
               : sub->tensors[node->inputs[slot]];
}

static bool is_readable(const oct_tensor *tensor, oct_type a, oct_type b)
{
    return tensor != NULL &&
           (oct_tensor_is_float(tensor) ||
               ((tensor->type == a || tensor->type == b) && tensor->quant.count > 0));
}

/* Whether a node of the replay is a layer that can be corrected; fills its slots. */
static bool look_at(const oct_replay *replay, const oct_node *node, layer *out)
{
    const oct_op_def *def = oct_op_find(node->op);
    if (def == NULL || (def->traits & OCT_TRAIT_LINEAR) == 0 || node->output_count != 1)
        return false;
    *out = (layer){ .data = oct_node_slot_with(node, OCT_ROLE_ACT),
        .weight = oct_node_slot_with(node, OCT_ROLE_WEIGHT),
        .bias = oct_node_slot_with(node, OCT_ROLE_BIAS) };
    const oct_tensor *data = input_of(replay->sub, node, out->data);
    const oct_tensor *weight = input_of(replay->sub, node, out->weight);
    const oct_tensor *bias = input_of(replay->sub, node, out->bias);
    const oct_tensor *result = replay->sub->tensors[node->outputs[0]];
    if (!is_readable(data, OCT_INT8, OCT_INT16) || !is_readable(weight, OCT_INT8, OCT_INT8) ||
        !is_readable(bias, OCT_INT32, OCT_INT64) || oct_tensor_is_constant(data) ||
        !oct_tensor_is_constant(weight) || !oct_tensor_is_constant(bias) || result->rank == 0)
        return false;
    out->channels = result->dims[result->rank - 1];
    return oct_tensor_elements(result) > 0 && oct_tensor_elements(bias) == out->channels;
}

static oct_status find_layers(correction *c, oct_error *err)
{
    int32_t nodes = c->graph->subgraphs[0]->node_count;
    c->layers = oct_arena_array(&c->arena, (size_t)nodes, sizeof *c->layers);
    if (c->layers == NULL)
        return oct_fail_memory(err, (size_t)nodes * sizeof *c->layers, "layers");
    for (int32_t i = 0; i < nodes; i++) {
        int32_t position = c->replay.positions[oct_work_position(&c->sim->work, c->sim->nodes[i])];
        layer *found = &c->layers[c->count];
        if (position < 0 || position >= c->replay.end ||
            !look_at(&c->replay, c->replay.sub->nodes[position], found))
            continue;
        found->index = i;
        found->position = position;
        found->target = oct_arena_array(&c->arena, (size_t)found->channels, sizeof(double));
        if (found->target == NULL)
            return oct_fail_memory(err, (size_t)found->channels * sizeof(double), "means");
        c->count++;
    }
    return OCT_OK;
}

/* How many samples' activations fit into the store at the fullest moment. */
static int64_t affordable_samples(const correction *c)
{
    size_t most = 1;
    for (int32_t i = 0; i < c->count; i++) {
        const layer *l = &c->layers[i];
        const oct_subgraph *sub = c->replay.sub;
        int32_t from = i == 0 ? 0 : c->layers[i - 1].position;
        size_t result = sizeof(float) * (size_t)oct_tensor_elements(
                                            sub->tensors[sub->nodes[l->position]->outputs[0]]);
        size_t bytes = oct_replay_live_bytes(&c->replay, from) +
                       oct_replay_live_bytes(&c->replay, l->position) + result;
        most = bytes > most ? bytes : most;
    }
    int64_t count = c->real->work.options->calib->count, fit = (int64_t)(STORE_BYTES / most);
    count = count < MOST_SAMPLES ? count : MOST_SAMPLES;
    return fit < 1 ? 1 : fit < count ? fit : count;
}

static oct_status measure_targets(correction *c, int64_t samples, oct_error *err)
{
    oct_mean *means = oct_arena_array(&c->arena, (size_t)c->count, sizeof *means);
    if (means == NULL)
        return oct_fail_memory(err, (size_t)c->count * sizeof *means, "means");
    for (int32_t i = 0; i < c->count; i++) {
        const layer *l = &c->layers[i];
        means[i] = (oct_mean){ c->graph->subgraphs[0]->nodes[l->index]->outputs[0], l->channels,
            l->target };
    }
    return oct_means_measure(
        c->graph, c->real->work.options->calib, samples, c->pool, means, c->count, err);
}

/* One layer alone, in float. */

static double real_value(const oct_tensor *tensor, int64_t i, int64_t channel)
{
    if (oct_tensor_is_float(tensor))
        return (double)((const float *)tensor->data)[i];
    int64_t code = tensor->type == OCT_INT8    ? ((const int8_t *)tensor->data)[i]
                   : tensor->type == OCT_INT32 ? ((const int32_t *)tensor->data)[i]
                                               : ((const int64_t *)tensor->data)[i];
    const oct_quant *quant = &tensor->quant;
    int64_t at = quant->count > 1 ? channel : 0;
    return (double)quant->scale[at] * (double)(code - quant->zero_point[at]);
}

/* A constant input of the piece's node becomes float32. */
static oct_status expand_constant(oct_graph *piece, oct_node *node, int32_t slot, oct_error *err)
{
    oct_subgraph *sub = piece->subgraphs[0];
    const oct_tensor *tensor = sub->tensors[node->inputs[slot]];
    if (oct_tensor_is_float(tensor))
        return OCT_OK;
    int64_t count = oct_tensor_elements(tensor), inner = 1;
    const oct_quant *quant = &tensor->quant;
    for (int32_t i = quant->axis + 1; quant->count > 1 && i < tensor->rank; i++)
        inner *= tensor->dims[i];
    float *values = oct_graph_new_bytes(piece, (size_t)count * sizeof *values);
    if (values == NULL)
        return oct_fail_memory(err, (size_t)count * sizeof *values, "expanded weights");
    for (int64_t i = 0; i < count; i++)
        values[i] = (float)real_value(tensor, i, i / inner % quant->count);
    OCT_TRY(oct_graph_add_tensor(piece, sub, tensor->name, OCT_FLOAT32, tensor->rank, tensor->dims,
        &node->inputs[slot], err));
    oct_tensor *real = sub->tensors[node->inputs[slot]];
    real->data = values;
    real->size = (size_t)count * sizeof *values;
    return OCT_OK;
}

/* An input or output of the piece's node as float32; *index is replaced by it. */
static oct_status float_twin(oct_graph *piece, int32_t *index, oct_error *err)
{
    oct_subgraph *sub = piece->subgraphs[0];
    const oct_tensor *tensor = sub->tensors[*index];
    return oct_graph_add_tensor(
        piece, sub, tensor->name, OCT_FLOAT32, tensor->rank, tensor->dims, index, err);
}

static oct_status make_float(oct_graph *piece, const layer *l, oct_error *err)
{
    oct_subgraph *sub = piece->subgraphs[0];
    oct_node *node = sub->nodes[0];
    int8_t *activation = oct_node_option(node, "fused_activation");
    int32_t data = node->inputs[l->data];
    if (activation != NULL)
        *activation = OCT_ACT_NONE;
    OCT_TRY(expand_constant(piece, node, l->weight, err));
    OCT_TRY(expand_constant(piece, node, l->bias, err));
    if (!oct_tensor_is_float(sub->tensors[data])) {
        OCT_TRY(float_twin(piece, &node->inputs[l->data], err));
        OCT_TRY(oct_graph_insert_node(piece, sub, 0, OCT_OP_DEQUANTIZE, &data, 1,
            &node->inputs[l->data], 1, OCT_OPTIONS_Dequantize, NULL, err));
    }
    OCT_TRY(float_twin(piece, &node->outputs[0], err));
    sub->outputs = node->outputs;
    sub->output_count = 1;
    return OCT_OK;
}

/* The layer's results before the activation: [samples][elements], owned by the caller. */
static oct_status run_alone(
    const correction *c, const layer *l, float **out, size_t *elements, oct_error *err)
{
    oct_graph *piece;
    const oct_subgraph *sub = c->replay.sub;
    *elements = (size_t)oct_tensor_elements(sub->tensors[sub->nodes[l->position]->outputs[0]]);
    size_t bytes = *elements * sizeof(float);
    *out = NULL;
    OCT_TRY(oct_replay_cut(&c->replay, l->position, l->position + 1, &piece, err));
    oct_status status = make_float(piece, l, err);
    if (status == OCT_OK && (*out = malloc(bytes * (size_t)c->replay.count)) == NULL)
        status = oct_fail_memory(err, bytes * (size_t)c->replay.count, "activations");
    if (status == OCT_OK)
        status = oct_replay_run_piece(
            &c->replay, piece, &(unsigned char *){ (void *)*out }, &bytes, err);
    oct_graph_free(piece);
    return status;
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
    const float *values; /* [samples][rows][channels] */
    size_t rows;
    int32_t channels;
    float low, high;
    const double *shift;
    double *sums, *counts, *column; /* [samples][channels] twice, [samples] */
} shifted;

/* A loop that compilers make vectors of. */
static void add_row(const float *restrict values, const double *restrict shift, size_t channels,
    double low, double high, double *restrict sums, double *restrict counts)
{
    for (size_t k = 0; k < channels; k++) {
        double value = (double)values[k] + shift[k];
        double raised = value > low ? value : low, cut = raised < high ? raised : high;
        sums[k] += cut;
        counts[k] += value == cut ? 1.0 : 0.0;
    }
}

static void sum_samples(void *user, size_t begin, size_t end, int32_t worker)
{
    const shifted *s = user;
    size_t channels = (size_t)s->channels;
    (void)worker;
    for (size_t i = begin; i < end; i++) {
        double *sums = s->sums + i * channels, *counts = s->counts + i * channels;
        memset(sums, 0, channels * sizeof *sums);
        memset(counts, 0, channels * sizeof *counts);
        for (size_t row = 0; row < s->rows; row++)
            add_row(s->values + (i * s->rows + row) * channels, s->shift, channels, (double)s->low,
                (double)s->high, sums, counts);
    }
}

static void measure_shifted(void *user, const double *shift, double *mean, double *inside)
{
    shifted *s = user;
    int64_t samples = s->c->replay.count;
    s->shift = shift;
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

static oct_status find_shift(
    correction *c, const layer *l, double *shift, double *scratch, oct_error *err)
{
    shifted s = { .c = c, .channels = l->channels };
    size_t numbers = (size_t)c->replay.count * (size_t)l->channels, elements;
    bool clamped = limits_of(c->replay.sub->nodes[l->position], &s.low, &s.high);
    float *values;
    oct_status status = run_alone(c, l, &values, &elements, err);
    s.values = values;
    s.rows = elements / (size_t)l->channels;
    s.sums = malloc((2 * numbers + (size_t)c->replay.count) * sizeof(double));
    if (status == OCT_OK && s.sums == NULL)
        status = oct_fail_memory(err, 2 * numbers * sizeof(double), "means");
    if (status == OCT_OK) {
        s.counts = s.sums + numbers;
        s.column = s.counts + numbers;
        const oct_shift_problem problem = { l->channels, l->target, clamped, measure_shifted, &s };
        oct_shift_solve(&problem, shift, scratch);
    }
    free(s.sums);
    free(values);
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

static oct_status note_limit(correction *c, const layer *l, int32_t channels, oct_error *err)
{
    oct_quant_report *report = c->real->work.report;
    return oct_report_set(report, l->index, report->notes[l->index].result, err,
        "%d corrected biases are at the limit of their type", (int)channels);
}

static oct_status correct(correction *c, const layer *l, oct_error *err)
{
    oct_node *node = c->replay.sub->nodes[l->position];
    size_t channels = (size_t)l->channels;
    double *shift = oct_arena_array(&c->arena, 3 * channels, sizeof *shift);
    if (shift == NULL)
        return oct_fail_memory(err, 3 * channels * sizeof *shift, "biases");
    OCT_TRY(oct_replay_run_to(&c->replay, l->position, err));
    OCT_TRY(find_shift(c, l, shift, shift + channels, err));
    const oct_tensor *bias = input_of(c->replay.sub, node, l->bias);
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

/* In front of which node of the rewritten graph all layers have been. */
static int32_t behind_layers(const oct_rewritten *sim, int32_t nodes)
{
    int32_t end = 0;
    for (int32_t i = 0; i < nodes; i++) {
        const oct_op_def *def = oct_op_find(sim->nodes[i]->op);
        if (def != NULL && (def->traits & OCT_TRAIT_LINEAR) != 0)
            end = oct_work_position(&sim->work, sim->nodes[i]) + 1;
    }
    return end;
}

static oct_status run(correction *c, oct_error *err)
{
    const oct_quant_options *options = c->real->work.options;
    int32_t end = behind_layers(c->sim, c->graph->subgraphs[0]->node_count);
    if (end == 0)
        return OCT_OK;
    OCT_TRY(oct_pool_create(options->threads, &c->pool, err));
    OCT_TRY(oct_replay_create(c->sim->work.graph, end, c->pool, &c->replay, err));
    OCT_TRY(find_layers(c, err));
    if (c->count == 0)
        return OCT_OK;
    int64_t samples = affordable_samples(c);
    OCT_TRY(measure_targets(c, samples, err));
    OCT_TRY(oct_replay_start(&c->replay, options->calib, samples, err));
    for (int32_t i = 0; i < c->count; i++)
        OCT_TRY(correct(c, &c->layers[i], err));
    return OCT_OK;
}

oct_status oct_correct_biases(
    const oct_graph *graph, oct_rewritten *sim, oct_rewritten *real, oct_error *err)
{
    correction c = { .graph = graph, .sim = sim, .real = real };
    oct_status status = run(&c, err);
    oct_replay_free(&c.replay);
    oct_pool_free(c.pool);
    oct_arena_free(&c.arena);
    return status;
}
