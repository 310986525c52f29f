/*
 * Graph rewrites. Each lives in a file of its own; the list is passes.def, in the order they run.
 */
#ifndef OCT_PASSES_PASS_H
#define OCT_PASSES_PASS_H

#include "base/error.h"
#include "graph/graph.h"

typedef struct oct_pass {
    const char *name; /* "fold-batch-norm" */
    /** Rewrites one subgraph; *changed counts rewrites made. */
    oct_status (*run)(oct_graph *graph, oct_subgraph *sub, int32_t *changed, oct_error *err);
} oct_pass;

/**
 * Runs all float passes to a fixed point, with oct_graph_check() after each; a violated invariant is an
 * OCT_E_INVALID error that names the pass.
 */
oct_status oct_passes_run(oct_graph *graph, oct_error *err);

/**
 * Re-infers all shapes of the main subgraph from its inputs' dims and signatures (dynamic dimensions
 * propagate to signatures). For a new batch or input shape.
 */
oct_status oct_passes_infer_shapes(oct_graph *graph, oct_error *err);

#endif
