/*
 * Propagation of int8 parameters over the graph, with a work list that ends where nothing changes.
 *
 * The order is the converter's: constants first, then nodes from the last to the first, because where
 * two operators disagree about a tensor the first to be looked at wins.
 */
#include "quant/plan.h"

#include <math.h>
#include <string.h>

#include "numeric/qparams.h"
#include "quant/redundant.h"

/* Largest |bias| in units of its scale: half of int32, so that sums have room. (kBiasMax) */
static const double bias_limit = INT32_MAX / 2;

typedef struct driver {
    oct_plan *plan;
    oct_work *work;
    oct_subgraph *sub;
    int32_t *stack; /* items: node i, or node_count + tensor for constants */
    int32_t depth, capacity;
    bool *done;     /* [items] */
    int32_t items;
} driver;

int32_t oct_node_float_inputs(const oct_work *work, const oct_node *node)
{
    int32_t count = 0;
    for (int32_t i = 0; i < node->input_count; i++) {
        const oct_tensor *tensor = oct_work_input(work, node, i);
        count += tensor != NULL && oct_tensor_is_float(tensor);
    }
    return count;
}

static bool takes_part(const oct_work *work, const oct_node *node)
{
    const oct_quant_rule *rule = oct_work_rule(work, node);
    return rule->in_slots != 0 && (rule->s8 || rule->link == OCT_LINK_SAME);
}

/* The work list. */

static oct_status push(driver *d, int32_t item, oct_error *err)
{
    if (d->depth == d->capacity) {
        int32_t capacity = 2 * d->capacity + 64;
        int32_t *grown = oct_arena_array(&d->work->arena, (size_t)capacity, sizeof *grown);
        if (grown == NULL)
            return oct_fail_memory(err, (size_t)capacity * sizeof *grown, "work list");
        if (d->depth != 0)
            memcpy(grown, d->stack, (size_t)d->depth * sizeof *grown);
        d->stack = grown;
        d->capacity = capacity;
    }
    d->stack[d->depth++] = item;
    return OCT_OK;
}

static oct_status push_readers(driver *d, int32_t tensor, oct_error *err)
{
    for (int32_t i = d->sub->node_count - 1; i >= 0; i--)
        for (int32_t j = 0; j < d->sub->nodes[i]->input_count; j++)
            if (d->sub->nodes[i]->inputs[j] == tensor)
                OCT_TRY(push(d, i, err));
    return OCT_OK;
}

static oct_status push_maker(driver *d, int32_t tensor, oct_error *err)
{
    int32_t from = oct_graph_producer(d->sub, tensor);
    return from < 0 ? OCT_OK : push(d, from, err);
}

/* Setting parameters. */

static oct_status add_requant(driver *d, oct_state *state, const oct_scheme *scheme,
    oct_requant **out, oct_error *err)
{
    oct_requant *requant = oct_arena_alloc(&d->work->arena, sizeof *requant);
    if (requant == NULL)
        return oct_fail_memory(err, sizeof *requant, "a requantization");
    requant->scheme = *scheme;
    oct_requant **last = &state->requants;
    while (*last != NULL)
        last = &(*last)->next;
    *out = *last = requant;
    return OCT_OK;
}

static oct_status add_use(driver *d, oct_requant *requant, int32_t node, int32_t slot, oct_error *err)
{
    if (requant->use_count == requant->use_capacity) {
        int32_t capacity = 2 * requant->use_capacity + 4;
        void *grown = oct_arena_array(&d->work->arena, (size_t)capacity, sizeof *requant->uses);
        if (grown == NULL)
            return oct_fail_memory(err, (size_t)capacity * sizeof *requant->uses, "uses");
        if (requant->use_count != 0)
            memcpy(grown, requant->uses, (size_t)requant->use_count * sizeof *requant->uses);
        requant->uses = grown;
        requant->use_capacity = capacity;
    }
    requant->uses[requant->use_count++] = (struct oct_requant_use){ node, slot };
    return OCT_OK;
}

/* A node wants an input in these parameters. (SetOperandParams) */
static oct_status want_input(driver *d, int32_t node, int32_t slot, const oct_scheme *scheme,
    oct_error *err)
{
    int32_t tensor = d->sub->nodes[node]->inputs[slot];
    oct_state *state = &d->plan->states[tensor];
    if (state->set && oct_scheme_equal(&state->scheme, scheme))
        return OCT_OK;
    if (!state->set) {
        state->set = true;
        state->scheme = *scheme;
        return push_maker(d, tensor, err);
    }
    oct_requant *requant = state->requants;
    while (requant != NULL && (requant->at_producer || !oct_scheme_equal(&requant->scheme, scheme)))
        requant = requant->next;
    if (requant == NULL)
        OCT_TRY(add_requant(d, state, scheme, &requant, err));
    return add_use(d, requant, node, slot, err);
}

/* A node makes an output in these parameters. (SetResultParams) */
static oct_status make_output(driver *d, int32_t tensor, const oct_scheme *scheme, oct_error *err)
{
    oct_state *state = &d->plan->states[tensor];
    oct_requant *requant;
    if (state->set && oct_scheme_equal(&state->scheme, scheme))
        return OCT_OK;
    if (!state->set) {
        state->set = true;
        state->scheme = *scheme;
        return push_readers(d, tensor, err);
    }
    OCT_TRY(add_requant(d, state, scheme, &requant, err));
    requant->at_producer = true;
    return OCT_OK;
}

/* Operators that share parameters. */

typedef struct found {
    const oct_scheme *first_fixed, *first_free, *last_fixed, *last_free;
    int32_t fixed, free;
} found;

static void look_at(const driver *d, int32_t tensor, found *f)
{
    if (tensor < 0)
        return;
    const oct_state *state = &d->plan->states[tensor];
    if (state->fixed) {
        f->first_fixed = f->first_fixed != NULL ? f->first_fixed : &state->scheme;
        f->last_fixed = &state->scheme;
        f->fixed++;
    } else if (state->set) {
        f->first_free = f->first_free != NULL ? f->first_free : &state->scheme;
        f->last_free = &state->scheme;
        f->free++;
    }
}

/* Whose parameters win; NULL: nobody has any yet. (GetQuantParamsForSameScaleConstraint) */
static const oct_scheme *shared_scheme(const driver *d, const oct_node *node)
{
    found f = { 0 };
    for (int32_t i = 0; i < node->input_count; i++)
        look_at(d, node->inputs[i], &f);
    int32_t fixed_in = f.fixed, free_in = f.free;
    if (node->input_count == 1 && fixed_in == 1)
        return f.first_fixed;
    for (int32_t i = 0; i < node->output_count; i++)
        look_at(d, node->outputs[i], &f);
    if (node->output_count == 1 && f.fixed - fixed_in == 1)
        return f.last_fixed;
    if (f.first_fixed != NULL)
        return f.first_fixed;
    if (node->input_count == 1 && free_in == 1)
        return f.first_free;
    if (node->output_count == 1 && f.free - free_in == 1)
        return f.last_free;
    return f.first_free;
}

static bool is_float_tensor(const driver *d, int32_t tensor)
{
    return tensor >= 0 && oct_tensor_is_float(d->sub->tensors[tensor]);
}

static oct_status share(driver *d, int32_t at, oct_error *err)
{
    const oct_node *node = d->sub->nodes[at];
    const oct_scheme *winner = shared_scheme(d, node);
    if (winner == NULL) {
        d->done[at] = false;
        return OCT_OK;
    }
    const oct_scheme scheme = *winner;
    for (int32_t i = 0; i < node->input_count; i++)
        if (is_float_tensor(d, node->inputs[i]))
            OCT_TRY(want_input(d, at, i, &scheme, err));
    for (int32_t i = 0; i < node->output_count; i++)
        if (is_float_tensor(d, node->outputs[i]))
            OCT_TRY(make_output(d, node->outputs[i], &scheme, err));
    return OCT_OK;
}

static oct_status fix_outputs(driver *d, int32_t at, oct_error *err)
{
    const oct_node *node = d->sub->nodes[at];
    const oct_quant_rule *rule = oct_node_rule(node);
    oct_scheme scheme = oct_scheme_single(d->work, OCT_INT8, rule->fixed[OCT_FIXED_S8].scale,
        rule->fixed[OCT_FIXED_S8].zero_point);
    if (scheme.count == 0)
        return oct_fail_memory(err, sizeof(float), "a scale");
    for (int32_t i = 0; i < node->output_count; i++)
        if (is_float_tensor(d, node->outputs[i]))
            OCT_TRY(make_output(d, node->outputs[i], &scheme, err));
    return OCT_OK;
}

/* Constants. */

/* Biases and constants of operators that share parameters follow their one user. */
static bool follows_user(const oct_node *node, int32_t slot)
{
    return oct_work_role(node, slot) == OCT_ROLE_BIAS || oct_node_rule(node)->link == OCT_LINK_SAME;
}

static oct_status own_copy(driver *d, oct_node *node, int32_t slot, oct_error *err)
{
    const oct_tensor *tensor = d->sub->tensors[node->inputs[slot]];
    return oct_work_new_constant(d->work, tensor, tensor->type, tensor->data, tensor->size,
        &node->inputs[slot], err);
}

static oct_status sort_constant(driver *d, int32_t tensor, oct_error *err)
{
    oct_state *state = &d->plan->states[tensor];
    int32_t uses = oct_graph_use_count(d->sub, tensor);
    for (int32_t i = 0; i < d->sub->node_count; i++) {
        oct_node *node = d->sub->nodes[i];
        for (int32_t j = 0; j < node->input_count; j++) {
            if (node->inputs[j] != tensor || !oct_work_takes(d->work, node))
                continue;
            if (follows_user(node, j)) {
                if (uses > 1)
                    OCT_TRY(own_copy(d, node, j, err));
                continue;
            }
            state->is_weight = true;
            if (oct_work_role(node, j) == OCT_ROLE_WEIGHT && !state->is_coefficient) {
                state->is_coefficient = true;
                state->weight_axis =
                    oct_work_weight_axis(d->work, node, oct_node_rule(node)->weight_axis);
            }
        }
    }
    return OCT_OK;
}

static oct_status plan_weight(driver *d, int32_t index, oct_error *err)
{
    oct_state *state = &d->plan->states[index];
    const oct_tensor *tensor = d->sub->tensors[index];
    oct_scheme scheme;
    if (state->set || !state->is_weight || oct_tensor_elements(tensor) == 0)
        return OCT_OK;
    if (state->is_coefficient) {
        if (state->weight_axis >= tensor->rank)
            return OCT_OK;
        OCT_TRY(oct_constant_magnitudes(d->work, tensor, state->weight_axis, &state->magnitudes,
            err));
        OCT_TRY(oct_weight_scheme(d->work, &state->magnitudes, OCT_WEIGHT_LEGACY, &scheme, err));
    } else {
        float min, max;
        oct_constant_range(tensor, &min, &max);
        oct_qparams p = oct_qparams_constant_s8(min, max);
        scheme = oct_scheme_single(d->work, OCT_INT8, p.scale, p.zero_point);
        if (scheme.count == 0)
            return oct_fail_memory(err, sizeof(float), "a scale");
    }
    return make_output(d, index, &scheme, err);
}

/* Biases. */

/* Channels whose bias would not fit get wider weight scales. (SetBiasParamsWithAdjustments) */
static bool make_room(float *bias_scales, float *weight_scales, int32_t count, const float *bias,
    int64_t elements, float input_scale)
{
    bool changed = false;
    for (int32_t c = 0; c < count; c++) {
        float largest = 0;
        for (int64_t i = c; i < elements; i += count)
            largest = fmaxf(largest, fabsf(bias[i]));
        if ((double)largest / (double)bias_scales[c] <= bias_limit)
            continue;
        double wide = (double)largest / bias_limit;
        bias_scales[c] = (float)wide;
        weight_scales[c] = (float)(wide / (double)input_scale);
        changed = true;
    }
    return changed;
}

static oct_status widen_weights(driver *d, int32_t at, int32_t weight_slot, oct_scheme *bias_scheme,
    const oct_tensor *bias, float input_scale, oct_error *err)
{
    oct_node *node = d->sub->nodes[at];
    oct_state *weights = &d->plan->states[node->inputs[weight_slot]];
    size_t bytes = (size_t)bias_scheme->count * sizeof(float);
    float *bias_scales = oct_arena_copy(&d->work->arena, bias_scheme->scales, bytes);
    float *weight_scales = oct_arena_copy(&d->work->arena, weights->scheme.scales, bytes);
    if (bias_scales == NULL || weight_scales == NULL)
        return oct_fail_memory(err, bytes, "bias scales");
    if (!make_room(bias_scales, weight_scales, bias_scheme->count, bias->data,
            oct_tensor_elements(bias), input_scale))
        return OCT_OK;
    bias_scheme->scales = bias_scales;
    if (oct_graph_use_count(d->sub, node->inputs[weight_slot]) > 1) {
        OCT_TRY(own_copy(d, node, weight_slot, err));
        oct_state *copy = &d->plan->states[node->inputs[weight_slot]];
        *copy = *weights;
        copy->requants = NULL;
        weights = copy;
    }
    weights->scheme.scales = weight_scales;
    return OCT_OK;
}

static oct_status plan_bias(driver *d, int32_t at, oct_error *err)
{
    oct_node *node = d->sub->nodes[at];
    int32_t slot = oct_node_slot_with(node, OCT_ROLE_BIAS), data = oct_node_slot_with(node, OCT_ROLE_ACT),
            weight = oct_node_slot_with(node, OCT_ROLE_WEIGHT);
    if (slot < 0 || data < 0 || weight < 0 || d->plan->states[node->inputs[slot]].set)
        return OCT_OK;
    const oct_state *x = &d->plan->states[node->inputs[data]];
    const oct_state *w = &d->plan->states[node->inputs[weight]];
    if (!x->set || !w->set) {
        d->done[at] = false;
        return OCT_OK;
    }
    const oct_tensor *bias = oct_work_input(d->work, node, slot);
    int32_t axis = bias->rank > 1 ? bias->rank - 1 : 0;
    oct_scheme scheme;
    OCT_TRY(oct_bias_scheme(d->work, OCT_INT32, x->scheme.scales[0], &w->scheme, axis, &scheme,
        err));
    if (oct_tensor_is_constant(bias) && w->is_coefficient)
        OCT_TRY(widen_weights(d, at, weight, &scheme, bias, x->scheme.scales[0], err));
    return want_input(d, at, slot, &scheme, err);
}

static oct_status visit_node(driver *d, int32_t at, oct_error *err)
{
    if (!oct_work_takes(d->work, d->sub->nodes[at]))
        return OCT_OK;
    oct_link link = oct_node_rule(d->sub->nodes[at])->link;
    if (link == OCT_LINK_SAME)
        OCT_TRY(share(d, at, err));
    if (link == OCT_LINK_FIXED)
        OCT_TRY(fix_outputs(d, at, err));
    return plan_bias(d, at, err);
}

static oct_status propagate(driver *d, oct_error *err)
{
    int32_t nodes = d->sub->node_count;
    for (int32_t i = 0; i < nodes; i++)
        if (takes_part(d->work, d->sub->nodes[i]))
            OCT_TRY(push(d, i, err));
    for (int32_t i = nodes; i < d->items; i++)
        if (d->plan->states[i - nodes].is_weight)
            OCT_TRY(push(d, i, err));
    while (d->depth > 0) {
        int32_t item = d->stack[--d->depth];
        if (d->done[item])
            continue;
        d->done[item] = true;
        OCT_TRY(item < nodes ? visit_node(d, item, err) : plan_weight(d, item - nodes, err));
    }
    return OCT_OK;
}

/* Ranges that count become parameters that nothing changes. */
static oct_status fix_calibrated(driver *d, oct_error *err)
{
    int32_t tensors = d->sub->tensor_count;
    bool *counts = oct_arena_array(&d->work->arena, (size_t)tensors, sizeof *counts);
    if (counts == NULL)
        return oct_fail_memory(err, (size_t)tensors, "ranges");
    OCT_TRY(oct_ranges_that_count(d->work, counts, err));
    for (int32_t i = 0; i < tensors; i++) {
        if (!counts[i])
            continue;
        oct_qparams p = oct_qparams_activation_s8(d->work->ranges[i].min, d->work->ranges[i].max);
        oct_state *state = &d->plan->states[i];
        state->scheme = oct_scheme_single(d->work, OCT_INT8, p.scale, p.zero_point);
        if (state->scheme.count == 0)
            return oct_fail_memory(err, sizeof(float), "a scale");
        state->set = state->fixed = true;
    }
    return OCT_OK;
}

/*
 * Parameters that only spread to a tensor reach it through the operator that makes it: what a float
 * operator makes needs a range of its own. (SetupAllStates gives no state to results of others.)
 */
bool oct_plan_reaches(const oct_plan *plan, int32_t tensor)
{
    const oct_state *state = &plan->states[tensor];
    if (!state->set || state->fixed)
        return state->set;
    int32_t from = oct_graph_producer(plan->work->sub, tensor);
    return from < 0 || takes_part(plan->work, plan->work->sub->nodes[from]);
}

/* An operator computes in int8 when all its float operands and results have parameters. */
static bool can_be_integer(const driver *d, const oct_node *node)
{
    const oct_quant_rule *rule = oct_work_rule(d->work, node);
    if (rule->in_slots == 0 || !rule->s8)
        return false;
    bool any = false;
    for (int32_t i = 0; i < node->input_count + node->output_count; i++) {
        int32_t tensor =
            i < node->input_count ? node->inputs[i] : node->outputs[i - node->input_count];
        if (!is_float_tensor(d, tensor))
            continue;
        any = true;
        if (!oct_plan_reaches(d->plan, tensor))
            return false;
    }
    return any;
}

static int32_t total_inputs(const oct_subgraph *sub)
{
    int32_t count = 0;
    for (int32_t i = 0; i < sub->node_count; i++)
        count += sub->nodes[i]->input_count;
    return count;
}

oct_status oct_plan_make(oct_work *work, oct_plan *plan, oct_error *err)
{
    oct_subgraph *sub = work->sub;
    /* A constant is copied at most once for every place that reads it. */
    size_t most_tensors = (size_t)sub->tensor_count + 2 * (size_t)total_inputs(sub);
    driver d = { .plan = plan, .work = work, .sub = sub };
    plan->work = work;
    plan->states = oct_arena_array(&work->arena, most_tensors, sizeof *plan->states);
    plan->integer = oct_arena_array(&work->arena, (size_t)sub->node_count, sizeof *plan->integer);
    d.done = oct_arena_array(&work->arena, (size_t)sub->node_count + most_tensors, sizeof *d.done);
    if (plan->states == NULL || plan->integer == NULL || d.done == NULL)
        return oct_fail_memory(err, most_tensors * sizeof *plan->states, "quantization plan");
    int32_t tensors = sub->tensor_count;
    for (int32_t i = 0; i < tensors; i++)
        if (oct_tensor_is_constant(sub->tensors[i]) && oct_tensor_is_float(sub->tensors[i]))
            OCT_TRY(sort_constant(&d, i, err));
    d.items = sub->node_count + sub->tensor_count;
    OCT_TRY(fix_calibrated(&d, err));
    OCT_TRY(propagate(&d, err));
    for (int32_t i = 0; i < sub->node_count; i++)
        plan->integer[i] = can_be_integer(&d, sub->nodes[i]);
    return OCT_OK;
}
