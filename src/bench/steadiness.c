/*
 * Mann-Kendall, Theil-Sen and the modified z-score.
 */
#include "bench/steadiness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "eval/stats.h"

enum { MOST_VALUES = 512, LEAST_VALUES = 8 };

/* Variance of Kendall's S when the values could come in any order; sorted ones tell the ties. */
static double variance_of_s(const double *sorted, int64_t count)
{
    double n = (double)count, sum = n * (n - 1) * (2 * n + 5);
    for (int64_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && sorted[end] == sorted[i]; end++)
            continue;
        double ties = (double)(end - i);
        sum -= ties * (ties - 1) * (2 * ties + 5);
    }
    return sum / 18;
}

/* values [count], at most MOST_VALUES; scratch for all pairs. */
static void find_trend(const double *values, int64_t count, double *scratch, oct_trend *out)
{
    int64_t pairs = 0, s = 0;
    for (int64_t i = 0; i < count; i++)
        for (int64_t k = i + 1; k < count; k++) {
            s += (values[k] > values[i]) - (values[k] < values[i]);
            scratch[pairs++] = (values[k] - values[i]) / (double)(k - i);
        }
    oct_sort(scratch, pairs);
    out->change = oct_quantile(scratch, pairs, 0.5) * (double)(count - 1);
    memcpy(scratch, values, (size_t)count * sizeof *values);
    oct_sort(scratch, count);
    out->change /= oct_quantile(scratch, count, 0.5);
    double variance = variance_of_s(scratch, count);
    if (count >= LEAST_VALUES && variance > 0)
        out->p = 2 * oct_normal_cdf(-fabs((double)s) / sqrt(variance));
}

/* Medians of stretches of `length` values. */
static void shorten(
    const double *values, int64_t stretches, int64_t length, double *scratch, double *to)
{
    for (int64_t i = 0; i < stretches; i++) {
        memcpy(scratch, values + i * length, (size_t)length * sizeof *values);
        oct_sort(scratch, length);
        to[i] = oct_quantile(scratch, length, 0.5);
    }
}

oct_status oct_trend_of(const double *values, int64_t count, oct_trend *out, oct_error *err)
{
    *out = (oct_trend){ .p = 1 };
    int64_t length = (count + MOST_VALUES - 1) / MOST_VALUES, few = count / length;
    int64_t room = few * (few - 1) / 2 > length ? few * (few - 1) / 2 : length;
    if (few < 2)
        return OCT_OK;
    room = room > few ? room : few;
    double *block = malloc((size_t)(room + few) * sizeof *block);
    if (block == NULL)
        return oct_fail_memory(err, (size_t)(room + few) * sizeof *block, "trend");
    shorten(values, few, length, block, block + room);
    find_trend(block + room, few, block, out);
    free(block);
    return OCT_OK;
}

double oct_outlier_limit(const double *sorted, int64_t count, double *scratch)
{
    double median = oct_quantile(sorted, count, 0.5);
    for (int64_t i = 0; i < count; i++)
        scratch[i] = fabs(sorted[i] - median);
    oct_sort(scratch, count);
    double deviation = fmax(oct_quantile(scratch, count, 0.5), median / 1000);
    return median + 3.5 / 0.6745 * deviation;
}
