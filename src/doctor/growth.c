/*
 * Whether calibration has enough samples: ranges of disjoint parts of the samples against all of them.
 *
 * Parts are dealt out in the order of the samples' hashes, so the order of the samples does not matter.
 */
#include "doctor/diagnosis.h"

#include <math.h>
#include <stdlib.h>

#include "base/error.h"
#include "eval/stats.h"
#include "model/model.h"
#include "quant/evidence.h"
#include "quant/prepare.h"

enum { USUAL = 200, STEPS = OCT_GROWTH_STEPS };
#define ENOUGH 0.95 /* share of a range, median over activations, that half of the samples finds */

typedef struct growing {
    oct_examination *e;
    oct_data *calib; /* those that are used */
    int64_t *used;   /* [count]: which of the calibration samples they are */
    oct_evidence evidence;
    int64_t *order; /* [count]: samples by their hashes */
    double *shares; /* [STEPS][tensors] */
} growing;

static int by_digest(const void *a, const void *b, void *user)
{
    const growing *g = user;
    const oct_look *x = &g->e->calib_looks[g->used[*(const int64_t *)a]];
    const oct_look *y = &g->e->calib_looks[g->used[*(const int64_t *)b]];
    return (x->digest[0] > y->digest[0]) - (x->digest[0] < y->digest[0]);
}

/* What codes would have to cover of one activation: samples order[part], order[part + parts], ... */
static double width_of(const growing *g, int32_t tensor, int64_t part, int64_t parts)
{
    float low = 0, high = 0;
    for (int64_t i = part; i < g->calib->count; i += parts) {
        const float *ends = g->evidence.extremes + 2 * (g->order[i] * g->evidence.tensors + tensor);
        low = fminf(low, ends[0]);
        high = fmaxf(high, ends[1]);
    }
    return (double)high - (double)low;
}

static double share_of(const growing *g, int32_t tensor, int64_t parts)
{
    double all = width_of(g, tensor, 0, 1), sum = 0;
    for (int64_t part = 0; part < parts; part++)
        sum += width_of(g, tensor, part, parts) / all;
    return sum / (double)parts;
}

/* By what part the next doubling widens a range, if growth goes on to shrink as it did. */
static double next_growth(double quarter, double half)
{
    double last = 1 / half - 1, before = half / quarter - 1;
    return before > last ? last * last / before : last;
}

static void fill(growing *g, oct_growth *out)
{
    int32_t tensors = g->evidence.tensors;
    for (int32_t t = 0; t < tensors; t++) {
        if (!g->evidence.ranges[t].seen || !(width_of(g, t, 0, 1) > 0))
            continue;
        for (int step = 0; step < STEPS; step++)
            g->shares[step * tensors + out->activations] = share_of(g, t, 1 << (STEPS - 1 - step));
        out->activations++;
    }
    for (int step = 0; step < STEPS && out->activations > 0; step++) {
        int64_t samples = g->calib->count >> (STEPS - 1 - step);
        if (samples < 1)
            continue;
        double *shares = g->shares + step * tensors;
        oct_sort(shares, out->activations);
        out->samples[step] = samples;
        out->median[step] = oct_quantile(shares, out->activations, 0.5);
        out->low[step] = oct_quantile(shares, out->activations, 0.1);
    }
    if (out->samples[STEPS - 3] > 0)
        out->more = next_growth(out->median[STEPS - 3], out->median[STEPS - 2]);
}

static void judge(const growing *g)
{
    const oct_growth *growth = &g->e->out->growth;
    int64_t count = g->calib->count;
    if (growth->activations == 0)
        return;
    if (growth->samples[STEPS - 3] == 0)
        oct_diagnosis_add(g->e->out, OCT_FINDING_CALIBRATION, OCT_SEVERITY_WARNING, count,
            "take 100 or more of the kind that occurs in use",
            "%lld calibration samples are too few to say what they miss", (long long)count);
    else if (growth->median[STEPS - 2] < ENOUGH)
        oct_diagnosis_add(g->e->out, OCT_FINDING_CALIBRATION, OCT_SEVERITY_WARNING, count,
            "take more of them, of the kind that occurs in use",
            "half of the %lld calibration samples find %.0f %% of a range (median of %d activations); "
            "twice as many would widen it by about %.1f %%",
            (long long)count, 100 * growth->median[STEPS - 2], (int)growth->activations,
            100 * growth->more);
}

static oct_status run(growing *g, const oct_graph *graph, const oct_samples *samples, oct_error *err)
{
    const oct_doctor_options *o = g->e->options;
    size_t count = (size_t)g->calib->count;
    oct_quant_options options = { .mode = OCT_MODE_INT8, .calib = samples,
        .range = OCT_RANGE_MOVING_AVERAGE, .threads = o->threads, .progress = o->progress,
        .progress_user = o->progress_user };
    oct_error why = { 0 };
    oct_status status = oct_evidence_gather(graph, &options, &g->evidence, &why);
    if (status == OCT_E_INVALID) {
        oct_diagnosis_add(g->e->out, OCT_FINDING_NOT_FINITE, OCT_SEVERITY_MEND, 1,
            "take the sample out, or mend the model", "calibration fails: %s", why.text);
        return OCT_OK;
    }
    if (status != OCT_OK && err != NULL)
        *err = why;
    OCT_TRY(status);
    oct_arena *arena = &g->evidence.arena;
    g->order = oct_arena_array(arena, count, sizeof *g->order);
    g->shares = oct_arena_array(arena, (size_t)g->evidence.tensors * STEPS, sizeof *g->shares);
    if (g->order == NULL || g->shares == NULL)
        return oct_fail_memory(err, count * sizeof *g->order, "ranges of parts");
    for (size_t i = 0; i < count; i++)
        g->order[i] = (int64_t)i;
    qsort_r(g->order, count, sizeof *g->order, by_digest, g);
    fill(g, &g->e->out->growth);
    judge(g);
    return OCT_OK;
}

/* The first samples that can be read, as many as calibration would take. */
static oct_status open_calibration(growing *g, oct_error *err)
{
    int64_t most = g->e->options->calib_samples, all = g->e->calib->count, used = 0;
    g->used = malloc((size_t)all * sizeof *g->used + 1);
    if (g->used == NULL)
        return oct_fail_memory(err, (size_t)all * sizeof *g->used, "calibration samples");
    for (int64_t i = 0; i < all && used < (most > 0 ? most : USUAL); i++)
        if (!g->e->calib_looks[i].broken && g->e->calib_looks[i].finite)
            g->used[used++] = i;
    return used == 0 ? OCT_OK : oct_data_subset(g->e->calib, g->used, used, &g->calib, err);
}

static oct_status grow(growing *g, const oct_graph *graph, oct_error *err)
{
    oct_data_view *view = NULL;
    oct_error why = { 0 };
    OCT_TRY(open_calibration(g, err));
    if (g->calib == NULL)
        return OCT_OK;
    oct_status status = oct_data_view_create(
        g->calib, g->e->model, &g->e->out->choice.preprocess, &view, &why);
    if (status == OCT_E_INVALID)
        oct_diagnosis_add(g->e->out, OCT_FINDING_MISFIT, OCT_SEVERITY_MEND, g->calib->count,
            "take calibration samples of the input's shape and type", "%s", why.text);
    else if (status == OCT_OK)
        status = run(g, graph, oct_data_view_samples(view), &why);
    oct_data_view_free(view);
    if (status != OCT_OK && err != NULL)
        *err = why;
    return status == OCT_E_INVALID ? OCT_OK : status;
}

oct_status oct_examine_growth(oct_examination *e, oct_error *err)
{
    oct_graph *graph = NULL;
    if (e->calib_looks == NULL || e->out->choice.reason[0] == '\0' ||
        oct_quant_prepare(e->model->graph, &graph, NULL) != OCT_OK)
        return OCT_OK; /* nothing to calibrate: quantized already, or not to be quantized */
    growing g = { .e = e };
    oct_status status = grow(&g, graph, err);
    oct_evidence_free(&g.evidence);
    oct_data_free(g.calib);
    free(g.used);
    oct_graph_free(graph);
    return status;
}
