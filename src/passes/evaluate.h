/*
 * Running single nodes while a graph is rewritten: shapes by the descriptors' infer, values by their
 * reference kernels.
 */
#ifndef OCT_PASSES_EVALUATE_H
#define OCT_PASSES_EVALUATE_H

#include "base/arena.h"
#include "graph/graph.h"
#include "ops/op.h"

/* The tensors of one subgraph as kernels see them. Freed with oct_evaluator_deinit(). */
typedef struct oct_evaluator {
    const oct_subgraph *sub;
    oct_arena arena;
    oct_value *values; /* [tensor_count] */
} oct_evaluator;

/** Values with the shapes and constants of the subgraph, which must not change while they are used. */
oct_status oct_evaluator_init(oct_evaluator *ev, const oct_subgraph *sub, oct_error *err);

void oct_evaluator_deinit(oct_evaluator *ev);

/** Sets the shapes of a node's outputs. Nodes without a descriptor keep the shapes they have. */
oct_status oct_evaluator_infer(oct_evaluator *ev, const oct_node *node, oct_error *err);

/** True when the outputs depend on known values only, of at most max_bytes together. After infer. */
bool oct_evaluator_can_compute(const oct_evaluator *ev, const oct_node *node, size_t max_bytes);

/** Computes a node's outputs and marks them known; *done false where no kernel covers the node. */
oct_status oct_evaluator_compute(oct_evaluator *ev, const oct_node *node, bool *done,
    oct_error *err);

#endif
