/*
 * Questions that several rewrites ask about a graph.
 */
#ifndef OCT_PASSES_MATCH_H
#define OCT_PASSES_MATCH_H

#include "graph/graph.h"
#include "ops/op.h"

/** The tensor of an input slot, or NULL when the slot is missing or left out. */
oct_tensor *oct_node_in(const oct_subgraph *sub, const oct_node *node, int32_t slot);

/** First input slot with a role, or -1. Slots past the ones a rule lists repeat its last. */
int32_t oct_node_slot(const oct_op_def *def, oct_role role);

/**
 * The fused_activation field of a node's options; NULL when the operator has none or its kernels do not
 * honour it (OCT_TRAIT_FUSES_RELU).
 */
int8_t *oct_node_activation(oct_node *node);

/** True when both nodes have the same kind of options with the same values. Nested tables count as unlike. */
bool oct_node_same_options(const oct_node *a, const oct_node *b);

/** Position of the node that makes a tensor which has this one use and is no output; else -1. */
int32_t oct_sole_producer(const oct_subgraph *sub, int32_t tensor);

/** True when dims, signature and type of two tensors agree. */
bool oct_tensor_same_shape(const oct_tensor *a, const oct_tensor *b);

/* A constant that varies along the last dimension only, or not at all. */
typedef struct oct_channel_constant {
    const float *data;
    int32_t step; /* 1: one value a channel; 0: one value for all */
} oct_channel_constant;

/** Reads a float constant of 1 or `channels` elements, the latter along its last dimension. */
bool oct_read_channels(const oct_tensor *tensor, int32_t channels, oct_channel_constant *out);

/**
 * Splits a binary element-wise node into its constant operand and the other one.
 *
 * commutes  the constant may also be operand 0.
 * Returns false when none or both operands are float constants.
 */
bool oct_split_binary(const oct_subgraph *sub, const oct_node *node, bool commutes,
    int32_t *variable, const oct_tensor **constant);

/** A new float constant with the name and shape of `like`, its bytes to be filled by the caller. */
oct_status oct_new_like(oct_graph *graph, oct_subgraph *sub, const oct_tensor *like, float **data,
    int32_t *index, oct_error *err);

#endif
