/*
 * Means of activations per channel over calibration samples, the same for any threads and any order.
 *
 * Each sample is summed in double in memory order; the samples' sums are sorted before they are added.
 */
#ifndef OCT_QUANT_MEANS_H
#define OCT_QUANT_MEANS_H

#include "base/pool.h"
#include "exec/session.h"
#include <octavo/samples.h>

/* A tensor whose last dimension is the channels. */
typedef struct oct_mean {
    int32_t tensor; /* of the main subgraph */
    int32_t channels;
    double *values; /* [channels]; filled */
} oct_mean;

/** The mean of `count` numbers; sorts them. */
double oct_mean_of(double *values, int64_t count);

/**
 * Runs the float graph over `used` samples, evenly spread, and fills `count` means.
 * Errors: those of sessions and of samples->read, OCT_E_INVALID for a mean that is no finite number.
 */
oct_status oct_means_measure(const oct_graph *graph, const oct_samples *samples, int64_t used,
    oct_pool *pool, const oct_mean *means, int32_t count, oct_error *err);

#endif
