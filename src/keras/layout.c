/*
 * Layers that have their channels first: the operators want them last, so axes are turned round the layer.
 */
#include "keras/layer.h"

#include <string.h>

/* An activation over the last axis would run over another one when the axes are turned. */
static oct_status check_activation(const oct_keras_call *call, oct_error *err)
{
    const char *name = json_string_value(json_object_get(call->config, "activation"));
    if (name != NULL && strstr(name, "softmax") != NULL)
        return oct_fail(err, OCT_E_UNSUPPORTED, "has its channels first and the activation '%s'", name);
    return OCT_OK;
}

/* first: [n, ..., channels] as [n, channels, ...]; else the other way. */
static oct_status turn(oct_keras_call *call, int32_t x, bool first, int32_t *y, oct_error *err)
{
    int32_t rank = oct_keras_shape_of(call, x).rank, perm[8] = { 0 };
    for (int32_t i = 1; i < rank; i++)
        perm[i] = first ? (i == 1 ? rank - 1 : i - 1) : (i == rank - 1 ? 1 : i + 1);
    return oct_keras_emit_transpose(call, x, perm, y, err);
}

oct_status oct_keras_lower_call(oct_keras_call *call, const oct_keras_def *def, int32_t *y,
    oct_error *err)
{
    call->def = def;
    const char *format = oct_keras_text(call->config, "data_format", "channels_last");
    int32_t rank = oct_keras_shape_of(call, call->inputs[0]).rank, x;
    if (strcmp(format, "channels_first") != 0 || rank < 3 || rank > 5 || call->input_count != 1 ||
        def->lower == oct_keras_lower_identity || def->lower == oct_keras_lower_recurrent)
        return def->lower(call, y, err);
    OCT_TRY(check_activation(call, err));
    OCT_TRY(turn(call, call->inputs[0], false, &x, err));
    oct_keras_call inner = *call;
    inner.inputs = &x;
    inner.turned = true;
    *y = x;
    OCT_TRY(def->lower(&inner, y, err));
    return oct_keras_shape_of(call, *y).rank < 3 ? OCT_OK : turn(call, *y, true, y, err);
}
