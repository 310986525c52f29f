/*
 * The fast form of DEPTHWISE_CONV_2D with depth multiplier 1.
 */
#ifndef OCT_OPS_FAST_DEPTHWISE_H
#define OCT_OPS_FAST_DEPTHWISE_H

#include "ops/linear.h"

/**
 * Packs the weights of a node whose prepared is an oct_linear. Not usable: computed weights or
 * bias, depth multipliers above 1, more than OCT_DEPTHWISE_MAX_TAPS taps.
 */
oct_status oct_fast_depthwise_prepare(oct_op *op, bool *usable, oct_error *err);

/** Integer outputs equal those of the plain C form; floats are the same on every processor. */
oct_status oct_fast_depthwise_eval(oct_op *op, oct_error *err);

#endif
