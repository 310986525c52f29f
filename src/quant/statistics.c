/*
 * From evidence to statistics, adding up, and back.
 */
#include "quant/statistics.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quant/settings.h"

oct_statistics *oct_statistics_create(void)
{
    return calloc(1, sizeof(oct_statistics));
}

void oct_statistics_free(oct_statistics *statistics)
{
    if (statistics == NULL)
        return;
    for (int32_t i = 0; statistics->histograms != NULL && i < statistics->tensors; i++)
        oct_histogram_free(&statistics->histograms[i]);
    oct_arena_free(&statistics->arena);
    free(statistics);
}

int64_t oct_statistics_samples(const oct_statistics *statistics)
{
    return statistics->samples;
}

/* From evidence. */

static oct_status take_ranges(oct_statistics *s, oct_evidence *e, oct_error *err)
{
    size_t tensors = (size_t)e->tensors, bytes = tensors * sizeof(oct_range);
    for (int half = 0; half < 2; half++)
        if ((s->halves[half] = oct_arena_copy(&s->arena, e->halves[half], bytes)) == NULL)
            return oct_fail_memory(err, bytes, "ranges");
    if (e->histograms != NULL) { /* moved */
        s->histograms = oct_arena_copy(&s->arena, e->histograms, tensors * sizeof *e->histograms);
        if (s->histograms == NULL)
            return oct_fail_memory(err, tensors * sizeof *e->histograms, "histograms");
        e->histograms = NULL;
    }
    bytes = (size_t)s->samples * tensors * 2 * sizeof(float);
    if (e->extremes != NULL && (s->extremes = oct_arena_copy(&s->arena, e->extremes, bytes)) == NULL)
        return oct_fail_memory(err, bytes, "extremes");
    return OCT_OK;
}

static oct_status take_channels(oct_statistics *s, const oct_evidence *e, oct_error *err)
{
    size_t tensors = (size_t)e->tensors;
    s->channels = oct_arena_array(&s->arena, tensors, sizeof *s->channels);
    if (s->channels == NULL)
        return oct_fail_memory(err, tensors * sizeof *s->channels, "channels");
    for (size_t t = 0; t < tensors; t++) {
        const oct_channels *from = &e->channels[t];
        size_t bytes = (size_t)from->count * sizeof(float);
        if (from->count == 0)
            continue;
        s->channels[t] = (oct_channels){ .count = from->count,
            .min = oct_arena_copy(&s->arena, from->min, bytes),
            .max = oct_arena_copy(&s->arena, from->max, bytes) };
        if (s->channels[t].min == NULL || s->channels[t].max == NULL)
            return oct_fail_memory(err, bytes, "channels");
    }
    return OCT_OK;
}

static size_t sample_bytes(const oct_statistics *s)
{
    size_t bytes = 0;
    for (int32_t i = 0; i < s->inputs; i++)
        bytes += s->input_bytes[i];
    return bytes;
}

static oct_status keep_samples(oct_statistics *s, const oct_graph *graph, const oct_choice *choice,
    const oct_samples *from, oct_error *err)
{
    const oct_subgraph *sub = graph->subgraphs[0];
    if (sub->input_count > OCT_STATISTICS_INPUTS)
        return oct_fail(err, OCT_E_UNSUPPORTED, "statistics of a model of %d inputs",
            (int)sub->input_count);
    s->inputs = sub->input_count;
    for (int32_t i = 0; i < s->inputs; i++)
        s->input_bytes[i] = choice->tensor_bytes[sub->inputs[i]];
    s->most = choice->most;
    s->kept = choice->count;
    s->chosen = oct_arena_array(&s->arena, (size_t)s->kept, sizeof *s->chosen);
    for (int64_t k = 0; k < s->kept; k++) {
        unsigned char *to = s->chosen == NULL ? NULL : oct_arena_alloc(&s->arena, sample_bytes(s));
        if (to == NULL)
            return oct_fail_memory(err, sample_bytes(s), "a sample");
        s->chosen[k] = (oct_kept_sample){ choice->hashes[k], to };
        for (int32_t i = 0; i < s->inputs; to += s->input_bytes[i++])
            OCT_TRY(from->read(from->user, choice->samples[k], i, to, s->input_bytes[i], err));
    }
    return OCT_OK;
}

oct_status oct_statistics_take(const oct_graph *graph, const oct_quant_options *options,
    const oct_settings *settings, int64_t *failed, oct_statistics **out, oct_error *err)
{
    oct_evidence evidence = { .settings = settings };
    *out = oct_statistics_create();
    oct_status status = *out == NULL ? oct_fail_memory(err, sizeof **out, "statistics")
                                     : oct_evidence_gather(graph, options, &evidence, err);
    if (failed != NULL)
        *failed = evidence.failed;
    if (status == OCT_OK) {
        (*out)->samples = options->calib->count;
        (*out)->tensors = evidence.tensors;
        if (oct_settings_calibrate(settings, options))
            status = take_ranges(*out, &evidence, err);
        if (status == OCT_OK && evidence.choice.count > 0) {
            if ((*out)->halves[0] != NULL)
                status = take_channels(*out, &evidence, err);
            if (status == OCT_OK)
                status = keep_samples(*out, graph, &evidence.choice, options->calib, err);
        }
    }
    oct_evidence_free(&evidence);
    if (status != OCT_OK) {
        oct_statistics_free(*out);
        *out = NULL;
    }
    return status;
}

/* Adding up. */

static bool alike(const oct_statistics *a, const oct_statistics *b)
{
    bool same = a->tensors == b->tensors && a->most == b->most && a->inputs == b->inputs &&
                (a->halves[0] == NULL) == (b->halves[0] == NULL) &&
                (a->channels == NULL) == (b->channels == NULL) &&
                (a->histograms == NULL) == (b->histograms == NULL) &&
                (a->extremes == NULL) == (b->extremes == NULL) &&
                memcmp(a->input_bytes, b->input_bytes, sizeof a->input_bytes) == 0;
    for (int32_t t = 0; same && a->channels != NULL && t < a->tensors; t++)
        same = a->channels[t].count == b->channels[t].count || a->channels[t].count == 0 ||
               b->channels[t].count == 0; /* 0: the operator never ran */
    return same;
}

static void add_range(oct_range *to, const oct_range *from)
{
    if (!from->seen)
        return;
    to->min = fminf(to->min, from->min);
    to->max = fmaxf(to->max, from->max);
    to->seen = true;
}

static oct_status add_channels(oct_statistics *into, const oct_channels *from, int32_t t, oct_error *err)
{
    oct_channels *to = &into->channels[t];
    size_t count = (size_t)from->count;
    if (count == 0)
        return OCT_OK;
    if (to->count == 0) {
        *to = (oct_channels){ .count = from->count,
            .min = oct_arena_copy(&into->arena, from->min, count * sizeof(float)),
            .max = oct_arena_copy(&into->arena, from->max, count * sizeof(float)) };
        return to->min != NULL && to->max != NULL
                   ? OCT_OK
                   : oct_fail_memory(err, count * sizeof(float), "channels");
    }
    for (size_t c = 0; c < count; c++) {
        to->min[c] = fminf(to->min[c], from->min[c]);
        to->max[c] = fmaxf(to->max[c], from->max[c]);
    }
    return OCT_OK;
}

static oct_status add_extremes(oct_statistics *into, const oct_statistics *from, oct_error *err)
{
    size_t row = (size_t)into->tensors * 2 * sizeof(float);
    size_t first = (size_t)into->samples * row, second = (size_t)from->samples * row;
    float *all = oct_arena_alloc(&into->arena, first + second);
    if (all == NULL)
        return oct_fail_memory(err, first + second, "extremes");
    memcpy(all, into->extremes, first);
    memcpy((char *)all + first, from->extremes, second);
    into->extremes = all;
    return OCT_OK;
}

/* The smallest hashes of both, in order; among equal ones those of `into` first. */
static oct_status add_samples(oct_statistics *into, const oct_statistics *from, oct_error *err)
{
    int64_t both = into->kept + from->kept, kept = both < into->most ? both : into->most;
    oct_kept_sample *all = oct_arena_array(&into->arena, (size_t)kept, sizeof *all);
    if (all == NULL)
        return oct_fail_memory(err, (size_t)kept * sizeof *all, "samples");
    for (int64_t i = 0, a = 0, b = 0; i < kept; i++) {
        bool own = b == from->kept ||
                   (a < into->kept && into->chosen[a].hash <= from->chosen[b].hash);
        if (own) {
            all[i] = into->chosen[a++];
            continue;
        }
        all[i] = from->chosen[b++];
        all[i].bytes = oct_arena_copy(&into->arena, all[i].bytes, sample_bytes(from));
        if (all[i].bytes == NULL)
            return oct_fail_memory(err, sample_bytes(from), "a sample");
    }
    into->chosen = all;
    into->kept = kept;
    return OCT_OK;
}

/* An empty one takes the form of the first that is added. */
static oct_status take_form(oct_statistics *into, const oct_statistics *from, oct_error *err)
{
    size_t tensors = (size_t)from->tensors;
    memcpy(into->key, from->key, sizeof into->key);
    memcpy(into->input_bytes, from->input_bytes, sizeof into->input_bytes);
    into->tensors = from->tensors;
    into->most = from->most;
    into->inputs = from->inputs;
    oct_arena *arena = &into->arena;
    bool fine = true;
    for (int half = 0; half < 2 && from->halves[half] != NULL; half++) {
        into->halves[half] = oct_arena_array(arena, tensors, sizeof(oct_range));
        fine = fine && into->halves[half] != NULL;
        for (size_t t = 0; fine && t < tensors; t++)
            into->halves[half][t] = (oct_range){ FLT_MAX, FLT_MIN, false };
    }
    if (from->channels != NULL)
        fine = fine && (into->channels = oct_arena_array(arena, tensors, sizeof *into->channels)) != NULL;
    if (from->histograms != NULL)
        fine = fine && (into->histograms = oct_arena_array(arena, tensors, sizeof *into->histograms)) != NULL;
    if (from->extremes != NULL)
        fine = fine && (into->extremes = oct_arena_alloc(arena, 0)) != NULL;
    return fine ? OCT_OK : oct_fail_memory(err, tensors * sizeof(oct_range), "statistics");
}

oct_status oct_statistics_merge(oct_statistics *into, const oct_statistics *from, oct_error *err)
{
    if (into->samples == 0)
        OCT_TRY(take_form(into, from, err));
    if (strcmp(into->key, from->key) != 0)
        return oct_fail(err, OCT_E_INVALID, "statistics of '%s' do not add to those of '%s'",
            from->key, into->key);
    if (!alike(into, from))
        return oct_fail(err, OCT_E_INVALID, "statistics of different form do not add up");
    for (int32_t t = 0; t < into->tensors; t++) {
        for (int half = 0; half < 2 && into->halves[half] != NULL; half++)
            add_range(&into->halves[half][t], &from->halves[half][t]);
        if (into->channels != NULL)
            OCT_TRY(add_channels(into, &from->channels[t], t, err));
        if (into->histograms != NULL &&
            !oct_histogram_merge(&into->histograms[t], &from->histograms[t]))
            return oct_fail_memory(err, sizeof(oct_histogram), "histograms");
    }
    if (into->extremes != NULL)
        OCT_TRY(add_extremes(into, from, err));
    if (into->most > 0)
        OCT_TRY(add_samples(into, from, err));
    into->samples += from->samples;
    return OCT_OK;
}

/* Back to evidence. */

static oct_status read_stored(
    void *user, int64_t index, int32_t input, void *bytes, size_t size, oct_error *err)
{
    const oct_statistics *s = user;
    if (index < 0 || index >= s->kept || input < 0 || input >= s->inputs ||
        size != s->input_bytes[input])
        return oct_fail(err, OCT_E_INVALID, "the statistics keep no such sample");
    const unsigned char *from = s->chosen[index].bytes;
    for (int32_t i = 0; i < input; i++)
        from += s->input_bytes[i];
    memcpy(bytes, from, size);
    return OCT_OK;
}

/* What all samples gave in place of what the kept ones do. */
static oct_status put(const oct_statistics *s, oct_evidence *e, oct_error *err)
{
    oct_arena *arena = &e->arena;
    size_t tensors = (size_t)s->tensors, bytes = tensors * sizeof(oct_range);
    if (s->halves[0] == NULL)
        return OCT_OK;
    e->ranges = oct_arena_copy(arena, s->halves[0], bytes);
    e->halves[0] = oct_arena_copy(arena, s->halves[0], bytes);
    e->halves[1] = oct_arena_copy(arena, s->halves[1], bytes);
    if (e->ranges == NULL || e->halves[0] == NULL || e->halves[1] == NULL)
        return oct_fail_memory(err, bytes, "ranges");
    for (size_t t = 0; t < tensors; t++)
        add_range(&e->ranges[t], &s->halves[1][t]);
    if (s->histograms != NULL && e->histograms == NULL) {
        e->histograms = oct_arena_array(arena, tensors, sizeof *e->histograms);
        if (e->histograms == NULL)
            return oct_fail_memory(err, tensors * sizeof *e->histograms, "histograms");
    }
    for (size_t t = 0; s->histograms != NULL && t < tensors; t++) {
        oct_histogram_free(&e->histograms[t]);
        if (!oct_histogram_merge(&e->histograms[t], &s->histograms[t]))
            return oct_fail_memory(err, sizeof(oct_histogram), "histograms");
    }
    e->extremes = s->extremes; /* borrowed: statistics outlive the evidence */
    for (size_t t = 0; s->channels != NULL && t < tensors; t++) {
        oct_channels *to = &e->channels[t];
        const oct_channels *from = &s->channels[t];
        if (to->count == 0 || from->count != to->count)
            continue; /* none of the kept samples ran the operator */
        memcpy(to->min, from->min, (size_t)to->count * sizeof(float));
        memcpy(to->max, from->max, (size_t)to->count * sizeof(float));
    }
    return OCT_OK;
}

oct_status oct_statistics_evidence(const oct_statistics *s, const oct_graph *graph,
    const oct_quant_options *options, oct_evidence *e, oct_error *err)
{
    oct_statistics *own = (oct_statistics *)(uintptr_t)s;
    bool effort = oct_settings_effort(e->settings, options) != OCT_EFFORT_NONE;
    if (s->tensors != graph->subgraphs[0]->tensor_count || effort != (s->kept > 0) || s->samples < 1 ||
        (s->halves[0] == NULL) == oct_settings_calibrate(e->settings, options))
        return oct_fail(err, OCT_E_INVALID, "the statistics are of another model or other options");
    own->stored = (oct_samples){ .user = own, .count = s->kept, .read = read_stored };
    if (effort) {
        oct_quant_options kept = *options;
        kept.calib = &s->stored;
        kept.group = NULL;
        OCT_TRY(oct_evidence_gather(graph, &kept, e, err));
    } else {
        *e = (oct_evidence){ .settings = e->settings, .tensors = s->tensors, .failed = -1 };
    }
    e->from = &s->stored;
    e->samples = s->samples;
    return put(s, e, err);
}
