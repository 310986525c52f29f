/*
 * Whether a series of times was steady: a trend over the rounds, and single rounds far above the rest.
 */
#ifndef OCT_BENCH_STEADINESS_H
#define OCT_BENCH_STEADINESS_H

#include <stdint.h>
#include <octavo/error.h>

typedef struct oct_trend {
    double
        change; /* from the first value to the last, by the Theil-Sen line, as a share of the median */
    double p; /* of "there is no trend", two-sided; 1 for fewer than 8 values */
} oct_trend;

/**
 * The Mann-Kendall test and the Theil-Sen slope: both know only order and medians, so that a few wild
 * values make no trend. More than 512 values are taken as medians of equal stretches, a last short one
 * left out. The values are taken as independent: slow disturbances look like a trend, and are one.
 *
 * values  [count], count >= 1, above 0
 * p       as scipy.stats.kendalltau(values, range(count), method="asymptotic")
 * Errors: OCT_E_MEMORY.
 * Source: Mann, Econometrica 13 (1945) 245-259; Sen, J. Am. Stat. Assoc. 63 (1968) 1379-1389.
 */
oct_status oct_trend_of(const double *values, int64_t count, oct_trend *out, oct_error *err);

/**
 * The limit above which a value is an outlier: median + 3.5 MAD / 0.6745, MAD being the median absolute
 * deviation from the median, and at least a thousandth of it, because clocks tick.
 *
 * sorted   [count] ascending, count >= 1
 * scratch  [count]
 * Source: Iglewicz, Hoaglin: How to Detect and Handle Outliers (1993), the modified z-score.
 */
double oct_outlier_limit(const double *sorted, int64_t count, double *scratch);

#endif
