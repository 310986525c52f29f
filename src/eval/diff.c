/*
 * Two sessions with taps: the first keeps the values of tensors that the second has by the same
 * name, the second compares its own against them as they appear. One sample at a time, so sums have
 * one order. A first pass finds the factors between channels, a second one the errors; in that,
 * every layer of A also runs alone on what B gave it.
 */
#include <octavo/diff.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "eval/isolated.h"
#include "eval/twins.h"
#include "eval/preprocess.h"
#include "exec/session.h"
#include "model/model.h"

struct oct_diff {
    oct_arena arena;
    oct_layer_error *layers; /* [tensor count of B] */
    int32_t count;
    int64_t samples;
};

/* Values of one tensor as floats. */
typedef struct block {
    float *values;
    size_t count, room;
} block;

/* A model at work. */
typedef struct side {
    oct_session *session;
    oct_data_view *view;
    int32_t inputs, tensors;
    block *kept; /* [tensors]: of the current sample */
} side;

typedef struct job {
    const oct_model *models[2];
    const oct_diff_options *options;
    oct_diff *diff;
    oct_twins layers;
    side a, b;
    oct_isolated alone; /* A's layers */
    oct_look look;      /* at B's values, which they are fed with */
    bool any_factor;
    block scratch;
    bool short_of_memory;
} job;

/* Values as floats. */

/* Integers of one scale are dequantized, of several or none taken as numbers. */
static void to_floats(const oct_value *value, size_t count, float *to)
{
    oct_to_float(value->type, value->data, count, to);
    const oct_quant *q = value->quant;
    if (q == NULL || q->count != 1 || value->type == OCT_FLOAT32 || value->type == OCT_FLOAT16)
        return;
    for (size_t i = 0; i < count; i++)
        to[i] = (to[i] - (float)q->zero_point[0]) * q->scale[0];
}

static bool make_room(job *j, block *b, size_t count)
{
    if (b->values == NULL || b->room < count) {
        free(b->values);
        b->values = malloc((count + 1) * sizeof *b->values);
        b->room = b->values == NULL ? 0 : count;
    }
    b->count = b->values == NULL ? 0 : count;
    j->short_of_memory |= b->values == NULL;
    return b->values != NULL;
}

static void keep(job *j, side *s, int32_t index, const oct_value *value)
{
    int32_t bits = oct_type_bits(value->type);
    size_t count = bits >= 8 ? value->size / ((size_t)bits / 8) : 0;
    if (count > 0 && make_room(j, &s->kept[index], count))
        to_floats(value, count, s->kept[index].values);
}

/* B's values of a tensor and A's; NULL when there is nothing to compare. */
static const block *partner_of(const job *j, int32_t index)
{
    const oct_twin *l = &j->layers.of_b[index];
    const block *b = &j->b.kept[index], *a = l->partner < 0 ? NULL : &j->a.kept[l->partner];
    return a != NULL && b->values != NULL && b->count > 0 && a->count == b->count ? a : NULL;
}

/* Taps. */

static void keep_a(void *user, int32_t index, const oct_value *value)
{
    job *j = user;
    if (index < j->a.tensors)
        keep(j, &j->a, index, value);
}

/* First pass: how channels go together. */
static void sum_b(void *user, int32_t index, const oct_value *value)
{
    job *j = user;
    oct_twin *l = &j->layers.of_b[index];
    keep(j, &j->b, index, value);
    const block *a = partner_of(j, index), *b = &j->b.kept[index];
    int64_t channels = value->rank > 0 ? value->dims[value->rank - 1] : 0;
    if (a == NULL || l->boundary || l->maker_a < 0 || channels < 1 ||
        (l->sums.channels != 0 && l->sums.channels != channels))
        return;
    j->short_of_memory |= !oct_sums_add(&l->sums, a->values, b->values, b->count, channels);
}

/* Second pass: errors. */
static void compare_b(void *user, int32_t index, const oct_value *value)
{
    job *j = user;
    oct_twin *l = &j->layers.of_b[index];
    keep(j, &j->b, index, value);
    const block *a = partner_of(j, index), *b = &j->b.kept[index];
    if (a == NULL)
        return;
    bool counts = value->type != OCT_FLOAT32, good = true;
    oct_sums_compare(&l->sums, OCT_LOOK_RAW, a->values, b->values, b->count);
    oct_sums_count_codes(&l->sums, value, b->count);
    if (counts)
        good = oct_sums_see(&l->sums, OCT_LOOK_RAW, a->values, a->count);
    if (l->sums.factors != NULL && make_room(j, &j->scratch, b->count)) {
        oct_sums_divide(&l->sums, b->values, b->count, j->scratch.values);
        oct_sums_compare(&l->sums, OCT_LOOK_RESCALED, a->values, j->scratch.values, b->count);
        oct_sums_multiply(&l->sums, a->values, a->count, j->scratch.values);
        if (counts)
            good &= oct_sums_see(&l->sums, OCT_LOOK_RESCALED, j->scratch.values, a->count);
    }
    j->short_of_memory |= !good;
    if (l->place < 0)
        l->place = j->diff->count++;
}

/* What A's layer made of B's inputs, between what A and B have there. */
static void compare_alone(void *user, int32_t index, const oct_value *value)
{
    job *j = user;
    int32_t tensor = index < j->a.tensors ? j->layers.of_a[index] : -1;
    oct_twin *l = tensor < 0 ? NULL : &j->layers.of_b[tensor];
    if (l == NULL || !l->alone || partner_of(j, tensor) == NULL)
        return;
    const block *b = &j->b.kept[tensor];
    if (value->size != b->count * sizeof(float)) {
        l->alone = false;
        return;
    }
    l->entering[j->look] += oct_squared_error(value->data, j->a.kept[index].values, b->count);
    l->added[j->look][OCT_LOOK_RAW] += oct_squared_error(value->data, b->values, b->count);
    if (l->sums.factors == NULL || !make_room(j, &j->scratch, b->count))
        return;
    oct_sums_divide(&l->sums, b->values, b->count, j->scratch.values);
    l->added[j->look][OCT_LOOK_RESCALED] +=
        oct_squared_error(value->data, j->scratch.values, b->count);
}

/* Preparing. */

static oct_status open_side(job *j, side *s, const oct_model *model, const oct_data *data,
    const oct_preprocess *preprocess, oct_error *err)
{
    oct_session_options session = {
        .kernels = j->options->kernels, .threads = j->options->threads, .batch = 1
    };
    s->inputs = oct_model_input_count(model);
    s->tensors = model->graph->subgraphs[0]->tensor_count;
    s->kept = calloc((size_t)s->tensors + 1, sizeof *s->kept);
    if (s->kept == NULL)
        return oct_fail_memory(err, (size_t)s->tensors * sizeof *s->kept, "comparison of layers");
    OCT_TRY(oct_data_view_create(data, model, preprocess, &s->view, err));
    return oct_session_create(model, &session, &s->session, err);
}

static void close_side(side *s)
{
    oct_session_free(s->session);
    oct_data_view_free(s->view);
    for (int32_t i = 0; s->kept != NULL && i < s->tensors; i++)
        free(s->kept[i].values);
    free(s->kept);
}

static oct_status open_alone(job *j, oct_error *err)
{
    const oct_graph *graph = j->models[0]->graph;
    const oct_session_options options = { .kernels = j->options->kernels,
        .threads = j->options->threads };
    bool *wanted = calloc((size_t)graph->subgraphs[0]->node_count + 1, sizeof *wanted);
    if (wanted == NULL)
        return oct_fail_memory(err, (size_t)graph->subgraphs[0]->node_count, "layers");
    oct_twins_match(&j->layers, graph, j->a.session, j->b.session, wanted);
    oct_status status = oct_isolated_create(graph, j->a.session, wanted, &options, &j->alone, err);
    free(wanted);
    if (status == OCT_OK)
        oct_session_set_tap(j->alone.session, compare_alone, j);
    return status;
}

/* Running. */

static oct_status run_one(side *s, int64_t sample, oct_error *err)
{
    const oct_samples *samples = oct_data_view_samples(s->view);
    for (int32_t i = 0; i < s->inputs; i++) {
        size_t size;
        void *bytes = oct_session_input(s->session, i, &size);
        OCT_TRY(samples->read(samples->user, sample, i, bytes, size, err));
    }
    oct_session_reset(s->session);
    return oct_session_run(s->session, err);
}

/* Gives a layer of A what its twin in B has read. */
static void feed(job *j, const oct_cut *cut)
{
    const oct_node *node = j->layers.a->nodes[cut->node];
    for (int32_t i = 0; i < node->output_count; i++) {
        int32_t tensor = j->layers.of_a[node->outputs[i]];
        if (tensor < 0 || !j->layers.of_b[tensor].alone)
            continue;
        int32_t from = j->layers.b->nodes[j->layers.of_b[tensor].maker_b]->inputs[cut->slot];
        const block *b = &j->b.kept[from];
        const oct_tensor_sums *sums = &j->layers.of_b[from].sums;
        if (b->count != cut->count)
            j->layers.of_b[tensor].alone = false;
        else if (j->look == OCT_LOOK_RESCALED && sums->factors != NULL)
            oct_sums_divide(sums, b->values, b->count, cut->values);
        else
            memcpy(cut->values, b->values, b->count * sizeof *b->values);
    }
}

static oct_status run_alone(job *j, oct_error *err)
{
    for (int look = 0; look < (j->any_factor ? OCT_LOOKS : 1); look++) {
        j->look = (oct_look)look;
        for (int32_t i = 0; i < j->alone.cut_count; i++)
            feed(j, &j->alone.cuts[i]);
        oct_session_reset(j->alone.session);
        OCT_TRY(oct_session_run(j->alone.session, err));
    }
    return OCT_OK;
}

static oct_status run_samples(job *j, bool second, oct_error *err)
{
    oct_session_set_tap(j->a.session, keep_a, j);
    oct_session_set_tap(j->b.session, second ? compare_b : sum_b, j);
    for (int64_t i = 0; i < j->diff->samples; i++) {
        OCT_TRY(run_one(&j->a, i, err));
        OCT_TRY(run_one(&j->b, i, err));
        if (second)
            OCT_TRY(run_alone(j, err));
        if (j->short_of_memory)
            return oct_fail_memory(err, 0, "comparison of layers");
        if (j->options->progress != NULL)
            j->options->progress(
                j->options->progress_user, second ? "layers" : "channels", i + 1, j->diff->samples);
    }
    return OCT_OK;
}

static oct_status fit_factors(job *j, oct_error *err)
{
    for (int32_t i = 0; i < j->layers.b->tensor_count; i++) {
        oct_tensor_sums *sums = &j->layers.of_b[i].sums;
        if (!oct_sums_fit(sums))
            return oct_fail_memory(err, (size_t)sums->channels * sizeof(double), "factors");
        j->any_factor |= sums->factors != NULL;
    }
    return OCT_OK;
}

/* Layers without factors have the same errors in both looks at them. */
static void fill_looks(job *j)
{
    for (int32_t i = 0; i < j->layers.b->tensor_count; i++) {
        oct_twin *l = &j->layers.of_b[i];
        if (!j->any_factor) {
            l->entering[OCT_LOOK_RESCALED] = l->entering[OCT_LOOK_RAW];
            memcpy(l->added[OCT_LOOK_RESCALED], l->added[OCT_LOOK_RAW], sizeof l->added[0]);
        }
        for (int look = 0; look < OCT_LOOKS && l->sums.factors == NULL; look++)
            l->added[look][OCT_LOOK_RESCALED] = l->added[look][OCT_LOOK_RAW];
    }
}

/* Describing. */

static void share_blame(oct_diff *diff)
{
    double sum = 0;
    for (int32_t i = 0; i < diff->count; i++) {
        oct_layer_error *e = &diff->layers[i];
        e->blame = e->alone && isfinite(e->added_db) ? pow(10, -e->added_db / 10) : 0;
        sum += e->blame;
    }
    for (int32_t i = 0; i < diff->count && sum > 0; i++)
        diff->layers[i].blame /= sum;
}

static oct_status describe(job *j, oct_error *err)
{
    oct_diff *diff = j->diff;
    size_t count = (size_t)diff->count;
    if (count == 0)
        return oct_fail(err, OCT_E_INVALID, "the models have no tensor in common");
    diff->layers = oct_arena_array(&diff->arena, count, sizeof *diff->layers);
    if (diff->layers == NULL)
        return oct_fail_memory(err, count * sizeof *diff->layers, "layers");
    for (int32_t i = 0; i < j->layers.b->tensor_count; i++) {
        int32_t place = j->layers.of_b[i].place;
        if (place < 0)
            continue;
        oct_layer_error *e = &diff->layers[place];
        OCT_TRY(oct_twins_describe(&j->layers, i, e, err));
        e->layer = oct_arena_text(&diff->arena, e->layer, strlen(e->layer));
        e->computed = oct_arena_text(&diff->arena, e->computed, strlen(e->computed));
        if (e->layer == NULL || e->computed == NULL)
            return oct_fail_memory(err, 1, "layer names");
    }
    share_blame(diff);
    return OCT_OK;
}

static oct_status work(
    job *j, const oct_data *data, const oct_preprocess *preprocess, oct_error *err)
{
    if (!oct_twins_pair(j->models[0]->graph, j->models[1]->graph, &j->layers))
        return oct_fail_memory(err, sizeof(oct_twin), "comparison of layers");
    OCT_TRY(open_side(j, &j->a, j->models[0], data, preprocess, err));
    OCT_TRY(open_side(j, &j->b, j->models[1], data, preprocess, err));
    OCT_TRY(run_samples(j, false, err));
    OCT_TRY(fit_factors(j, err));
    OCT_TRY(open_alone(j, err));
    OCT_TRY(run_samples(j, true, err));
    fill_looks(j);
    oct_twins_decide(&j->layers);
    return describe(j, err);
}

oct_status oct_diff_run(const oct_model *a, const oct_model *b, const oct_data *data,
    const oct_preprocess *preprocess, const oct_diff_options *options, oct_diff **out,
    oct_error *err)
{
    static const oct_diff_options plain = { 0 };
    *out = NULL;
    oct_diff *diff = calloc(1, sizeof *diff);
    if (diff == NULL)
        return oct_fail_memory(err, sizeof *diff, "comparison of layers");
    diff->samples = oct_data_count(data);
    job j = { .models = { a, b }, .diff = diff, .options = options == NULL ? &plain : options };
    oct_status status = work(&j, data, preprocess, err);
    oct_isolated_free(&j.alone);
    close_side(&j.a);
    close_side(&j.b);
    oct_twins_free(&j.layers);
    free(j.scratch.values);
    if (status != OCT_OK) {
        oct_diff_free(diff);
        return status;
    }
    *out = diff;
    return OCT_OK;
}

void oct_diff_free(oct_diff *diff)
{
    if (diff == NULL)
        return;
    oct_arena_free(&diff->arena);
    free(diff);
}

int32_t oct_diff_count(const oct_diff *diff)
{
    return diff->count;
}

int64_t oct_diff_samples(const oct_diff *diff)
{
    return diff->samples;
}

const oct_layer_error *oct_diff_layer(const oct_diff *diff, int32_t index)
{
    return &diff->layers[index];
}

int32_t oct_diff_blame(const oct_diff *diff, const oct_layer_error **layers, int32_t room)
{
    int32_t count = 0;
    for (int32_t i = 0; i < diff->count; i++) {
        const oct_layer_error *e = &diff->layers[i];
        int32_t at = count;
        if (e->blame == 0)
            continue;
        while (at > 0 && layers[at - 1]->blame < e->blame)
            at--;
        if (at == room)
            continue;
        count += count < room;
        memmove(&layers[at + 1], &layers[at], (size_t)(count - at - 1) * sizeof *layers);
        layers[at] = e;
    }
    return count;
}
