/*
 * Layers that make up for their rounding: biases whose mean is that of the float layers, and weights
 * rounded by what they do to the layer's result.
 *
 * Rounding a layer's weights shifts the mean of each of its channels, and a constant shift is what the
 * rest of a network attenuates least. Layer by layer, with the inputs the quantized network really has,
 * the bias is moved so that the mean after the fused activation is the float network's.
 */
#ifndef OCT_QUANT_CORRECT_H
#define OCT_QUANT_CORRECT_H

#include "quant/evidence.h"
#include "quant/narrow.h"

/**
 * Replaces the biases of conv-like operators in `real`, with effort high their weights too. Where several
 * share a bias, each gets its own; weights that several share are kept.
 *
 * graph     the float graph both were made from.
 * evidence  of that graph: means of the layers' results, and the samples to run.
 * sim       the same graph quantized for the engine to run with float inputs: same weights and biases as
 *           `real`.
 * A bias that its integer type cannot hold stays at the type's limit, and the layer's note says so.
 * Errors: as oct_calibrate().
 */
oct_status oct_correct(const oct_graph *graph, const oct_evidence *evidence, oct_rewritten *sim,
    oct_rewritten *real, oct_error *err);

/** A bias of zeros for conv-like operators that have none and may have one, in the float graph. */
oct_status oct_add_biases(oct_graph *graph, oct_error *err);

/**
 * The shift d of one channel that brings the mean of clamp(z + d, low, high) closest to `target`.
 *
 * mean, inside  callback: mean of clamp(z + shift) for each of the channels, and the share of values
 *               strictly between the limits.
 * shift         [channels]; start value in, result out.
 */
typedef struct oct_shift_problem {
    int32_t channels;
    const double *target;
    bool clamped; /* without limits one step is exact */
    void (*measure)(void *user, const double *shift, double *mean, double *inside);
    void *user;
} oct_shift_problem;

/** scratch  [2 * channels]. */
void oct_shift_solve(const oct_shift_problem *problem, double *shift, double *scratch);

#endif
