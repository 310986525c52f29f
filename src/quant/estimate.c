/*
 * Range estimators on histograms.
 */
#include "quant/estimate.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

enum { GRID = 100, FINE = 2048, CODES = 255 };

bool oct_range_method_counts(oct_range_method method)
{
    return method == OCT_RANGE_PERCENTILE || method == OCT_RANGE_MSE || method == OCT_RANGE_ENTROPY;
}

/* The bins of a histogram, owned by the caller. */
static oct_status list_bins(const oct_histogram *histogram, oct_bin **bins, size_t *count, oct_error *err)
{
    *count = oct_histogram_bins(histogram, NULL, 0);
    *bins = malloc(*count * sizeof **bins + 1);
    if (*bins == NULL)
        return oct_fail_memory(err, *count * sizeof **bins, "bins");
    oct_histogram_bins(histogram, *bins, *count);
    return OCT_OK;
}

static oct_range within(oct_range seen, double low, double high)
{
    return (oct_range){ fmaxf((float)low, seen.min), fminf((float)high, seen.max), seen.seen };
}

/* Percentiles. */

static uint64_t total_of(const oct_bin *bins, size_t count)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += bins[i].count;
    return total;
}

oct_status oct_estimate_percentile(const oct_histogram *histogram, oct_range seen, double argument,
    oct_range *out, oct_error *err)
{
    oct_bin *bins;
    size_t count, low = 0;
    OCT_TRY(list_bins(histogram, &bins, &count, err));
    double spare = (double)total_of(bins, count) * (1 - argument / 100), cut = 0;
    *out = seen;
    while (low < count && (cut += (double)bins[low].count) <= spare)
        low++;
    size_t high = count;
    cut = 0;
    while (high > 0 && (cut += (double)bins[high - 1].count) <= spare)
        high--;
    if (low < count && high > 0)
        *out = within(seen, (double)bins[low].low, (double)bins[high - 1].high);
    free(bins);
    return OCT_OK;
}

/* Squared error. */

/* What cutting off at every step of the way to an end costs: [GRID + 1], step k at k / GRID of the end. */
static void cut_costs(const oct_bin *bins, size_t count, double end, double *costs)
{
    for (int k = 0; k <= GRID; k++) {
        double edge = end * k / GRID;
        costs[k] = 0;
        for (size_t i = 0; i < count; i++) {
            double value = ((double)bins[i].low + (double)bins[i].high) / 2;
            double past = end > 0 ? value - edge : edge - value;
            if (past > 0 && end != 0)
                costs[k] += (double)bins[i].count * past * past;
        }
    }
}

static oct_range best_ends(const double *below, const double *above, double total, oct_range seen)
{
    double least = INFINITY, low = fmin((double)seen.min, 0), high = fmax((double)seen.max, 0);
    int best[2] = { GRID, GRID };
    for (int i = low < 0 ? 1 : GRID; i <= GRID; i++)
        for (int j = high > 0 ? 1 : GRID; j <= GRID; j++) {
            double step = (high * j - low * i) / GRID / CODES;
            double cost = below[i] + above[j] + total * step * step / 12;
            if (cost < least) {
                least = cost;
                best[0] = i;
                best[1] = j;
            }
        }
    return within(seen, low * best[0] / GRID, high * best[1] / GRID);
}

oct_status oct_estimate_mse(
    const oct_histogram *histogram, oct_range seen, oct_range *out, oct_error *err)
{
    double below[GRID + 1], above[GRID + 1];
    oct_bin *bins;
    size_t count;
    OCT_TRY(list_bins(histogram, &bins, &count, err));
    cut_costs(bins, count, fmin((double)seen.min, 0), below);
    cut_costs(bins, count, fmax((double)seen.max, 0), above);
    *out = best_ends(below, above, (double)total_of(bins, count), seen);
    free(bins);
    return OCT_OK;
}

/* Entropy. */

/* Counts in FINE equal bins of |value| up to `end`, zeros left out. */
static void spread(const oct_bin *bins, size_t count, double end, double *fine)
{
    for (int i = 0; i < FINE; i++)
        fine[i] = 0;
    for (size_t i = 0; i < count; i++) {
        double near = fmin(fabs((double)bins[i].low), fabs((double)bins[i].high));
        double far = fmax(fabs((double)bins[i].low), fabs((double)bins[i].high));
        if (far < (double)FLT_MIN)
            continue;
        int first = (int)fmin(near / end * FINE, FINE - 1), last = (int)fmin(far / end * FINE, FINE - 1);
        for (int j = first; j <= last; j++)
            fine[j] += (double)bins[i].count / (last - first + 1);
    }
}

/* Divergence of the distribution cut off at `kept` bins from its means over `codes` equal parts. */
static double divergence(const double *fine, int kept, int codes)
{
    double cut = 0, total = 0, result = 0;
    for (int i = kept; i < FINE; i++)
        cut += fine[i];
    for (int i = 0; i < FINE; i++)
        total += fine[i];
    for (int c = 0; c < codes; c++) {
        int first = (int)((int64_t)c * kept / codes), last = (int)((int64_t)(c + 1) * kept / codes);
        double sum = 0;
        int filled = 0;
        for (int i = first; i < last; i++) {
            sum += fine[i];
            filled += fine[i] > 0;
        }
        for (int i = first; i < last; i++) {
            double p = (fine[i] + (i == kept - 1 ? cut : 0)) / total;
            double q = filled > 0 ? sum / filled / (total - cut) : 0;
            if (p > 0)
                result += p * log(p / fmax(q, 1e-12));
        }
    }
    return result;
}

oct_status oct_estimate_entropy(
    const oct_histogram *histogram, oct_range seen, oct_range *out, oct_error *err)
{
    double end = fmax(fabs((double)seen.min), fabs((double)seen.max)), least = INFINITY;
    /* With both signs the codes are shared out between them. */
    int codes = seen.min < 0 && seen.max > 0 ? CODES / 2 : CODES, best = FINE;
    double *fine = malloc(FINE * sizeof *fine);
    oct_bin *bins;
    size_t count;
    *out = seen;
    if (fine == NULL)
        return oct_fail_memory(err, FINE * sizeof *fine, "bins");
    oct_status status = list_bins(histogram, &bins, &count, err);
    if (status != OCT_OK || end == 0) {
        free(fine);
        if (status == OCT_OK)
            free(bins);
        return status;
    }
    spread(bins, count, end, fine);
    for (int kept = FINE / 2; kept <= FINE; kept += 8) {
        double cost = divergence(fine, kept, codes);
        if (cost < least) {
            least = cost;
            best = kept;
        }
    }
    *out = within(seen, -end * best / FINE, end * best / FINE);
    free(bins);
    free(fine);
    return OCT_OK;
}
