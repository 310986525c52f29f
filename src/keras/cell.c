/*
 * Cells of recurrent layers: LSTM, GRU and SimpleRNN, one step as plain operators.
 *
 * A state that nobody gave is zero, and what it would add is left out: so the batch may stay open.
 */
#include "keras/cell.h"

#include <string.h>

enum { LSTM = 4, GRU = 3 };

oct_status oct_keras_cell_columns(oct_keras_call *call, const char *name, const char *suffix,
    int32_t rows, int32_t total, int32_t first, int32_t count, int32_t *tensor, oct_error *err)
{
    const oct_h5_dataset *set;
    int64_t wanted[2] = { rows, total };
    int32_t dims[2] = { count, rows };
    float *values;
    OCT_TRY(oct_keras_weight(call, name, 2, wanted, &set, err));
    OCT_TRY(oct_keras_constant_floats(call, suffix, 2, dims, &values, tensor, err));
    for (int32_t i = 0; values != NULL && i < rows; i++)
        for (int32_t k = 0; k < count; k++)
            oct_h5_dataset_floats(set, (int64_t)i * total + first + k, 1, values + k * rows + i);
    return OCT_OK;
}

/* Row `row` of the bias, which has two rows in a GRU that resets after. */
static oct_status constant_bias(oct_keras_cell *r, int32_t row, const char *suffix, int32_t *tensor,
    oct_error *err)
{
    int32_t size = r->gates * r->units;
    int64_t dims[2] = { r->reset_after ? 2 : size, size };
    const oct_h5_dataset *set;
    float *values;
    *tensor = -1;
    if (oct_keras_variable_find(&r->call, "bias") == NULL)
        return OCT_OK;
    OCT_TRY(oct_keras_weight(&r->call, "bias", 1 + r->reset_after, dims, &set, err));
    OCT_TRY(oct_keras_constant_floats(&r->call, suffix, 1, &size, &values, tensor, err));
    if (values != NULL)
        oct_h5_dataset_floats(set, (int64_t)row * size, size, values);
    return OCT_OK;
}

/* y = x * kernel^T + bias over the last axis, or what stands in its place for images. */
static oct_status emit_matrix(oct_keras_cell *r, int32_t x, int32_t kernel, int32_t bias, int32_t *y,
    oct_error *err)
{
    if (r->axes > 0)
        return oct_keras_cell_convolve(r, x, kernel, bias, y, err);
    int32_t inputs[3] = { x, kernel, bias };
    oct_keras_shape shape = oct_keras_shape_of(&r->call, x);
    oct_fully_connected_options *options;
    shape.dims[shape.rank - 1] = oct_keras_shape_of(&r->call, kernel).dims[0];
    OCT_TRY(oct_keras_emit(&r->call, OCT_OP_FULLY_CONNECTED, inputs, 3, OCT_OPTIONS_FullyConnected,
        OCT_FLOAT32, &shape, y, &options, err));
    options->keep_num_dims = shape.rank > 2;
    return OCT_OK;
}

/* y = a + b, where b = -1 stands for zero. */
static oct_status emit_sum(oct_keras_cell *r, int32_t a, int32_t b, int32_t *y, oct_error *err)
{
    *y = a;
    return b < 0 ? OCT_OK : oct_keras_emit_binary(&r->call, OCT_OP_ADD, a, b, y, err);
}

static oct_status emit_split(oct_keras_cell *r, int32_t x, int32_t count, int32_t *parts, oct_error *err)
{
    int32_t inputs[2] = { r->axis, x };
    oct_keras_shape shape = oct_keras_shape_of(&r->call, x);
    shape.dims[shape.rank - 1] = r->units;
    for (int32_t i = 0; i < count; i++)
        OCT_TRY(oct_keras_new_output(&r->call, OCT_OP_SPLIT, OCT_FLOAT32, &shape, &parts[i], err));
    oct_split_options *options;
    OCT_TRY(oct_keras_emit_node(&r->call, OCT_OP_SPLIT, inputs, 2, parts, count, OCT_OPTIONS_Split,
        &options, err));
    options->num_splits = count;
    return OCT_OK;
}

/* The activation under a key; absent it is the one that Keras has by default, null it is none. */
static oct_status activate(oct_keras_cell *r, const char *key, const char *fallback, int32_t *x,
    oct_error *err)
{
    const json_t *given = json_object_get(r->call.config, key);
    if (given != NULL)
        return oct_keras_activate(&r->call, given, *x, x, err);
    json_t *name = json_string(fallback);
    oct_status status = name == NULL ? oct_fail_memory(err, 64, "a name")
                                     : oct_keras_activate(&r->call, name, *x, x, err);
    json_decref(name);
    return status;
}

static oct_status squash(oct_keras_cell *r, int32_t *x, oct_error *err)
{
    return activate(r, "activation", "tanh", x, err);
}

static oct_status gate(oct_keras_cell *r, int32_t *x, oct_error *err)
{
    return activate(r, "recurrent_activation", "sigmoid", x, err);
}

/* c = f * c + i * g; h = o * tanh(c) */
static oct_status step_lstm(oct_keras_cell *r, int32_t x, oct_error *err)
{
    int32_t parts[4], kept = -1, recurrent = -1;
    if (r->hidden >= 0)
        OCT_TRY(emit_matrix(r, r->hidden, r->kernel, -1, &recurrent, err));
    OCT_TRY(emit_sum(r, x, recurrent, &x, err));
    OCT_TRY(emit_split(r, x, 4, parts, err));
    OCT_TRY(gate(r, &parts[0], err));
    OCT_TRY(squash(r, &parts[2], err));
    OCT_TRY(gate(r, &parts[3], err));
    if (r->cell >= 0) {
        OCT_TRY(gate(r, &parts[1], err));
        OCT_TRY(oct_keras_emit_binary(&r->call, OCT_OP_MUL, parts[1], r->cell, &kept, err));
    }
    OCT_TRY(oct_keras_emit_binary(&r->call, OCT_OP_MUL, parts[0], parts[2], &r->cell, err));
    OCT_TRY(emit_sum(r, r->cell, kept, &r->cell, err));
    r->hidden = r->cell;
    OCT_TRY(squash(r, &r->hidden, err));
    return oct_keras_emit_binary(&r->call, OCT_OP_MUL, parts[3], r->hidden, &r->hidden, err);
}

/* What the state adds to the three gates; -1: nothing, or not until the reset gate is known. */
static oct_status recurrent_parts(oct_keras_cell *r, int32_t *parts, oct_error *err)
{
    int32_t all = r->recurrent_bias, count = r->reset_after ? 3 : 2;
    parts[0] = parts[1] = parts[2] = -1;
    if (r->hidden >= 0)
        OCT_TRY(emit_matrix(r, r->hidden, r->kernel, r->recurrent_bias, &all, err));
    if (all < 0)
        return OCT_OK;
    if (r->hidden < 0) { /* the bias alone, as a row */
        oct_keras_shape row = { 2, { 1, r->gates * r->units } };
        OCT_TRY(oct_keras_emit_reshape(&r->call, all, &row, &all, err));
    }
    return emit_split(r, all, count, parts, err);
}

/* h = z * h + (1 - z) * n */
static oct_status step_gru(oct_keras_cell *r, int32_t x, oct_error *err)
{
    int32_t in[3], by[3], kept, fresh, inner = -1;
    OCT_TRY(emit_split(r, x, 3, in, err));
    OCT_TRY(recurrent_parts(r, by, err));
    for (int32_t i = 0; i < 2; i++) {
        OCT_TRY(emit_sum(r, in[i], by[i], &in[i], err));
        OCT_TRY(gate(r, &in[i], err));
    }
    if (by[2] >= 0)
        OCT_TRY(oct_keras_emit_binary(&r->call, OCT_OP_MUL, in[1], by[2], &inner, err));
    if (!r->reset_after && r->hidden >= 0) {
        OCT_TRY(oct_keras_emit_binary(&r->call, OCT_OP_MUL, in[1], r->hidden, &inner, err));
        OCT_TRY(emit_matrix(r, inner, r->candidate, -1, &inner, err));
    }
    OCT_TRY(emit_sum(r, in[2], inner, &in[2], err));
    OCT_TRY(squash(r, &in[2], err));
    OCT_TRY(oct_keras_emit_binary(&r->call, OCT_OP_SUB, r->one, in[0], &fresh, err));
    OCT_TRY(oct_keras_emit_binary(&r->call, OCT_OP_MUL, fresh, in[2], &fresh, err));
    if (r->hidden < 0) {
        r->hidden = fresh;
        return OCT_OK;
    }
    OCT_TRY(oct_keras_emit_binary(&r->call, OCT_OP_MUL, in[0], r->hidden, &kept, err));
    return oct_keras_emit_binary(&r->call, OCT_OP_ADD, kept, fresh, &r->hidden, err);
}

static oct_status step_simple(oct_keras_cell *r, int32_t x, oct_error *err)
{
    int32_t recurrent = -1;
    if (r->hidden >= 0)
        OCT_TRY(emit_matrix(r, r->hidden, r->kernel, -1, &recurrent, err));
    OCT_TRY(emit_sum(r, x, recurrent, &r->hidden, err));
    return squash(r, &r->hidden, err);
}

oct_status oct_keras_cell_step(oct_keras_cell *r, int32_t x, oct_error *err)
{
    return r->gates == LSTM  ? step_lstm(r, x, err)
           : r->gates == GRU ? step_gru(r, x, err)
                             : step_simple(r, x, err);
}

oct_status oct_keras_cell_project(oct_keras_cell *r, int32_t x, int32_t *y, oct_error *err)
{
    return emit_matrix(r, x, r->input_kernel, r->bias, y, err);
}

int32_t oct_keras_cell_states(const oct_keras_cell *r)
{
    return r->gates == LSTM ? 2 : 1;
}

oct_status oct_keras_cell_measure(oct_keras_cell *r, const oct_keras_shape *x, oct_error *err)
{
    if (r->axes > 0)
        return oct_keras_cell_measure_image(r, x, err);
    OCT_TRY(oct_keras_int(r->call.config, "units", 0, 1, &r->units, err));
    if (r->units > INT32_MAX / 4)
        return oct_fail(err, OCT_E_INVALID, "%d units", r->units);
    r->state = (oct_keras_shape){ 2, { x->dims[0], r->units } };
    return OCT_OK;
}

static oct_status make_matrices(oct_keras_cell *r, int32_t features, oct_error *err)
{
    oct_keras_call *call = &r->call;
    int32_t size = r->gates * r->units, early = r->gates == GRU ? 2 * r->units : size;
    OCT_TRY(oct_keras_cell_columns(call, "kernel", "kernel", features, size, 0, size, &r->input_kernel, err));
    OCT_TRY(oct_keras_cell_columns(call, "recurrent_kernel", "recurrent_kernel", r->units, size, 0,
        r->reset_after ? size : early, &r->kernel, err));
    return early < size && !r->reset_after
               ? oct_keras_cell_columns(call, "recurrent_kernel", "candidate_kernel", r->units, size, early,
                     r->units, &r->candidate, err)
               : OCT_OK;
}

oct_status oct_keras_cell_prepare(oct_keras_cell *r, int32_t features, oct_error *err)
{
    oct_keras_call *call = &r->call;
    r->reset_after = r->gates == GRU && oct_keras_flag(call->config, "reset_after", true);
    OCT_TRY(r->axes > 0 ? oct_keras_cell_make_kernels(r, features, err) : make_matrices(r, features, err));
    OCT_TRY(constant_bias(r, 0, "bias", &r->bias, err));
    r->recurrent_bias = -1;
    if (r->reset_after)
        OCT_TRY(constant_bias(r, 1, "recurrent_bias", &r->recurrent_bias, err));
    OCT_TRY(oct_keras_constant_int(call, "axis", r->state.rank - 1, &r->axis, err));
    OCT_TRY(oct_keras_constant_scalar(call, 1.0f, &r->one, err));
    r->hidden = r->cell = -1;
    return OCT_OK;
}

/* A cell is no layer to call on a sequence. */
oct_status oct_keras_lower_cell(oct_keras_call *call, int32_t *y, oct_error *err)
{
    (void)y;
    return oct_fail(err, OCT_E_UNSUPPORTED, "is called by itself (%s); wrap it in an RNN layer",
        call->layer->class_name);
}
