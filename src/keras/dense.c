/*
 * Layers that are one matrix: Dense and Embedding.
 */
#include "keras/layer.h"

#include <string.h>

oct_status oct_keras_lower_dense(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t inputs[3] = { call->inputs[0], -1, -1 };
    oct_keras_shape shape = oct_keras_shape_of(call, inputs[0]);
    const oct_h5_dataset *set;
    float *values;
    if (shape.rank < 2)
        return oct_fail(err, OCT_E_INVALID, "expected an input of rank 2 or more, found rank %d",
            shape.rank);
    int32_t units;
    OCT_TRY(oct_keras_int(call->config, "units", -1, -1, &units, err));
    int64_t dims[2] = { shape.dims[shape.rank - 1], units };
    OCT_TRY(oct_keras_weight(call, "kernel", 2, dims, &set, err));
    int32_t turned[2] = { (int32_t)dims[1], (int32_t)dims[0] };
    OCT_TRY(oct_keras_constant_floats(call, "kernel", 2, turned, &values, &inputs[1], err));
    if (values != NULL)
        oct_keras_transpose(set, dims[0], dims[1], 1, values);
    if (oct_keras_variable_find(call, "bias") != NULL) {
        OCT_TRY(oct_keras_weight(call, "bias", 1, &dims[1], &set, err));
        OCT_TRY(oct_keras_constant_floats(call, "bias", 1, turned, &values, &inputs[2], err));
        if (values != NULL)
            oct_h5_dataset_floats(set, 0, dims[1], values);
    }
    oct_fully_connected_options *options;
    shape.dims[shape.rank - 1] = turned[0];
    OCT_TRY(oct_keras_emit(call, OCT_OP_FULLY_CONNECTED, inputs, 3, OCT_OPTIONS_FullyConnected,
        OCT_FLOAT32, &shape, y, &options, err));
    options->keep_num_dims = shape.rank > 2;
    return oct_keras_activate(call, json_object_get(call->config, "activation"), *y, y, err);
}

oct_status oct_keras_lower_embedding(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t inputs[2] = { -1, call->inputs[0] };
    int64_t dims[2] = { -1, -1 };
    OCT_TRY(oct_keras_constant_variable(call, "embeddings", 2, dims, &inputs[0], err));
    oct_type type = oct_keras_type_of(call, inputs[1]);
    if (type != OCT_INT32 && type != OCT_INT64)
        OCT_TRY(oct_keras_emit_cast(call, inputs[1], OCT_INT32, &inputs[1], err));
    oct_keras_shape shape = oct_keras_shape_of(call, inputs[1]);
    if (shape.rank > 7)
        return oct_fail(err, OCT_E_UNSUPPORTED, "input of rank %d", shape.rank);
    shape.dims[shape.rank++] = (int32_t)dims[1];
    return oct_keras_emit(call, OCT_OP_GATHER, inputs, 2, OCT_OPTIONS_Gather, OCT_FLOAT32, &shape, y,
        NULL, err);
}
