/*
 * The main job: every quantized form of a model made, measured and weighed in one call.
 */
#ifndef OCTAVO_COMPARE_H
#define OCTAVO_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <octavo/bench.h>
#include <octavo/data.h>
#include <octavo/device.h>
#include <octavo/engine.h>
#include <octavo/error.h>
#include <octavo/eval.h>
#include <octavo/model.h>
#include <octavo/quantize.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* X(enumerator, name on the command line, what runs there) */
#define OCT_TARGET_LIST(X)                                                                         \
    X(OCT_TARGET_CPU, "cpu", "phone, desktop or server CPU")                                       \
    X(OCT_TARGET_GPU, "gpu", "GPU delegate: float16 arithmetic")                                   \
    X(OCT_TARGET_INT_ONLY, "int-only", "NPU, DSP or Edge TPU: integer operators only")             \
    X(OCT_TARGET_MCU, "mcu", "microcontroller: integer operators, little memory")

typedef enum oct_target {
#define OCT_TARGET_ENUM(enumerator, name, text) enumerator,
    OCT_TARGET_LIST(OCT_TARGET_ENUM)
#undef OCT_TARGET_ENUM
    OCT_TARGET_COUNT
} oct_target;

/** "int-only"; static storage. */
const char *oct_target_name(oct_target target);

/** False, and *target untouched, when none has this name. */
bool oct_target_from_name(const char *name, oct_target *target);

/* What the advice has to respect. All zero: a CPU, half a point of accuracy, no other limit. */
typedef struct oct_constraints {
    oct_target target;
    bool has_max_drop;     /* false: max_drop is taken as 0.005 */
    double max_drop;       /* accuracy that may be lost, as a fraction: 0.005 is half a point */
    int64_t max_bytes;     /* of the file; 0: no limit */
    double max_latency_ns; /* 0: no limit */
} oct_constraints;

/* A form of the model to compare: a mode and, for int8-full, its input and output type. */
typedef struct oct_variant {
    oct_mode mode;
    oct_io io;
} oct_variant;

enum { OCT_VARIANTS = 7 };

/** float32, dynamic, float16, int8, int8-full, int8-full-uint8, int16x8. Static storage. */
const oct_variant *oct_compare_variants(void);

/** "int8-full-uint8"; static storage. */
const char *oct_variant_name(oct_variant variant);

/** False, and *variant untouched, when none has this name. */
bool oct_variant_from_name(const char *name, oct_variant *variant);

typedef struct oct_compare_options {
    const char *model_name;   /* for the results: the file's path; may be NULL */
    /* variant_count of them, borrowed for the call; NULL: all. float32 is always made */
    const oct_variant *variants;
    int32_t variant_count;
    /*
     * given_count .tflite files to compare as they are, `model` being the first, which has to be
     * float32; borrowed for the call. 0: forms are made. Their forms are read off their types;
     * variants, calib and folder are not used. At most 16.
     */
    const char *const *given;
    int32_t given_count;
    const oct_recipe *recipe; /* makes a further form, "recipe"; NULL: none. Borrowed for the call */
    const oct_data *calib; /* calibration samples; NULL: some of `data`, kept out of the accuracy */
    int64_t calib_samples; /* at most so many; 0: 200 */
    oct_effort effort;      /* of every form */
    int32_t weight_bits;    /* 0: 8; 4: of every form but float, as in oct_quant_options */
    const char *preprocess; /* NULL: "auto" */
    int32_t threads;        /* for the work: 0 all cores */
    int32_t bench_threads;  /* inside one timed inference: 0 one */
    double bench_seconds;   /* 0: 2 s per form; negative: no benchmark */
    oct_kernels kernels;
    uint64_t seed;
    oct_device *device; /* where accuracy and latency are measured too; NULL: here alone. Borrowed */
    oct_constraints constraints;
    const oct_engine *other; /* an engine beside Octavo's own; NULL: none. Borrowed */
    const oct_group *group; /* processes that share the evaluation; NULL: this one alone. Borrowed */
    const char *resume;     /* as oct_eval_options */
    const char *folder;    /* gets the .tflite files; made when missing; NULL: not written */
    oct_progress progress; /* may be NULL */
    void *progress_user;
} oct_compare_options;

/* The outcome of a comparison, also of reading results.json. */
typedef struct oct_results oct_results;

/**
 * Quantizes `model` into every form, writes the files, evaluates all forms on the same samples and
 * measures them in turns, then weighs them. A form that cannot be made or run becomes a row that
 * says why; the others go on.
 *
 * With a device all forms are measured here and there, and the advice goes by what it measured. When it
 * fails midway the results hold what there is: oct_results_failure().
 *
 * When calib is NULL the calibration samples are taken from `data` and left out of the accuracy.
 * out  owned by the caller, oct_results_free(); NULL after failure.
 * Noise (random:N) is measured like data and marked in the results and the advice.
 * Errors: OCT_E_USAGE (too few samples, preprocessing unknown), OCT_E_UNSUPPORTED (the float model
 * cannot run), those of data, OCT_E_SYSTEM (folder), OCT_E_MEMORY.
 */
oct_status oct_compare(const oct_model *model, const oct_data *data,
    const oct_compare_options *options, oct_results **out, oct_error *err);

void oct_results_free(oct_results *results);

/**
 * Reads a results.json that oct_results_save() wrote.
 *
 * out  owned by the caller, oct_results_free(); NULL after failure.
 * Errors: OCT_E_INVALID (names the key), OCT_E_SYSTEM, OCT_E_MEMORY.
 */
oct_status oct_results_load(const char *path, oct_results **out, oct_error *err);

/** Writes results.json (schema: docs/results.schema.json), keys in fixed order, atomically. */
oct_status oct_results_save(const oct_results *results, const char *path, oct_error *err);

/** The text oct_results_save() writes; owned by the caller, free(). */
oct_status oct_results_json(const oct_results *results, char **json, oct_error *err);

/** The table for a terminal, UTF-8 lines of up to 100 columns; owned by the caller, free(). */
oct_status oct_results_table(const oct_results *results, char **text, oct_error *err);

/** Weighs the forms again under other constraints; replaces the advice in results. */
oct_status oct_results_advise(
    oct_results *results, const oct_constraints *constraints, oct_error *err);

/**
 * The advice as a few lines: the form, the branch with the numbers at each fork, what would change
 * the answer, how sure it is. Lives until the next oct_results_advise() or oct_results_free().
 */
const char *oct_results_advice(const oct_results *results);

/** Why the measurements on a device are incomplete, one sentence; NULL when they are not. Lives as long
 * as results. */
const char *oct_results_failure(const oct_results *results);

/** Name of the advised form; NULL when no form satisfies the constraints. */
const char *oct_results_advised(const oct_results *results);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
