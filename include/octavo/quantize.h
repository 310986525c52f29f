/*
 * Post-training quantization of a float model: every form TensorFlow Lite runs.
 */
#ifndef OCTAVO_QUANTIZE_H
#define OCTAVO_QUANTIZE_H

#include <stdbool.h>
#include <stdint.h>
#include <octavo/error.h>
#include <octavo/group.h>
#include <octavo/model.h>
#include <octavo/samples.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* X(enumerator, name on the command line, needs calibration data, what it is) */
#define OCT_MODE_LIST(X)                                                                           \
    X(OCT_MODE_FLOAT32, "float32", false, "no quantization")                                       \
    X(OCT_MODE_FLOAT16, "float16", false, "constants stored as float16, float32 arithmetic")       \
    X(OCT_MODE_DYNAMIC, "dynamic", false, "int8 weights, activations quantized while running")     \
    X(OCT_MODE_INT8, "int8", true, "int8 weights and activations, float32 input and output")       \
    X(OCT_MODE_INT8_FULL, "int8-full", true, "int8 throughout, integer input and output")          \
    X(OCT_MODE_INT16X8, "int16x8", true, "int8 weights, int16 activations, float32 input and output") \
    X(OCT_MODE_WEIGHT_ONLY, "weight-only", false, "int8 weights, float32 arithmetic")

typedef enum oct_mode {
#define OCT_MODE_ENUM(enumerator, name, calibrated, text) enumerator,
    OCT_MODE_LIST(OCT_MODE_ENUM)
#undef OCT_MODE_ENUM
    OCT_MODE_COUNT
} oct_mode;

/* X(enumerator, name on the command line, what it is) */
#define OCT_EFFORT_LIST(X)                                                                         \
    X(OCT_EFFORT_NONE, "none", "the decisions of TFLiteConverter, exactly")                        \
    X(OCT_EFFORT_DEFAULT, "default", "the same operators and speed, closer to the float model")    \
    X(OCT_EFFORT_HIGH, "high", "weights rounded by what they do to each layer's output as well")

/* How much is done for accuracy; docs/quantization.md. Modes without calibration data are not changed. */
typedef enum oct_effort {
#define OCT_EFFORT_ENUM(enumerator, name, text) enumerator,
    OCT_EFFORT_LIST(OCT_EFFORT_ENUM)
#undef OCT_EFFORT_ENUM
    OCT_EFFORT_COUNT
} oct_effort;

/* X(enumerator, name on the command line, what it is) */
#define OCT_RANGE_LIST(X)                                                                          \
    X(OCT_RANGE_MINMAX, "minmax", "the smallest and largest value seen")                           \
    X(OCT_RANGE_MOVING_AVERAGE, "moving-average", "the mean of the samples' extremes")             \
    X(OCT_RANGE_PERCENTILE, "percentile", "a share of the values, in percent, at each end")        \
    X(OCT_RANGE_MSE, "mse", "the smallest squared error of the codes")                             \
    X(OCT_RANGE_ENTROPY, "entropy", "the smallest loss of information of the codes")

/*
 * How the range of an activation follows from what calibration saw. All but the first may cut values off;
 * they leave alone inputs, outputs, logits (what operators with fixed outputs read) and results of RELU6.
 */
typedef enum oct_range_method {
#define OCT_RANGE_ENUM(enumerator, name, text) enumerator,
    OCT_RANGE_LIST(OCT_RANGE_ENUM)
#undef OCT_RANGE_ENUM
    OCT_RANGE_COUNT
} oct_range_method;

/* What layers are to become, read from a file: octavo/recipe.h. */
typedef struct oct_recipe oct_recipe;

typedef struct oct_statistics oct_statistics;

typedef enum oct_io { OCT_IO_INT8, OCT_IO_UINT8 } oct_io;

typedef struct oct_quant_options {
    oct_mode mode;
    oct_io io;                   /* OCT_MODE_INT8_FULL: type of inputs and outputs */
    oct_effort effort;           /* zero-initialised: NONE */
    const oct_samples *calib;    /* required where the mode needs calibration, else may be NULL */
    const oct_samples *held;     /* samples calibration does not see, to check the result on; may be NULL */
    oct_range_method range;      /* zero-initialised: MINMAX */
    double range_argument;       /* PERCENTILE: above 50, up to 100; 0: 99.999 */
    /* Layers that differ; its defaults stand in place of mode, effort and range. NULL: none. Borrowed */
    const oct_recipe *recipe;
    /* What parts of the samples gave, in place of calib (octavo/statistics.h). NULL: none. Borrowed */
    const oct_statistics *statistics;
    const oct_group *group;      /* processes that share calibration; NULL: this one alone. Borrowed */
    int32_t weight_bits;         /* 0: 8; 4: of layers whose kernels in LiteRT take such weights */
    int32_t threads;             /* 0: all cores; never changes the result */
    /* May be NULL; what: "calibrating" (samples) or "correcting" (layers). */
    void (*progress)(void *user, const char *what, int64_t done, int64_t total);
    void *progress_user;
} oct_quant_options;

/** What became of one layer and why. Strings live as long as the report. */
typedef struct oct_layer_note {
    const char *layer;  /* name of the output tensor of the operator in the float model */
    const char *op;     /* "CONV_2D" */
    const char *result; /* "int8 per-channel", "float32", "int8 weights, hybrid", ... */
    const char *reason; /* why, when it is not what the mode asks for, else "" */
    int64_t weight_bytes_before, weight_bytes_after;
} oct_layer_note;

/** What the result is worth on samples that calibration saw and on others. */
typedef struct oct_quant_quality {
    int64_t calibration_samples, held_samples; /* looked at */
    double calibration_sqnr, held_sqnr; /* outputs against the float model's in dB: median over samples */
    double saturated;                   /* share of activations of held samples beyond their ranges */
    double half_range; /* part of a range that half of the samples finds, median over activations; 0: none */
} oct_quant_quality;

typedef struct oct_quant_report oct_quant_report;

/**
 * Quantizes a float model; the model itself is not changed.
 *
 * out     owned by the caller, oct_model_free(); NULL after failure.
 * report  may be NULL; owned by the caller, oct_quant_report_free().
 * Decisions follow TFLiteConverter per operator (docs/quantization.md). Deterministic for any threads.
 * Errors: OCT_E_USAGE (calibration data missing), OCT_E_UNSUPPORTED, OCT_E_INVALID (NaN in weights or
 * activations, named), OCT_E_MEMORY, or what calib->read returned.
 */
oct_status oct_quantize(const oct_model *model, const oct_quant_options *options, oct_model **out,
    oct_quant_report **report, oct_error *err);

int32_t oct_quant_report_count(const oct_quant_report *report);
const oct_layer_note *oct_quant_report_note(const oct_quant_report *report, int32_t index);
/** NULL: not measured, as options->calib or options->held was NULL. Lives as long as the report. */
const oct_quant_quality *oct_quant_report_quality(const oct_quant_report *report);

void oct_quant_report_free(oct_quant_report *report);

/** Name of a mode as on the command line ("int8-full"); static storage. */
const char *oct_mode_name(oct_mode mode);

/** False when no mode has this name. */
bool oct_mode_from_name(const char *name, oct_mode *mode);

bool oct_mode_needs_calibration(oct_mode mode);

/** Whether calibration data changes what a mode makes with this effort. */
bool oct_mode_uses_calibration(oct_mode mode, oct_effort effort);

/** Name of an effort as on the command line ("default"); static storage. */
const char *oct_effort_name(oct_effort effort);

/** False when no effort has this name. */
bool oct_effort_from_name(const char *name, oct_effort *effort);

/** Name of a range method as on the command line ("moving-average"); static storage. */
const char *oct_range_method_name(oct_range_method method);

/** False when no range method has this name. */
bool oct_range_method_from_name(const char *name, oct_range_method *method);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
