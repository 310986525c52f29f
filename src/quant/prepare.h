/*
 * Making sure that a graph is one that can be quantized.
 */
#ifndef OCT_QUANT_PREPARE_H
#define OCT_QUANT_PREPARE_H

#include "quant/quant.h"

/**
 * A clone of the graph with plain float constants: float16 ones behind a DEQUANTIZE and sparse ones are expanded,
 * in every subgraph.
 *
 * out  owned by the caller, oct_graph_free(); NULL after failure.
 * Errors: OCT_E_UNSUPPORTED when the model is quantized already, but for parts that are float to both sides;
 * OCT_E_INVALID for NaN or infinity in weights and biases; both naming the tensor.
 */
oct_status oct_quant_prepare(const oct_graph *graph, oct_graph **out, oct_error *err);

#endif
