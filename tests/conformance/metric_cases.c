/*
 * Computes measures for cases read from standard input, one answer a line: the other half of
 * tests/conformance/metrics.py. A case is a word and its numbers, white space between all:
 *
 *   ece N  (confidence right)*N              auc N  (score positive)*N
 *   f1 N CLASSES (label answer)*N            iou N CLASSES (label answer)*N
 *   wilson K N        mcnemar LOST WON       tango N LOST WON       mean N SEED value*N
 *   coco T F  (image category x y w h area crowd)*T  (image category x y w h score)*F
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/metrics.h"
#include "eval/stats.h"

static double number(void)
{
    double value;
    if (scanf("%lf", &value) != 1) {
        fprintf(stderr, "metric_cases: a number is missing\n");
        exit(3);
    }
    return value;
}

static int64_t whole(void)
{
    return (int64_t)number();
}

static void *room(int64_t count, size_t size)
{
    void *memory = calloc((size_t)count + 1, size);
    if (memory == NULL) {
        fprintf(stderr, "metric_cases: out of memory\n");
        exit(5);
    }
    return memory;
}

static void binary_case(bool calibration)
{
    int64_t count = whole();
    float *values = room(count, sizeof *values);
    bool *flags = room(count, sizeof *flags);
    for (int64_t i = 0; i < count; i++) {
        values[i] = (float)number();
        flags[i] = number() != 0;
    }
    double result = calibration ? oct_calibration_error(values, flags, count) : 0;
    if (!calibration && oct_roc_auc(values, flags, count, &result, NULL) != OCT_OK)
        exit(5);
    printf("%.17g\n", result);
    free(values);
    free(flags);
}

static void class_case(bool unions)
{
    int64_t count = whole();
    int32_t classes = (int32_t)whole();
    int32_t *labels = room(count, sizeof *labels), *answers = room(count, sizeof *answers);
    oct_class_counts *counts = room(classes, sizeof *counts);
    for (int64_t i = 0; i < count; i++) {
        labels[i] = (int32_t)whole();
        answers[i] = (int32_t)whole();
    }
    oct_count_classes(labels, answers, count, classes, counts);
    printf("%.17g\n", unions ? oct_mean_iou(counts, classes) : oct_macro_f1(counts, classes));
    free(labels);
    free(answers);
    free(counts);
}

static void mean_case(void)
{
    int64_t count = whole();
    uint64_t seed = (uint64_t)whole();
    double *values = room(count, sizeof *values);
    oct_interval interval;
    for (int64_t i = 0; i < count; i++)
        values[i] = number();
    if (oct_bootstrap_mean(values, count, seed, &interval, NULL) != OCT_OK)
        exit(5);
    printf("%.17g %.17g\n", interval.low, interval.high);
    free(values);
}

static void coco_case(void)
{
    int64_t truth_count = whole(), found_count = whole();
    oct_true_box *truths = room(truth_count, sizeof *truths);
    oct_found_box *found = room(found_count, sizeof *found);
    for (int64_t i = 0; i < truth_count; i++) {
        truths[i].image = whole();
        truths[i].category = (int32_t)whole();
        for (int k = 0; k < 4; k++)
            truths[i].box[k] = number();
        truths[i].area = number();
        truths[i].crowd = number() != 0;
    }
    for (int64_t i = 0; i < found_count; i++) {
        found[i].image = whole();
        found[i].category = (int32_t)whole();
        for (int k = 0; k < 4; k++)
            found[i].box[k] = number();
        found[i].score = number();
    }
    oct_detection_metrics m;
    if (oct_detection_score(truths, truth_count, found, found_count, &m, NULL, NULL) != OCT_OK)
        exit(5);
    printf("%.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g %.17g\n", m.ap,
        m.ap50, m.ap75, m.ap_small, m.ap_medium, m.ap_large, m.ar1, m.ar10, m.ar100, m.ar_small,
        m.ar_medium, m.ar_large);
    free(truths);
    free(found);
}

int main(void)
{
    char word[16];
    while (scanf("%15s", word) == 1) {
        if (strcmp(word, "ece") == 0 || strcmp(word, "auc") == 0) {
            binary_case(word[0] == 'e');
        } else if (strcmp(word, "f1") == 0 || strcmp(word, "iou") == 0) {
            class_case(word[0] == 'i');
        } else if (strcmp(word, "wilson") == 0) {
            int64_t k = whole();
            oct_interval interval = oct_wilson(k, whole());
            printf("%.17g %.17g\n", interval.low, interval.high);
        } else if (strcmp(word, "mcnemar") == 0) {
            int64_t lost = whole();
            printf("%.17g\n", oct_mcnemar(lost, whole()));
        } else if (strcmp(word, "tango") == 0) {
            int64_t n = whole(), lost = whole();
            oct_interval interval = oct_tango_interval(n, lost, whole());
            printf("%.17g %.17g\n", interval.low, interval.high);
        } else if (strcmp(word, "mean") == 0) {
            mean_case();
        } else if (strcmp(word, "coco") == 0) {
            coco_case();
        } else {
            fprintf(stderr, "metric_cases: '%s' is no case\n", word);
            return 3;
        }
    }
    return 0;
}
