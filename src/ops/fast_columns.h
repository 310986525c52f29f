/*
 * The fast form of DEPTHWISE_CONV_2D for kernels three columns wide, where the processor has dot
 * products: what kernels/depthwise_columns.h does, prepared and run.
 */
#ifndef OCT_OPS_FAST_COLUMNS_H
#define OCT_OPS_FAST_COLUMNS_H

#include "ops/linear.h"

typedef struct oct_fast_columns oct_fast_columns;

/**
 * Packs the weights of a node whose prepared is an oct_linear, all of them known, and sets
 * op->scratch_bytes. *out stays NULL where the kernels do not cover the node.
 */
oct_status oct_fast_columns_prepare(oct_op *op, oct_fast_columns **out, oct_error *err);

/** Exact. A hybrid node's activations are quantized before, by oct_linear_quantize(). */
void oct_fast_columns_eval(oct_op *op, const oct_fast_columns *columns);

#endif
