/*
 * The least and the largest of many floats, and whether all are finite: what calibration asks of every
 * activation, so it has to keep up with the layers that write them.
 */
#ifndef OCT_KERNELS_EXTREMES_H
#define OCT_KERNELS_EXTREMES_H

#include <stdbool.h>
#include <stddef.h>

/**
 * Folds x [n] into *low and *high; not-a-numbers are passed over.
 *
 * Returns whether no x is an infinity or not-a-number. n may be 0.
 * Exact: minima and maxima do not depend on the order, but for which zero of 0 and -0 is kept.
 */
#define OCT_EXTREMES(name) bool name(const float *x, size_t n, float *low, float *high)
typedef OCT_EXTREMES((*oct_extremes_fn));
OCT_EXTREMES(oct_extremes_c);
OCT_EXTREMES(oct_extremes_avx2);
OCT_EXTREMES(oct_extremes_avx512);

#endif
