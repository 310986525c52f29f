/*
 * What is wrong with a data set, before anything is measured on it: each finding with its place and
 * what to do.
 */
#ifndef OCTAVO_DOCTOR_H
#define OCTAVO_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <octavo/data.h>
#include <octavo/error.h>
#include <octavo/eval.h>
#include <octavo/model.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* X(enumerator, name in the JSON) */
#define OCT_FINDING_LIST(X)                                                                        \
    X(OCT_FINDING_BROKEN, "broken")                     /* samples that cannot be read */          \
    X(OCT_FINDING_DAMAGED, "damaged")                   /* decoded with a warning, as cut off */   \
    X(OCT_FINDING_MISFIT, "misfit")                     /* samples that are no input */            \
    X(OCT_FINDING_NOT_FINITE, "not-finite")             /* NaN or infinity */                      \
    X(OCT_FINDING_CONFLICT, "conflicting-labels")       /* equal samples, different labels */      \
    X(OCT_FINDING_BEYOND, "labels-beyond-outputs")      /* labels the model has no output for */   \
    X(OCT_FINDING_PREPROCESSING, "preprocessing")       /* another one is right far more often */  \
    X(OCT_FINDING_RANGE, "range")                       /* values the input does not hold */       \
    X(OCT_FINDING_LEAKAGE, "leakage")                   /* calibration samples that are evaluated */ \
    X(OCT_FINDING_NEAR_LEAKAGE, "near-leakage")         /* nearly so */                            \
    X(OCT_FINDING_DUPLICATES, "duplicates")             /* samples equal to an earlier one */      \
    X(OCT_FINDING_NEAR_DUPLICATES, "near-duplicates")   /* nearly so */                            \
    X(OCT_FINDING_CONSTANT, "constant")                 /* samples with one value throughout */    \
    X(OCT_FINDING_GREY, "grey")                         /* samples without colour */               \
    X(OCT_FINDING_MISSING, "missing-classes")           /* classes without samples */              \
    X(OCT_FINDING_IMBALANCE, "imbalance")               /* classes of very different size */       \
    X(OCT_FINDING_CALIBRATION, "calibration-samples")   /* ranges that more samples would widen */ \
    X(OCT_FINDING_NOISE, "noise")                       /* random:N */

typedef enum oct_finding_kind {
#define OCT_FINDING_ENUM(enumerator, name) enumerator,
    OCT_FINDING_LIST(OCT_FINDING_ENUM)
#undef OCT_FINDING_ENUM
    OCT_FINDING_COUNT
} oct_finding_kind;

typedef enum oct_severity {
    OCT_SEVERITY_NOTE,    /* worth knowing */
    OCT_SEVERITY_WARNING, /* numbers mean less than they seem to */
    OCT_SEVERITY_MEND,    /* numbers would be wrong */
} oct_severity;

enum { OCT_FINDING_PLACES = 8 };

typedef struct oct_finding {
    oct_finding_kind kind;
    oct_severity severity;
    int64_t count;      /* samples (or classes) it is about */
    const char *text;   /* "3 of 100 samples are equal to an earlier one" */
    const char *advice; /* what to do */
    int32_t place_count;
    const char *places[OCT_FINDING_PLACES]; /* the first of them: "boot/3.png = boot/1.png" */
} oct_finding;

enum { OCT_GROWTH_STEPS = 4 };

/*
 * How the ranges of the float model's activations grow with samples. Parts are disjoint and chosen by
 * a hash of the samples; a share is the mean over the parts of their range by that of all samples.
 */
typedef struct oct_growth {
    int32_t activations; /* that have a range; 0: not measured */
    int64_t samples[OCT_GROWTH_STEPS]; /* an eighth, a quarter, half, all; 0: too few for this step */
    double median[OCT_GROWTH_STEPS];   /* share, median over activations */
    double low[OCT_GROWTH_STEPS];      /* of the tenth of the activations that needs most samples */
    double more; /* estimate: by what part twice as many samples would widen the median range */
} oct_growth;

typedef struct oct_diagnosis oct_diagnosis;

typedef struct oct_doctor_options {
    const char *preprocess; /* as on the command line; NULL: "auto" */
    int64_t calib_samples;  /* at most so many of the calibration samples; 0: 200 */
    int32_t threads;        /* 0: all cores; never changes the result */
    oct_progress progress;  /* may be NULL */
    void *progress_user;
} oct_doctor_options;

/**
 * Reads every sample once and keeps 300 bytes of each: a hash of what was decoded, a thumbnail.
 *
 * calib  calibration samples, or NULL.
 * out    owned by the caller, oct_diagnosis_free(); NULL after failure. Samples that cannot be read
 *        are findings, not failures.
 * Errors: OCT_E_MEMORY, OCT_E_USAGE (unknown preprocessing), those of running the model.
 */
oct_status oct_doctor(const oct_model *model, const oct_data *data, const oct_data *calib,
    const oct_doctor_options *options, oct_diagnosis **out, oct_error *err);

void oct_diagnosis_free(oct_diagnosis *diagnosis);

/** Findings, worst first. */
int32_t oct_diagnosis_count(const oct_diagnosis *diagnosis);
const oct_finding *oct_diagnosis_finding(const oct_diagnosis *diagnosis, int32_t index);

/** Lives as long as the diagnosis. */
const oct_growth *oct_diagnosis_growth(const oct_diagnosis *diagnosis);

/** How the preprocessing was found: a sentence; "" when it was not. */
const char *oct_diagnosis_preprocess(const oct_diagnosis *diagnosis);

/** "leakage"; static storage. */
const char *oct_finding_name(oct_finding_kind kind);

/** "mend", "warning", "note"; static storage. */
const char *oct_severity_name(oct_severity severity);

/**
 * How many samples of b are samples of a too, by a hash of their bytes as stored (files are not
 * decoded): a quick look for leakage.
 *
 * name[size]  gets the name of the first of them in b.
 * Unreadable samples count as different. Errors: OCT_E_MEMORY.
 */
oct_status oct_data_overlap(const oct_data *a, const oct_data *b, int64_t *count, char *name,
    size_t size, oct_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
