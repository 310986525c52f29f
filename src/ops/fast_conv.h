/*
 * The fast form of CONV_2D and FULLY_CONNECTED: packed weights, tiles of rows, register-blocked
 * products.
 */
#ifndef OCT_OPS_FAST_CONV_H
#define OCT_OPS_FAST_CONV_H

#include "ops/linear.h"

/**
 * Packs the weights of a node whose prepared is an oct_linear for the kernels of this processor.
 * Not usable: weights or bias that are computed, groups.
 */
oct_status oct_fast_conv_prepare(oct_op *op, bool *usable, oct_error *err);

/** Integer outputs equal those of the plain C form; floats are the same on every processor. */
oct_status oct_fast_conv_eval(oct_op *op, oct_error *err);

#endif
