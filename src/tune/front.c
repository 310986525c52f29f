/*
 * The points side by side: latency in turns, and the front of those that no other beats in all respects.
 */
#include <octavo/bench.h>

#include "tune/tuner.h"

enum { MOST = 32 };

static oct_status measure(oct_tuner *t, oct_error *err)
{
    const oct_model *models[MOST];
    int32_t count = t->point_count < MOST ? t->point_count : MOST;
    double each = t->options->bench_seconds > 0 ? t->options->bench_seconds : 0.5;
    oct_bench_options options = { .threads = 1, .seconds = each * count, .seed = t->options->seed,
        .progress = t->options->progress, .progress_user = t->options->progress_user };
    oct_bench *bench;
    for (int32_t i = 0; i < count; i++)
        models[i] = t->points[i].model;
    OCT_TRY(oct_bench_run(models, count, &options, &bench, err));
    for (int32_t i = 0; i < count; i++) {
        const oct_latency *latency = oct_bench_latency(bench, i);
        t->points[i].median_ms = latency->median_ns * 1e-6;
        t->points[i].ms_interval = (oct_interval){ latency->median_interval.low * 1e-6,
            latency->median_interval.high * 1e-6 };
    }
    oct_bench_free(bench);
    return OCT_OK;
}

/* At least as good in size and closeness to float, and better in one of them. */
static bool beats(const oct_point *a, const oct_point *b)
{
    return a->trial.bytes <= b->trial.bytes && a->trial.sqnr >= b->trial.sqnr &&
           (a->trial.bytes < b->trial.bytes || a->trial.sqnr > b->trial.sqnr);
}

oct_status oct_tune_weigh(oct_tuner *t, oct_error *err)
{
    for (int32_t i = 0; i < t->point_count; i++) {
        t->points[i].front = true;
        for (int32_t k = 0; k < t->point_count; k++)
            t->points[i].front = t->points[i].front && !beats(&t->points[k], &t->points[i]);
    }
    return t->options->bench_seconds < 0 ? OCT_OK : measure(t, err);
}
