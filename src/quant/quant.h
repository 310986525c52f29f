/*
 * The quantizer inside the library: float graph in, quantized graph out.
 */
#ifndef OCT_QUANT_QUANT_H
#define OCT_QUANT_QUANT_H

#include <octavo/quantize.h>
#include "graph/graph.h"

/* Smallest and largest value seen of one tensor; seen false: never reached. */
typedef struct oct_range { float min, max; bool seen; } oct_range;

/**
 * Runs all calibration samples through the float graph and folds min/max of every tensor of the main
 * subgraph; order-free, so any number of threads gives the same ranges.
 *
 * ranges  [tensor_count of the main subgraph], filled.
 * Errors: NaN or infinity in an activation: OCT_E_INVALID naming tensor and sample.
 */
oct_status oct_calibrate(const oct_graph *graph, const oct_quant_options *options,
    oct_range *ranges, oct_error *err);

#endif
