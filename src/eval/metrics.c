/*
 * Measures of classification: one pass each over what evaluation kept.
 */
#include "eval/metrics.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"

double oct_calibration_error(const float *confidence, const bool *right, int64_t count)
{
    double sums[OCT_CALIBRATION_BINS] = { 0 }, error = 0;
    int64_t hits[OCT_CALIBRATION_BINS] = { 0 };
    for (int64_t i = 0; i < count; i++) {
        int bin = (int)ceil((double)confidence[i] * OCT_CALIBRATION_BINS) - 1;
        bin = bin < 0 ? 0 : bin >= OCT_CALIBRATION_BINS ? OCT_CALIBRATION_BINS - 1 : bin;
        sums[bin] += (double)confidence[i];
        hits[bin] += right[i];
    }
    for (int bin = 0; bin < OCT_CALIBRATION_BINS; bin++)
        error += fabs((double)hits[bin] - sums[bin]);
    return count > 0 ? error / (double)count : 0;
}

typedef struct scored {
    float score;
    bool positive;
} scored;

static int by_score(const void *a, const void *b)
{
    float x = ((const scored *)a)->score, y = ((const scored *)b)->score;
    return (x > y) - (x < y);
}

/* The sum of the positives' ranks, ties sharing their mean rank, is Mann and Whitney's statistic. */
static double rank_sum(const scored *sorted, int64_t count)
{
    double sum = 0;
    for (int64_t begin = 0, end; begin < count; begin = end) {
        int64_t positives = 0;
        for (end = begin; end < count && sorted[end].score == sorted[begin].score; end++)
            positives += sorted[end].positive;
        sum += (double)positives * ((double)(begin + 1) + (double)end) / 2;
    }
    return sum;
}

oct_status oct_roc_auc(
    const float *scores, const bool *positive, int64_t count, double *auc, oct_error *err)
{
    scored *sorted = malloc((size_t)count * sizeof *sorted + 1);
    if (sorted == NULL)
        return oct_fail_memory(err, (size_t)count * sizeof *sorted, "ROC curve");
    double positives = 0;
    for (int64_t i = 0; i < count; i++) {
        sorted[i] = (scored){ scores[i], positive[i] };
        positives += positive[i];
    }
    qsort(sorted, (size_t)count, sizeof *sorted, by_score);
    double negatives = (double)count - positives;
    *auc =
        positives == 0 || negatives == 0
            ? NAN
            : (rank_sum(sorted, count) - positives * (positives + 1) / 2) / (positives * negatives);
    free(sorted);
    return OCT_OK;
}

void oct_count_classes(const int32_t *labels, const int32_t *answers, int64_t count,
    int32_t classes, oct_class_counts *counts)
{
    for (int32_t k = 0; k < classes; k++)
        counts[k] = (oct_class_counts){ 0 };
    for (int64_t i = 0; i < count; i++) {
        if (labels[i] >= 0 && labels[i] < classes)
            counts[labels[i]].samples++;
        if (answers[i] >= 0 && answers[i] < classes)
            counts[answers[i]].answered++;
        if (labels[i] == answers[i] && labels[i] >= 0 && labels[i] < classes)
            counts[labels[i]].right++;
    }
}

double oct_f1(const oct_class_counts *c)
{
    int64_t both = c->samples + c->answered;
    return both > 0 ? 2 * (double)c->right / (double)both : 0;
}

static double over_unions(const oct_class_counts *c)
{
    return (double)c->right / (double)(c->samples + c->answered - c->right);
}

/* Mean of a measure over the classes that occur. */
static double mean_over_classes(
    const oct_class_counts *counts, int32_t classes, double (*measure)(const oct_class_counts *))
{
    double sum = 0;
    int32_t occurring = 0;
    for (int32_t k = 0; k < classes; k++) {
        if (counts[k].samples + counts[k].answered == 0)
            continue;
        sum += measure(&counts[k]);
        occurring++;
    }
    return occurring > 0 ? sum / occurring : 0;
}

double oct_macro_f1(const oct_class_counts *counts, int32_t classes)
{
    return mean_over_classes(counts, classes, oct_f1);
}

double oct_mean_iou(const oct_class_counts *counts, int32_t classes)
{
    return mean_over_classes(counts, classes, over_unions);
}
