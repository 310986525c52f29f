/*
 * Masks, which Keras passes from layer to layer beside the tensors, mostly unseen in the file.
 *
 * They begin at Embedding(mask_zero) and Masking, pass through layers that work step by step, end at those
 * that mix steps, and matter to recurrent layers, attention and averages over time. Where what becomes of
 * one is not known, it is marked so, and the layer that would heed it is refused.
 */
#include "keras/build.h"

#include <string.h>

/* Layers without supports_masking: what is behind them has no mask. */
static oct_keras_lower *const dropping[] = { oct_keras_lower_conv, oct_keras_lower_depthwise,
    oct_keras_lower_separable, oct_keras_lower_transpose_conv, oct_keras_lower_max_pool,
    oct_keras_lower_average_pool, oct_keras_lower_global_average_pool,
    oct_keras_lower_global_max_pool, oct_keras_lower_flatten, oct_keras_lower_reshape,
    oct_keras_lower_permute, oct_keras_lower_repeat_vector, oct_keras_lower_zero_padding,
    oct_keras_lower_cropping, oct_keras_lower_up_sampling, oct_keras_lower_resizing,
    oct_keras_lower_center_crop, oct_keras_lower_dot, oct_keras_lower_conv_3d,
    oct_keras_lower_pool_3d, oct_keras_lower_up_sampling_3d, oct_keras_lower_transpose_conv_3d,
    oct_keras_lower_adaptive_pool };

/* Layers whose result has the mask of their first input. */
static oct_keras_lower *const keeping[] = { oct_keras_lower_identity, oct_keras_lower_dense,
    oct_keras_lower_einsum_dense, oct_keras_lower_activation, oct_keras_lower_relu,
    oct_keras_lower_leaky_relu, oct_keras_lower_elu, oct_keras_lower_prelu,
    oct_keras_lower_batch_normalization, oct_keras_lower_layer_normalization,
    oct_keras_lower_rms_normalization, oct_keras_lower_unit_normalization,
    oct_keras_lower_time_distributed, oct_keras_lower_multi_head_attention,
    oct_keras_lower_attention, oct_keras_lower_additive_attention, oct_keras_lower_rescaling };

static oct_keras_lower *const recurrent[] = { oct_keras_lower_recurrent, oct_keras_lower_bidirectional };

#define AMONG(lower, list) among(lower, list, sizeof list / sizeof list[0])

static bool among(oct_keras_lower *lower, oct_keras_lower *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == lower)
            return true;
    return false;
}

oct_status oct_keras_input_mask(const oct_keras_call *call, int32_t input, int32_t *mask,
    oct_error *err)
{
    *mask = input < call->input_count ? call->masks[input] : OCT_KERAS_UNMASKED;
    if (*mask == OCT_KERAS_UNKNOWN_MASK)
        return oct_fail(err, OCT_E_UNSUPPORTED,
            "runs under a mask that came through layers which are not known to keep it");
    return OCT_OK;
}

oct_status oct_keras_refuse_masks(const oct_keras_call *call, oct_error *err)
{
    for (int32_t i = 0; i < call->input_count; i++)
        if (call->masks[i] != OCT_KERAS_UNMASKED)
            return oct_fail(err, OCT_E_UNSUPPORTED, "runs under a mask, which is not supported");
    return OCT_OK;
}

/* The mask with axes of one element behind its own, until it has `rank`. */
static oct_status widen(oct_keras_call *call, int32_t mask, int32_t rank, int32_t *y, oct_error *err)
{
    oct_keras_shape wide = oct_keras_shape_of(call, mask);
    *y = mask;
    while (wide.rank < rank && oct_keras_elements(&wide, 1) < 0) {
        int32_t inputs[2] = { *y }, axis = -1;
        wide.dims[wide.rank++] = 1;
        OCT_TRY(oct_keras_constant_ints(call, "axis", 1, &axis, &inputs[1], err));
        OCT_TRY(oct_keras_emit(call, OCT_OP_EXPAND_DIMS, inputs, 2, OCT_OPTIONS_ExpandDims, OCT_BOOL, &wide,
            y, NULL, err));
    }
    if (wide.rank >= rank)
        return OCT_OK;
    while (wide.rank < rank)
        wide.dims[wide.rank++] = 1;
    return oct_keras_emit_reshape(call, mask, &wide, y, err);
}

oct_status oct_keras_emit_select(oct_keras_call *call, int32_t mask, int32_t a, int32_t b, int32_t *y,
    oct_error *err)
{
    oct_keras_shape wide, shape;
    oct_keras_shape first = oct_keras_shape_of(call, a), second = oct_keras_shape_of(call, b);
    int32_t inputs[3] = { mask, a, b }, rank = first.rank > second.rank ? first.rank : second.rank;
    OCT_TRY(widen(call, mask, rank, &inputs[0], err));
    wide = oct_keras_shape_of(call, inputs[0]);
    OCT_TRY(oct_keras_broadcast(&first, &second, &shape, err));
    OCT_TRY(oct_keras_broadcast(&wide, &shape, &shape, err));
    return oct_keras_emit(call, OCT_OP_SELECT_V2, inputs, 3, OCT_OPTIONS_SelectV2,
        oct_keras_type_of(call, a), &shape, y, NULL, err);
}

/* Index 0 stands for no word. */
static oct_status mask_of_indices(oct_keras_call *call, int32_t *mask, oct_error *err)
{
    int32_t ids, zero;
    OCT_TRY(oct_keras_emit_cast(call, call->inputs[0], OCT_INT32, &ids, err));
    OCT_TRY(oct_keras_constant_int(call, "zero", 0, &zero, err));
    return oct_keras_emit_binary(call, OCT_OP_NOT_EQUAL, ids, zero, mask, err);
}

/* A step counts when one of its features is not the value. */
static oct_status mask_of_values(oct_keras_call *call, int32_t *mask, oct_error *err)
{
    int32_t x = call->inputs[0], value, last = oct_keras_shape_of(call, x).rank - 1;
    float number = (float)oct_keras_number(call->config, "mask_value", 0);
    OCT_TRY(oct_keras_constant_scalar(call, number, &value, err));
    OCT_TRY(oct_keras_emit_binary(call, OCT_OP_NOT_EQUAL, x, value, mask, err));
    return oct_keras_emit_reduce(call, OCT_OP_REDUCE_ANY, *mask, &last, 1, false, mask, err);
}

/* Masked steps become zeros. */
oct_status oct_keras_lower_masking(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t mask, zero;
    if (oct_keras_shape_of(call, call->inputs[0]).rank < 2)
        return oct_fail(err, OCT_E_INVALID, "its input has no steps");
    OCT_TRY(mask_of_values(call, &mask, err));
    OCT_TRY(oct_keras_constant_scalar(call, 0.0f, &zero, err));
    return oct_keras_emit_select(call, mask, call->inputs[0], zero, y, err);
}

/* Joined inputs: any mask is enough in Keras 3, where all must have one; Keras 2 wants them all. */
static oct_status mask_of_merge(oct_keras_call *call, int32_t *mask, oct_error *err)
{
    int32_t have = 0;
    *mask = OCT_KERAS_UNMASKED;
    for (int32_t i = 0; i < call->input_count; i++) {
        if (call->masks[i] == OCT_KERAS_UNKNOWN_MASK) {
            *mask = OCT_KERAS_UNKNOWN_MASK;
            return OCT_OK;
        }
        if (call->masks[i] == OCT_KERAS_UNMASKED)
            continue;
        oct_builtin op = call->keras2 ? OCT_OP_LOGICAL_AND : OCT_OP_LOGICAL_OR;
        if (have++ == 0)
            *mask = call->masks[i];
        else if (*mask != call->masks[i])
            OCT_TRY(oct_keras_emit_binary(call, op, *mask, call->masks[i], mask, err));
    }
    if (!call->keras2 && have < call->input_count)
        *mask = OCT_KERAS_UNMASKED;
    return OCT_OK;
}

/* Along the features as above; along the steps, or with inputs that have no mask, is not done here. */
static oct_status mask_of_concatenation(oct_keras_call *call, int32_t *mask, oct_error *err)
{
    int32_t axis, rank = oct_keras_shape_of(call, call->inputs[0]).rank;
    bool all = true, any = false;
    for (int32_t i = 0; i < call->input_count; i++) {
        all &= call->masks[i] >= 0;
        any |= call->masks[i] != OCT_KERAS_UNMASKED;
    }
    *mask = any ? OCT_KERAS_UNKNOWN_MASK : OCT_KERAS_UNMASKED;
    OCT_TRY(oct_keras_int(call->config, "axis", -1, -8, &axis, err));
    return all && rank > 2 && (axis == -1 || axis == rank - 1) ? mask_of_merge(call, mask, err) : OCT_OK;
}

static oct_status mask_of_unknown(const oct_keras_call *call, int32_t *mask)
{
    for (int32_t i = 0; i < call->input_count; i++)
        if (call->masks[i] != OCT_KERAS_UNMASKED)
            *mask = OCT_KERAS_UNKNOWN_MASK;
    return OCT_OK;
}

oct_status oct_keras_result_mask(oct_keras_call *call, const oct_keras_def *def, int32_t *mask,
    oct_error *err)
{
    *mask = OCT_KERAS_UNMASKED;
    if (def == NULL)
        return mask_of_unknown(call, mask);
    if (def->lower == oct_keras_lower_embedding && oct_keras_flag(call->config, "mask_zero", false))
        return mask_of_indices(call, mask, err);
    if (def->lower == oct_keras_lower_masking)
        return mask_of_values(call, mask, err);
    if (def->kind == OCT_KERAS_OPERATION || AMONG(def->lower, dropping))
        return OCT_OK;
    if (def->kind == OCT_KERAS_LAYER && def->lower == oct_keras_lower_concatenate)
        return mask_of_concatenation(call, mask, err);
    if (def->lower == oct_keras_lower_merge || def->lower == oct_keras_lower_average)
        return mask_of_merge(call, mask, err);
    if (AMONG(def->lower, recurrent)) {
        const json_t *inner = json_object_get(json_object_get(call->config, "layer"), "config");
        const json_t *config = inner == NULL ? call->config : inner;
        if (oct_keras_flag(config, "return_sequences", false))
            *mask = call->masks[0];
        return OCT_OK;
    }
    if (AMONG(def->lower, keeping)) {
        *mask = call->masks[0];
        return OCT_OK;
    }
    return mask_of_unknown(call, mask);
}
