/*
 * Hashing samples, and what a layer-by-layer run of them has to store.
 */
#include "quant/choose.h"

#include <stdlib.h>
#include <string.h>

#include "exec/session.h"
#include "ops/op.h"
#include "quant/sweep.h"

/* A few dozen are enough for means beside int8's noise; covariances and float activations want more. */
enum { SOME_SAMPLES = 32, MOST_SAMPLES = 128 };
#define STORE_BYTES ((size_t)192 << 20)

/* Memory of one sample. */

typedef struct footprint {
    const oct_subgraph *sub;
    const size_t *bytes; /* [tensors] in float32 */
    const int32_t *last; /* [tensors]: the last node that reads one, or -1 */
    const int32_t *made; /* [tensors]: the node that makes one, or -1 */
} footprint;

/* Float bytes of what was made in front of a node and is read by it or behind. */
static size_t live_bytes(const footprint *f, int32_t at)
{
    size_t bytes = 0;
    for (int32_t i = 0; i < f->sub->tensor_count; i++)
        if (f->sub->tensors[i]->data == NULL && f->made[i] < at && f->last[i] >= at)
            bytes += f->bytes[i];
    return bytes;
}

/* How many bytes of a float32 value are stored: int8 takes one, int16 two of four. */
static size_t share_of(oct_mode mode)
{
    return mode == OCT_MODE_INT8 || mode == OCT_MODE_INT8_FULL ? 4 : mode == OCT_MODE_INT16X8 ? 2 : 1;
}

/* At the fullest moment: two sets of stored activations and one layer's results in float32. */
static size_t peak_bytes(const footprint *f, oct_mode mode)
{
    size_t most = 1, before = 0;
    for (int32_t i = 0; i < f->sub->node_count; i++) {
        const oct_node *node = f->sub->nodes[i];
        const oct_op_def *def = oct_op_find(node->op);
        if (def == NULL || (def->traits & OCT_TRAIT_LINEAR) == 0)
            continue;
        size_t live = live_bytes(f, i);
        size_t bytes = (before + live) / share_of(mode) + f->bytes[node->outputs[0]];
        most = bytes > most ? bytes : most;
        before = live;
    }
    return most;
}

static oct_status measure(const oct_graph *graph, oct_mode mode, oct_arena *arena, size_t *bytes,
    size_t *peak, oct_error *err)
{
    const oct_subgraph *sub = graph->subgraphs[0];
    size_t tensors = (size_t)sub->tensor_count;
    int32_t *last = oct_arena_array(arena, tensors, sizeof *last);
    int32_t *made = oct_arena_array(arena, tensors, sizeof *made);
    oct_session_options options = { .threads = 1, .batch = oct_sweep_batch(graph) };
    oct_session *session;
    if (last == NULL || made == NULL)
        return oct_fail_memory(err, tensors * sizeof *last, "lifetimes");
    OCT_TRY(oct_session_create_graph(graph, &options, &session, err));
    for (size_t i = 0; i < tensors; i++) {
        bytes[i] = oct_session_value(session, (int32_t)i)->size;
        last[i] = made[i] = -1;
    }
    oct_session_free(session);
    for (int32_t i = 0; i < sub->node_count; i++) {
        const oct_node *node = sub->nodes[i];
        for (int32_t j = 0; j < node->input_count; j++)
            if (node->inputs[j] >= 0)
                last[node->inputs[j]] = i;
        for (int32_t j = 0; j < node->output_count; j++)
            made[node->outputs[j]] = i;
    }
    const footprint f = { sub, bytes, last, made };
    *peak = peak_bytes(&f, mode);
    return OCT_OK;
}

/* Hashes. */

typedef struct hashed {
    uint64_t hash;
    int64_t sample;
} hashed;

typedef struct hashing {
    const oct_subgraph *sub;
    const oct_samples *samples;
    const size_t *bytes; /* [tensors] */
    hashed *hashes;      /* [samples] */
    oct_error *errors;   /* [threads]: the first failure of each */
} hashing;

/* A 64-bit multiply and shift a word. */
static uint64_t hash_bytes(uint64_t hash, const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i += sizeof hash) {
        uint64_t word = 0;
        memcpy(&word, bytes + i, size - i < sizeof word ? size - i : sizeof word);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 29;
    }
    return hash;
}

static oct_status hash_sample(const hashing *h, int64_t sample, oct_error *err)
{
    uint64_t hash = 0;
    for (int32_t i = 0; i < h->sub->input_count; i++) {
        size_t size = h->bytes[h->sub->inputs[i]];
        unsigned char *bytes = malloc(size + 1);
        if (bytes == NULL)
            return oct_fail_memory(err, size, "a sample");
        oct_status status = h->samples->read(h->samples->user, sample, i, bytes, size, err);
        hash = status == OCT_OK ? hash_bytes(hash, bytes, size) : 0;
        free(bytes);
        OCT_TRY(status);
    }
    h->hashes[sample] = (hashed){ hash, sample };
    return OCT_OK;
}

static void hash_range(void *user, size_t begin, size_t end, int32_t worker)
{
    const hashing *h = user;
    for (size_t i = begin; i < end && h->errors[worker].status == OCT_OK; i++)
        hash_sample(h, (int64_t)i, &h->errors[worker]);
}

static int ascending(const void *a, const void *b)
{
    const hashed *p = a, *q = b;
    return p->hash != q->hash ? (p->hash > q->hash) - (p->hash < q->hash)
                              : (p->sample > q->sample) - (p->sample < q->sample);
}

static oct_status sort_samples(hashing *h, oct_pool *pool, oct_error *err)
{
    oct_pool_for(pool, (size_t)h->samples->count, 1, hash_range, h);
    for (int32_t i = 0; i < oct_pool_threads(pool); i++)
        if (h->errors[i].status != OCT_OK) {
            if (err != NULL)
                *err = h->errors[i];
            return h->errors[i].status;
        }
    qsort(h->hashes, (size_t)h->samples->count, sizeof *h->hashes, ascending);
    return OCT_OK;
}

oct_status oct_choose_samples(const oct_graph *graph, const oct_quant_options *options,
    oct_pool *pool, oct_arena *arena, oct_choice *out, oct_error *err)
{
    const oct_subgraph *sub = graph->subgraphs[0];
    size_t *bytes = oct_arena_array(arena, (size_t)sub->tensor_count, sizeof *bytes), peak;
    size_t count = (size_t)options->calib->count;
    hashing h = { sub, options->calib, bytes, oct_arena_array(arena, count, sizeof *h.hashes),
        oct_arena_array(arena, (size_t)oct_pool_threads(pool), sizeof *h.errors) };
    if (bytes == NULL || h.hashes == NULL || h.errors == NULL)
        return oct_fail_memory(err, count * sizeof *h.hashes, "a choice of samples");
    /* Layers of a recipe may all have float results. */
    OCT_TRY(measure(graph, options->recipe != NULL ? OCT_MODE_FLOAT32 : options->mode, arena, bytes, &peak, err));
    OCT_TRY(sort_samples(&h, pool, err));
    size_t limit = options->effort == OCT_EFFORT_HIGH || share_of(options->mode) == 1 ? MOST_SAMPLES : SOME_SAMPLES;
    size_t fit = STORE_BYTES / peak, most = fit < 1 ? 1 : fit < limit ? fit : limit;
    out->count = (int64_t)(count < most ? count : most);
    out->most = (int64_t)most;
    out->tensor_bytes = bytes;
    out->samples = oct_arena_array(arena, (size_t)out->count, sizeof *out->samples);
    out->hashes = oct_arena_array(arena, (size_t)out->count, sizeof *out->hashes);
    if (out->samples == NULL || out->hashes == NULL)
        return oct_fail_memory(err, (size_t)out->count * sizeof *out->samples, "a choice of samples");
    for (int64_t i = 0; i < out->count; i++) {
        out->samples[i] = h.hashes[i].sample;
        out->hashes[i] = h.hashes[i].hash;
    }
    return OCT_OK;
}
