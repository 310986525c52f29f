/*
 * The fast float form of element-wise operators with two operands: the loops of the processor at hand,
 * row by row of the broadcast.
 */
#ifndef OCT_OPS_BINARY_F32_H
#define OCT_OPS_BINARY_F32_H

#include "kernels/binary_f32.h"
#include "ops/broadcast.h"

/** Makes op->packed for a loop with results clamped to [lo, hi]. Errors: OCT_E_MEMORY. */
oct_status oct_binary_f32_prepare(oct_op *op, oct_binary_f32_fn loop, float lo, float hi,
    oct_error *err);

/** Runs it. */
oct_status oct_binary_f32_eval(oct_op *op, oct_error *err);

#endif
