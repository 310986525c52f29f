/*
 * Numbers as categories and categories as vectors: one_hot, CategoryEncoding, Discretization.
 */
#include "keras/layer.h"

#include <stdlib.h>
#include <string.h>

static oct_status emit_one_hot(oct_keras_call *call, int32_t ids, int32_t depth, int32_t *y,
    oct_error *err)
{
    int32_t inputs[4];
    oct_keras_shape shape = oct_keras_shape_of(call, ids);
    if (shape.rank > 7)
        return oct_fail(err, OCT_E_UNSUPPORTED, "would have more than 8 axes");
    OCT_TRY(oct_keras_emit_cast(call, ids, OCT_INT32, &inputs[0], err));
    OCT_TRY(oct_keras_constant_int(call, "depth", depth, &inputs[1], err));
    OCT_TRY(oct_keras_constant_scalar(call, 1.0f, &inputs[2], err));
    OCT_TRY(oct_keras_constant_scalar(call, 0.0f, &inputs[3], err));
    shape.dims[shape.rank++] = depth;
    oct_one_hot_options *options;
    OCT_TRY(oct_keras_emit(call, OCT_OP_ONE_HOT, inputs, 4, OCT_OPTIONS_OneHot, OCT_FLOAT32, &shape, y,
        &options, err));
    options->axis = -1;
    return OCT_OK;
}

oct_status oct_keras_lower_one_hot(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t depth, count, axis = -1;
    const json_t *classes = oct_keras_setting(call, call->keras2 ? "depth" : "num_classes");
    const json_t *given = oct_keras_setting(call, "axis");
    OCT_TRY(oct_keras_list(classes, "num_classes", 1, &depth, &count, err));
    if (given != NULL)
        OCT_TRY(oct_keras_list(given, "axis", 1, &axis, &count, err));
    if (count != 1 || depth < 1)
        return oct_fail(err, OCT_E_INVALID, "expected a number of classes");
    if (axis != -1 && axis != oct_keras_shape_of(call, call->inputs[0]).rank)
        return oct_fail(err, OCT_E_UNSUPPORTED, "along axis %d; only the last is supported", axis);
    return emit_one_hot(call, call->inputs[0], depth, y, err);
}

/* How a list of categories becomes one vector: one_hot, multi_hot (any of them), count. */
static oct_status emit_encoding(oct_keras_call *call, int32_t ids, const char *mode, int32_t depth,
    int32_t *y, oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(call, ids);
    bool one = strcmp(mode, "one_hot") == 0, any = strcmp(mode, "multi_hot") == 0;
    if (!one && !any && strcmp(mode, "count") != 0)
        return oct_fail(err, OCT_E_UNSUPPORTED, "output_mode '%s'", mode);
    if (call->input_count != 1)
        return oct_fail(err, OCT_E_UNSUPPORTED, "weighs its counts");
    if (one && shape.rank > 1 && shape.dims[shape.rank - 1] == 1) {
        shape.rank--; /* [n, 1] is a list of n */
        OCT_TRY(oct_keras_emit_reshape(call, ids, &shape, &ids, err));
    }
    OCT_TRY(emit_one_hot(call, ids, depth, y, err));
    if (one || shape.rank < 2)
        return OCT_OK;
    int32_t axis = shape.rank - 1;
    return oct_keras_emit_reduce(call, any ? OCT_OP_REDUCE_MAX : OCT_OP_SUM, *y, &axis, 1, false, y,
        err);
}

oct_status oct_keras_lower_category_encoding(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t depth;
    OCT_TRY(oct_keras_int(call->config, "num_tokens", 0, 1, &depth, err));
    return emit_encoding(call, call->inputs[0],
        oct_keras_text(call->config, "output_mode", "multi_hot"), depth, y, err);
}

/* The number of boundaries at or below x. */
oct_status oct_keras_lower_discretization(oct_keras_call *call, int32_t *y, oct_error *err)
{
    const json_t *given = json_object_get(call->config, "bin_boundaries");
    size_t count = json_array_size(given);
    const char *mode = oct_keras_text(call->config, "output_mode", "int");
    int32_t x;
    oct_keras_shape shape = oct_keras_shape_of(call, call->inputs[0]);
    if (count == 0 || count > INT32_MAX / 2)
        return oct_fail(err, OCT_E_UNSUPPORTED, "has no boundaries in its configuration");
    float *boundaries = oct_arena_array(&call->graph->arena, count, sizeof *boundaries);
    if (boundaries == NULL)
        return oct_fail_memory(err, count * sizeof *boundaries, "boundaries");
    for (size_t i = 0; i < count; i++)
        boundaries[i] = (float)json_number_value(json_array_get(given, i));
    OCT_TRY(oct_keras_emit_cast(call, call->inputs[0], OCT_FLOAT32, &x, err));
    oct_bucketize_options *options;
    OCT_TRY(oct_keras_emit(call, OCT_OP_BUCKETIZE, &x, 1, OCT_OPTIONS_Bucketize, OCT_INT32, &shape, y,
        &options, err));
    options->boundaries = (oct_vec_f32){ boundaries, (uint32_t)count };
    if (strcmp(mode, "int") == 0)
        return OCT_OK;
    return emit_encoding(call, *y, mode, (int32_t)count + 1, y, err);
}
