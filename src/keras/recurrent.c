/*
 * Recurrent layers: their cells and states are found here, and how the steps are run is chosen. Unrolled,
 * there is one matrix for the inputs of all steps, then the operators of each step.
 */
#include "keras/recurrent.h"

#include <string.h>

enum { MAX_STEPS = 256 };

typedef oct_keras_rnn rnn;

/* Variants: gates, and 16 times the axes of the images that ConvLSTM works on. */
static int32_t gates_of(const oct_keras_def *def)
{
    return def->variant & 15;
}

static int32_t axes_of(const oct_keras_def *def)
{
    return def->variant >> 4;
}

static oct_status check(const oct_keras_call *call, const oct_keras_def *def, oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(call, call->inputs[0]);
    OCT_TRY(oct_keras_channels_last(call, err));
    OCT_TRY(oct_keras_require_rank(call, call->inputs[0], 3 + axes_of(def), err));
    OCT_TRY(oct_keras_require_known(&shape, 2, err));
    return oct_keras_flag(call->config, "time_major", false)
               ? oct_fail(err, OCT_E_UNSUPPORTED, "has its steps before the batch (time_major)")
               : OCT_OK;
}

/* Another cell, whose variables lie under call->scope and `place`. */
static oct_status add_cell(rnn *r, const json_t *config, const oct_keras_def *def, const char *place,
    oct_error *err)
{
    if (r->cell_count == OCT_KERAS_MAX_CELLS)
        return oct_fail(err, OCT_E_UNSUPPORTED, "stacks more than %d cells", OCT_KERAS_MAX_CELLS);
    oct_keras_cell *cell = &r->cells[r->cell_count++];
    *cell = (oct_keras_cell){ .call = *r->call, .gates = gates_of(def), .axes = axes_of(def) };
    cell->call.config = config;
    cell->call.scope = oct_arena_format(&r->call->graph->arena, "%s%s", r->call->scope, place);
    return cell->call.scope == NULL ? oct_fail_memory(err, strlen(place), "a name") : OCT_OK;
}

static oct_status add_given_cell(rnn *r, const json_t *entry, const char *place, oct_error *err)
{
    const char *name = oct_keras_text(entry, "class_name", "");
    const oct_keras_def *def = oct_keras_def_find(OCT_KERAS_LAYER, name);
    if (def == NULL || def->lower != oct_keras_lower_cell || def->variant == 0)
        return oct_fail(err, OCT_E_UNSUPPORTED, "has the cell '%s', which is not supported", name);
    return add_cell(r, json_object_get(entry, "config"), def, place, err);
}

static oct_status find_cells(rnn *r, const oct_keras_def *def, oct_error *err)
{
    const json_t *entry = json_object_get(r->call->config, "cell");
    if (def->lower == oct_keras_lower_recurrent && def->variant != 0)
        return add_cell(r, r->call->config, def, "cell/", err);
    const json_t *cells = json_object_get(json_object_get(entry, "config"), "cells");
    if (!json_is_array(cells))
        return add_given_cell(r, entry, "cell/", err);
    if (json_array_size(cells) == 0)
        return oct_fail(err, OCT_E_INVALID, "stacks no cells");
    for (size_t i = 0; i < json_array_size(cells); i++) {
        const char *place = oct_keras_place_of_cell(&r->call->graph->arena, cells, i);
        if (place == NULL)
            return oct_fail_memory(err, 64, "a name");
        OCT_TRY(add_given_cell(r, json_array_get(cells, i), place, err));
    }
    return OCT_OK;
}

/* The shape of one step of x [n, steps, ...]. */
static oct_keras_shape step_of(oct_keras_shape x)
{
    memmove(x.dims + 1, x.dims + 2, (size_t)(x.rank - 2) * sizeof *x.dims);
    x.rank--;
    return x;
}

static oct_status measure(rnn *r, oct_error *err)
{
    oct_keras_shape x = step_of(oct_keras_shape_of(r->call, r->call->inputs[0]));
    for (int32_t i = 0; i < r->cell_count; i++) {
        OCT_TRY(oct_keras_cell_measure(&r->cells[i], &x, err));
        x = r->cells[i].state;
        r->state_count += oct_keras_cell_states(&r->cells[i]);
    }
    return OCT_OK;
}

oct_status oct_keras_rnn_prepare(rnn *r, oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(r->call, r->call->inputs[0]);
    int32_t features = shape.dims[shape.rank - 1];
    for (int32_t i = 0; i < r->cell_count; i++) {
        OCT_TRY(oct_keras_cell_prepare(&r->cells[i], features, err));
        features = r->cells[i].units;
    }
    return OCT_OK;
}

/* Given states must have the sizes of their cells. */
static oct_status take_states(rnn *r, const int32_t *states, int32_t count, oct_error *err)
{
    int32_t at = 0;
    if (count != 0 && count != r->state_count)
        return oct_fail(err, OCT_E_INVALID, "has %d initial states, expected %d", count, r->state_count);
    if (count != 0 && r->cells[0].axes == 1)
        return oct_fail(err, OCT_E_UNSUPPORTED, "has initial states");
    for (int32_t i = 0; i < r->cell_count; i++)
        for (int32_t k = 0; k < oct_keras_cell_states(&r->cells[i]); k++, at++) {
            const oct_keras_shape *wanted = &r->cells[i].state;
            r->initial[at] = count == 0 ? -1 : states[at];
            if (count == 0)
                continue;
            OCT_TRY(oct_keras_require_rank(r->call, states[at], wanted->rank, err));
            oct_keras_shape found = oct_keras_shape_of(r->call, states[at]);
            for (int32_t d = 1; d < wanted->rank; d++)
                if (found.dims[d] != wanted->dims[d])
                    return oct_fail(err, OCT_E_INVALID, "an initial state has %d elements, expected %d",
                        found.dims[d], wanted->dims[d]);
        }
    return OCT_OK;
}

/* x [n, steps, ...] as one tensor a step. */
static oct_status emit_steps(const rnn *r, int32_t x, int32_t count, int32_t *steps, oct_error *err)
{
    oct_keras_shape shape = step_of(oct_keras_shape_of(r->call, x));
    oct_type type = oct_keras_type_of(r->call, x);
    for (int32_t i = 0; i < count; i++)
        OCT_TRY(oct_keras_new_output(r->call, OCT_OP_UNPACK, type, &shape, &steps[i], err));
    oct_unpack_options *options;
    OCT_TRY(oct_keras_emit_node(r->call, OCT_OP_UNPACK, &x, 1, steps, count, OCT_OPTIONS_Unpack, &options,
        err));
    options->num = count;
    options->axis = 1;
    return OCT_OK;
}

static oct_status emit_sequence(const rnn *r, const int32_t *steps, int32_t count, int32_t *y,
    oct_error *err)
{
    oct_keras_shape one = oct_keras_shape_of(r->call, steps[0]);
    oct_keras_shape shape = { one.rank + 1, { one.dims[0], count } };
    memcpy(shape.dims + 2, one.dims + 1, (size_t)(one.rank - 1) * sizeof *shape.dims);
    oct_pack_options *options;
    OCT_TRY(oct_keras_emit(r->call, OCT_OP_PACK, steps, count, OCT_OPTIONS_Pack, OCT_FLOAT32, &shape, y,
        &options, err));
    options->values_count = count;
    options->axis = 1;
    return OCT_OK;
}

/* y = mask ? fresh : old, where -1 stands for zeros. */
static oct_status keep(const rnn *r, int32_t mask, int32_t fresh, int32_t old, int32_t *y,
    oct_error *err)
{
    if (old < 0)
        OCT_TRY(oct_keras_constant_scalar(r->call, 0.0f, &old, err));
    return oct_keras_emit_select(r->call, mask, fresh, old, y, err);
}

oct_status oct_keras_rnn_step(rnn *r, int32_t x, int32_t mask, oct_error *err)
{
    for (int32_t i = 0; i < r->cell_count; i++) {
        oct_keras_cell *cell = &r->cells[i];
        int32_t hidden = cell->hidden, state = cell->cell;
        if (i > 0)
            OCT_TRY(oct_keras_cell_project(cell, x, &x, err));
        OCT_TRY(oct_keras_cell_step(cell, x, err));
        x = cell->hidden;
        if (mask == OCT_KERAS_UNMASKED)
            continue;
        OCT_TRY(keep(r, mask, cell->hidden, hidden, &cell->hidden, err));
        if (oct_keras_cell_states(cell) == 2)
            OCT_TRY(keep(r, mask, cell->cell, state, &cell->cell, err));
    }
    if (mask == OCT_KERAS_UNMASKED) {
        r->output = x;
        return OCT_OK;
    }
    return keep(r, mask, x, r->output, &r->output, err);
}

static oct_status unroll(rnn *r, int32_t count, oct_keras_sequence *out, oct_error *err)
{
    int32_t projected, steps[MAX_STEPS], outputs[MAX_STEPS], masks[MAX_STEPS], at = 0;
    OCT_TRY(oct_keras_rnn_prepare(r, err));
    for (int32_t i = 0; i < r->cell_count; i++) {
        r->cells[i].hidden = r->initial[at++];
        if (oct_keras_cell_states(&r->cells[i]) == 2)
            r->cells[i].cell = r->initial[at++];
    }
    bool images = r->cells[0].axes > 0; /* which an operator takes step by step */
    if (!images)
        OCT_TRY(oct_keras_cell_project(&r->cells[0], r->call->inputs[0], &projected, err));
    OCT_TRY(emit_steps(r, images ? r->call->inputs[0] : projected, count, steps, err));
    for (int32_t i = 0; images && i < count; i++)
        OCT_TRY(oct_keras_cell_project(&r->cells[0], steps[i], &steps[i], err));
    for (int32_t i = 0; i < count; i++)
        masks[i] = OCT_KERAS_UNMASKED;
    if (r->mask != OCT_KERAS_UNMASKED)
        OCT_TRY(emit_steps(r, r->mask, count, masks, err));
    for (int32_t i = 0; i < count; i++) {
        int32_t time = r->backwards ? count - 1 - i : i;
        if (r->zeros)
            r->output = -1;
        OCT_TRY(oct_keras_rnn_step(r, steps[time], masks[time], err));
        outputs[r->in_time_order ? time : i] = r->output;
    }
    *out = (oct_keras_sequence){ .y = r->output };
    for (int32_t i = 0; i < r->cell_count; i++) {
        out->states[out->state_count++] = r->cells[i].hidden;
        if (oct_keras_cell_states(&r->cells[i]) == 2)
            out->states[out->state_count++] = r->cells[i].cell;
    }
    return r->sequences ? emit_sequence(r, outputs, count, &out->y, err) : OCT_OK;
}

static oct_status check_mask(const rnn *r, oct_error *err)
{
    if (r->mask == OCT_KERAS_UNMASKED)
        return OCT_OK;
    oct_keras_shape shape = oct_keras_shape_of(r->call, r->mask);
    int32_t steps = oct_keras_shape_of(r->call, r->call->inputs[0]).dims[1];
    if (shape.rank != 2 || (steps >= 0 && shape.dims[1] >= 0 && shape.dims[1] != steps))
        return oct_fail(err, OCT_E_INVALID, "its mask does not have %d steps", steps);
    return OCT_OK;
}

/* x [n, steps, length, channels] as images of height 1. */
static oct_status lines_to_images(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err)
{
    int32_t inputs[2] = { x }, axis = 2;
    oct_keras_shape s = oct_keras_shape_of(call, x);
    oct_keras_shape shape = { 5, { s.dims[0], s.dims[1], 1, s.dims[2], s.dims[3] } };
    OCT_TRY(oct_keras_constant_ints(call, "axis", 1, &axis, &inputs[1], err));
    return oct_keras_emit(call, OCT_OP_EXPAND_DIMS, inputs, 2, OCT_OPTIONS_ExpandDims, OCT_FLOAT32, &shape,
        y, NULL, err);
}

/* And back: their height is the third axis from the end. */
static oct_status images_to_lines(oct_keras_call *call, int32_t *y, oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(call, *y);
    int32_t axis = shape.rank - 3, *axes = oct_arena_copy(&call->graph->arena, &axis, sizeof axis);
    oct_squeeze_options *options;
    if (axes == NULL)
        return oct_fail_memory(err, sizeof axis, "an axis");
    memmove(shape.dims + axis, shape.dims + axis + 1, 2 * sizeof *shape.dims);
    shape.rank--;
    OCT_TRY(oct_keras_emit(call, OCT_OP_SQUEEZE, y, 1, OCT_OPTIONS_Squeeze, OCT_FLOAT32, &shape, y,
        &options, err));
    options->squeeze_dims = (oct_vec_i32){ .data = axes, .count = 1 };
    return OCT_OK;
}

static oct_status run(rnn *r, oct_keras_sequence *out, oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(r->call, r->call->inputs[0]);
    /* int8 forms leave a loop float, but with a fixed batch the converter makes one too. */
    bool unrolls = shape.dims[0] < 0 || oct_keras_flag(r->call->config, "unroll", false);
    return unrolls && shape.dims[1] >= 0 && shape.dims[1] <= MAX_STEPS
               ? unroll(r, shape.dims[1], out, err)
               : oct_keras_rnn_loop(r, out, err);
}

static oct_status run_lines(rnn *r, oct_keras_sequence *out, oct_error *err)
{
    OCT_TRY(run(r, out, err));
    OCT_TRY(images_to_lines(r->call, &out->y, err));
    for (int32_t i = 0; i < out->state_count; i++)
        OCT_TRY(images_to_lines(r->call, &out->states[i], err));
    return OCT_OK;
}

oct_status oct_keras_run_steps(oct_keras_call *outer, const oct_keras_def *def, const int32_t *states,
    int32_t state_count, bool backwards, bool in_time_order, oct_keras_sequence *out, oct_error *err)
{
    oct_keras_call inner = *outer, *call = &inner;
    int32_t x = call->inputs[0];
    inner.inputs = &x;
    rnn r = { .call = call, .output = -1, .backwards = backwards, .in_time_order = in_time_order };
    r.sequences = oct_keras_flag(call->config, "return_sequences", false);
    /* Bidirectional gives zeros at the steps left out, when it gives all. */
    r.zeros = oct_keras_flag(call->config, "zero_output_for_mask", false) || (in_time_order && r.sequences);
    OCT_TRY(check(call, def, err));
    if (axes_of(def) == 1)
        OCT_TRY(lines_to_images(call, x, &x, err));
    OCT_TRY(find_cells(&r, def, err));
    OCT_TRY(measure(&r, err));
    OCT_TRY(oct_keras_input_mask(call, 0, &r.mask, err));
    OCT_TRY(check_mask(&r, err));
    OCT_TRY(take_states(&r, states, state_count, err));
    if (oct_keras_rnn_is_fused(&r))
        return oct_keras_rnn_fuse(&r, out, err);
    if (oct_keras_flag(call->config, "stateful", false))
        return oct_fail(err, OCT_E_UNSUPPORTED,
            "keeps its state from call to call (stateful), which only an LSTM with a fixed batch, tanh, "
            "sigmoid and no mask can; give the states as inputs (initial_state) and take them as outputs "
            "(return_state)");
    return axes_of(def) == 1 ? run_lines(&r, out, err) : run(&r, out, err);
}

oct_status oct_keras_lower_recurrent(oct_keras_call *call, int32_t *y, oct_error *err)
{
    oct_keras_sequence out;
    bool backwards = oct_keras_flag(call->config, "go_backwards", false);
    OCT_TRY(oct_keras_run_steps(call, call->def, call->inputs + 1, call->input_count - 1,
        backwards, false, &out, err));
    *y = out.y;
    if (!oct_keras_flag(call->config, "return_state", false))
        return OCT_OK;
    OCT_TRY(oct_keras_several(call, 1 + out.state_count, err));
    call->outputs[0] = out.y;
    memcpy(call->outputs + 1, out.states, (size_t)out.state_count * sizeof *out.states);
    return OCT_OK;
}
