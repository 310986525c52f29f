/*
 * Mixed precision: which layers to keep float or in 16 bits so that accuracy stays within a bound.
 */
#ifndef OCTAVO_TUNE_H
#define OCTAVO_TUNE_H

#include <stdbool.h>
#include <stdint.h>
#include <octavo/data.h>
#include <octavo/error.h>
#include <octavo/eval.h>
#include <octavo/model.h>
#include <octavo/quantize.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* What a layer kept in more bits is weighed by. */
typedef enum oct_tune_cost {
    OCT_TUNE_BYTES, /* of the file: the same everywhere */
    OCT_TUNE_TIME,  /* measured here, so the order of layers may differ from run to run */
} oct_tune_cost;

typedef struct oct_tune_options {
    oct_mode mode;     /* INT8 or INT8_FULL */
    oct_effort effort;
    double max_drop;   /* of accuracy, as a fraction: 0.005 is half a point */
    oct_tune_cost cost;
    bool whole_front;  /* goes on where the bound holds, until nothing gains any more */
    double budget_seconds; /* for the search; 0: no limit. What it cuts off depends on the machine */
    double bench_seconds;  /* for each point's latency; 0: half a second, negative: none */
    const oct_data *calib; /* NULL: a fifth of data, at most 200 samples, then used for nothing else */
    int64_t calib_samples; /* at most so many; 0: 200 */
    const char *preprocess; /* NULL: "auto" */
    const char *resume;    /* keeps what was measured, so that a killed search goes on; NULL: nothing */
    int32_t threads;       /* 0: all cores; never changes the result */
    uint64_t seed;
    oct_progress progress; /* may be NULL */
    void *progress_user;
} oct_tune_options;

typedef struct oct_tuned oct_tuned;

/**
 * Searches, then verifies.
 *
 * Data without the calibration samples are dealt out: one half is searched with (a quarter of it ranks
 * layers by the gain of keeping each alone, the rest verifies every step), the other half is looked at
 * once, at the end, to see whether the bound holds. The search ends where the bound is shown to hold on
 * the verifying samples, or where all layers left together gain less than 0.3 dB there.
 * Without labels the drop is the share of samples whose answer changes.
 *
 * out  owned by the caller, oct_tuned_free(); NULL after failure.
 * Errors: OCT_E_USAGE (mode, too few samples, a journal of other work), OCT_E_UNSUPPORTED (a model whose
 * outputs have no measure that a drop could be of), those of quantizing and evaluating, OCT_E_MEMORY.
 */
oct_status oct_tune(const oct_model *model, const oct_data *data, const oct_tune_options *options,
    oct_tuned **out, oct_error *err);

void oct_tuned_free(oct_tuned *tuned);

/** Whether the bound was shown to hold on the held-out half. */
bool oct_tuned_holds(const oct_tuned *tuned);

/** The recipe that was chosen; lives as long as tuned. */
const char *oct_tuned_recipe(const oct_tuned *tuned);

/** The model it makes; lives as long as tuned. */
const oct_model *oct_tuned_model(const oct_tuned *tuned);

/** Everything, as JSON or as a table for people. *text is the caller's, free(). Errors: OCT_E_MEMORY. */
oct_status oct_tuned_json(const oct_tuned *tuned, char **text, oct_error *err);
oct_status oct_tuned_table(const oct_tuned *tuned, char **text, oct_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
