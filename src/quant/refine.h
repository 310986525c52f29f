/*
 * Ranges that serve int8 activations better than their extremes do.
 */
#ifndef OCT_QUANT_REFINE_H
#define OCT_QUANT_REFINE_H

#include "quant/choose.h"

/**
 * Widens by half a percent the range of a model input of which more than half the values lie halfway
 * between two codes, as pixels scaled to [-1, 1] do: so they round to either side alike, whichever way
 * ties go.
 *
 * Looks at up to 32 of the chosen samples.
 * Errors: what options->calib->read returns; OCT_E_MEMORY.
 */
oct_status oct_ranges_guard_inputs(const oct_graph *graph, const oct_quant_options *options,
    const oct_choice *choice, oct_range *ranges, oct_error *err);

/**
 * Gives all tensors that sums (ADD, SUB) connect one scale, where that costs less than it saves: with
 * equal scales the sum is one of integers and rounds nothing.
 *
 * Separate scales s cost the sum of s^2 over the tensors, one scale S its square for each tensor that is
 * no sum. Every tensor keeps a zero point of its own.
 * Errors: OCT_E_MEMORY.
 */
oct_status oct_ranges_join_sums(const oct_graph *graph, oct_range *ranges, oct_error *err);

#endif
