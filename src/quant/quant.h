/*
 * The quantizer inside the library: float graph in, quantized graph out.
 */
#ifndef OCT_QUANT_QUANT_H
#define OCT_QUANT_QUANT_H

#include <octavo/quantize.h>
#include "graph/graph.h"

/* Smallest and largest value seen of one tensor; seen false: never reached. */
typedef struct oct_range {
    float min, max;
    bool seen;
} oct_range;

/**
 * Runs all calibration samples through the float graph and folds min/max of every tensor of the main
 * subgraph; order-free, so any number of threads gives the same ranges.
 *
 * ranges  [tensor_count of the main subgraph], filled with the ranges TFLiteConverter finds (effort
 *         none): an input that LiteRT overwrites with the operator's result covers that result too. With
 *         more effort they are what was seen.
 * Errors: NaN or infinity in an activation: OCT_E_INVALID naming tensor and sample.
 */
oct_status oct_calibrate(const oct_graph *graph, const oct_quant_options *options,
    oct_range *ranges, oct_error *err);

/**
 * oct_quantize() for a graph, which is not changed.
 *
 * out     owned by the caller, oct_graph_free(); NULL after failure.
 * report  may be NULL.
 */
oct_status oct_quantize_graph(const oct_graph *graph, const oct_quant_options *options,
    oct_graph **out, oct_quant_report **report, oct_error *err);

/**
 * The same with ranges from elsewhere instead of calibration; `ranges` may be NULL for modes without.
 */
oct_status oct_quantize_with_ranges(const oct_graph *graph, const oct_quant_options *options,
    const oct_range *ranges, oct_graph **out, oct_quant_report **report, oct_error *err);

#endif
