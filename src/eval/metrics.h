/*
 * Measures of answers, as functions of arrays: what evaluation folds its records into. Each equals
 * the field's usual implementation, named with it; tests/conformance/metrics.py compares.
 */
#ifndef OCT_EVAL_METRICS_H
#define OCT_EVAL_METRICS_H

#include <stdbool.h>
#include <stdint.h>
#include <octavo/eval.h>

enum { OCT_CALIBRATION_BINS = 15 };

/**
 * Expected calibration error, 0..1: over 15 bins of equal width, the mean of |accuracy - mean
 * confidence| weighed by the samples in the bin. A confidence belongs to the bin it is at most the
 * end of: (0, 1/15], (1/15, 2/15], ...; 0 to the first.
 *
 * confidence  [count] of the answer, 0..1
 * right       [count] whether it was right
 * Source: Guo et al., On calibration of modern neural networks (2017), section 3.
 */
double oct_calibration_error(const float *confidence, const bool *right, int64_t count);

/**
 * Area under the ROC curve: the probability that a positive sample scores above a negative one,
 * ties counting half (scikit-learn's roc_auc_score). NaN when one of the two kinds is missing.
 * Errors: OCT_E_MEMORY.
 * Source: Hanley, McNeil, Radiology 143 (1982) 29-36.
 */
oct_status oct_roc_auc(
    const float *scores, const bool *positive, int64_t count, double *auc, oct_error *err);

/** counts [classes] from labels and answers [count]; answers below 0 belong to no class. */
void oct_count_classes(const int32_t *labels, const int32_t *answers, int64_t count,
    int32_t classes, oct_class_counts *counts);

/** 2 right / (samples + answered): the harmonic mean of precision and recall; 0 for no sample. */
double oct_f1(const oct_class_counts *counts);

/** The mean of F1 over classes that occur as label or answer (scikit-learn's "macro"). */
double oct_macro_f1(const oct_class_counts *counts, int32_t classes);

/**
 * Mean over classes of right / (samples + answered - right), classes that never occur left out:
 * with pixels as samples the mean intersection over union of a segmentation.
 */
double oct_mean_iou(const oct_class_counts *counts, int32_t classes);

/* Detection. Boxes in pixels: left, top, width, height. */

typedef struct oct_true_box {
    int64_t image;
    int32_t category;
    double box[4];
    double area; /* of the object; decides small, medium, large */
    bool crowd;  /* stands for many: matching it is neither right nor wrong */
} oct_true_box;

typedef struct oct_found_box {
    int64_t image;
    int32_t category;
    double box[4];
    double score;
} oct_found_box;

/*
 * What matching leaves of every image: enough to know the average precision of any choice of images,
 * because boxes are matched within their image. Bit k of a mask is the overlap 0.50 + 0.05 k.
 */
typedef struct oct_matched_box {
    int64_t image;
    uint16_t right, wrong; /* neither: ignored */
} oct_matched_box;

typedef struct oct_image_truths {
    int64_t image, count;
} oct_image_truths;

typedef struct oct_matches {
    oct_matched_box *found;           /* category after category, best score first */
    oct_image_truths *truths;         /* category after category */
    int64_t *found_ends, *truth_ends; /* [categories] */
    int64_t categories;
    double *curve; /* scratch [2 * boxes] */
} oct_matches;

void oct_matches_free(oct_matches *matches);

/**
 * Average precision when image i occurs weights[i] times: mean over overlaps, and at 0.50. Categories
 * without a truth are left out; 0 when there is none. With weights of 1 exactly what
 * oct_detection_score() says.
 */
void oct_matches_precision(oct_matches *matches, const int32_t *weights, double *ap, double *ap50);

/**
 * Average precision and recall as COCO defines them (pycocotools.cocoeval.COCOeval, iouType bbox).
 *
 * truths   [truth_count], in any order
 * found    [found_count]; equal scores keep the order given
 * matches  NULL, or filled in; oct_matches_free() by the caller
 * Errors: OCT_E_MEMORY.
 * Source: Lin et al., Microsoft COCO (2014); the definition is the tool's.
 */
oct_status oct_detection_score(const oct_true_box *truths, int64_t truth_count,
    const oct_found_box *found, int64_t found_count, oct_detection_metrics *out,
    oct_matches *matches, oct_error *err);

#endif
