/*
 * Weights of 4 bits: which layers can have them, and what their codes are.
 *
 * They are made from layers that have int8 weights already, and stay int8 codes within [-7, 7] while
 * biases are corrected; only a finished graph packs them two to a byte.
 */
#ifndef OCT_QUANT_NARROW_H
#define OCT_QUANT_NARROW_H

#include "quant/rewrite.h"

enum { OCT_NARROW_LIMIT = 7 };

/* A rewritten graph whose nodes are still known by those of the float graph. */
typedef struct oct_rewritten {
    oct_work work;
    oct_node **nodes;     /* [node_count of the float graph]: its nodes, in `work` */
    oct_tensor **narrow;  /* [node_count of the float graph]: 4-bit weights, or NULL; NULL: no node's */
} oct_rewritten;

/**
 * The weights of a node of a rewritten graph as int8 codes, also behind a DEQUANTIZE; NULL where they are
 * no codes or another operator reads them too.
 */
oct_tensor *oct_codes_of(const oct_subgraph *sub, const oct_node *node, int32_t slot);

/**
 * Gives layers whose kernels take them 4-bit weights, where the options ask for those: other scales,
 * codes and biases. With effort the scale has the least squared error, without it covers every weight.
 * The notes of all others with int8 weights say why they stay at 8 bits.
 *
 * graph  the float graph it was made from.
 * Errors: OCT_E_MEMORY.
 */
oct_status oct_narrow_weights(const oct_graph *graph, oct_rewritten *made, oct_error *err);

/** Gives a second graph, made by the same float graph, the 4-bit weights of the first. */
oct_status oct_narrow_like(const oct_rewritten *made, oct_rewritten *other, oct_error *err);

/** Stores 4-bit weights two to a byte, the first in the low bits. */
oct_status oct_narrow_pack(oct_rewritten *made, oct_error *err);

#endif
