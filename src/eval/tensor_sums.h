/*
 * What is summed about one tensor while two models run, and the factors between their channels.
 *
 * A quantizer may multiply a channel by a factor and divide it out again where it is read
 * (equalisation: Nagel et al., arXiv 1906.04721). Such a factor is no error. It is estimated from the
 * data, so that any tool's file can be compared: factor = sum of a b / sum of a a, the least squares
 * of b = factor * a, in which the error is b's.
 */
#ifndef OCT_EVAL_TENSOR_SUMS_H
#define OCT_EVAL_TENSOR_SUMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "ops/op.h"
#include "quant/histogram.h"

/* The two ways to look at B's values: as they are, or each channel divided by its factor. */
typedef enum oct_look { OCT_LOOK_RAW, OCT_LOOK_RESCALED, OCT_LOOKS } oct_look;

typedef struct oct_channel_sums {
    double aa, ab, bb;
    int64_t count; /* values of A that are not 0 */
} oct_channel_sums;

/* One tensor of B against its partner in A. */
typedef struct oct_tensor_sums {
    int64_t channels;       /* last axis; 0: none seen */
    oct_channel_sums *sums; /* [channels] or NULL */
    double *factors;        /* [channels]; NULL: all are 1 */
    int64_t rescaled;       /* factors that are not 1 */
    int64_t count, at_end;
    uint32_t codes[8]; /* of an 8-bit type: which values occurred */
    double signal, noise[OCT_LOOKS], largest[OCT_LOOKS];
    float low[OCT_LOOKS], high[OCT_LOOKS]; /* of A's values in B's units */
    oct_histogram seen[OCT_LOOKS];
} oct_tensor_sums;

/**
 * Adds a sample to the channel sums.
 *
 * a, b      [count] values, channels varying fastest; count is a multiple of channels
 * False when memory is short.
 */
bool oct_sums_add(
    oct_tensor_sums *layer, const float *a, const float *b, size_t count, int64_t channels);

/**
 * Chooses the factors from the channel sums. A channel has one that is positive, more than 5 % off 1
 * and leaves less than a quarter of the squared error (a sixteenth where fewer than 8 values of A are
 * not 0; fewer than 3 show factors above 2 alone). The tensor has them where they take away at least
 * a tenth of its error. False when memory is short.
 */
bool oct_sums_fit(oct_tensor_sums *layer);

/** to[i] = from[i] / factor of its channel (or * factor). to may be from. */
void oct_sums_divide(const oct_tensor_sums *layer, const float *from, size_t count, float *to);
void oct_sums_multiply(const oct_tensor_sums *layer, const float *from, size_t count, float *to);

/** Adds a sample's signal and error, in one look: b is what that look makes of B's values. */
void oct_sums_compare(
    oct_tensor_sums *layer, oct_look look, const float *a, const float *b, size_t count);

/** Counts A's values, in B's units of that look. False when memory is short. */
bool oct_sums_see(oct_tensor_sums *layer, oct_look look, const float *values, size_t count);

/**
 * Ends of the range and codes in use, which say whether a scale is too small or too large. An end
 * that stands for zero, as after a ReLU, is no saturation.
 */
void oct_sums_count_codes(oct_tensor_sums *layer, const oct_value *value, size_t count);

/** Frees what it has allocated. */
void oct_sums_clear(oct_tensor_sums *layer);

/** Sum of (a[i] - b[i])^2. */
double oct_squared_error(const float *a, const float *b, size_t count);

#endif
