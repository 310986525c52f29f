/*
 * Attention: softmax(queries * keys) * values, with learned projections in MultiHeadAttention.
 *
 * Weights of heads lie as [features, heads, size]; seen as one matrix they are those of a Dense layer.
 */
#include "keras/layer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* y = x * kernel + bias for a kernel of three axes; the first in_rank of them are x's last axis, flat. */
static oct_status project(oct_keras_call *call, const char *part, int32_t x, int32_t in_rank,
    int64_t *dims, int32_t *y, oct_error *err)
{
    char kernel[32], bias[32];
    const oct_h5_dataset *set;
    float *values;
    int32_t inputs[3] = { x, -1, -1 };
    snprintf(kernel, sizeof kernel, "%s/kernel", part);
    snprintf(bias, sizeof bias, "%s/bias", part);
    OCT_TRY(oct_keras_weight(call, kernel, 3, dims, &set, err));
    int64_t in = 1, out = 1;
    for (int32_t i = 0; i < 3; i++)
        *(i < in_rank ? &in : &out) *= dims[i];
    if (in > INT32_MAX || out > INT32_MAX)
        return oct_fail(err, OCT_E_INVALID, "%s is too large", kernel);
    int32_t turned[2] = { (int32_t)out, (int32_t)in };
    OCT_TRY(oct_keras_constant_floats(call, kernel, 2, turned, &values, &inputs[1], err));
    if (values != NULL)
        oct_keras_transpose(set, in, out, 1, values);
    if (oct_keras_variable_find(call, bias) != NULL) {
        OCT_TRY(oct_keras_weight(call, bias, 3 - in_rank, dims + in_rank, &set, err));
        OCT_TRY(oct_keras_constant_floats(call, bias, 1, turned, &values, &inputs[2], err));
        if (values != NULL)
            oct_h5_dataset_floats(set, 0, out, values);
    }
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    oct_fully_connected_options *options;
    shape.dims[shape.rank - 1] = (int32_t)out;
    OCT_TRY(oct_keras_emit(call, OCT_OP_FULLY_CONNECTED, inputs, 3, OCT_OPTIONS_FullyConnected,
        OCT_FLOAT32, &shape, y, &options, err));
    options->keep_num_dims = true;
    return OCT_OK;
}

/* [n, steps, features] projected and taken apart: [n, heads, steps, size]. */
static oct_status project_heads(oct_keras_call *call, const char *part, int32_t x, int32_t heads,
    int32_t size, int32_t *y, oct_error *err)
{
    static const int32_t perm[] = { 0, 2, 1, 3 };
    oct_keras_shape from = oct_keras_shape_of(call, x);
    int64_t dims[3] = { from.dims[2], heads, size };
    OCT_TRY(project(call, part, x, 1, dims, y, err));
    oct_keras_shape parts = { 4, { from.dims[0], from.dims[1], heads, size } };
    OCT_TRY(oct_keras_emit_reshape(call, *y, &parts, y, err));
    return oct_keras_emit_transpose(call, *y, perm, y, err);
}

/* softmax(scores) * values */
static oct_status weigh(oct_keras_call *call, int32_t scores, int32_t values, int32_t *y,
    oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(call, scores);
    oct_softmax_options *options;
    OCT_TRY(oct_keras_emit(call, OCT_OP_SOFTMAX, &scores, 1, OCT_OPTIONS_Softmax, OCT_FLOAT32, &shape,
        &scores, &options, err));
    options->beta = 1;
    return oct_keras_emit_matmul(call, scores, values, false, false, y, err);
}

/* Masks add large negative numbers to the scores; none of that is done here. */
static oct_status refuse_masks(const oct_keras_call *call, oct_error *err)
{
    static const char *const flags[] = { "use_causal_mask", "return_attention_scores" };
    if (call->masked)
        return oct_fail(err, OCT_E_UNSUPPORTED, "runs under a mask, which is not supported");
    for (int32_t i = 0; i < call->argument_count; i++) {
        const oct_keras_argument *argument = &call->arguments[i];
        bool set = argument->value == NULL || json_is_true(argument->value);
        if (argument->keyword == NULL && (json_is_true(argument->value) || (set && i > 2)))
            return oct_fail(err, OCT_E_UNSUPPORTED, "is called with masks or flags without names");
        if (argument->keyword == NULL)
            continue;
        for (size_t k = 0; k < sizeof flags / sizeof flags[0]; k++)
            if (set && strcmp(argument->keyword, flags[k]) == 0)
                return oct_fail(err, OCT_E_UNSUPPORTED, "%s is not supported", flags[k]);
        if (argument->value == NULL && strstr(argument->keyword, "mask") != NULL)
            return oct_fail(err, OCT_E_UNSUPPORTED, "its %s is not supported", argument->keyword);
    }
    return OCT_OK;
}

/* The layer attends over its second axis only. */
static oct_status check_heads(const oct_keras_call *call, oct_error *err)
{
    const json_t *axes = json_object_get(call->config, "attention_axes");
    int32_t axis[1] = { 1 }, count = 1;
    OCT_TRY(refuse_masks(call, err));
    if (oct_keras_has(call->config, "attention_axes"))
        OCT_TRY(oct_keras_list(axes, "attention_axes", 1, axis, &count, err));
    if (count != 1 || (axis[0] != 1 && axis[0] != -2))
        return oct_fail(err, OCT_E_UNSUPPORTED, "attends over axes other than the second");
    if (oct_keras_flag(call->config, "use_gate", false))
        return oct_fail(err, OCT_E_UNSUPPORTED, "use_gate is not supported");
    return OCT_OK;
}

/* The tensor of an argument; *tensor stays when it was not given. */
static oct_status read_tensor(oct_keras_call *call, int32_t position, const char *keyword,
    int32_t *tensor, oct_error *err)
{
    bool given = false;
    for (int32_t i = 0, at = 0; i < call->argument_count; i++) {
        const char *name = call->arguments[i].keyword;
        bool is_it = name == NULL ? at++ == position : strcmp(name, keyword) == 0;
        given |= is_it && !json_is_null(call->arguments[i].value);
    }
    return given ? oct_keras_argument_tensor(call, position, keyword, tensor, err) : OCT_OK;
}

typedef struct heads {
    int32_t query, shared;     /* heads of the queries; of keys and values, each for as many of those */
    int32_t size, value_size;
} heads;

/*
 * Queries that share a head of keys are rows of one matrix: [n, heads, steps, size] is seen as
 * [n, shared, heads / shared * steps, size], and nothing is repeated.
 */
static oct_status attend(oct_keras_call *call, const heads *h, int32_t *y, oct_error *err)
{
    static const int32_t back[] = { 0, 2, 1, 3 };
    int32_t query, value = -1, key, scores;
    OCT_TRY(check_heads(call, err));
    OCT_TRY(oct_keras_argument_tensor(call, 0, "query", &query, err));
    OCT_TRY(oct_keras_argument_tensor(call, 1, "value", &value, err));
    key = value;
    OCT_TRY(read_tensor(call, 2, "key", &key, err));
    OCT_TRY(oct_keras_require_rank(call, query, 3, err));
    OCT_TRY(oct_keras_require_rank(call, key, 3, err));
    OCT_TRY(oct_keras_require_rank(call, value, 3, err));
    oct_keras_shape shape = oct_keras_shape_of(call, query);
    int64_t dims[3] = { h->query, h->value_size, -1 };
    OCT_TRY(project_heads(call, "query_dense", query, h->query, h->size, &query, err));
    OCT_TRY(project_heads(call, "key_dense", key, h->shared, h->size, &key, err));
    OCT_TRY(project_heads(call, "value_dense", value, h->shared, h->value_size, &value, err));
    int32_t together = h->query / h->shared;
    oct_keras_shape rows = { 4, { shape.dims[0], h->shared, together * shape.dims[1], h->size } };
    oct_keras_shape apart = { 4, { shape.dims[0], h->query, shape.dims[1], h->value_size } };
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_MUL, query, 1.0f / sqrtf((float)h->size), &query, err));
    if (together > 1)
        OCT_TRY(oct_keras_emit_reshape(call, query, &rows, &query, err));
    OCT_TRY(oct_keras_emit_matmul(call, query, key, false, true, &scores, err));
    OCT_TRY(weigh(call, scores, value, y, err));
    if (together > 1)
        OCT_TRY(oct_keras_emit_reshape(call, *y, &apart, y, err));
    OCT_TRY(oct_keras_emit_transpose(call, *y, back, y, err));
    shape.dims[2] = h->query * h->value_size;
    OCT_TRY(oct_keras_emit_reshape(call, *y, &shape, y, err));
    return project(call, "output_dense", *y, 2, dims, y, err);
}

oct_status oct_keras_lower_multi_head_attention(oct_keras_call *call, int32_t *y, oct_error *err)
{
    heads h;
    OCT_TRY(oct_keras_int(call->config, "num_heads", 0, 1, &h.query, err));
    OCT_TRY(oct_keras_int(call->config, "key_dim", 0, 1, &h.size, err));
    OCT_TRY(oct_keras_int(call->config, "value_dim", h.size, 1, &h.value_size, err));
    h.shared = h.query;
    return attend(call, &h, y, err);
}

oct_status oct_keras_lower_group_query_attention(oct_keras_call *call, int32_t *y, oct_error *err)
{
    heads h;
    OCT_TRY(oct_keras_int(call->config, "num_query_heads", 0, 1, &h.query, err));
    OCT_TRY(oct_keras_int(call->config, "num_key_value_heads", 0, 1, &h.shared, err));
    OCT_TRY(oct_keras_int(call->config, "head_dim", 0, 1, &h.size, err));
    h.value_size = h.size;
    if (h.query % h.shared != 0)
        return oct_fail(err, OCT_E_INVALID, "%d heads of queries share %d of keys", h.query, h.shared);
    return attend(call, &h, y, err);
}

/* Inputs are queries, values and perhaps keys. */
static oct_status read_three(oct_keras_call *call, int32_t *query, int32_t *value, int32_t *key,
    oct_error *err)
{
    OCT_TRY(refuse_masks(call, err));
    if (call->input_count < 2 || call->input_count > 3)
        return oct_fail(err, OCT_E_INVALID, "takes queries, values and keys, but has %d inputs",
            call->input_count);
    *query = call->inputs[0];
    *value = call->inputs[1];
    *key = call->inputs[call->input_count - 1];
    for (int32_t i = 0; i < call->input_count; i++)
        OCT_TRY(oct_keras_require_rank(call, call->inputs[i], 3, err));
    return OCT_OK;
}

oct_status oct_keras_lower_attention(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t query, value, key, scores, scale;
    int64_t no_dims[1] = { 0 };
    const char *mode = oct_keras_text(call->config, "score_mode", "dot");
    OCT_TRY(read_three(call, &query, &value, &key, err));
    if (strcmp(mode, "dot") != 0)
        return oct_fail(err, OCT_E_UNSUPPORTED, "score_mode '%s'; only dot is supported", mode);
    OCT_TRY(oct_keras_emit_matmul(call, query, key, false, true, &scores, err));
    if (oct_keras_flag(call->config, "use_scale", false)) {
        OCT_TRY(oct_keras_constant_variable(call, "scale", 0, no_dims, &scale, err));
        OCT_TRY(oct_keras_emit_binary(call, OCT_OP_MUL, scores, scale, &scores, err));
    }
    return weigh(call, scores, value, y, err);
}

/* scores[i, j] = sum(scale * tanh(query[i] + key[j])) */
oct_status oct_keras_lower_additive_attention(oct_keras_call *call, int32_t *y, oct_error *err)
{
    static const int32_t last[] = { 3 };
    int32_t query, value, key, scores, scale;
    OCT_TRY(read_three(call, &query, &value, &key, err));
    oct_keras_shape q = oct_keras_shape_of(call, query), k = oct_keras_shape_of(call, key);
    int64_t dims[1] = { q.dims[2] };
    q = (oct_keras_shape){ 4, { q.dims[0], q.dims[1], 1, q.dims[2] } };
    k = (oct_keras_shape){ 4, { k.dims[0], 1, k.dims[1], k.dims[2] } };
    OCT_TRY(oct_keras_emit_reshape(call, query, &q, &query, err));
    OCT_TRY(oct_keras_emit_reshape(call, key, &k, &key, err));
    OCT_TRY(oct_keras_emit_binary(call, OCT_OP_ADD, query, key, &scores, err));
    OCT_TRY(oct_keras_emit_unary(call, OCT_OP_TANH, OCT_OPTIONS_NONE, scores, &scores, err));
    if (oct_keras_flag(call->config, "use_scale", true)) {
        OCT_TRY(oct_keras_constant_variable(call, "scale", 1, dims, &scale, err));
        OCT_TRY(oct_keras_emit_binary(call, OCT_OP_MUL, scores, scale, &scores, err));
    }
    OCT_TRY(oct_keras_emit_reduce(call, OCT_OP_SUM, scores, last, 1, false, &scores, err));
    return weigh(call, scores, value, y, err);
}
