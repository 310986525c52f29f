/*
 * From the values seen of an activation to the range that its codes cover.
 *
 * Estimators that cut off rare values trade their error for smaller steps. None of them knows an operator.
 */
#ifndef OCT_QUANT_ESTIMATE_H
#define OCT_QUANT_ESTIMATE_H

#include "base/error.h"
#include "quant/histogram.h"
#include "quant/quant.h"

/** Whether an estimator looks at a histogram (percentile, MSE, entropy). */
bool oct_range_method_counts(oct_range_method method);

/**
 * The share of values `argument` (percent) that lies below the upper end, and the same share above the
 * lower one; never beyond `seen`.
 */
oct_status oct_estimate_percentile(const oct_histogram *histogram, oct_range seen, double argument,
    oct_range *out, oct_error *err);

/**
 * The ends, of 100 x 100 between 0 and those seen, with the smallest squared error of int8 codes:
 * a twelfth of a squared step for values inside, the squared distance for those cut off.
 */
oct_status oct_estimate_mse(
    const oct_histogram *histogram, oct_range seen, oct_range *out, oct_error *err);

/**
 * The ends at which 255 codes keep most of the values' distribution: the smallest Kullback-Leibler
 * divergence of 2048 bins from their means over each code, cut-off values put into the last bin.
 *
 * Zeros are left out (behind a ReLU they would decide alone), and no end comes nearer to zero than half of
 * what was seen. Source: Migacz, 8-bit inference with TensorRT, 2017, with these two guards.
 */
oct_status oct_estimate_entropy(
    const oct_histogram *histogram, oct_range seen, oct_range *out, oct_error *err);

#endif
