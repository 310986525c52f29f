/*
 * Keras model files: .keras (zip of config.json and HDF5 weights) and legacy .h5.
 */
#ifndef OCT_KERAS_KERAS_H
#define OCT_KERAS_KERAS_H

#include <octavo/model.h>
#include "base/backing.h"
#include "base/error.h"
#include "graph/graph.h"

/** "keras", "h5", or NULL when the bytes are neither. */
const char *oct_keras_detect(const void *bytes, size_t size);

/**
 * Reads a Keras model and lowers every layer to TensorFlow Lite operators, batch normalisation as
 * MUL and ADD, activations as operators of their own: the passes fold and fuse afterwards.
 *
 * backing  is not needed any more after the call.
 * options  batch and shapes for unknown dimensions; may be NULL.
 * out      owned by the caller; NULL after failure. Names, signature serving_default and dynamic batch
 *          are as TFLiteConverter writes them; outputs have inferred shapes.
 * Errors: OCT_E_INVALID (damaged file, weights that do not fit), OCT_E_UNSUPPORTED (layer named),
 * OCT_E_USAGE (a given shape does not fit), OCT_E_MEMORY. The caller adds the file's name.
 */
oct_status oct_keras_read(oct_backing *backing, const oct_load_options *options, oct_graph **out,
    oct_error *err);

#endif
