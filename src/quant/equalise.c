/*
 * Groups of tensors with common factors, the choice of the factors, and the rescaled weights.
 */
#include "quant/equalise.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "quant/rewrite.h"

enum { EXPONENTS = 8, MOST_FACTOR = 64, MARGIN = 2 };

typedef struct equaliser {
    oct_graph *graph;
    oct_subgraph *sub;
    oct_evidence *evidence;
    int32_t *parent; /* [tensors]: groups as trees; parent[root] == root */
    bool *frozen;    /* [tensors]: by root: some member cannot be rescaled */
    bool *clipped;   /* [tensors]: by root: RELU6 makes a member */
    oct_arena arena;
} equaliser;

/* Conv-like operators. */

/* What an operator's weights are to its channels. */
typedef struct linear {
    oct_tensor *weights, *bias; /* bias NULL: none */
    int32_t data;               /* the tensor read */
    bool depthwise;             /* the channels read are those of the weights: there is one column */
    int64_t rows, taps, columns;
} linear;

static bool is_own_constant(const equaliser *e, int32_t tensor)
{
    const oct_tensor *t = e->sub->tensors[tensor];
    return t->type == OCT_FLOAT32 && t->data != NULL && oct_graph_use_count(e->sub, tensor) == 1;
}

/* False: not a conv-like operator whose weights are constants that no other reads. */
static bool look_at(const equaliser *e, const oct_node *node, linear *out)
{
    int32_t weight = oct_node_slot_with(node, OCT_ROLE_WEIGHT);
    int32_t data = oct_node_slot_with(node, OCT_ROLE_ACT), bias = oct_node_slot_with(node, OCT_ROLE_BIAS);
    if (weight < 0 || data < 0 || !is_own_constant(e, node->inputs[weight]) ||
        (bias >= 0 && !is_own_constant(e, node->inputs[bias])))
        return false;
    oct_tensor *w = e->sub->tensors[node->inputs[weight]];
    int32_t axis = oct_node_rule(node)->weight_axis;
    if (w->rank < 2 || (axis != 0 && axis != w->rank - 1))
        return false;
    *out = (linear){ .weights = w, .bias = bias < 0 ? NULL : e->sub->tensors[node->inputs[bias]],
        .data = node->inputs[data], .depthwise = axis != 0, .rows = w->dims[axis],
        .columns = axis != 0 ? 1 : w->dims[w->rank - 1] };
    if (out->rows < 1 || out->columns < 1)
        return false;
    out->taps = oct_tensor_elements(w) / out->rows / out->columns;
    return out->bias == NULL || oct_tensor_elements(out->bias) == out->rows;
}

/* Element of row r (the channel made), tap k and column c. */
static int64_t element(const linear *l, int64_t r, int64_t k, int64_t c)
{
    return l->depthwise ? k * l->rows + r : (r * l->taps + k) * l->columns + c;
}

/* Whether each of `channels` read is one of the weights' columns, or of their rows for depthwise. */
static bool reads_channels(const linear *l, int32_t channels)
{
    return l->depthwise ? l->rows % channels == 0 : l->columns == channels;
}

/* Groups. */

static int32_t root_of(const equaliser *e, int32_t tensor)
{
    while (e->parent[tensor] != tensor)
        tensor = e->parent[tensor];
    return tensor;
}

static void freeze(equaliser *e, int32_t tensor)
{
    if (tensor >= 0)
        e->frozen[root_of(e, tensor)] = true;
}

static void join(equaliser *e, int32_t a, int32_t b)
{
    int32_t p = root_of(e, a), q = root_of(e, b);
    const oct_channels *channels = e->evidence->channels;
    bool fit = channels[a].count == channels[b].count && channels[a].count > 0;
    e->frozen[q] |= e->frozen[p] || !fit;
    e->clipped[q] |= e->clipped[p];
    e->parent[p] = q;
}

static int activation_of(oct_node *node)
{
    const int8_t *activation = oct_node_option(node, "fused_activation");
    return activation == NULL ? OCT_ACT_NONE : *activation;
}

/* A positive factor passes NONE and RELU; RELU6 only while it clips nothing. */
static void look_at_activation(equaliser *e, oct_node *node)
{
    int activation = activation_of(node);
    if (activation == OCT_ACT_RELU6)
        e->clipped[root_of(e, node->outputs[0])] = true;
    else if (activation != OCT_ACT_NONE && activation != OCT_ACT_RELU)
        freeze(e, node->outputs[0]);
}

static void freeze_all(equaliser *e, const oct_node *node)
{
    for (int32_t i = 0; i < node->input_count; i++)
        freeze(e, node->inputs[i]);
    for (int32_t i = 0; i < node->output_count; i++)
        freeze(e, node->outputs[i]);
}

static void visit(equaliser *e, oct_node *node)
{
    const oct_op_def *def = oct_op_find(node->op);
    uint32_t traits = def == NULL ? 0 : def->traits;
    linear l;
    if ((traits & OCT_TRAIT_SUMS) != 0) {
        join(e, node->inputs[0], node->outputs[0]);
        join(e, node->inputs[1], node->outputs[0]);
        look_at_activation(e, node);
    } else if ((traits & OCT_TRAIT_BY_CHANNEL) != 0) {
        join(e, node->inputs[0], node->outputs[0]);
        look_at_activation(e, node);
    } else if ((traits & OCT_TRAIT_LINEAR) != 0 && look_at(e, node, &l)) {
        int32_t channels = e->evidence->channels[l.data].count;
        if (channels < 1 || !reads_channels(&l, channels))
            freeze(e, l.data);
        if (e->evidence->channels[node->outputs[0]].count != l.rows)
            freeze(e, node->outputs[0]);
        look_at_activation(e, node);
    } else {
        freeze_all(e, node);
    }
}

/* Noise. */

typedef struct group {
    int32_t root, channels;
    double *largest; /* [channels]: magnitude seen */
    double *low, *high; /* [channels] */
    double *square;  /* [channels]: mean of x * x, over the members */
    double *factors; /* [channels] */
} group;

static bool is_member(const equaliser *e, const group *g, int32_t tensor)
{
    return tensor >= 0 && root_of(e, tensor) == g->root;
}

/* Whether node i is conv-like and reads a member. */
static bool reads(const equaliser *e, const group *g, int32_t i, linear *l)
{
    const oct_op_def *def = oct_op_find(e->sub->nodes[i]->op);
    return def != NULL && (def->traits & OCT_TRAIT_LINEAR) != 0 &&
           look_at(e, e->sub->nodes[i], l) && is_member(e, g, l->data);
}

static bool makes(const equaliser *e, const group *g, int32_t i, linear *l)
{
    const oct_op_def *def = oct_op_find(e->sub->nodes[i]->op);
    return def != NULL && (def->traits & OCT_TRAIT_LINEAR) != 0 &&
           is_member(e, g, e->sub->nodes[i]->outputs[0]) && look_at(e, e->sub->nodes[i], l);
}

/* Which channel a column, or a depthwise row, reads. */
static int64_t channel_read(const linear *l, const group *g, int64_t r, int64_t c)
{
    return l->depthwise ? r / (l->rows / g->channels) : c;
}

/* Squared output noise of a row: codes of what it reads, and of its own weights. */
static double row_noise(const linear *l, const group *g, int64_t r, double step)
{
    const float *w = l->weights->data;
    double read = 0, largest = 0, power = 0;
    for (int64_t k = 0; k < l->taps; k++)
        for (int64_t c = 0; c < l->columns; c++) {
            int64_t channel = channel_read(l, g, r, c);
            double t = g->factors[channel], value = (double)w[element(l, r, k, c)] / t;
            read += value * value;
            largest = fmax(largest, fabs(value));
            power += t * t * g->square[channel];
        }
    double own = largest / 127;
    return (read * step * step + own * own * power) / 12;
}

/* x to the power of eighths, from square roots: they are the same on every machine, pow() is not. */
static double power(double x, int eighths)
{
    double half = sqrt(x), quarter = sqrt(half);
    if (eighths == EXPONENTS)
        return x;
    return ((eighths & 4) != 0 ? half : 1) * ((eighths & 2) != 0 ? quarter : 1) *
           ((eighths & 1) != 0 ? sqrt(quarter) : 1);
}

static void set_factors(group *g, int eighths)
{
    double most = 0;
    for (int32_t c = 0; c < g->channels; c++)
        most = fmax(most, g->largest[c]);
    for (int32_t c = 0; c < g->channels; c++) {
        double size = fmax(g->largest[c], most / MOST_FACTOR);
        g->factors[c] = g->largest[c] > 0 ? power(most / size, eighths) : 1;
    }
}

static double noise(const equaliser *e, const group *g)
{
    double low = 0, high = 0, sum = 0;
    for (int32_t c = 0; c < g->channels; c++) {
        low = fmin(low, g->low[c] * g->factors[c]);
        high = fmax(high, g->high[c] * g->factors[c]);
    }
    linear l;
    for (int32_t i = 0; i < e->sub->node_count; i++)
        if (reads(e, g, i, &l))
            for (int64_t r = 0; r < l.rows; r++)
                sum += row_noise(&l, g, r, (high - low) / 255);
    return sum;
}

static void choose_exponent(const equaliser *e, group *g)
{
    double least = INFINITY;
    int best = 0;
    for (int i = 0; i <= EXPONENTS; i++) {
        set_factors(g, i);
        double sum = noise(e, g);
        if (sum < least) {
            least = sum;
            best = i;
        }
    }
    set_factors(g, best);
}

/* Below a clip channels only grow, to at most its half. */
static void grow_below_clip(group *g)
{
    for (int32_t c = 0; c < g->channels; c++)
        g->factors[c] = g->largest[c] > 0
                            ? fmin(fmax(6.0 / MARGIN / g->largest[c], 1), MOST_FACTOR)
                            : 1;
}

/* Rescaling. */

static oct_status own_bytes(equaliser *e, oct_tensor *tensor, float **out, oct_error *err)
{
    *out = oct_graph_new_bytes(e->graph, tensor->size);
    if (*out == NULL)
        return oct_fail_memory(err, tensor->size, "rescaled weights");
    memcpy(*out, tensor->data, tensor->size);
    tensor->data = *out;
    return OCT_OK;
}

static oct_status rescale_maker(equaliser *e, const group *g, const linear *l, oct_error *err)
{
    float *w, *b;
    OCT_TRY(own_bytes(e, l->weights, &w, err));
    for (int64_t r = 0; r < l->rows; r++)
        for (int64_t k = 0; k < l->taps; k++)
            for (int64_t c = 0; c < l->columns; c++) {
                int64_t i = element(l, r, k, c);
                w[i] = (float)((double)w[i] * g->factors[r]);
            }
    if (l->bias == NULL)
        return OCT_OK;
    OCT_TRY(own_bytes(e, l->bias, &b, err));
    for (int64_t r = 0; r < l->rows; r++)
        b[r] = (float)((double)b[r] * g->factors[r]);
    return OCT_OK;
}

static oct_status rescale_reader(equaliser *e, const group *g, const linear *l, oct_error *err)
{
    float *w;
    OCT_TRY(own_bytes(e, l->weights, &w, err));
    for (int64_t r = 0; r < l->rows; r++)
        for (int64_t k = 0; k < l->taps; k++)
            for (int64_t c = 0; c < l->columns; c++) {
                int64_t i = element(l, r, k, c);
                w[i] = (float)((double)w[i] / g->factors[channel_read(l, g, r, c)]);
            }
    return OCT_OK;
}

static void rescale_evidence(equaliser *e, const group *g, int32_t tensor)
{
    oct_channels *seen = &e->evidence->channels[tensor];
    oct_range *range = &e->evidence->ranges[tensor];
    range->min = FLT_MAX;
    range->max = FLT_MIN; /* as calibration begins */
    for (int32_t c = 0; c < g->channels; c++) {
        double t = g->factors[c];
        seen->min[c] = (float)((double)seen->min[c] * t);
        seen->max[c] = (float)((double)seen->max[c] * t);
        seen->mean[c] *= t;
        seen->square[c] *= t * t;
        range->min = fminf(range->min, seen->min[c]);
        range->max = fmaxf(range->max, seen->max[c]);
    }
}

static oct_status rescale(equaliser *e, const group *g, oct_error *err)
{
    linear l;
    for (int32_t i = 0; i < e->sub->node_count; i++) {
        if (makes(e, g, i, &l))
            OCT_TRY(rescale_maker(e, g, &l, err));
        if (reads(e, g, i, &l))
            OCT_TRY(rescale_reader(e, g, &l, err));
    }
    for (int32_t i = 0; i < e->sub->tensor_count; i++)
        if (is_member(e, g, i))
            rescale_evidence(e, g, i);
    return OCT_OK;
}

/* One group. */

static void measure(const equaliser *e, group *g)
{
    for (int32_t i = 0; i < e->sub->tensor_count; i++) {
        if (!is_member(e, g, i))
            continue;
        const oct_channels *seen = &e->evidence->channels[i];
        for (int32_t c = 0; c < g->channels; c++) {
            g->low[c] = fmin(g->low[c], (double)seen->min[c]);
            g->high[c] = fmax(g->high[c], (double)seen->max[c]);
            g->largest[c] = fmax(g->largest[c], fmax(-g->low[c], g->high[c]));
            g->square[c] = fmax(g->square[c], seen->square[c]);
        }
    }
}

/* Whether a group has readers and, below a clip, none but depthwise ones. */
static bool is_worth_it(const equaliser *e, const group *g)
{
    bool any = false;
    linear l;
    for (int32_t i = 0; i < e->sub->node_count; i++) {
        if (!reads(e, g, i, &l))
            continue;
        any = true;
        if (e->clipped[g->root] && !l.depthwise)
            return false;
    }
    return any;
}

static oct_status equalise_group(equaliser *e, int32_t root, oct_error *err)
{
    group g = { .root = root, .channels = e->evidence->channels[root].count };
    size_t channels = (size_t)g.channels;
    if (g.channels < 2 || !is_worth_it(e, &g))
        return OCT_OK;
    double *numbers = oct_arena_array(&e->arena, 5 * channels, sizeof *numbers);
    if (numbers == NULL)
        return oct_fail_memory(err, 5 * channels * sizeof *numbers, "factors");
    g.largest = numbers;
    g.low = numbers + channels;
    g.high = numbers + 2 * channels;
    g.square = numbers + 3 * channels;
    g.factors = numbers + 4 * channels;
    measure(e, &g);
    if (e->clipped[root])
        grow_below_clip(&g);
    else
        choose_exponent(e, &g);
    return rescale(e, &g, err);
}

static oct_status run(equaliser *e, oct_error *err)
{
    size_t tensors = (size_t)e->sub->tensor_count;
    e->parent = oct_arena_array(&e->arena, tensors, sizeof *e->parent);
    e->frozen = oct_arena_array(&e->arena, tensors, sizeof *e->frozen);
    e->clipped = oct_arena_array(&e->arena, tensors, sizeof *e->clipped);
    if (e->parent == NULL || e->frozen == NULL || e->clipped == NULL)
        return oct_fail_memory(err, tensors * sizeof *e->parent, "groups of tensors");
    for (int32_t i = 0; i < e->sub->tensor_count; i++) {
        e->parent[i] = i;
        e->frozen[i] = e->evidence->channels[i].count < 1 || !e->evidence->ranges[i].seen;
    }
    for (int32_t i = 0; i < e->sub->input_count; i++)
        freeze(e, e->sub->inputs[i]);
    for (int32_t i = 0; i < e->sub->output_count; i++)
        freeze(e, e->sub->outputs[i]);
    for (int32_t i = 0; i < e->sub->node_count; i++)
        visit(e, e->sub->nodes[i]);
    for (int32_t i = 0; i < e->sub->tensor_count; i++)
        if (e->parent[i] == i && !e->frozen[i])
            OCT_TRY(equalise_group(e, i, err));
    return OCT_OK;
}

oct_status oct_equalise(oct_graph *graph, oct_evidence *evidence, oct_error *err)
{
    equaliser e = { .graph = graph, .sub = graph->subgraphs[0], .evidence = evidence };
    oct_status status = run(&e, err);
    oct_arena_free(&e.arena);
    return status;
}
