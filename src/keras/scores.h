/*
 * Attention scores: which may count, and their softmax.
 */
#ifndef OCT_KERAS_SCORES_H
#define OCT_KERAS_SCORES_H

#include "keras/layer.h"

/** Whether the call asks for the weights beside the result. */
bool oct_keras_scores_returned(const oct_keras_call *call);

/** Errors: OCT_E_UNSUPPORTED when any kind of mask would apply. */
oct_status oct_keras_scores_unmasked(oct_keras_call *call, oct_error *err);

/**
 * weights = softmax(scores [n, heads, queries, keys]) of MultiHeadAttention: under the masks of queries,
 * values and keys, attention_mask and use_causal_mask.
 */
oct_status oct_keras_scores_of_heads(oct_keras_call *call, int32_t scores, int32_t *weights,
    oct_error *err);

/** The same for [n, queries, keys] of Attention: under the mask of the values and use_causal_mask. */
oct_status oct_keras_scores_of_pairs(oct_keras_call *call, int32_t scores, int32_t *weights,
    oct_error *err);

#endif
