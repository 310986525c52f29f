/*
 * Operations on tensors that Keras stores as layers: keras.ops in Keras 3, TFOpLambda in Keras 2.
 *
 * Their operands may be constants, in any place.
 */
#include "keras/layer.h"

oct_status oct_keras_lower_arithmetic(oct_keras_call *call, int32_t *y, oct_error *err)
{
    oct_builtin op = (oct_builtin)call->variant;
    const json_t *second = oct_keras_argument_value(call, 1, call->keras2 ? "y" : "x2");
    oct_type type = oct_keras_type_of(call, call->inputs[0]);
    int32_t a, b;
    OCT_TRY(oct_keras_argument_typed(call, 0, call->keras2 ? "x" : "x1", type, &a, err));
    /* As the converter: a division by a constant is a multiplication by its float32 reciprocal. */
    if (op == OCT_OP_DIV && json_is_number(second))
        return oct_keras_emit_scalar(call, OCT_OP_MUL, a, 1.0f / (float)json_number_value(second), y,
            err);
    if (op == OCT_OP_POW && json_number_value(second) == 2)
        return oct_keras_emit_unary(call, OCT_OP_SQUARE, OCT_OPTIONS_Square, a, y, err);
    OCT_TRY(oct_keras_argument_typed(call, 1, call->keras2 ? "y" : "x2", type, &b, err));
    return oct_keras_emit_binary(call, op, a, b, y, err);
}

oct_status oct_keras_lower_elementwise(oct_keras_call *call, int32_t *y, oct_error *err)
{
    static const struct { oct_builtin op; oct_options_type options; } table[] = {
        { OCT_OP_NEG, OCT_OPTIONS_Neg }, { OCT_OP_ABS, OCT_OPTIONS_Abs },
        { OCT_OP_EXP, OCT_OPTIONS_Exp }, { OCT_OP_SQUARE, OCT_OPTIONS_Square },
        { OCT_OP_LOGICAL_NOT, OCT_OPTIONS_LogicalNot },
        { OCT_OP_COS, OCT_OPTIONS_Cos }, { OCT_OP_SIGN, OCT_OPTIONS_Sign }
    };
    oct_options_type options = OCT_OPTIONS_NONE;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if ((int32_t)table[i].op == call->variant)
            options = table[i].options;
    return oct_keras_emit_unary(call, (oct_builtin)call->variant, options, call->inputs[0], y, err);
}

/* Keras 3 has the limits in the configuration, Keras 2 among the arguments. */
oct_status oct_keras_lower_clip(oct_keras_call *call, int32_t *y, oct_error *err)
{
    static const struct { const char *keras3, *keras2; oct_builtin op; } limits[] = {
        { "x_min", "clip_value_min", OCT_OP_MAXIMUM }, { "x_max", "clip_value_max", OCT_OP_MINIMUM }
    };
    for (int i = 0; i < 2; i++) {
        const json_t *value = oct_keras_setting(call,
            call->keras2 ? limits[i].keras2 : limits[i].keras3);
        if (value == NULL)
            value = oct_keras_argument_value(call, i + 1, "");
        if (json_is_number(value))
            OCT_TRY(oct_keras_emit_scalar(call, limits[i].op, *y, (float)json_number_value(value), y,
                err));
        else if (value != NULL && !json_is_null(value))
            return oct_fail(err, OCT_E_UNSUPPORTED, "clips at something other than numbers");
    }
    return OCT_OK;
}

oct_status oct_keras_lower_reduce(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t rank = oct_keras_shape_of(call, call->inputs[0]).rank, axes[8], count = rank;
    for (int32_t i = 0; i < rank; i++)
        axes[i] = i;
    const json_t *axis = oct_keras_setting(call, "axis"), *keep = oct_keras_setting(call, "keepdims");
    if (axis != NULL)
        OCT_TRY(oct_keras_list(axis, "axis", 8, axes, &count, err));
    for (int32_t i = 0; i < count; i++)
        OCT_TRY(oct_keras_axis(axes[i], rank, &axes[i], err));
    return oct_keras_emit_reduce(call, (oct_builtin)call->variant, call->inputs[0], axes, count,
        json_is_true(keep), y, err);
}
