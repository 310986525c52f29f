/*
 * .tflite files: verify, read, write. A read and a write lose nothing.
 */
#ifndef OCT_TFLITE_TFLITE_H
#define OCT_TFLITE_TFLITE_H

#include "base/backing.h"
#include "base/error.h"
#include "graph/graph.h"

/** True when bytes begin like a TensorFlow Lite model (identifier TFL3 at 4..7). */
bool oct_tflite_detect(const void *bytes, size_t size);

/**
 * Verifies and reads a model. Constants are views into the backing, which the graph retains.
 *
 * out  owned by the caller; NULL after failure. The result has passed oct_graph_check().
 * Errors: OCT_E_INVALID with the byte offset for damaged files; OCT_E_UNSUPPORTED for fields,
 * unions or types newer than the schema known here (they would be lost on writing).
 */
oct_status oct_tflite_read(oct_backing *backing, oct_graph **out, oct_error *err);

/**
 * Serialises a graph canonically: identical vectors, strings, vtables and buffers are stored once,
 * buffers 16-byte aligned. Same graph, same bytes.
 *
 * write  called with consecutive pieces of the file, so that no copy of the whole is made; returns
 *        a failure to stop.
 */
oct_status oct_tflite_write(const oct_graph *graph,
    oct_status (*write)(void *user, const void *bytes, size_t size, oct_error *err), void *user,
    oct_error *err);

/* Where the bytes of a file go. */
typedef struct oct_tflite_ledger {
    size_t total, weights, biases, other_constants, quantization, names, structure, metadata;
} oct_tflite_ledger;

/** The ledger of what oct_tflite_write() would write. */
oct_status oct_tflite_measure(const oct_graph *graph, oct_tflite_ledger *ledger, oct_error *err);

#endif
