/*
 * Layers of a graph cut off from each other: each is fed with values of the caller's choice and all
 * run at once, which shows what a layer does with inputs that are not its own graph's.
 */
#ifndef OCT_EVAL_ISOLATED_H
#define OCT_EVAL_ISOLATED_H

#include "exec/session.h"

/* A place that the caller fills before each run. */
typedef struct oct_cut {
    int32_t node, slot; /* of the original graph */
    float *values;      /* [count]; lives as long as the object, to be written before every run */
    size_t count;
} oct_cut;

typedef struct oct_isolated {
    oct_graph *graph; /* a clone: tensors of the original keep their indices */
    oct_session *session;
    oct_cut *cuts; /* [cut_count] */
    int32_t cut_count;
} oct_isolated;

/** Whether a node can run alone: float32 inputs of fixed shape, no state, no calls. */
bool oct_can_isolate(const oct_graph *graph, const oct_session *session, int32_t node);

/**
 * Cuts the wanted nodes of the main subgraph off.
 *
 * session  of the graph, for the shapes of its values
 * wanted   [nodes], each of which oct_can_isolate()
 * Zero-initialised *out is filled; oct_isolated_free() also after failure. The graph is borrowed.
 * Errors: those of oct_session_create_graph(), OCT_E_MEMORY.
 */
oct_status oct_isolated_create(const oct_graph *graph, const oct_session *session,
    const bool *wanted, const oct_session_options *options, oct_isolated *out, oct_error *err);

void oct_isolated_free(oct_isolated *isolated);

#endif
