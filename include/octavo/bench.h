/*
 * Latency: several models measured in turns in one process, so that what disturbs one disturbs all.
 */
#ifndef OCTAVO_BENCH_H
#define OCTAVO_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <octavo/engine.h>
#include <octavo/error.h>
#include <octavo/eval.h>
#include <octavo/model.h>
#include <octavo/session.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef struct oct_bench_options {
    int32_t threads; /* inside one inference; 0: all cores */
    /* [models], the engine each runs in, NULL for Octavo's; NULL: Octavo's for all. Borrowed. */
    const oct_engine *const *engines;
    oct_kernels kernels;
    int32_t rounds;        /* 0: as many as fit in `seconds`, 15 to 1000 */
    double seconds;        /* time to aim at for all models together; 0: 2 s per model */
    bool profile;          /* also time each operator */
    uint64_t seed;         /* of the order within rounds and of the inputs */
    oct_progress progress; /* may be NULL; rounds */
    void *progress_user;
} oct_bench_options;

/* Where it was measured. */
typedef struct oct_machine {
    char cpu[128];     /* model name */
    char system[128];  /* kernel name, release, architecture */
    char governor[32]; /* frequency governor of CPU 0; "unknown" where the system does not tell */
    int32_t cores;     /* online */
    double load;       /* one-minute load average when it began; -1 unknown */
} oct_machine;

/* Latency of one model over the rounds. */
typedef struct oct_latency {
    int32_t rounds;
    int64_t runs_per_round; /* averaged in one timing, for models faster than the clock is sharp */
    int64_t warmup_runs;    /* untimed runs until times stopped falling */
    double median_ns;
    oct_interval median_interval; /* distribution-free, from order statistics, at least 95 % */
    double min_ns, p90_ns;
    double ratio; /* median over rounds of this / the first model in the same round */
    oct_interval ratio_interval; /* the same kind */
    /* How steady the rounds were. drift: from the first to the last by the Theil-Sen line, as a share
     * of the median; p of the Mann-Kendall test. An outlier lies above outlier_ns: 3.5 times the
     * median absolute deviation / 0.6745 beyond the median. */
    double drift, drift_p, outlier_ns;
    int32_t outliers;
    bool drifted; /* by more than 2 %, p below 0.01 */
    double load_ns;              /* time of creating the session: planning and packing */
    size_t arena_bytes;          /* 0 where the engine does not tell */
} oct_latency;

/* One operator of the profile. */
typedef struct oct_op_time {
    const char *op;     /* "CONV_2D" */
    const char *tensor; /* its first output's name */
    double median_ns;
    double macs;  /* multiply-adds of a convolution or a product with weights; 0 for others */
    double share; /* their rate / the peak rate of that arithmetic on all threads; 0 unknown */
} oct_op_time;

typedef struct oct_bench oct_bench;

/**
 * Measures all models: rounds in which every model runs once, in an order shuffled anew each round.
 * Inputs are seeded noise of the input's type.
 *
 * out  owned by the caller, oct_bench_free(); NULL after failure.
 * Nothing is borrowed after the call.
 * Errors: those of oct_session_create() and oct_session_run(), OCT_E_MEMORY.
 */
oct_status oct_bench_run(const oct_model *const *models, int32_t model_count,
    const oct_bench_options *options, oct_bench **out, oct_error *err);

void oct_bench_free(oct_bench *bench);

/** Where it was measured; lives as long as bench. */
const oct_machine *oct_bench_machine(const oct_bench *bench);

/** Threads inside one inference, 0 of the options resolved. */
int32_t oct_bench_threads(const oct_bench *bench);

/** Latency of models[model]; lives as long as bench. */
const oct_latency *oct_bench_latency(const oct_bench *bench, int32_t model);

/** Nanoseconds per run of each round, in the order measured: [rounds]. */
const double *oct_bench_times(const oct_bench *bench, int32_t model);

/**
 * Multiply-adds a second that one core can do, probed when options->profile was set; 0 unknown. int8 is
 * what vectors can do; where the processor has tile registers, operators get beyond it.
 */
void oct_bench_peaks(const oct_bench *bench, double *float32, double *int8);

/** Operators of a model in execution order; *count is 0 unless options->profile. */
const oct_op_time *oct_bench_profile(const oct_bench *bench, int32_t model, int32_t *count);

/** Fills in the machine this process runs on. */
void oct_machine_read(oct_machine *machine);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
