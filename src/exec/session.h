/*
 * The engine inside the library: sessions over a graph, with taps.
 */
#ifndef OCT_EXEC_SESSION_H
#define OCT_EXEC_SESSION_H

#include <octavo/session.h>
#include "graph/graph.h"
#include "ops/op.h"

/**
 * oct_session_create() for a graph; the graph must outlive the session. See octavo/session.h.
 * DEQUANTIZE of constants and everything else known from shapes and constants is computed here, once.
 */
oct_status oct_session_create_graph(const oct_graph *graph, const oct_session_options *options,
    oct_session **out, oct_error *err);

/**
 * tap(user, index, value) is called while running: for every subgraph input, then after each node for
 * each of its outputs, while the value is valid. index is the tensor's index in the main subgraph.
 * NULL takes the tap off. With a tap every node runs for itself, fused ones too. Values that are constants or folded away are not reported.
 */
void oct_session_set_tap(oct_session *session,
    void (*tap)(void *user, int32_t index, const oct_value *value), void *user);

/**
 * watch(user, node) is called while running: with -1 before the first node, then after each of
 * oct_session_node_count(). Unlike a tap it changes nothing about how nodes run. NULL takes it off.
 */
void oct_session_set_watch(oct_session *session, void (*watch)(void *user, int32_t node),
    void *user);

/** The value of any tensor of the main subgraph (shape as planned); data is valid only inside a tap. */
const oct_value *oct_session_value(const oct_session *session, int32_t index);

/* For the profiler: nodes that run, in order. */
int32_t oct_session_node_count(const oct_session *session);
const oct_op *oct_session_node(const oct_session *session, int32_t index);

#endif
