/*
 * Counts of float values by their leading bits: sign, exponent and eight bits of the mantissa.
 *
 * Bins are fixed before anything is seen (each spans at most 0.4 % of its value), so histograms of parts
 * of the data add up to that of the whole, in any order. Only exponents that occur take memory.
 */
#ifndef OCT_QUANT_HISTOGRAM_H
#define OCT_QUANT_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OCT_HISTOGRAM_PAGES = 512, OCT_HISTOGRAM_BINS = 256 };

/* Zero-initialised: empty. */
typedef struct oct_histogram {
    uint64_t *pages[OCT_HISTOGRAM_PAGES]; /* by sign and exponent: [OCT_HISTOGRAM_BINS], or NULL */
} oct_histogram;

/* A bin as seen from outside. */
typedef struct oct_bin {
    float low, high; /* the values in it, both ends included; low < high, or both 0 */
    uint64_t count;
} oct_bin;

/** Counts finite values; false when memory is short. */
bool oct_histogram_add(oct_histogram *histogram, const float *values, size_t count);

/** Adds the counts of another histogram; false when memory is short. */
bool oct_histogram_merge(oct_histogram *histogram, const oct_histogram *other);

/**
 * The bins with a count above 0, from the smallest values to the largest.
 *
 * bins  [capacity]; as many as fit are written. Returns how many there are.
 */
size_t oct_histogram_bins(const oct_histogram *histogram, oct_bin *bins, size_t capacity);

/** Frees the pages; the histogram is empty afterwards. */
void oct_histogram_free(oct_histogram *histogram);

#endif
