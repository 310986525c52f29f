/*
 * A benchmark inside the library: what was measured, and how times become numbers, whether they
 * were taken here or on a device.
 */
#ifndef OCT_BENCH_SUMMARY_H
#define OCT_BENCH_SUMMARY_H

#include <octavo/bench.h>
#include "bench/peak.h"
#include "engine/engine.h"

/* One model. */
typedef struct oct_subject {
    oct_runner *runner;
    oct_session *session; /* the runner's, NULL in other engines */
    oct_latency latency;
    double *times;    /* [rounds] ns per run */
    oct_op_time *ops; /* [op_count] */
    double *op_times; /* [op_count][profile_runs] */
    char *names;      /* of the operators' tensors */
    int32_t op_count;
} oct_subject;

struct oct_bench {
    oct_machine machine;
    int32_t threads;
    int32_t model_count;
    int32_t rounds;
    oct_peaks peaks;       /* of one core, with a profile */
    oct_subject *subjects; /* [model_count] */
};

/** Fills in the statistics of every subject from its times. Errors: OCT_E_MEMORY. */
oct_status oct_bench_summarise(oct_bench *bench, oct_error *err);

/* One model measured elsewhere: borrowed for the call, strings too. */
typedef struct oct_bench_record {
    const double *times_ns; /* [rounds], one run's in each round */
    int64_t runs_per_round, warmup_runs;
    double load_ns;
    size_t arena_bytes;
    const oct_op_time *ops; /* [op_count] */
    int32_t op_count;
} oct_bench_record;

/**
 * A benchmark of what was measured elsewhere, in rounds as those of oct_bench_run().
 *
 * records  [model_count]
 * out      owned by the caller, oct_bench_free(); NULL after failure.
 * Errors: OCT_E_MEMORY.
 */
oct_status oct_bench_assemble(const oct_machine *machine, int32_t threads,
    const oct_bench_record *records, int32_t model_count, int32_t rounds, oct_bench **out,
    oct_error *err);

#endif
