/*
 * Evaluation: several models over the same samples, paired against the first.
 *
 * Every sample is read once and run through all models; what is kept of it is a small record. The
 * records are folded in sample order, so that any number of threads gives the same numbers.
 */
#ifndef OCTAVO_EVAL_H
#define OCTAVO_EVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <octavo/data.h>
#include <octavo/engine.h>
#include <octavo/error.h>
#include <octavo/group.h>
#include <octavo/model.h>
#include <octavo/session.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** Called now and then during long work, from one thread at a time; done counts up to total. */
typedef void (*oct_progress)(void *user, const char *what, int64_t done, int64_t total);

typedef struct oct_eval_options {
    int32_t threads; /* 0: all cores; never changes the result */
    oct_kernels kernels;
    /* [models], the engine each runs in, NULL for Octavo's; NULL: Octavo's for all. Borrowed. */
    const oct_engine *const *engines;
    int32_t label_offset;   /* output index of label l is l + label_offset */
    bool keep_outputs;      /* keep every output value for oct_eval_write_outputs() */
    uint64_t seed;          /* of the bootstrap */
    const oct_group *group; /* processes that share the samples; NULL: this one alone. Borrowed */
    /* A file that keeps what was done, so that a killed evaluation goes on from it; removed at the
     * end. With a group each process has its own, "FILE.1-of-4". NULL: none. */
    const char *resume;
    oct_progress progress; /* may be NULL */
    void *progress_user;
} oct_eval_options;

typedef struct oct_interval {
    double low, high; /* 95 % */
} oct_interval;

/* What one model did on the samples. Rates are counts over samples. */
typedef struct oct_metrics {
    int64_t samples;
    /* Length of the first output when it is one vector per sample; 2 when it is one number and the
     * labels are 0 and 1; else 0. */
    int32_t classes;
    bool has_labels; /* top1, top5, loss are meaningful */
    /* Right answers; ties go to the lower class. top5 needs more than 5 classes. */
    int64_t top1, top5;
    oct_interval top1_interval; /* Wilson, of top1 / samples */
    double loss; /* mean cross-entropy in nats; probabilities clipped at 1e-7 as Keras does */
    oct_interval loss_interval; /* bootstrap interval */
    /* With labels. Expected calibration error over 15 bins; F1 averaged over the classes that
     * occur; area under the ROC curve of class 1, NaN unless there are two classes. */
    double calibration_error, macro_f1, auc;
    int64_t invalid; /* samples with a NaN or infinity in an output */
} oct_metrics;

/* One model against the first. */
typedef struct oct_paired {
    int64_t agree;                    /* samples with the same top-1 answer as the first model */
    oct_interval agree_interval;      /* Wilson, of agree / samples */
    int64_t lost, won;                /* right only by the first; right only by this one */
    double difference;                /* accuracy of this one - accuracy of the first, -1..1 */
    oct_interval difference_interval; /* Tango's score interval for paired proportions */
    double mcnemar_p;                 /* exact, two-sided */
    double loss_difference;
    oct_interval loss_difference_interval; /* paired bootstrap */
    /* 10 log10(sum of first^2 / sum of (first - this)^2) over all outputs; infinite: equal. */
    double sqnr_db;
} oct_paired;

/* What is measured besides top-1 answers, by what the data know (octavo/data.h). */
typedef enum oct_task {
    OCT_TASK_CLASSES,      /* a class for each sample, or nothing */
    OCT_TASK_SEGMENTATION, /* a class for each pixel */
    OCT_TASK_DETECTION,    /* boxes */
    OCT_TASK_REGRESSION,   /* values */
} oct_task;

/* Pixels of all samples; ignored ones are left out. */
typedef struct oct_segmentation {
    int32_t classes; /* of oct_eval_classes() */
    int64_t pixels, right;
    /* Mean over the classes that occur of right / (samples + answered - right). */
    double mean_iou;
    double difference; /* to the first model's */
    /* Bootstrap over samples (BCa); that of the difference draws the same samples for both. */
    oct_interval mean_iou_interval, difference_interval;
} oct_segmentation;

/* The twelve numbers of the COCO benchmark, -1 where nothing can be said. */
typedef struct oct_detection_metrics {
    double ap, ap50, ap75;                /* mean over IoU 0.50:0.05:0.95; at 0.50; at 0.75 */
    double ap_small, ap_medium, ap_large; /* area below 32^2, to 96^2, above */
    double ar1, ar10, ar100;              /* recall with at most 1, 10, 100 boxes an image */
    double ar_small, ar_medium, ar_large;
} oct_detection_metrics;

/* How a detector's class numbers stand for the category ids of the data. */
typedef enum oct_class_numbers {
    OCT_CLASSES_FROM_ONE,    /* class 0 is category 1 */
    OCT_CLASSES_AS_THEY_ARE, /* class 0 is category 0 */
    OCT_CLASSES_IN_ORDER,    /* class 0 is the smallest category id, and so on */
    OCT_CLASS_NUMBERS
} oct_class_numbers;

/* A measure of a model, and how much more it is than the first model's; both with the BCa bootstrap's
 * interval over samples. */
typedef struct oct_compared {
    double value;
    oct_interval interval;
    double difference;
    oct_interval difference_interval;
} oct_compared;

/* Average precision over images: mean over overlaps, and at 0.50. The bootstrap draws images, the same
 * ones for both models of a difference; interval and difference are 0 where nothing can be said. */
typedef struct oct_detection_compared {
    oct_compared ap, ap50;
} oct_detection_compared;

/* Over all values of the first output: mean absolute error, root of the mean squared error, and R^2:
 * 1 - sum of squared errors / sum of squared distances from the mean of each value. */
typedef struct oct_regression {
    oct_compared mae, rmse, r2;
} oct_regression;

typedef struct oct_eval oct_eval;

/**
 * Runs all samples of `data` through all models.
 *
 * models      model_count of them; same number and shapes of outputs, integer ones are dequantized.
 * preprocess  used for every model's inputs.
 * out         owned by the caller, oct_eval_free(); NULL after failure.
 * Nothing is borrowed after the call.
 * Errors: OCT_E_INVALID (data or outputs that do not fit, a label outside the outputs), those of
 * reading samples and of sessions, OCT_E_MEMORY.
 */
oct_status oct_evaluate(const oct_model *const *models, int32_t model_count, const oct_data *data,
    const oct_preprocess *preprocess, const oct_eval_options *options, oct_eval **out,
    oct_error *err);

void oct_eval_free(oct_eval *eval);

int32_t oct_eval_model_count(const oct_eval *eval);
int64_t oct_eval_sample_count(const oct_eval *eval);

/** Lives as long as eval. */
const oct_metrics *oct_eval_metrics(const oct_eval *eval, int32_t model);

/** Model `model` against model 0; lives as long as eval. */
const oct_paired *oct_eval_paired(const oct_eval *eval, int32_t model);

/* How a class fared. precision = right / answered, recall = right / samples. */
typedef struct oct_class_counts {
    int64_t samples;  /* that have this label */
    int64_t answered; /* that got this answer */
    int64_t right;    /* both */
} oct_class_counts;

/** Counts of a model for each output class [classes], of pixels in a segmentation; NULL without
 * labels or masks. Lives as long as eval. */
const oct_class_counts *oct_eval_classes(const oct_eval *eval, int32_t model);

oct_task oct_eval_task(const oct_eval *eval);

/** NULL when eval's task is another; lives as long as eval. */
const oct_segmentation *oct_eval_segmentation(const oct_eval *eval, int32_t model);

/** NULL when eval's task is another; lives as long as eval. */
const oct_detection_metrics *oct_eval_detection(const oct_eval *eval, int32_t model);

/** Their uncertainty; NULL when eval's task is another; lives as long as eval. */
const oct_detection_compared *oct_eval_detection_compared(const oct_eval *eval, int32_t model);

/** NULL when eval's task is another; lives as long as eval. */
const oct_regression *oct_eval_regression(const oct_eval *eval, int32_t model);

/** The reading of class numbers with the best average precision of the first model, used for all. */
oct_class_numbers oct_eval_class_numbers(const oct_eval *eval);

/** Top-1 answer of a model for a sample (an output index); -1 when the output is not one vector. */
int32_t oct_eval_answer(const oct_eval *eval, int32_t model, int64_t sample);

/**
 * Writes [samples, output shape] float32 as .npy (temporary file, synced, renamed).
 * Errors: OCT_E_USAGE (keep_outputs was not set), OCT_E_SYSTEM.
 */
oct_status oct_eval_write_outputs(
    const oct_eval *eval, int32_t model, int32_t output, const char *path, oct_error *err);

/**
 * Writes all outputs of a model as .npz: "output0" [samples, output shape] float32, ..., and with
 * labels "labels" [samples] int32, the output index of each.
 * Errors: OCT_E_USAGE (keep_outputs was not set), OCT_E_SYSTEM.
 */
oct_status oct_eval_save_outputs(
    const oct_eval *eval, int32_t model, const char *path, oct_error *err);

typedef struct oct_named_value {
    char name[64];
    double value;
} oct_named_value;

/**
 * A metric of the user's own: runs `sh -c COMMAND FILE.npz` on what oct_eval_save_outputs() writes
 * and reads lines "name value" from what it prints.
 *
 * values  [room], filled in; *count of them
 * Errors: OCT_E_SYSTEM (it cannot be started, or its exit code is not 0), OCT_E_INVALID (what it
 * printed), OCT_E_USAGE (keep_outputs was not set).
 */
oct_status oct_eval_run_metric(const oct_eval *eval, int32_t model, const char *command,
    oct_named_value *values, int32_t room, int32_t *count, oct_error *err);

/* What the data say about "this model loses at most max_drop of the first one's accuracy". */
typedef struct oct_equivalence {
    double confidence; /* 1 - one-sided p of the score test of difference <= -max_drop, 0..1 */
    bool holds, fails; /* one-sided 95 %: shown to hold, shown to fail; neither: cannot tell */
    /* For 80 % power at the rates seen, when neither; 0: more samples do not help. */
    int64_t samples_needed;
} oct_equivalence;

/** max_drop as a fraction (0.005 is half a point), 0 <= max_drop < 1. */
void oct_equivalence_test(
    int64_t samples, int64_t lost, int64_t won, double max_drop, oct_equivalence *out);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
