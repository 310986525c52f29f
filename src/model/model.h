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
    bool as_read;       /* a .tflite that nobody changed: it keeps the operator versions it has */
};

/** A model that takes over the graph, also on failure. */
oct_status oct_model_create(oct_graph *graph, const char *source, oct_model **out, oct_error *err);

/** What users call an input or output of the main subgraph: its signature name, else its own, or "". */
const char *oct_graph_port_name(const oct_graph *graph, bool output, int32_t tensor);

/**
 * Gives the inputs of the main subgraph a batch and shapes and infers all others again.
 *
 * options  may be NULL or ask for nothing: then the graph stays as it is.
 * Errors: OCT_E_USAGE for a shape that names no input or has another rank; what inference says.
 */
oct_status oct_graph_reshape(oct_graph *graph, const oct_load_options *options, oct_error *err);

/**
 * The graph as it is written: a copy with operator versions and the runtime they need.
 * Those of an unchanged .tflite are its own: another converter may have counted otherwise.
 * out  owned by the caller, oct_graph_free().
 */
oct_status oct_model_prepare(const oct_model *model, oct_graph **out, oct_error *err);

#endif
