/*
 * Choosing between calibrated ranges of tensors that must share their parameters.
 */
#ifndef OCT_QUANT_REDUNDANT_H
#define OCT_QUANT_REDUNDANT_H

#include "quant/rewrite.h"

/** counts  [tensor_count of the work's subgraph], set where the tensor's range decides its parameters. */
oct_status oct_ranges_that_count(oct_work *work, bool *counts, oct_error *err);

#endif
