/*
 * Recurrent layers as a WHILE: what one step reads and changes goes round, the weights lie in its body.
 *
 * Going round are the number of the step, the input, the mask, the states, the output of the step before
 * (under a mask) and the outputs of all steps (if they are wanted), which a step writes its own into. Forward
 * the number counts up to the number of steps, backwards down to 0.
 */
#include "keras/recurrent.h"

#include <string.h>

enum { MAX_ROUND = OCT_KERAS_MAX_STATES + 6 };

/* The tensors that go round, as indices of one subgraph. */
typedef struct loop {
    oct_keras_rnn *rnn;
    int32_t values[MAX_ROUND];
    int32_t count;
    int32_t step, x, mask, limit, states, output, all; /* positions in values; -1: does not go round */
} loop;

static int32_t put(loop *l, int32_t tensor)
{
    l->values[l->count] = tensor;
    return l->count++;
}

/* y = x[first] of a vector of integers. */
static oct_status emit_element(oct_keras_call *call, int32_t x, int32_t first, int32_t *y, oct_error *err)
{
    int32_t inputs[4] = { x }, end = first + 1, one = 1;
    oct_keras_shape scalar = { 0 };
    oct_strided_slice_options *options;
    OCT_TRY(oct_keras_constant_ints(call, "begin", 1, &first, &inputs[1], err));
    OCT_TRY(oct_keras_constant_ints(call, "end", 1, &end, &inputs[2], err));
    OCT_TRY(oct_keras_constant_ints(call, "strides", 1, &one, &inputs[3], err));
    OCT_TRY(oct_keras_emit(call, OCT_OP_STRIDED_SLICE, inputs, 4, OCT_OPTIONS_StridedSlice, OCT_INT32,
        &scalar, y, &options, err));
    options->shrink_axis_mask = 1;
    return OCT_OK;
}

static oct_status emit_shape(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err)
{
    oct_keras_shape shape = { 1, { oct_keras_shape_of(call, x).rank } };
    oct_shape_options *options;
    OCT_TRY(oct_keras_emit(call, OCT_OP_SHAPE, &x, 1, OCT_OPTIONS_Shape, OCT_INT32, &shape, y, &options,
        err));
    options->out_type = OCT_INT32;
    return OCT_OK;
}

/* Zeros of a shape whose open sizes, in front, are those of x. */
static oct_status emit_zeros(oct_keras_call *call, int32_t x, const oct_keras_shape *shape, int32_t *y,
    oct_error *err)
{
    int32_t inputs[2], open = 0;
    for (int32_t i = 0; i < shape->rank; i++)
        if (shape->dims[i] < 0)
            open = i + 1;
    OCT_TRY(oct_keras_constant_ints(call, "sizes", shape->rank - open, shape->dims + open, &inputs[0], err));
    if (open > 0) {
        int32_t sides[1][2] = { { 0, oct_keras_shape_of(call, x).rank - open } }, parts[2] = { 0, inputs[0] };
        oct_keras_shape joined = { 1, { shape->rank } };
        OCT_TRY(emit_shape(call, x, &parts[0], err));
        OCT_TRY(oct_keras_emit_crop(call, parts[0], sides, &parts[0], err));
        OCT_TRY(oct_keras_emit(call, OCT_OP_CONCATENATION, parts, 2, OCT_OPTIONS_Concatenation, OCT_INT32,
            &joined, &inputs[0], NULL, err));
    }
    OCT_TRY(oct_keras_constant_scalar(call, 0.0f, &inputs[1], err));
    return oct_keras_emit(call, OCT_OP_FILL, inputs, 2, OCT_OPTIONS_Fill, OCT_FLOAT32, shape, y, NULL,
        err);
}

static oct_status first_step(loop *l, int32_t steps, oct_error *err)
{
    oct_keras_call *call = l->rnn->call;
    int32_t number, last;
    l->limit = -1;
    if (steps >= 0 || !l->rnn->backwards)
        OCT_TRY(oct_keras_constant_int(call, "step", l->rnn->backwards ? steps - 1 : 0, &number, err));
    if (steps < 0) {
        OCT_TRY(emit_shape(call, call->inputs[0], &last, err));
        OCT_TRY(emit_element(call, last, 1, &last, err));
    }
    if (steps < 0 && l->rnn->backwards) {
        int32_t one;
        OCT_TRY(oct_keras_constant_int(call, "one", 1, &one, err));
        OCT_TRY(oct_keras_emit_binary(call, OCT_OP_SUB, last, one, &number, err));
    }
    l->step = put(l, number);
    if (steps < 0 && !l->rnn->backwards)
        l->limit = put(l, last);
    return OCT_OK;
}

/* What goes into the first step. */
static oct_status enter(loop *l, oct_error *err)
{
    oct_keras_rnn *r = l->rnn;
    int32_t x = r->call->inputs[0], at = 0;
    oct_keras_shape from = oct_keras_shape_of(r->call, x), last = r->cells[r->cell_count - 1].state;
    OCT_TRY(first_step(l, from.dims[1], err));
    l->x = put(l, x);
    l->mask = r->mask == OCT_KERAS_UNMASKED ? -1 : put(l, r->mask);
    l->states = l->count;
    for (int32_t i = 0; i < r->cell_count; i++) {
        int32_t made = -1;
        for (int32_t k = 0; k < oct_keras_cell_states(&r->cells[i]); k++, at++) {
            if (r->initial[at] < 0 && made < 0)
                OCT_TRY(emit_zeros(r->call, x, &r->cells[i].state, &made, err));
            put(l, r->initial[at] < 0 ? made : r->initial[at]);
        }
    }
    l->output = l->all = -1;
    if (r->mask != OCT_KERAS_UNMASKED && !(r->zeros && r->sequences)) {
        int32_t zeros;
        OCT_TRY(emit_zeros(r->call, x, &last, &zeros, err));
        l->output = put(l, zeros);
    }
    if (!r->sequences)
        return OCT_OK;
    oct_keras_shape shape = { last.rank + 1, { from.dims[0], from.dims[1] } };
    memcpy(shape.dims + 2, last.dims + 1, (size_t)(last.rank - 1) * sizeof *shape.dims);
    int32_t all;
    OCT_TRY(emit_zeros(r->call, x, &shape, &all, err));
    l->all = put(l, all);
    return OCT_OK;
}

/* A subgraph whose inputs are like the values that go round; its call and its inputs. */
static oct_status open_part(const loop *l, const char *what, oct_keras_call *call, int32_t *inputs,
    int32_t *index, oct_error *err)
{
    oct_graph *graph = l->rnn->call->graph;
    const oct_keras_call *outer = l->rnn->call;
    const char *name = oct_arena_format(&graph->arena, "%s_%s", outer->path, what);
    if (name == NULL)
        return oct_fail_memory(err, strlen(outer->path), "a name");
    *index = graph->subgraph_count;
    *call = *outer;
    OCT_TRY(oct_graph_add_subgraph(graph, name, &call->sub, err));
    for (int32_t i = 0; i < l->count; i++) {
        oct_keras_shape shape = oct_keras_shape_of(outer, l->values[i]);
        OCT_TRY(oct_keras_new_output(call, OCT_OP_WHILE, oct_keras_type_of(outer, l->values[i]), &shape,
            &inputs[i], err));
    }
    call->sub->inputs = oct_arena_copy(&graph->arena, inputs, (size_t)l->count * sizeof *inputs);
    call->sub->input_count = l->count;
    return call->sub->inputs == NULL ? oct_fail_memory(err, sizeof l->values, "a loop") : OCT_OK;
}

static oct_status close_part(oct_keras_call *call, const int32_t *outputs, int32_t count, oct_error *err)
{
    call->sub->outputs = oct_arena_copy(&call->graph->arena, outputs, (size_t)count * sizeof *outputs);
    call->sub->output_count = count;
    return call->sub->outputs == NULL ? oct_fail_memory(err, MAX_ROUND, "a loop") : OCT_OK;
}

/* The condition: there is a step left. */
static oct_status make_condition(const loop *l, int32_t steps, int32_t *index, oct_error *err)
{
    oct_keras_call call;
    int32_t in[MAX_ROUND], bound, again;
    OCT_TRY(open_part(l, "condition", &call, in, index, err));
    if (l->limit >= 0)
        bound = in[l->limit];
    else
        OCT_TRY(oct_keras_constant_int(&call, "bound", l->rnn->backwards ? 0 : steps, &bound, err));
    OCT_TRY(oct_keras_emit_binary(&call, l->rnn->backwards ? OCT_OP_GREATER_EQUAL : OCT_OP_LESS,
        in[l->step], bound, &again, err));
    return close_part(&call, &again, 1, err);
}

/* y = x[:, step] */
static oct_status emit_pick(oct_keras_call *call, int32_t x, int32_t step, int32_t *y, oct_error *err)
{
    int32_t inputs[2] = { x, step };
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    oct_gather_options *options;
    memmove(shape.dims + 1, shape.dims + 2, (size_t)(shape.rank - 2) * sizeof *shape.dims);
    shape.rank--;
    OCT_TRY(oct_keras_emit(call, OCT_OP_GATHER, inputs, 2, OCT_OPTIONS_Gather, oct_keras_type_of(call, x),
        &shape, y, &options, err));
    options->axis = 1;
    return OCT_OK;
}

/* all[:, step] = y */
static oct_status emit_place(oct_keras_call *call, int32_t step, int32_t y, int32_t *all, oct_error *err)
{
    int32_t inputs[3] = { *all }, zero, place[8];
    oct_keras_shape whole = oct_keras_shape_of(call, *all), one = whole, vector = { 1, { whole.rank } };
    one.dims[1] = 1;
    oct_pack_options *options;
    OCT_TRY(oct_keras_emit_reshape(call, y, &one, &inputs[1], err));
    OCT_TRY(oct_keras_constant_int(call, "zero", 0, &zero, err));
    for (int32_t i = 0; i < whole.rank; i++)
        place[i] = i == 1 ? step : zero;
    OCT_TRY(oct_keras_emit(call, OCT_OP_PACK, place, whole.rank, OCT_OPTIONS_Pack, OCT_INT32, &vector,
        &inputs[2], &options, err));
    options->values_count = whole.rank;
    return oct_keras_emit(call, OCT_OP_DYNAMIC_UPDATE_SLICE, inputs, 3, OCT_OPTIONS_DynamicUpdateSlice,
        OCT_FLOAT32, &whole, all, NULL, err);
}

/* The states among the values go to the cells, or come back from them. */
static void move_states(oct_keras_rnn *r, int32_t *values, bool to_cells)
{
    for (int32_t i = 0, at = 0; i < r->cell_count; i++) {
        int32_t *state[2] = { &r->cells[i].hidden, &r->cells[i].cell };
        for (int32_t k = 0; k < oct_keras_cell_states(&r->cells[i]); k++, at++)
            *(to_cells ? state[k] : &values[at]) = to_cells ? values[at] : *state[k];
    }
}

static oct_status make_body(const loop *l, int32_t *index, oct_error *err)
{
    oct_keras_call call, *outer = l->rnn->call;
    oct_keras_rnn *r = l->rnn;
    int32_t v[MAX_ROUND], x, mask = OCT_KERAS_UNMASKED, change;
    OCT_TRY(open_part(l, "step", &call, v, index, err));
    for (int32_t i = 0; i < r->cell_count; i++)
        r->cells[i].call.sub = call.sub;
    OCT_TRY(oct_keras_rnn_prepare(r, err));
    r->call = &call;
    move_states(r, v + l->states, true);
    r->output = l->output < 0 || r->zeros ? -1 : v[l->output];
    OCT_TRY(emit_pick(&call, v[l->x], v[l->step], &x, err));
    if (l->mask >= 0)
        OCT_TRY(emit_pick(&call, v[l->mask], v[l->step], &mask, err));
    OCT_TRY(oct_keras_cell_project(&r->cells[0], x, &x, err));
    OCT_TRY(oct_keras_rnn_step(r, x, mask, err));
    move_states(r, v + l->states, false);
    if (l->output >= 0)
        v[l->output] = r->output;
    if (l->all >= 0)
        OCT_TRY(emit_place(&call, v[l->step], r->output, &v[l->all], err));
    OCT_TRY(oct_keras_constant_int(&call, "change", r->backwards ? -1 : 1, &change, err));
    OCT_TRY(oct_keras_emit_binary(&call, OCT_OP_ADD, v[l->step], change, &v[l->step], err));
    r->call = outer;
    return close_part(&call, v, l->count, err);
}

static oct_status emit_loop(loop *l, int32_t condition, int32_t body, oct_error *err)
{
    oct_keras_call *call = l->rnn->call;
    int32_t outputs[MAX_ROUND];
    oct_while_options *options;
    for (int32_t i = 0; i < l->count; i++) {
        oct_keras_shape shape = oct_keras_shape_of(call, l->values[i]);
        OCT_TRY(oct_keras_new_output(call, OCT_OP_WHILE, oct_keras_type_of(call, l->values[i]), &shape,
            &outputs[i], err));
    }
    OCT_TRY(oct_keras_emit_node(call, OCT_OP_WHILE, l->values, l->count, outputs, l->count,
        OCT_OPTIONS_While, &options, err));
    options->cond_subgraph_index = condition;
    options->body_subgraph_index = body;
    memcpy(l->values, outputs, sizeof outputs[0] * (size_t)l->count);
    return OCT_OK;
}

oct_status oct_keras_rnn_loop(oct_keras_rnn *r, oct_keras_sequence *out, oct_error *err)
{
    loop l = { .rnn = r };
    int32_t condition, body, steps = oct_keras_shape_of(r->call, r->call->inputs[0]).dims[1];
    OCT_TRY(enter(&l, err));
    OCT_TRY(make_condition(&l, steps, &condition, err));
    OCT_TRY(make_body(&l, &body, err));
    OCT_TRY(emit_loop(&l, condition, body, err));
    *out = (oct_keras_sequence){ .state_count = r->state_count };
    memcpy(out->states, l.values + l.states, (size_t)r->state_count * sizeof *out->states);
    int32_t last = oct_keras_cell_states(&r->cells[r->cell_count - 1]);
    out->y = l.all >= 0      ? l.values[l.all]
             : l.output >= 0 ? l.values[l.output]
                             : out->states[r->state_count - last];
    if (l.all < 0 || !r->backwards || r->in_time_order)
        return OCT_OK;
    return oct_keras_emit_reversed(r->call, out->y, 1, &out->y, err);
}
