/*
 * Layers around a layer: Bidirectional runs it in both directions, TimeDistributed on every step.
 */
#include "keras/recurrent.h"

#include <string.h>

static const char *class_of(const oct_keras_call *call, const char *key)
{
    return oct_keras_text(json_object_get(call->config, key), "class_name", "");
}

/* A call of the wrapped layer. */
static oct_status wrapped_call(const oct_keras_call *call, const char *key, const char *scope,
    oct_keras_call *inner, oct_error *err)
{
    const json_t *entry = json_object_get(call->config, key);
    if (call->layer->inner == NULL)
        return oct_fail(err, OCT_E_UNSUPPORTED, "wraps the class '%s', which is not supported in it",
            class_of(call, key));
    *inner = *call;
    inner->config = json_object_get(entry, "config");
    inner->variant = call->layer->inner->variant;
    inner->scope = scope;
    return json_is_object(inner->config)
               ? OCT_OK
               : oct_fail(err, OCT_E_INVALID, "the layer it wraps has no configuration");
}

static oct_status merge(oct_keras_call *call, const char *mode, int32_t forward, int32_t backward,
    int32_t *y, oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(call, forward);
    if (strcmp(mode, "sum") == 0)
        return oct_keras_emit_binary(call, OCT_OP_ADD, forward, backward, y, err);
    if (strcmp(mode, "mul") == 0)
        return oct_keras_emit_binary(call, OCT_OP_MUL, forward, backward, y, err);
    if (strcmp(mode, "ave") == 0) {
        OCT_TRY(oct_keras_emit_binary(call, OCT_OP_ADD, forward, backward, y, err));
        return oct_keras_emit_scalar(call, OCT_OP_MUL, *y, 0.5f, y, err);
    }
    if (strcmp(mode, "concat") != 0)
        return oct_fail(err, OCT_E_INVALID, "merge_mode '%s'", mode);
    int32_t inputs[2] = { forward, backward };
    oct_concatenation_options *options;
    shape.dims[shape.rank - 1] += oct_keras_shape_of(call, backward).dims[shape.rank - 1];
    OCT_TRY(oct_keras_emit(call, OCT_OP_CONCATENATION, inputs, 2, OCT_OPTIONS_Concatenation,
        OCT_FLOAT32, &shape, y, &options, err));
    options->axis = -1;
    return OCT_OK;
}

/* Behind the results come the states of both directions. */
static oct_status give_states(oct_keras_call *call, const int32_t *results, int32_t count,
    const oct_keras_sequence *ahead, const oct_keras_sequence *back, oct_error *err)
{
    int32_t at = count;
    OCT_TRY(oct_keras_several(call, count + ahead->state_count + back->state_count, err));
    memcpy(call->outputs, results, (size_t)count * sizeof *results);
    for (int32_t i = 0; i < ahead->state_count; i++)
        call->outputs[at++] = ahead->states[i];
    for (int32_t i = 0; i < back->state_count; i++)
        call->outputs[at++] = back->states[i];
    return OCT_OK;
}

oct_status oct_keras_lower_bidirectional(oct_keras_call *call, int32_t *y, oct_error *err)
{
    oct_keras_call forward, backward;
    oct_keras_sequence ahead, back;
    const json_t *mode = json_object_get(call->config, "merge_mode");
    const char *second = oct_keras_has(call->config, "backward_layer") ? "backward_layer" : "layer";
    OCT_TRY(wrapped_call(call, "layer", "forward_layer/", &forward, err));
    OCT_TRY(wrapped_call(call, second, "backward_layer/", &backward, err));
    if (strcmp(class_of(call, "layer"), class_of(call, second)) != 0)
        return oct_fail(err, OCT_E_UNSUPPORTED, "wraps layers of two classes, %s and %s",
            class_of(call, "layer"), class_of(call, second));
    const oct_keras_def *def = call->layer->inner;
    if (def->lower != oct_keras_lower_recurrent)
        return oct_fail(err, OCT_E_UNSUPPORTED, "wraps a layer that is not recurrent");
    if (oct_keras_flag(forward.config, "go_backwards", false))
        return oct_fail(err, OCT_E_UNSUPPORTED, "wraps a layer with go_backwards");
    const int32_t *states = call->inputs + 1;
    int32_t half = (call->input_count - 1) / 2; /* of the initial states, for each direction */
    OCT_TRY(oct_keras_run_steps(&forward, def, states, half, false, true, &ahead, err));
    OCT_TRY(oct_keras_run_steps(&backward, def, states + half, call->input_count - 1 - half, true, true,
        &back, err));
    int32_t results[2] = { ahead.y, back.y };
    bool merges = !json_is_null(mode), gives = oct_keras_flag(forward.config, "return_state", false);
    if (merges)
        OCT_TRY(merge(call, mode == NULL ? "concat" : json_string_value(mode), ahead.y, back.y,
            &results[0], err));
    *y = results[0];
    if (merges && !gives)
        return OCT_OK;
    if (!gives)
        ahead.state_count = back.state_count = 0;
    return give_states(call, results, merges ? 1 : 2, &ahead, &back, err);
}

static bool heeds_masks(oct_keras_lower *lower)
{
    return lower == oct_keras_lower_recurrent || lower == oct_keras_lower_softmax ||
           lower == oct_keras_lower_global_average_pool;
}

/* Steps become part of the batch: [n, steps, ...] as [n * steps, ...], the layer, and back. */
oct_status oct_keras_lower_time_distributed(oct_keras_call *call, int32_t *y, oct_error *err)
{
    oct_keras_call inner;
    oct_keras_shape from = oct_keras_shape_of(call, call->inputs[0]), flat = { from.rank - 1, { -1 } };
    OCT_TRY(wrapped_call(call, "layer", "layer/", &inner, err));
    if (from.rank < 3 || call->input_count != 1)
        return oct_fail(err, OCT_E_INVALID, "expected one input of rank 3 or more, found rank %d",
            from.rank);
    OCT_TRY(oct_keras_require_known(&from, 1, err));
    if (heeds_masks(call->layer->inner->lower))
        OCT_TRY(oct_keras_refuse_masks(call, err));
    int64_t rows = (int64_t)from.dims[0] * from.dims[1];
    if (from.dims[0] >= 0)
        flat.dims[0] = rows > INT32_MAX ? INT32_MAX : (int32_t)rows;
    memcpy(flat.dims + 1, from.dims + 2, (size_t)(from.rank - 2) * sizeof *flat.dims);
    int32_t x;
    OCT_TRY(oct_keras_emit_reshape(call, call->inputs[0], &flat, &x, err));
    static const int32_t unmasked = OCT_KERAS_UNMASKED;
    inner.inputs = &x;
    inner.masks = &unmasked;
    *y = x;
    OCT_TRY(oct_keras_lower_call(&inner, call->layer->inner, y, err));
    oct_keras_shape made = oct_keras_shape_of(call, *y);
    if (inner.outputs != NULL || made.rank > 7)
        return oct_fail(err, OCT_E_UNSUPPORTED, "wraps a layer of several results or too many axes");
    oct_keras_shape shape = { made.rank + 1, { from.dims[0], from.dims[1] } };
    memcpy(shape.dims + 2, made.dims + 1, (size_t)(made.rank - 1) * sizeof *shape.dims);
    return oct_keras_emit_reshape(call, *y, &shape, y, err);
}
