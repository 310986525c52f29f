/*
 * The model object behind the public API: a graph and where it came from.
 */
#ifndef OCT_MODEL_MODEL_H
#define OCT_MODEL_MODEL_H

#include <octavo/model.h>
#include "graph/graph.h"

struct oct_model {
    oct_graph *graph;   /* owned */
    const char *source; /* "keras", "h5", "tflite"; static */
};

/** A model that takes over the graph, also on failure. */
oct_status oct_model_create(oct_graph *graph, const char *source, oct_model **out, oct_error *err);

#endif
