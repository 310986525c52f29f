/*
 * Bias correction: quantized layers whose mean is that of the float layers.
 *
 * Rounding a layer's weights shifts the mean of each of its channels, and a constant shift is what the
 * rest of a network attenuates least. Layer by layer, with the inputs the quantized network really has,
 * the bias is moved so that the mean after the fused activation is the float network's.
 */
#ifndef OCT_QUANT_CORRECT_H
#define OCT_QUANT_CORRECT_H

#include "quant/rewrite.h"

/* A rewritten graph whose nodes are still known by those of the float graph. */
typedef struct oct_rewritten {
    oct_work work;
    oct_node **nodes; /* [node_count of the float graph]: its nodes, in `work` */
} oct_rewritten;

/**
 * Replaces the biases of conv-like operators in `real`. Where several share one, each gets its own.
 *
 * graph  the float graph both were made from.
 * sim    the same graph quantized for the engine to run with float inputs: same weights and biases as
 *        `real`; changed.
 * The calibration samples are those of the work's options; of many, 128 are taken, and fewer where
 * their activations would need more than half a gigabyte.
 * A bias that its integer type cannot hold stays at the type's limit, and the layer's note says so.
 * Errors: as oct_calibrate().
 */
oct_status oct_correct_biases(
    const oct_graph *graph, oct_rewritten *sim, oct_rewritten *real, oct_error *err);

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
