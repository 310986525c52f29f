/*
 * Masks of attention become one tensor that selects between the score and a number whose softmax is zero.
 */
#include "keras/scores.h"

#include <stdlib.h>
#include <string.h>

static bool keyword_set(const oct_keras_call *call, const char *keyword)
{
    for (int32_t i = 0; i < call->argument_count; i++)
        if (call->arguments[i].keyword != NULL && strcmp(call->arguments[i].keyword, keyword) == 0)
            return json_is_true(call->arguments[i].value);
    return false;
}

bool oct_keras_scores_returned(const oct_keras_call *call)
{
    return keyword_set(call, "return_attention_scores");
}

/* A tensor given under a keyword; OCT_KERAS_UNMASKED when there is none. */
static int32_t keyword_tensor(const oct_keras_call *call, const char *keyword)
{
    for (int32_t i = 0; i < call->argument_count; i++)
        if (call->arguments[i].keyword != NULL && call->arguments[i].value == NULL &&
            strcmp(call->arguments[i].keyword, keyword) == 0)
            return call->arguments[i].tensor;
    return OCT_KERAS_UNMASKED;
}

/* *all = *all and `mask` seen in another shape. */
static oct_status join(oct_keras_call *call, int32_t mask, const oct_keras_shape *shape, int32_t *all,
    oct_error *err)
{
    OCT_TRY(oct_keras_emit_cast(call, mask, OCT_BOOL, &mask, err));
    OCT_TRY(oct_keras_emit_reshape(call, mask, shape, &mask, err));
    if (*all != OCT_KERAS_UNMASKED)
        return oct_keras_emit_binary(call, OCT_OP_LOGICAL_AND, *all, mask, all, err);
    *all = mask;
    return OCT_OK;
}

/* Ones on and below the diagonal, [1, ..., queries, keys]. */
static oct_status join_causal(oct_keras_call *call, const oct_keras_shape *scores, int32_t *all,
    oct_error *err)
{
    oct_keras_shape shape = *scores;
    OCT_TRY(oct_keras_require_known(&shape, 1, err));
    for (int32_t i = 0; i < shape.rank - 2; i++)
        shape.dims[i] = 1;
    int32_t rows = shape.dims[shape.rank - 2], columns = shape.dims[shape.rank - 1], mask;
    size_t count = (size_t)rows * (size_t)columns;
    bool *values = malloc(count + 1);
    if (values == NULL)
        return oct_fail_memory(err, count, "a mask");
    for (int32_t i = 0; i < rows; i++)
        for (int32_t k = 0; k < columns; k++)
            values[(size_t)i * (size_t)columns + (size_t)k] = k <= i;
    oct_status status = oct_graph_add_constant(call->graph, call->sub, "causal", OCT_BOOL, shape.rank,
        shape.dims, values, &mask, err);
    free(values);
    if (status != OCT_OK || *all == OCT_KERAS_UNMASKED) {
        *all = status == OCT_OK ? mask : *all;
        return status;
    }
    return oct_keras_emit_binary(call, OCT_OP_LOGICAL_AND, *all, mask, all, err);
}

static oct_status finish(oct_keras_call *call, int32_t all, int32_t scores, int32_t *weights,
    oct_error *err)
{
    oct_softmax_options *options;
    if (all != OCT_KERAS_UNMASKED) {
        int32_t low;
        OCT_TRY(oct_keras_constant_scalar(call, -1e9f, &low, err));
        OCT_TRY(oct_keras_emit_select(call, all, scores, low, &scores, err));
    }
    oct_keras_shape shape = oct_keras_shape_of(call, scores);
    OCT_TRY(oct_keras_emit(call, OCT_OP_SOFTMAX, &scores, 1, OCT_OPTIONS_Softmax, OCT_FLOAT32, &shape,
        weights, &options, err));
    options->beta = 1;
    return OCT_OK;
}

/* The mask of an input, or what the file gives under a keyword. */
static oct_status find_mask(oct_keras_call *call, int32_t input, const char *keyword, int32_t *mask,
    oct_error *err)
{
    *mask = keyword_tensor(call, keyword);
    return *mask != OCT_KERAS_UNMASKED || input < 0 ? OCT_OK
                                                    : oct_keras_input_mask(call, input, mask, err);
}

/* Keys are the third of the tensors given without a keyword, or have one. */
static int32_t key_input(const oct_keras_call *call)
{
    int32_t tensors = 0, positional = 0;
    for (int32_t i = 0; i < call->argument_count; i++) {
        const oct_keras_argument *argument = &call->arguments[i];
        bool named = argument->keyword != NULL;
        if (argument->value == NULL && (named ? strcmp(argument->keyword, "key") == 0 : positional == 2))
            return tensors;
        tensors += argument->value == NULL && !(named && strcmp(argument->keyword, "mask") == 0);
        positional += !named;
    }
    return -1;
}

oct_status oct_keras_scores_unmasked(oct_keras_call *call, oct_error *err)
{
    OCT_TRY(oct_keras_refuse_masks(call, err));
    if (keyword_set(call, "use_causal_mask") ||
        keyword_tensor(call, "attention_mask") != OCT_KERAS_UNMASKED)
        return oct_fail(err, OCT_E_UNSUPPORTED, "a mask over several axes is not supported");
    return OCT_OK;
}

oct_status oct_keras_scores_of_heads(oct_keras_call *call, int32_t scores, int32_t *weights,
    oct_error *err)
{
    static const char *const names[] = { "query_mask", "value_mask", "key_mask" };
    oct_keras_shape shape = oct_keras_shape_of(call, scores);
    int32_t all = OCT_KERAS_UNMASKED, inputs[] = { 0, 1, key_input(call) }, mask;
    for (int i = 0; i < 3; i++) {
        OCT_TRY(find_mask(call, inputs[i], names[i], &mask, err));
        oct_keras_shape wide = { 4, { shape.dims[0], 1, i == 0 ? shape.dims[2] : 1,
                                        i == 0 ? 1 : shape.dims[3] } };
        if (mask != OCT_KERAS_UNMASKED)
            OCT_TRY(join(call, mask, &wide, &all, err));
    }
    if (keyword_set(call, "use_causal_mask"))
        OCT_TRY(join_causal(call, &shape, &all, err));
    mask = keyword_tensor(call, "attention_mask");
    if (mask != OCT_KERAS_UNMASKED) {
        oct_keras_shape given = oct_keras_shape_of(call, mask), wide = given;
        if (given.rank < 2 || given.rank > 4)
            return oct_fail(err, OCT_E_UNSUPPORTED, "attention_mask of rank %d", given.rank);
        if (given.rank < 4) /* one for all heads */
            wide = (oct_keras_shape){ 4, { given.rank == 2 ? 1 : given.dims[0], 1,
                                             given.dims[given.rank - 2], given.dims[given.rank - 1] } };
        OCT_TRY(join(call, mask, &wide, &all, err));
    }
    return finish(call, all, scores, weights, err);
}

oct_status oct_keras_scores_of_pairs(oct_keras_call *call, int32_t scores, int32_t *weights,
    oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(call, scores);
    int32_t all = OCT_KERAS_UNMASKED, mask;
    OCT_TRY(oct_keras_input_mask(call, 1, &mask, err));
    oct_keras_shape wide = { 3, { shape.dims[0], 1, shape.dims[2] } };
    if (mask != OCT_KERAS_UNMASKED)
        OCT_TRY(join(call, mask, &wide, &all, err));
    if (keyword_set(call, "use_causal_mask"))
        OCT_TRY(join_causal(call, &shape, &all, err));
    return finish(call, all, scores, weights, err);
}
