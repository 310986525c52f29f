/*
 * Attention: softmax(queries * keys) * values, with learned projections in MultiHeadAttention.
 *
 * Weights of heads lie as [features, heads, size]; seen as one matrix they are those of a Dense layer.
 */
#include "keras/scores.h"

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

/*
 * Axes between the first and the last: those attended over become one, those in front of them part of the
 * batch. *lead and *steps are how many there are.
 */
static oct_status read_axes(const oct_keras_call *call, int32_t rank, int32_t *lead, int32_t *steps,
    oct_error *err)
{
    int32_t axes[8], count;
    *lead = 0;
    *steps = rank - 2;
    if (rank < 3)
        return oct_fail(err, OCT_E_INVALID, "expected inputs of rank 3 or more, found rank %d", rank);
    if (!oct_keras_has(call->config, "attention_axes"))
        return OCT_OK;
    OCT_TRY(oct_keras_list(json_object_get(call->config, "attention_axes"), "attention_axes", 8, axes,
        &count, err));
    for (int32_t i = 0; i < count; i++) {
        OCT_TRY(oct_keras_axis(axes[i], rank, &axes[i], err));
        if (axes[i] != rank - 1 - count + i)
            return oct_fail(err, OCT_E_UNSUPPORTED,
                "attends over axes that are not the last ones before the features");
    }
    *steps = count;
    *lead = rank - 2 - count;
    return count > 0 ? OCT_OK : oct_fail(err, OCT_E_INVALID, "attends over no axis");
}

/* x as [rows, steps, features] */
static oct_status flatten_axes(oct_keras_call *call, int32_t *x, int32_t rank, int32_t lead,
    oct_error *err)
{
    oct_keras_shape from = oct_keras_shape_of(call, *x), flat = { 3, { from.dims[0], 1, 0 } };
    OCT_TRY(oct_keras_require_rank(call, *x, rank, err));
    if (rank == 3)
        return OCT_OK;
    OCT_TRY(oct_keras_require_known(&from, 1, err));
    for (int32_t i = 1; i < rank - 1; i++) {
        int32_t *to = &flat.dims[i > lead];
        int64_t product = (int64_t)*to * from.dims[i];
        *to = *to < 0 || product > INT32_MAX ? -1 : (int32_t)product;
    }
    flat.dims[2] = from.dims[rank - 1];
    return oct_keras_emit_reshape(call, *x, &flat, x, err);
}

typedef struct heads {
    int32_t query, shared;     /* heads of the queries; of keys and values, each for as many of those */
    int32_t size, value_size;
} heads;

/* [n, heads, steps, size] of queries times keys, each head of keys for several of queries. */
static oct_status emit_scores(oct_keras_call *call, const heads *h, int32_t query, int32_t key,
    int32_t *scores, oct_error *err)
{
    oct_keras_shape q = oct_keras_shape_of(call, query), k = oct_keras_shape_of(call, key);
    int32_t together = h->query / h->shared;
    oct_keras_shape rows = { 4, { q.dims[0], h->shared, together * q.dims[2], h->size } };
    oct_keras_shape apart = { 4, { q.dims[0], h->query, q.dims[2], k.dims[2] } };
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_MUL, query, 1.0f / sqrtf((float)h->size), &query, err));
    if (together > 1)
        OCT_TRY(oct_keras_emit_reshape(call, query, &rows, &query, err));
    OCT_TRY(oct_keras_emit_matmul(call, query, key, false, true, scores, err));
    return together > 1 ? oct_keras_emit_reshape(call, *scores, &apart, scores, err) : OCT_OK;
}

/* The weights of every head times its values. */
static oct_status emit_weighted(oct_keras_call *call, const heads *h, int32_t weights, int32_t value,
    int32_t *y, oct_error *err)
{
    oct_keras_shape w = oct_keras_shape_of(call, weights);
    int32_t together = h->query / h->shared;
    oct_keras_shape rows = { 4, { w.dims[0], h->shared, together * w.dims[2], w.dims[3] } };
    oct_keras_shape apart = { 4, { w.dims[0], h->query, w.dims[2], h->value_size } };
    if (together > 1)
        OCT_TRY(oct_keras_emit_reshape(call, weights, &rows, &weights, err));
    OCT_TRY(oct_keras_emit_matmul(call, weights, value, false, false, y, err));
    return together > 1 ? oct_keras_emit_reshape(call, *y, &apart, y, err) : OCT_OK;
}

/* One result, or two when the weights were asked for. */
static oct_status give(oct_keras_call *call, int32_t result, int32_t weights, int32_t *y, oct_error *err)
{
    *y = result;
    if (!oct_keras_scores_returned(call))
        return OCT_OK;
    OCT_TRY(oct_keras_several(call, 2, err));
    call->outputs[0] = result;
    call->outputs[1] = weights;
    return OCT_OK;
}

/*
 * Queries that share a head of keys are rows of one matrix: [n, heads, steps, size] is seen as
 * [n, shared, heads / shared * steps, size], and nothing is repeated.
 */
static oct_status attend(oct_keras_call *call, const heads *h, int32_t *y, oct_error *err)
{
    static const int32_t back[] = { 0, 2, 1, 3 };
    int32_t query, value = -1, key, weights, lead, steps;
    if (oct_keras_flag(call->config, "use_gate", false) || oct_keras_has(call->config, "sliding_window"))
        return oct_fail(err, OCT_E_UNSUPPORTED, "use_gate or sliding_window is not supported");
    OCT_TRY(oct_keras_argument_tensor(call, 0, "query", &query, err));
    OCT_TRY(oct_keras_argument_tensor(call, 1, "value", &value, err));
    key = value;
    OCT_TRY(read_tensor(call, 2, "key", &key, err));
    oct_keras_shape shape = oct_keras_shape_of(call, query);
    int32_t rank = shape.rank;
    OCT_TRY(read_axes(call, rank, &lead, &steps, err));
    OCT_TRY(flatten_axes(call, &query, rank, lead, err));
    OCT_TRY(flatten_axes(call, &key, rank, lead, err));
    OCT_TRY(flatten_axes(call, &value, rank, lead, err));
    oct_keras_shape flat = oct_keras_shape_of(call, query);
    int64_t dims[3] = { h->query, h->value_size, -1 };
    OCT_TRY(project_heads(call, "query_dense", query, h->query, h->size, &query, err));
    OCT_TRY(project_heads(call, "key_dense", key, h->shared, h->size, &key, err));
    OCT_TRY(project_heads(call, "value_dense", value, h->shared, h->value_size, &value, err));
    OCT_TRY(emit_scores(call, h, query, key, &weights, err));
    if (rank != 3)
        OCT_TRY(oct_keras_scores_unmasked(call, err));
    OCT_TRY(oct_keras_scores_of_heads(call, weights, &weights, err));
    OCT_TRY(emit_weighted(call, h, weights, value, y, err));
    OCT_TRY(oct_keras_emit_transpose(call, *y, back, y, err));
    flat.dims[2] = h->query * h->value_size;
    OCT_TRY(oct_keras_emit_reshape(call, *y, &flat, y, err));
    OCT_TRY(project(call, "output_dense", *y, 2, dims, y, err));
    if (rank != 3) {
        if (oct_keras_scores_returned(call))
            return oct_fail(err, OCT_E_UNSUPPORTED, "gives scores over several axes");
        shape.dims[rank - 1] = (int32_t)dims[2];
        return oct_keras_emit_reshape(call, *y, &shape, y, err);
    }
    return give(call, *y, weights, y, err);
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

static oct_status scale_by(oct_keras_call *call, const char *name, int32_t rank, int64_t *dims,
    int32_t *x, oct_error *err)
{
    int32_t scale;
    if (oct_keras_variable_find(call, name) == NULL)
        return OCT_OK;
    OCT_TRY(oct_keras_constant_variable(call, name, rank, dims, &scale, err));
    return oct_keras_emit_binary(call, OCT_OP_MUL, *x, scale, x, err);
}

/* [n, steps, 1, features] + [n, 1, steps, features] */
static oct_status add_pairs(oct_keras_call *call, int32_t query, int32_t key, int32_t *y, oct_error *err)
{
    oct_keras_shape q = oct_keras_shape_of(call, query), k = oct_keras_shape_of(call, key);
    q = (oct_keras_shape){ 4, { q.dims[0], q.dims[1], 1, q.dims[2] } };
    k = (oct_keras_shape){ 4, { k.dims[0], 1, k.dims[1], k.dims[2] } };
    OCT_TRY(oct_keras_emit_reshape(call, query, &q, &query, err));
    OCT_TRY(oct_keras_emit_reshape(call, key, &k, &key, err));
    return oct_keras_emit_binary(call, OCT_OP_ADD, query, key, y, err);
}

/* softmax(scores) * values, then zeros where the queries' mask leaves steps out. */
static oct_status weigh(oct_keras_call *call, int32_t scores, int32_t value, int32_t *y, oct_error *err)
{
    int32_t mask, zero;
    OCT_TRY(oct_keras_scores_of_pairs(call, scores, &scores, err));
    OCT_TRY(oct_keras_emit_matmul(call, scores, value, false, false, y, err));
    OCT_TRY(oct_keras_input_mask(call, 0, &mask, err));
    if (mask != OCT_KERAS_UNMASKED) {
        OCT_TRY(oct_keras_constant_scalar(call, 0.0f, &zero, err));
        OCT_TRY(oct_keras_emit_select(call, mask, *y, zero, y, err));
    }
    return give(call, *y, scores, y, err);
}

/* Scores are products, or in the mode "concat" sums of tanh(scale * (query + key)). */
oct_status oct_keras_lower_attention(oct_keras_call *call, int32_t *y, oct_error *err)
{
    static const int32_t last[] = { 3 };
    int32_t query, value, key, scores;
    int64_t no_dims[1] = { 0 };
    const char *mode = oct_keras_text(call->config, "score_mode", "dot");
    bool concat = strcmp(mode, "concat") == 0;
    OCT_TRY(read_three(call, &query, &value, &key, err));
    if (!concat && strcmp(mode, "dot") != 0)
        return oct_fail(err, OCT_E_UNSUPPORTED, "score_mode '%s'", mode);
    OCT_TRY(concat ? add_pairs(call, query, key, &scores, err)
                   : oct_keras_emit_matmul(call, query, key, false, true, &scores, err));
    OCT_TRY(scale_by(call, "scale", 0, no_dims, &scores, err));
    if (concat) {
        OCT_TRY(oct_keras_emit_unary(call, OCT_OP_TANH, OCT_OPTIONS_NONE, scores, &scores, err));
        OCT_TRY(oct_keras_emit_reduce(call, OCT_OP_SUM, scores, last, 1, false, &scores, err));
        OCT_TRY(scale_by(call, "concat_score_weight", 0, no_dims, &scores, err));
    }
    return weigh(call, scores, value, y, err);
}

/* scores[i, j] = sum(scale * tanh(query[i] + key[j])) */
oct_status oct_keras_lower_additive_attention(oct_keras_call *call, int32_t *y, oct_error *err)
{
    static const int32_t last[] = { 3 };
    int32_t query, value, key, scores;
    OCT_TRY(read_three(call, &query, &value, &key, err));
    int64_t dims[1] = { oct_keras_shape_of(call, query).dims[2] };
    OCT_TRY(add_pairs(call, query, key, &scores, err));
    OCT_TRY(oct_keras_emit_unary(call, OCT_OP_TANH, OCT_OPTIONS_NONE, scores, &scores, err));
    OCT_TRY(scale_by(call, "scale", 1, dims, &scores, err));
    OCT_TRY(oct_keras_emit_reduce(call, OCT_OP_SUM, scores, last, 1, false, &scores, err));
    return weigh(call, scores, value, y, err);
}
