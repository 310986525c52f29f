/*
 * Two sessions with taps: the first keeps the values of tensors that the second has by the same
 * name, the second compares its own against them as they appear. One sample at a time, so sums have
 * one order.
 */
#include <octavo/diff.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "eval/preprocess.h"
#include "exec/session.h"
#include "model/model.h"

/* One tensor of B. */
typedef struct track {
    int32_t partner; /* index in A, or -1 */
    int32_t place;   /* in the result, or -1: not tapped yet */
    double signal, noise, largest;
    int64_t count, at_end;
    uint32_t codes[8]; /* of an 8-bit type: which values occurred */
} track;

struct oct_diff {
    oct_arena arena;
    oct_layer_error *layers; /* [tensor count of B] */
    int32_t count;
    int64_t samples;
};

typedef struct job {
    const oct_graph *a, *b;
    oct_diff *diff;
    track *tracks;      /* [tensor count of B] */
    float **kept;       /* [tensor count of A]: values of this sample, NULL where not needed */
    size_t *kept_count; /* [tensor count of A] */
    bool *needed;       /* [tensor count of A] */
    float *scratch;     /* dequantized values of B */
    size_t scratch_count;
    const char **ops; /* [tensor count of B] operator that makes it */
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

static size_t element_count(const oct_value *value)
{
    int32_t bits = oct_type_bits(value->type);
    return bits >= 8 ? value->size / ((size_t)bits / 8) : 0;
}

/* A block of at least count floats; the old one, which is replaced when it is too small. */
static float *grow(float *block, size_t *have, size_t count)
{
    if (block != NULL && *have >= count)
        return block;
    free(block);
    *have = count;
    return malloc((count + 1) * sizeof *block);
}

/* Taps. */

static void keep(void *user, int32_t index, const oct_value *value)
{
    job *j = user;
    if (!j->needed[index])
        return;
    size_t count = element_count(value);
    j->kept[index] = grow(j->kept[index], &j->kept_count[index], count);
    if (j->kept[index] == NULL) {
        j->short_of_memory = true;
        return;
    }
    j->kept_count[index] = count;
    to_floats(value, count, j->kept[index]);
}

/*
 * Ends of the range and codes in use, which say whether a scale is too small or too large. An end
 * that stands for zero, as after a ReLU, is no saturation.
 */
static void count_codes(const oct_value *value, size_t count, track *t)
{
    bool s8 = value->type == OCT_INT8;
    if (!s8 && value->type != OCT_UINT8)
        return;
    const uint8_t *bytes = value->data;
    int64_t zero =
        value->quant != NULL && value->quant->count == 1 ? value->quant->zero_point[0] : 0;
    uint8_t low = s8 ? 0x80 : 0, high = s8 ? 0x7f : 0xff;
    bool low_counts = zero != (s8 ? INT8_MIN : 0),
         high_counts = zero != (s8 ? INT8_MAX : UINT8_MAX);
    for (size_t i = 0; i < count; i++) {
        t->at_end += (bytes[i] == low && low_counts) || (bytes[i] == high && high_counts);
        t->codes[bytes[i] / 32] |= 1u << bytes[i] % 32;
    }
}

static void compare_values(const float *a, const float *b, size_t count, track *t)
{
    for (size_t i = 0; i < count; i++) {
        double difference = (double)a[i] - (double)b[i];
        t->signal += (double)a[i] * (double)a[i];
        t->noise += difference * difference;
        t->largest = fabs(difference) > t->largest ? fabs(difference) : t->largest;
    }
    t->count += (int64_t)count;
}

static void compare_tap(void *user, int32_t index, const oct_value *value)
{
    job *j = user;
    track *t = &j->tracks[index];
    size_t count = element_count(value);
    if (t->partner < 0 || j->kept[t->partner] == NULL || j->kept_count[t->partner] != count ||
        oct_type_bits(value->type) < 8)
        return;
    j->scratch = grow(j->scratch, &j->scratch_count, count);
    if (j->scratch == NULL) {
        j->short_of_memory = true;
        return;
    }
    to_floats(value, count, j->scratch);
    compare_values(j->kept[t->partner], j->scratch, count, t);
    count_codes(value, count, t);
    if (t->place < 0)
        t->place = j->diff->count++;
}

/* Preparing. */

static void pair_tensors(job *j)
{
    const oct_subgraph *a = j->a->subgraphs[0], *b = j->b->subgraphs[0];
    for (int32_t i = 0; i < b->tensor_count; i++) {
        j->tracks[i] = (track){ .partner = -1, .place = -1 };
        for (int32_t k = 0; k < a->tensor_count && b->tensors[i]->name != NULL; k++) {
            const oct_tensor *other = a->tensors[k];
            if (other->name == NULL || strcmp(other->name, b->tensors[i]->name) != 0)
                continue;
            j->tracks[i].partner = k;
            j->needed[k] = true;
            break;
        }
    }
    for (int32_t n = 0; n < b->node_count; n++)
        for (int32_t i = 0; i < b->nodes[n]->output_count; i++)
            if (b->nodes[n]->outputs[i] >= 0)
                j->ops[b->nodes[n]->outputs[i]] = oct_builtin_name(b->nodes[n]->op);
}

static oct_status make_arrays(job *j, oct_error *err)
{
    size_t a = (size_t)j->a->subgraphs[0]->tensor_count + 1,
           b = (size_t)j->b->subgraphs[0]->tensor_count + 1;
    j->tracks = calloc(b, sizeof *j->tracks);
    j->ops = calloc(b, sizeof *j->ops);
    j->kept = calloc(a, sizeof *j->kept);
    j->kept_count = calloc(a, sizeof *j->kept_count);
    j->needed = calloc(a, sizeof *j->needed);
    j->diff->layers = oct_arena_array(&j->diff->arena, b, sizeof *j->diff->layers);
    bool made = j->tracks != NULL && j->ops != NULL && j->kept != NULL && j->kept_count != NULL &&
                j->needed != NULL && j->diff->layers != NULL;
    return made ? OCT_OK
                : oct_fail_memory(err, (a + b) * sizeof *j->tracks, "comparison of layers");
}

/* Running. */

static oct_status run_one(
    oct_session *session, const oct_data_view *view, int32_t inputs, int64_t sample, oct_error *err)
{
    const oct_samples *samples = oct_data_view_samples(view);
    for (int32_t i = 0; i < inputs; i++) {
        size_t size;
        void *bytes = oct_session_input(session, i, &size);
        OCT_TRY(samples->read(samples->user, sample, i, bytes, size, err));
    }
    return oct_session_run(session, err);
}

typedef struct side {
    oct_session *session;
    oct_data_view *view;
    int32_t inputs;
} side;

static oct_status open_side(side *s, const oct_model *model, const oct_data *data,
    const oct_preprocess *preprocess, const oct_diff_options *options, oct_error *err)
{
    oct_session_options session = {
        .kernels = options->kernels, .threads = options->threads, .batch = 1
    };
    s->inputs = oct_model_input_count(model);
    OCT_TRY(oct_data_view_create(data, model, preprocess, &s->view, err));
    return oct_session_create(model, &session, &s->session, err);
}

static oct_status run_samples(
    job *j, const side *a, const side *b, const oct_diff_options *options, oct_error *err)
{
    oct_session_set_tap(a->session, keep, j);
    oct_session_set_tap(b->session, compare_tap, j);
    for (int64_t i = 0; i < j->diff->samples; i++) {
        OCT_TRY(run_one(a->session, a->view, a->inputs, i, err));
        OCT_TRY(run_one(b->session, b->view, b->inputs, i, err));
        if (j->short_of_memory)
            return oct_fail_memory(err, 0, "comparison of layers");
        if (options->progress != NULL)
            options->progress(options->progress_user, "layers", i + 1, j->diff->samples);
    }
    return OCT_OK;
}

static double decibels(const track *t)
{
    return t->noise == 0 ? INFINITY : 10 * log10(t->signal / t->noise);
}

/* The worst input of the operator that makes a tensor, in dB; inf when none was compared. */
static double worst_input(const job *j, int32_t tensor)
{
    const oct_subgraph *b = j->b->subgraphs[0];
    int32_t at = oct_graph_producer(b, tensor);
    double worst = INFINITY;
    for (int32_t i = 0; at >= 0 && i < b->nodes[at]->input_count; i++) {
        int32_t input = b->nodes[at]->inputs[i];
        if (input >= 0 && j->tracks[input].count > 0)
            worst = fmin(worst, decibels(&j->tracks[input]));
    }
    return worst;
}

static oct_status write_layer(job *j, int32_t tensor, oct_error *err)
{
    const track *t = &j->tracks[tensor];
    const oct_tensor *b = j->b->subgraphs[0]->tensors[tensor];
    double sqnr = decibels(t), before = worst_input(j, tensor);
    oct_layer_error *out = &j->diff->layers[t->place];
    *out = (oct_layer_error){ .layer = oct_arena_text(&j->diff->arena, b->name, strlen(b->name)),
        .op = j->ops[tensor] != NULL ? j->ops[tensor] : "input",
        .type = oct_type_name(b->type),
        .sqnr_db = sqnr,
        .loss_db = isfinite(before) && isfinite(sqnr) ? before - sqnr : 0,
        .largest_error = t->largest,
        .saturated = t->count == 0 ? 0 : (double)t->at_end / (double)t->count };
    for (int i = 0; i < 8; i++)
        out->codes_used += __builtin_popcount(t->codes[i]);
    return out->layer != NULL ? OCT_OK : oct_fail_memory(err, strlen(b->name), "layer names");
}

static oct_status work(job *j, const oct_model *const models[2], const oct_data *data,
    const oct_preprocess *preprocess, const oct_diff_options *options, oct_error *err)
{
    side sides[2] = { { 0 } };
    OCT_TRY(make_arrays(j, err));
    pair_tensors(j);
    oct_status status = open_side(&sides[0], models[0], data, preprocess, options, err);
    if (status == OCT_OK)
        status = open_side(&sides[1], models[1], data, preprocess, options, err);
    if (status == OCT_OK)
        status = run_samples(j, &sides[0], &sides[1], options, err);
    for (int i = 0; i < 2; i++) {
        oct_session_free(sides[i].session);
        oct_data_view_free(sides[i].view);
    }
    for (int32_t i = 0; i < j->b->subgraphs[0]->tensor_count && status == OCT_OK; i++)
        if (j->tracks[i].place >= 0)
            status = write_layer(j, i, err);
    if (status == OCT_OK && j->diff->count == 0)
        status = oct_fail(err, OCT_E_INVALID, "the models have no tensor in common");
    return status;
}

static void clear(job *j)
{
    for (int32_t i = 0; j->kept != NULL && i < j->a->subgraphs[0]->tensor_count; i++)
        free(j->kept[i]);
    free(j->tracks);
    free(j->ops);
    free(j->kept);
    free(j->kept_count);
    free(j->needed);
    free(j->scratch);
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
    job j = { .a = a->graph, .b = b->graph, .diff = diff };
    const oct_model *const models[2] = { a, b };
    oct_status status = work(&j, models, data, preprocess, options == NULL ? &plain : options, err);
    clear(&j);
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
