/*
 * The statistics of a comparison. Every function is exact about what it computes;
 * docs/statistics.md says when each is used.
 */
#ifndef OCT_EVAL_STATS_H
#define OCT_EVAL_STATS_H

#include <octavo/eval.h>

/**
 * Wilson's score interval of a proportion, 95 %: all p with |x - np| <= z sqrt(np(1-p)); [0, 1] for
 * n 0. Source: Wilson, J. Am. Stat. Assoc. 22 (1927) 209-212.
 */
oct_interval oct_wilson(int64_t successes, int64_t trials);

/**
 * Exact McNemar test, two-sided: min(1, 2 P(X <= min(lost, won))), X ~ Binomial(lost + won, 1/2).
 * Source: McNemar, Psychometrika 12 (1947) 153-157; the exact form is the sign test.
 */
double oct_mcnemar(int64_t lost, int64_t won);

/**
 * Tango's score statistic for paired proportions: how many standard errors the difference (won -
 * lost) / n lies above delta, the variance being estimated under "the difference is delta". -1 <
 * delta < 1. T = (won - lost - n delta) / sqrt(n (2 q + delta (1 - delta))), q = (sqrt(B^2 - 4AC) -
 * B) / 2A, A = 2n, B = -won - lost + (2n - won + lost) delta, C = -lost delta (1 - delta) Source:
 * Tango, Statistics in Medicine 17 (1998) 891-908.
 */
double oct_tango(int64_t trials, int64_t lost, int64_t won, double delta);

/** All delta with |T| <= 1.96: the 95 % interval of the difference of paired proportions. */
oct_interval oct_tango_interval(int64_t trials, int64_t lost, int64_t won);

/** P(Z <= z) of the standard normal distribution. */
double oct_normal_cdf(double z);

enum { OCT_BOOTSTRAP_ROUNDS = 1000 };

/**
 * Bias-corrected and accelerated (BCa) bootstrap interval of a mean, 95 %, OCT_BOOTSTRAP_ROUNDS
 * resamples drawn by SplitMix64 from seed. The acceleration of a mean is, by the jackknife, a sixth
 * of the skewness over sqrt(n). Fewer than two values give the value itself.
 * Errors: OCT_E_MEMORY. Source: Efron, J. Am. Stat. Assoc. 82 (1987) 171-185; Efron, Tibshirani: An
 * Introduction to the Bootstrap (1993), section 14.3.
 */
oct_status oct_bootstrap_mean(
    const double *values, int64_t count, uint64_t seed, oct_interval *out, oct_error *err);

/**
 * The same interval for any measure of sums, such as a ratio: samples are drawn with their rows,
 * and the measure is taken of the summed rows. The acceleration is the jackknife's.
 *
 * rows     [count][width]; integers below 2^53 are summed exactly
 * measure  of the sums [width] of rows; finite
 * Errors: OCT_E_MEMORY. Source: as above.
 */
oct_status oct_bootstrap_measure(const double *rows, int64_t count, int64_t width,
    double (*measure)(const void *user, const double *sums), const void *user, uint64_t seed,
    oct_interval *out, oct_error *err);

/**
 * The same for measures that need every sample at its place: they are taken of the samples with
 * weights, how often each was drawn, several from one draw. The acceleration is that of the jackknife
 * which leaves out groups of samples, every 200th, where there are more than 200.
 *
 * measure  writes values [measures] of weights [count]; finite
 * out      [measures]
 * Errors: OCT_E_MEMORY. Source: as above; groups: Efron, Tibshirani (1993), section 14.
 */
oct_status oct_bootstrap_weights(int64_t count, int32_t measures,
    void (*measure)(void *user, const int32_t *weights, double *values), void *user, uint64_t seed,
    oct_interval *out, oct_error *err);

/** Quantile q of ascending values, linear between neighbours (type 7, numpy's default). count >= 1.
 */
double oct_quantile(const double *sorted, int64_t count, double q);

/**
 * Interval of the median of ascending values that needs no distribution: from the l-th smallest to
 * the l-th largest, l the largest rank with P(Binomial(count, 1/2) < l) <= 0.025. At least 95 % for
 * count >= 6; for fewer, the whole range. count >= 1. Source: David, Nagaraja: Order Statistics
 * (2003), section 7.1.
 */
oct_interval oct_median_interval(const double *sorted, int64_t count);

void oct_sort(double *values, int64_t count);

#endif
