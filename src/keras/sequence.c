/*
 * A layer of one LSTM as UNIDIRECTIONAL_SEQUENCE_LSTM.
 *
 * The operator keeps its state from one run of the model to the next, until the runtime is told to reset its
 * variables. That is what a stateful layer means. Of other layers TensorFlow's converter makes it where they
 * come from Keras 2, with a fixed batch; files of Keras 3 get a loop, which begins at zero each time.
 */
#include "keras/recurrent.h"

#include <string.h>

enum { SLOTS = 24, KERNEL = 1, RECURRENT = 5, BIAS = 12, HIDDEN = 18, CELL = 19, GATES = 4 };

static bool is_called(const json_t *config, const char *key, const char *name)
{
    const json_t *value = json_object_get(config, key);
    return value == NULL || (json_is_string(value) && strcmp(json_string_value(value), name) == 0);
}

bool oct_keras_rnn_is_fused(const oct_keras_rnn *r)
{
    const json_t *config = r->call->config;
    bool stateful = oct_keras_flag(config, "stateful", false);
    bool unrolls = oct_keras_flag(config, "unroll", false);
    const oct_keras_cell *cell = &r->cells[0];
    bool plain = r->cell_count == 1 && cell->gates == GATES && cell->axes == 0 &&
                 cell->call.config == config && is_called(config, "activation", "tanh") &&
                 is_called(config, "recurrent_activation", "sigmoid");
    return plain && r->mask == OCT_KERAS_UNMASKED && r->initial[0] < 0 &&
           !oct_keras_flag(config, "return_state", false) &&
           oct_keras_shape_of(r->call, r->call->inputs[0]).dims[0] > 0 &&
           (stateful || (r->call->keras2 && !unrolls));
}

/* Elements [first, first + units) of the bias; zeros when there is none. */
static oct_status constant_bias(oct_keras_call *call, int32_t first, int32_t units, const char *suffix,
    int32_t *tensor, oct_error *err)
{
    const oct_h5_dataset *set = NULL;
    int64_t wanted = (int64_t)GATES * units;
    float *values;
    if (oct_keras_variable_find(call, "bias") != NULL)
        OCT_TRY(oct_keras_weight(call, "bias", 1, &wanted, &set, err));
    OCT_TRY(oct_keras_constant_floats(call, suffix, 1, &units, &values, tensor, err));
    if (values != NULL && set != NULL)
        oct_h5_dataset_floats(set, first, units, values);
    return OCT_OK;
}

static oct_status make_weights(oct_keras_call *call, int32_t features, int32_t units, int32_t *inputs,
    oct_error *err)
{
    static const char *const names[GATES][3] = { { "input_kernel", "input_recurrent", "input_bias" },
        { "forget_kernel", "forget_recurrent", "forget_bias" },
        { "cell_kernel", "cell_recurrent", "cell_bias" },
        { "output_kernel", "output_recurrent", "output_bias" } };
    for (int32_t g = 0; g < GATES; g++) {
        OCT_TRY(oct_keras_cell_columns(call, "kernel", names[g][0], features, GATES * units, g * units,
            units, &inputs[KERNEL + g], err));
        OCT_TRY(oct_keras_cell_columns(call, "recurrent_kernel", names[g][1], units, GATES * units,
            g * units, units, &inputs[RECURRENT + g], err));
        OCT_TRY(constant_bias(call, g * units, units, names[g][2], &inputs[BIAS + g], err));
    }
    return OCT_OK;
}

/* A tensor that keeps its value from run to run; it begins at zero. */
static oct_status make_state(oct_keras_call *call, const char *what, int32_t batch, int32_t units,
    int32_t *tensor, oct_error *err)
{
    int32_t dims[2] = { batch, units };
    const char *name = oct_arena_format(&call->graph->arena, "%s/%s%s", call->path, call->scope, what);
    if (name == NULL)
        return oct_fail_memory(err, strlen(call->path), "a name");
    OCT_TRY(oct_graph_add_tensor(call->graph, call->sub, name, OCT_FLOAT32, 2, dims, tensor, err));
    call->sub->tensors[*tensor]->is_variable = true;
    return OCT_OK;
}

/* y = x[:, -1] */
static oct_status emit_last(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err)
{
    int32_t inputs[4] = { x }, begin[3] = { 0, -1, 0 }, end[3] = { 0, 0, 0 }, strides[3] = { 1, 1, 1 };
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    oct_strided_slice_options *options;
    shape = (oct_keras_shape){ 2, { shape.dims[0], shape.dims[2] } };
    OCT_TRY(oct_keras_constant_ints(call, "begin", 3, begin, &inputs[1], err));
    OCT_TRY(oct_keras_constant_ints(call, "end", 3, end, &inputs[2], err));
    OCT_TRY(oct_keras_constant_ints(call, "strides", 3, strides, &inputs[3], err));
    OCT_TRY(oct_keras_emit(call, OCT_OP_STRIDED_SLICE, inputs, 4, OCT_OPTIONS_StridedSlice, OCT_FLOAT32,
        &shape, y, &options, err));
    options->begin_mask = options->end_mask = 1 | 4;
    options->shrink_axis_mask = 2;
    return OCT_OK;
}

oct_status oct_keras_rnn_fuse(oct_keras_rnn *r, oct_keras_sequence *out, oct_error *err)
{
    oct_keras_call *call = &r->cells[0].call;
    int32_t inputs[SLOTS], units = r->cells[0].units, x = r->call->inputs[0];
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    for (int32_t i = 0; i < SLOTS; i++)
        inputs[i] = -1;
    OCT_TRY(make_weights(call, shape.dims[2], units, inputs, err));
    OCT_TRY(make_state(call, "hidden", shape.dims[0], units, &inputs[HIDDEN], err));
    OCT_TRY(make_state(call, "cell", shape.dims[0], units, &inputs[CELL], err));
    if (r->backwards)
        OCT_TRY(oct_keras_emit_reversed(call, x, 1, &x, err));
    inputs[0] = x;
    shape.dims[2] = units;
    oct_unidirectional_sequence_lstm_options *options;
    *out = (oct_keras_sequence){ 0 };
    OCT_TRY(oct_keras_emit(call, OCT_OP_UNIDIRECTIONAL_SEQUENCE_LSTM, inputs, SLOTS,
        OCT_OPTIONS_UnidirectionalSequenceLSTM, OCT_FLOAT32, &shape, &out->y, &options, err));
    options->fused_activation = OCT_ACT_TANH;
    if (!r->sequences)
        return emit_last(call, out->y, &out->y, err);
    return r->backwards && r->in_time_order ? oct_keras_emit_reversed(call, out->y, 1, &out->y, err)
                                            : OCT_OK;
}
