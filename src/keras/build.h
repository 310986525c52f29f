/*
 * From a parsed model with its weights to a graph.
 */
#ifndef OCT_KERAS_BUILD_H
#define OCT_KERAS_BUILD_H

#include <octavo/model.h>
#include "keras/layer.h"

/**
 * Lowers every call that an output needs into the subgraph "main" of an empty graph and names its ends.
 * arena  for what is needed only meanwhile.
 * file   what the weights lie in: a layer's are put to rest when it is done. Errors: those of the layers, OCT_E_USAGE for given shapes.
 */
oct_status oct_keras_build(oct_arena *arena, oct_keras_model *model, const oct_load_options *options,
    const oct_backing *file, oct_graph *graph, oct_error *err);

/** A tensor without a producer yet; unknown dimensions are 1 in its dims and -1 in its signature. */
oct_status oct_keras_add_tensor(oct_graph *graph, oct_subgraph *sub, const char *name, oct_type type,
    const oct_keras_shape *shape, int32_t *tensor, oct_error *err);

/**
 * A tensor for an input layer of the root model; the options fix its batch and shape.
 * Errors: OCT_E_INVALID (no shape in the file), OCT_E_UNSUPPORTED (type), OCT_E_USAGE (given shape).
 */
oct_status oct_keras_make_input(oct_graph *graph, oct_subgraph *sub, const oct_keras_model *model,
    const oct_keras_layer *layer, const oct_load_options *options, int32_t *tensor, oct_error *err);

/** Errors: OCT_E_USAGE when a given shape names no input. */
oct_status oct_keras_check_shapes(const oct_keras_model *model, const oct_load_options *options,
    oct_error *err);

/** Names the outputs and adds the signature serving_default; the subgraph's ends are set. */
oct_status oct_keras_name_ends(oct_graph *graph, oct_subgraph *sub, const oct_keras_model *model,
    oct_error *err);

#endif
