/*
 * From times to medians, intervals and ratios.
 */
#include "bench/summary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "bench/steadiness.h"
#include "eval/stats.h"

/* What is named a drift: certain, and of a size that matters. */
static const double drift_level = 0.01, least_drift = 0.02;

/* Median and its interval of a copy of values; sorted[count] is the copy. */
static double median(const double *values, int64_t count, double *sorted, oct_interval *interval)
{
    memcpy(sorted, values, (size_t)count * sizeof *values);
    oct_sort(sorted, count);
    *interval = oct_median_interval(sorted, count);
    return oct_quantile(sorted, count, 0.5);
}

/* sorted [rounds] are the times in order; scratch [rounds]. */
static oct_status judge(const oct_subject *s, int64_t rounds, const double *sorted, double *scratch,
    oct_latency *l, oct_error *err)
{
    oct_trend trend;
    OCT_TRY(oct_trend_of(s->times, rounds, &trend, err));
    l->drift = trend.change;
    l->drift_p = trend.p;
    l->drifted = trend.p < drift_level && fabs(trend.change) > least_drift;
    l->outlier_ns = oct_outlier_limit(sorted, rounds, scratch);
    for (int64_t i = rounds; i > 0 && sorted[i - 1] > l->outlier_ns; i--)
        l->outliers++;
    return OCT_OK;
}

static oct_status summarise(
    const oct_bench *b, oct_subject *s, double *sorted, double *ratios, oct_error *err)
{
    int64_t rounds = b->rounds;
    oct_latency *l = &s->latency;
    l->rounds = b->rounds;
    l->median_ns = median(s->times, rounds, sorted, &l->median_interval);
    l->min_ns = sorted[0];
    l->p90_ns = oct_quantile(sorted, rounds, 0.9);
    OCT_TRY(judge(s, rounds, sorted, ratios, l, err));
    for (int64_t k = 0; k < rounds; k++)
        ratios[k] = s->times[k] / b->subjects[0].times[k];
    l->ratio = median(ratios, rounds, sorted, &l->ratio_interval);
    return OCT_OK;
}

oct_status oct_bench_summarise(oct_bench *b, oct_error *err)
{
    size_t rounds = (size_t)b->rounds;
    double *block = malloc(2 * rounds * sizeof *block);
    if (block == NULL)
        return oct_fail_memory(err, 2 * rounds * sizeof *block, "benchmark");
    oct_status status = OCT_OK;
    for (int32_t i = 0; i < b->model_count && status == OCT_OK; i++)
        status = summarise(b, &b->subjects[i], block, block + rounds, err);
    free(block);
    return status;
}

/* Operators with names of their own. */
static oct_status copy_ops(const oct_bench_record *record, oct_subject *s, oct_error *err)
{
    size_t bytes = 1;
    for (int32_t i = 0; i < record->op_count; i++)
        bytes += strlen(record->ops[i].op) + strlen(record->ops[i].tensor) + 2;
    s->ops = calloc((size_t)record->op_count + 1, sizeof *s->ops);
    s->names = malloc(bytes);
    if (s->ops == NULL || s->names == NULL)
        return oct_fail_memory(err, bytes, "profile");
    char *at = s->names;
    for (int32_t i = 0; i < record->op_count; i++) {
        s->ops[i] = record->ops[i];
        s->ops[i].op = at;
        at = stpcpy(at, record->ops[i].op) + 1;
        s->ops[i].tensor = at;
        at = stpcpy(at, record->ops[i].tensor) + 1;
    }
    s->op_count = record->op_count;
    return OCT_OK;
}

static oct_status copy_record(
    const oct_bench_record *record, int32_t rounds, oct_subject *s, oct_error *err)
{
    s->latency = (oct_latency){ .runs_per_round = record->runs_per_round,
        .warmup_runs = record->warmup_runs,
        .load_ns = record->load_ns,
        .arena_bytes = record->arena_bytes };
    s->times = malloc((size_t)rounds * sizeof *s->times);
    if (s->times == NULL)
        return oct_fail_memory(err, (size_t)rounds * sizeof *s->times, "benchmark");
    memcpy(s->times, record->times_ns, (size_t)rounds * sizeof *s->times);
    return copy_ops(record, s, err);
}

oct_status oct_bench_assemble(const oct_machine *machine, int32_t threads,
    const oct_bench_record *records, int32_t model_count, int32_t rounds, oct_bench **out,
    oct_error *err)
{
    *out = NULL;
    oct_bench *b = calloc(1, sizeof *b);
    oct_subject *subjects = calloc((size_t)model_count, sizeof *subjects);
    if (b == NULL || subjects == NULL) {
        free(b);
        free(subjects);
        return oct_fail_memory(err, sizeof *b, "benchmark");
    }
    *b = (oct_bench){ .machine = *machine,
        .threads = threads,
        .model_count = model_count,
        .rounds = rounds,
        .subjects = subjects };
    oct_status status = OCT_OK;
    for (int32_t i = 0; i < model_count && status == OCT_OK; i++)
        status = copy_record(&records[i], rounds, &subjects[i], err);
    if (status == OCT_OK)
        status = oct_bench_summarise(b, err);
    if (status != OCT_OK) {
        oct_bench_free(b);
        return status;
    }
    *out = b;
    return OCT_OK;
}
