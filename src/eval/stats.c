/*
 * Intervals and tests. Score methods are used throughout: they are right near 0 and 1, where
 * quantized models of good accuracy live, and interval and test agree because one is the inversion
 * of the other.
 */
#include "eval/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "eval/random.h"

static const double z_two_sided = 1.959963984540054;  /* 97.5 % quantile */
static const double z_one_sided = 1.6448536269514722; /* 95 % */
static const double z_power = 0.8416212335729143;     /* 80 % */

oct_interval oct_wilson(int64_t successes, int64_t trials)
{
    if (trials <= 0)
        return (oct_interval){ 0, 1 };
    double n = (double)trials, p = (double)successes / n, z = z_two_sided;
    double centre = p + z * z / (2 * n);
    double half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    double scale = 1 + z * z / n;
    return (oct_interval){ successes == 0 ? 0 : (centre - half) / scale,
        successes == trials ? 1 : (centre + half) / scale };
}

/*
 * P(X <= k) for X ~ Binomial(n, 1/2), 0 <= k <= n. The largest term comes from logarithms, the rest
 * by ratio.
 */
static double half_binomial_cdf(int64_t n, int64_t k)
{
    int sign;
    double log_term = lgamma_r((double)n + 1, &sign) - lgamma_r((double)k + 1, &sign) -
                      lgamma_r((double)(n - k) + 1, &sign) - (double)n * log(2);
    double term = 1, sum = 1; /* in units of the term at k */
    for (int64_t i = k; i > 0 && term > sum * 1e-18; i--) {
        term *= (double)i / (double)(n - i + 1);
        sum += term;
    }
    return sum * exp(log_term);
}

double oct_mcnemar(int64_t lost, int64_t won)
{
    if (lost == won)
        return 1;
    double p = 2 * half_binomial_cdf(lost + won, lost < won ? lost : won);
    return p < 1 ? p : 1;
}

double oct_tango(int64_t trials, int64_t lost, int64_t won, double delta)
{
    double n = (double)trials, b = (double)won, c = (double)lost;
    double above = b - c - n * delta;
    double linear = -b - c + (2 * n - b + c) * delta;
    double constant = -c * delta * (1 - delta);
    double root = linear * linear - 8 * n * constant;
    double q = (sqrt(root > 0 ? root : 0) - linear) / (4 * n);
    double variance = n * (2 * q + delta * (1 - delta));
    if (variance > 0)
        return above / sqrt(variance);
    return above == 0 ? 0 : above > 0 ? INFINITY : -INFINITY;
}

/* The delta between low and high where T, which falls with delta, passes `level`. */
static double tango_root(
    int64_t trials, int64_t lost, int64_t won, double low, double high, double level)
{
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        if (oct_tango(trials, lost, won, middle) > level)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

oct_interval oct_tango_interval(int64_t trials, int64_t lost, int64_t won)
{
    if (trials <= 0)
        return (oct_interval){ -1, 1 };
    double seen = (double)(won - lost) / (double)trials;
    return (oct_interval){ tango_root(trials, lost, won, -1, seen, z_two_sided),
        tango_root(trials, lost, won, seen, 1, -z_two_sided) };
}

double oct_normal_cdf(double z)
{
    return 0.5 * erfc(-z / sqrt(2));
}

void oct_equivalence_test(
    int64_t samples, int64_t lost, int64_t won, double max_drop, oct_equivalence *out)
{
    *out = (oct_equivalence){ 0 };
    if (samples <= 0)
        return;
    double t = oct_tango(samples, lost, won, -max_drop);
    out->confidence = oct_normal_cdf(t);
    out->holds = t >= z_one_sided;
    out->fails = t <= -z_one_sided;
    /* At the same rates T grows with the root of the number of samples. */
    double needed = (double)samples * pow((z_one_sided + z_power) / fabs(t), 2);
    if (!out->holds && !out->fails && needed < 1e9)
        out->samples_needed = (int64_t)ceil(needed);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void oct_sort(double *values, int64_t count)
{
    qsort(values, (size_t)count, sizeof *values, ascending);
}

double oct_quantile(const double *sorted, int64_t count, double q)
{
    double at = q * (double)(count - 1);
    int64_t low = (int64_t)floor(at);
    if (low >= count - 1)
        return sorted[count - 1];
    return sorted[low] + (at - (double)low) * (sorted[low + 1] - sorted[low]);
}

/* The z with P(Z <= z) = p, 0 < p < 1, to the last bits that matter. */
static double normal_quantile(double p)
{
    double low = -40, high = 40;
    for (int step = 0; step < 64; step++) {
        double middle = (low + high) / 2;
        if (oct_normal_cdf(middle) < p)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

enum { MOST_GROUPS = 200 };

/* What the percentiles are corrected by: the bias of the resampled values, and the skewness. */
typedef struct correction {
    double bias, acceleration;
} correction;

/* influences: how much each sample moves the estimate, up to a factor and a shift. */
static correction correct(
    const double *influences, int64_t count, double estimate, const double *resampled)
{
    double mean = 0, squares = 0, cubes = 0, below = 0;
    for (int64_t i = 0; i < count; i++)
        mean += influences[i] / (double)count;
    for (int64_t i = 0; i < count; i++) {
        double d = influences[i] - mean;
        squares += d * d;
        cubes += d * d * d;
    }
    for (int round = 0; round < OCT_BOOTSTRAP_ROUNDS; round++)
        below += resampled[round] < estimate ? 1 : resampled[round] == estimate ? 0.5 : 0;
    below = fmin(fmax(below, 0.5), OCT_BOOTSTRAP_ROUNDS - 0.5);
    return (correction){
        .bias = normal_quantile(below / OCT_BOOTSTRAP_ROUNDS),
        .acceleration = squares > 0 ? cubes / (6 * pow(squares, 1.5)) : 0,
    };
}

/* Where the end at z standard errors lies among the resampled values. */
static double corrected_level(correction c, double z)
{
    double shifted = c.bias + z;
    return oct_normal_cdf(c.bias + shifted / (1 - c.acceleration * shifted));
}

/* Sorts the resampled values. */
static oct_interval corrected_interval(correction c, double *resampled)
{
    oct_sort(resampled, OCT_BOOTSTRAP_ROUNDS);
    return (oct_interval){
        oct_quantile(resampled, OCT_BOOTSTRAP_ROUNDS, corrected_level(c, -z_two_sided)),
        oct_quantile(resampled, OCT_BOOTSTRAP_ROUNDS, corrected_level(c, z_two_sided)),
    };
}

oct_status oct_bootstrap_mean(
    const double *values, int64_t count, uint64_t seed, oct_interval *out, oct_error *err)
{
    double *means = malloc(OCT_BOOTSTRAP_ROUNDS * sizeof *means);
    if (means == NULL)
        return oct_fail_memory(err, OCT_BOOTSTRAP_ROUNDS * sizeof *means, "bootstrap");
    oct_random random = oct_random_seed(seed);
    double mean = 0;
    for (int64_t i = 0; i < count; i++)
        mean += values[i] / (double)count;
    for (int round = 0; round < OCT_BOOTSTRAP_ROUNDS; round++) {
        double sum = 0;
        for (int64_t i = 0; i < count; i++)
            sum += values[oct_random_below(&random, (uint32_t)count)];
        means[round] = count > 0 ? sum / (double)count : 0;
    }
    *out = corrected_interval(correct(values, count, mean, means), means);
    free(means);
    return OCT_OK;
}

static void add_row(double *sums, const double *row, int64_t width, double sign)
{
    for (int64_t k = 0; k < width; k++)
        sums[k] += sign * row[k];
}

oct_status oct_bootstrap_measure(const double *rows, int64_t count, int64_t width,
    double (*measure)(const void *user, const double *sums), const void *user, uint64_t seed,
    oct_interval *out, oct_error *err)
{
    size_t room = OCT_BOOTSTRAP_ROUNDS + (size_t)count + (size_t)width;
    double *resampled = malloc(room * sizeof *resampled);
    if (resampled == NULL)
        return oct_fail_memory(err, room * sizeof *resampled, "bootstrap");
    double *influences = resampled + OCT_BOOTSTRAP_ROUNDS, *sums = influences + count;
    oct_random random = oct_random_seed(seed);
    for (int round = 0; round < OCT_BOOTSTRAP_ROUNDS; round++) {
        memset(sums, 0, (size_t)width * sizeof *sums);
        for (int64_t i = 0; i < count; i++)
            add_row(sums, rows + oct_random_below(&random, (uint32_t)count) * width, width, 1);
        resampled[round] = measure(user, sums);
    }
    memset(sums, 0, (size_t)width * sizeof *sums);
    for (int64_t i = 0; i < count; i++)
        add_row(sums, rows + i * width, width, 1);
    double estimate = measure(user, sums);
    for (int64_t i = 0; i < count; i++) {
        add_row(sums, rows + i * width, width, -1);
        influences[i] = -measure(user, sums);
        add_row(sums, rows + i * width, width, 1);
    }
    *out = corrected_interval(correct(influences, count, estimate, resampled), resampled);
    free(resampled);
    return OCT_OK;
}

/* Draws, then groups left out, then the samples as they are. */
static void take_measures(int64_t count, int64_t groups, int32_t measures,
    void (*measure)(void *user, const int32_t *weights, double *values), void *user,
    oct_random *random, int32_t *weights, double *rows)
{
    for (int round = 0; round < OCT_BOOTSTRAP_ROUNDS; round++, rows += measures) {
        memset(weights, 0, (size_t)count * sizeof *weights);
        for (int64_t i = 0; i < count; i++)
            weights[oct_random_below(random, (uint32_t)count)]++;
        measure(user, weights, rows);
    }
    for (int64_t g = 0; g <= groups; g++, rows += measures) {
        for (int64_t i = 0; i < count; i++)
            weights[i] = i % groups != g;
        measure(user, weights, rows);
    }
}

oct_status oct_bootstrap_weights(int64_t count, int32_t measures,
    void (*measure)(void *user, const int32_t *weights, double *values), void *user, uint64_t seed,
    oct_interval *out, oct_error *err)
{
    int64_t groups = count < MOST_GROUPS ? count : MOST_GROUPS;
    size_t series = OCT_BOOTSTRAP_ROUNDS + (size_t)groups + 1;
    double *rows = malloc(series * ((size_t)measures + 1) * sizeof *rows);
    int32_t *weights = malloc(((size_t)count + 1) * sizeof *weights);
    oct_status status = rows == NULL || weights == NULL
                            ? oct_fail_memory(err, series * sizeof *rows, "bootstrap")
                            : OCT_OK;
    oct_random random = oct_random_seed(seed);
    if (status == OCT_OK && groups > 0)
        take_measures(count, groups, measures, measure, user, &random, weights, rows);
    for (int32_t m = 0; m < measures && status == OCT_OK; m++) {
        double *column = rows + series * (size_t)measures,
               *influences = column + OCT_BOOTSTRAP_ROUNDS;
        out[m] = (oct_interval){ 0, 0 };
        if (groups == 0)
            continue;
        for (size_t i = 0; i < series; i++)
            column[i] = rows[i * (size_t)measures + (size_t)m];
        for (int64_t g = 0; g < groups; g++)
            influences[g] = -influences[g];
        out[m] =
            corrected_interval(correct(influences, groups, influences[groups], column), column);
    }
    free(rows);
    free(weights);
    return status;
}

oct_interval oct_median_interval(const double *sorted, int64_t count)
{
    int64_t rank = 0; /* P(X < rank + 1) = P(X <= rank) must stay within 0.025 to go on */
    while (rank + 1 <= count / 2 && half_binomial_cdf(count, rank) <= 0.025)
        rank++;
    if (rank == 0)
        return (oct_interval){ sorted[0], sorted[count - 1] };
    return (oct_interval){ sorted[rank - 1], sorted[count - rank] };
}
