/*
 * Average precision of weighted images, from what matching left of them: counts of right and wrong
 * boxes grow by their image's weight. Copies of an image stand side by side in the order of scores,
 * and between them the curve has no point that the interpolated one would show.
 */
#include <math.h>
#include <stdlib.h>

#include "eval/metrics.h"

enum { OVERLAPS = 10, RECALLS = 101 };

/* Mean precision at 101 recalls of one category at one overlap. */
static double precision_of(const oct_matched_box *found, int64_t count, const int32_t *weights,
    double truths, int overlap, double *curve)
{
    double *precisions = curve, *recalls = curve + count;
    double right = 0, wrong = 0, sum = 0;
    int64_t points = 0;
    for (int64_t i = 0; i < count; i++) {
        double weight = (double)weights[found[i].image];
        if (weight == 0)
            continue;
        right += (found[i].right >> overlap & 1) != 0 ? weight : 0;
        wrong += (found[i].wrong >> overlap & 1) != 0 ? weight : 0;
        recalls[points] = right / truths;
        precisions[points++] = right / (right + wrong + 0x1p-52);
    }
    for (int64_t i = points - 1; i > 0; i--)
        precisions[i - 1] = fmax(precisions[i - 1], precisions[i]);
    for (int64_t r = 0, i = 0; r < RECALLS; r++) {
        while (i < points && recalls[i] < (double)r * 0.01)
            i++;
        sum += i < points ? precisions[i] : 0;
    }
    return sum / RECALLS;
}

void oct_matches_precision(oct_matches *m, const int32_t *weights, double *ap, double *ap50)
{
    double sums[OVERLAPS] = { 0 }, total = 0;
    int64_t categories = 0;
    for (int64_t c = 0, f = 0, t = 0; c < m->categories; c++) {
        double truths = 0;
        for (; t < m->truth_ends[c]; t++)
            truths += (double)m->truths[t].count * (double)weights[m->truths[t].image];
        for (int k = 0; k < OVERLAPS && truths > 0; k++)
            sums[k] +=
                precision_of(m->found + f, m->found_ends[c] - f, weights, truths, k, m->curve);
        categories += truths > 0;
        f = m->found_ends[c];
    }
    for (int k = 0; k < OVERLAPS; k++)
        total += sums[k];
    *ap = categories > 0 ? total / OVERLAPS / (double)categories : 0;
    *ap50 = categories > 0 ? sums[0] / (double)categories : 0;
}

void oct_matches_free(oct_matches *matches)
{
    free(matches->found);
    free(matches->truths);
    free(matches->found_ends);
    free(matches->truth_ends);
    free(matches->curve);
    *matches = (oct_matches){ 0 };
}
