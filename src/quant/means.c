/*
 * Channel means of a float graph's activations.
 */
#include "quant/means.h"

#include <math.h>
#include <stdlib.h>

#include "quant/replay.h"
#include "quant/sweep.h"

typedef struct measure {
    const oct_subgraph *sub;
    const oct_samples *samples;
    int64_t used;
    const oct_mean *means;
    double **sums; /* [count]: [used][channels], each a sample's mean */
    int32_t *of;   /* [tensors]: which mean a tensor belongs to, or -1 */
} measure;

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double oct_mean_of(double *values, int64_t count)
{
    double sum = 0;
    qsort(values, (size_t)count, sizeof *values, ascending);
    for (int64_t i = 0; i < count; i++)
        sum += values[i];
    return sum / (double)count;
}

static oct_status load(void *user, oct_session *session, int64_t sample, oct_error *err)
{
    const measure *m = user;
    int64_t index = oct_spread_sample(sample, m->used, m->samples->count);
    for (int32_t i = 0; i < m->sub->input_count; i++) {
        size_t size;
        void *bytes = oct_session_input(session, i, &size);
        OCT_TRY(m->samples->read(m->samples->user, index, i, bytes, size, err));
    }
    return OCT_OK;
}

static void see(void *user, int64_t sample, int32_t tensor, const oct_value *value)
{
    const measure *m = user;
    if (tensor < 0 || tensor >= m->sub->tensor_count || m->of[tensor] < 0)
        return;
    int32_t channels = m->means[m->of[tensor]].channels;
    double *sums = m->sums[m->of[tensor]] + sample * channels;
    const float *values = value->data;
    size_t rows = value->size / sizeof *values / (size_t)channels;
    for (size_t i = 0; i < rows; i++)
        for (int32_t c = 0; c < channels; c++)
            sums[c] += (double)values[i * (size_t)channels + (size_t)c];
    for (int32_t c = 0; c < channels; c++)
        sums[c] /= (double)rows;
}

static oct_status fold(const measure *m, int32_t index, double *column, oct_error *err)
{
    const oct_mean *mean = &m->means[index];
    for (int32_t c = 0; c < mean->channels; c++) {
        for (int64_t i = 0; i < m->used; i++)
            column[i] = m->sums[index][i * mean->channels + c];
        mean->values[c] = oct_mean_of(column, m->used);
        char label[160];
        if (!isfinite(mean->values[c]))
            return oct_fail(err, OCT_E_INVALID, "%s: the mean of channel %d is no finite number",
                oct_tensor_label(m->sub, mean->tensor, label, sizeof label), (int)c);
    }
    return OCT_OK;
}

static oct_status run(measure *m, oct_arena *arena, const oct_graph *graph, oct_pool *pool,
    int32_t count, oct_error *err)
{
    double *column = oct_arena_array(arena, (size_t)m->used, sizeof *column);
    m->of = oct_arena_array(arena, (size_t)m->sub->tensor_count, sizeof *m->of);
    m->sums = oct_arena_array(arena, (size_t)count, sizeof *m->sums);
    if (column == NULL || m->of == NULL || m->sums == NULL)
        return oct_fail_memory(err, (size_t)m->used * sizeof *column, "means");
    for (int32_t i = 0; i < m->sub->tensor_count; i++)
        m->of[i] = -1;
    for (int32_t i = 0; i < count; i++) {
        size_t numbers = (size_t)m->used * (size_t)m->means[i].channels;
        m->of[m->means[i].tensor] = i;
        m->sums[i] = oct_arena_array(arena, numbers, sizeof **m->sums);
        if (m->sums[i] == NULL)
            return oct_fail_memory(err, numbers * sizeof **m->sums, "means");
    }
    const oct_sweep sweep = { .graph = graph,
        .batch = oct_sweep_batch(graph),
        .count = m->used,
        .load = load,
        .see = see,
        .user = m };
    OCT_TRY(oct_sweep_run(&sweep, pool, err));
    for (int32_t i = 0; i < count; i++)
        OCT_TRY(fold(m, i, column, err));
    return OCT_OK;
}

oct_status oct_means_measure(const oct_graph *graph, const oct_samples *samples, int64_t used,
    oct_pool *pool, const oct_mean *means, int32_t count, oct_error *err)
{
    measure m = { .sub = graph->subgraphs[0], .samples = samples, .used = used, .means = means };
    oct_arena arena = { 0 };
    oct_status status = run(&m, &arena, graph, pool, count, err);
    oct_arena_free(&arena);
    return status;
}
