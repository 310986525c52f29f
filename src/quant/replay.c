/*
 * The replay's store and the pieces that are cut from its graph.
 */
#include "quant/replay.h"

#include <stdlib.h>
#include <string.h>

#include "quant/sweep.h"

/* Shapes as planned; values that do not depend on samples become constants. */
static oct_status adopt_value(oct_replay *r, int32_t index, const oct_value *value, oct_error *err)
{
    oct_tensor *tensor = r->sub->tensors[index];
    r->bytes[index] = value->size;
    if (tensor->data != NULL || value->dims == NULL)
        return OCT_OK;
    tensor->rank = value->rank;
    tensor->signature = NULL;
    tensor->dims =
        oct_arena_copy(&r->graph->arena, value->dims, (size_t)value->rank * sizeof *value->dims);
    if (tensor->dims == NULL)
        return oct_fail_memory(err, (size_t)value->rank * sizeof *value->dims, "shapes");
    if (!value->known || value->size == 0)
        return OCT_OK;
    void *bytes = oct_graph_new_bytes(r->graph, value->size);
    if (bytes == NULL)
        return oct_fail_memory(err, value->size, "a constant");
    memcpy(bytes, value->data, value->size);
    tensor->data = bytes;
    tensor->size = value->size;
    return OCT_OK;
}

static bool is_known(const oct_subgraph *sub, const oct_node *node)
{
    bool known = node->output_count > 0;
    for (int32_t i = 0; i < node->output_count; i++)
        known &= sub->tensors[node->outputs[i]]->data != NULL;
    return known;
}

static void drop_known_nodes(oct_replay *r, int32_t end)
{
    int32_t kept = 0;
    for (int32_t i = 0; i < r->sub->node_count; i++) {
        if (i == end)
            r->end = kept;
        r->positions[i] = is_known(r->sub, r->sub->nodes[i]) ? -1 : kept;
        if (r->positions[i] >= 0)
            r->sub->nodes[kept++] = r->sub->nodes[i];
    }
    if (end >= r->sub->node_count)
        r->end = kept;
    r->sub->node_count = kept;
}

/* A value whose size follows from data cannot be stored: the replay ends before the first such node. */
static int32_t first_late(const oct_replay *r, const oct_value *values, int32_t end)
{
    for (int32_t i = 0; i < r->sub->node_count && i < end; i++)
        for (int32_t k = 0; k < r->sub->nodes[i]->output_count; k++) {
            int32_t tensor = r->sub->nodes[i]->outputs[k];
            if (tensor >= 0 && values[tensor].late)
                return i;
        }
    return end;
}

static oct_status plan(oct_replay *r, int32_t *end, oct_error *err)
{
    oct_session_options options = { .threads = 1, .batch = oct_sweep_batch(r->graph) };
    oct_session *session;
    OCT_TRY(oct_session_create_graph(r->graph, &options, &session, err));
    /* The session looks at the tensors, so it is asked about all of them before any is changed. */
    int32_t tensors = r->tensors;
    oct_value *values = oct_arena_array(&r->arena, (size_t)tensors, sizeof *values);
    oct_status status =
        values != NULL ? OCT_OK : oct_fail_memory(err, (size_t)tensors * sizeof *values, "values");
    for (int32_t i = 0; status == OCT_OK && i < tensors; i++)
        values[i] = *oct_session_value(session, i);
    if (status == OCT_OK)
        *end = first_late(r, values, *end);
    for (int32_t i = 0; status == OCT_OK && i < tensors; i++)
        status = adopt_value(r, i, &values[i], err);
    oct_session_free(session);
    return status;
}

oct_status oct_replay_create(
    const oct_graph *graph, int32_t end, oct_pool *pool, oct_replay *replay, oct_error *err)
{
    *replay = (oct_replay){ .pool = pool };
    OCT_TRY(oct_graph_clone(graph, &replay->graph, err));
    oct_replay *r = replay;
    r->sub = r->graph->subgraphs[0];
    r->graph->signature_count = 0;
    r->tensors = r->sub->tensor_count;
    size_t tensors = (size_t)r->tensors, nodes = (size_t)r->sub->node_count;
    r->positions = oct_arena_array(&r->arena, nodes, sizeof *r->positions);
    r->bytes = oct_arena_array(&r->arena, tensors, sizeof *r->bytes);
    r->stored = oct_arena_array(&r->arena, tensors, sizeof *r->stored);
    if (r->positions == NULL || r->bytes == NULL || r->stored == NULL)
        return oct_fail_memory(err, (tensors + nodes) * sizeof *r->stored, "stored activations");
    OCT_TRY(plan(r, &end, err));
    drop_known_nodes(r, end);
    return OCT_OK;
}

/* The store. */

static oct_status new_store(const oct_replay *r, size_t bytes, unsigned char **out, oct_error *err)
{
    size_t size;
    *out = __builtin_mul_overflow(bytes, (size_t)r->count, &size) ? NULL : malloc(size + 1);
    return *out != NULL ? OCT_OK : oct_fail_memory(err, size, "stored activations");
}

oct_status oct_replay_start(
    oct_replay *r, const oct_samples *samples, const oct_choice *choice, oct_error *err)
{
    r->count = choice->count;
    for (int32_t i = 0; i < r->sub->input_count; i++) {
        int32_t tensor = r->sub->inputs[i];
        size_t bytes = r->bytes[tensor];
        OCT_TRY(new_store(r, bytes, &r->stored[tensor], err));
        for (int64_t s = 0; s < r->count; s++)
            OCT_TRY(samples->read(samples->user, choice->samples[s], i,
                r->stored[tensor] + (size_t)s * bytes, bytes, err));
    }
    return OCT_OK;
}

static bool is_read(const oct_subgraph *sub, int32_t tensor, int32_t from, int32_t to)
{
    for (int32_t i = from; i < to; i++)
        for (int32_t j = 0; j < sub->nodes[i]->input_count; j++)
            if (sub->nodes[i]->inputs[j] == tensor)
                return true;
    return false;
}

/* Whether a tensor is made by a node of [from, to). */
static bool is_made(const oct_subgraph *sub, int32_t tensor, int32_t from, int32_t to)
{
    for (int32_t i = from; i < to; i++)
        for (int32_t j = 0; j < sub->nodes[i]->output_count; j++)
            if (sub->nodes[i]->outputs[j] == tensor)
                return true;
    return false;
}

static void drop_unread(oct_replay *r)
{
    for (int32_t i = 0; i < r->tensors; i++)
        if (r->stored[i] != NULL && !is_read(r->sub, i, r->position, r->end)) {
            free(r->stored[i]);
            r->stored[i] = NULL;
        }
}

/* Pieces. */

oct_status oct_replay_cut(
    const oct_replay *r, int32_t from, int32_t to, oct_graph **out, oct_error *err)
{
    OCT_TRY(oct_graph_clone(r->graph, out, err));
    oct_subgraph *sub = (*out)->subgraphs[0];
    int32_t *inputs = oct_arena_array(&(*out)->arena, (size_t)sub->tensor_count, sizeof *inputs);
    if (inputs == NULL) {
        oct_graph_free(*out);
        *out = NULL;
        return oct_fail_memory(err, (size_t)sub->tensor_count * sizeof *inputs, "a piece");
    }
    sub->inputs = inputs;
    sub->input_count = sub->output_count = 0;
    for (int32_t i = 0; i < r->tensors; i++)
        if (r->stored[i] != NULL && is_read(sub, i, from, to))
            inputs[sub->input_count++] = i;
    sub->nodes += from;
    sub->node_count = sub->node_capacity = to - from;
    return OCT_OK;
}

typedef struct piece_run {
    const oct_replay *replay;
    const oct_subgraph *sub;
    void (*take)(void *user, const oct_session *session, int64_t sample);
    void *user;
} piece_run;

static oct_status load_stored(void *user, oct_session *session, int64_t sample, oct_error *err)
{
    const piece_run *run = user;
    (void)err;
    for (int32_t i = 0; i < run->sub->input_count; i++) {
        int32_t tensor = run->sub->inputs[i];
        size_t size;
        void *to = oct_session_input(session, i, &size);
        memcpy(to, run->replay->stored[tensor] + (size_t)sample * size, size);
    }
    return OCT_OK;
}

static void pass_on(void *user, const oct_session *session, int64_t sample)
{
    const piece_run *run = user;
    run->take(run->user, session, sample);
}

oct_status oct_replay_run_piece(const oct_replay *replay, const oct_graph *piece,
    void (*take)(void *user, const oct_session *session, int64_t sample), void *user,
    oct_error *err)
{
    piece_run run = { replay, piece->subgraphs[0], take, user };
    oct_sweep sweep = { .graph = piece,
        .count = replay->count,
        .load = load_stored,
        .take = pass_on,
        .user = &run };
    return oct_sweep_run(&sweep, replay->pool, NULL, err);
}

/* Where the outputs of a piece are stored. */
typedef struct outputs {
    unsigned char **stores; /* [outputs] */
    size_t *sizes;          /* [outputs]: bytes of one sample */
    int32_t count;
} outputs;

static void store_outputs(void *user, const oct_session *session, int64_t sample)
{
    const outputs *o = user;
    for (int32_t i = 0; i < o->count; i++)
        memcpy(o->stores[i] + (size_t)sample * o->sizes[i], oct_session_output(session, i, NULL),
            o->sizes[i]);
}

/* Declares what the piece makes and later nodes read as its outputs, with stores for it. */
static oct_status open_outputs(
    oct_replay *r, oct_graph *piece, int32_t to, outputs *o, oct_error *err)
{
    oct_subgraph *sub = piece->subgraphs[0];
    sub->outputs = oct_arena_array(&piece->arena, (size_t)r->tensors, sizeof *sub->outputs);
    if (sub->outputs == NULL)
        return oct_fail_memory(err, (size_t)r->tensors * sizeof *sub->outputs, "a piece");
    for (int32_t i = 0; i < r->tensors; i++) {
        if (r->sub->tensors[i]->data != NULL || !is_made(r->sub, i, r->position, to) ||
            !is_read(r->sub, i, to, r->end))
            continue;
        OCT_TRY(new_store(r, r->bytes[i], &r->stored[i], err));
        o->stores[sub->output_count] = r->stored[i];
        o->sizes[sub->output_count] = r->bytes[i];
        sub->outputs[sub->output_count++] = i;
    }
    o->count = sub->output_count;
    return OCT_OK;
}

oct_status oct_replay_run_to(oct_replay *r, int32_t position, oct_error *err)
{
    size_t tensors = (size_t)r->tensors;
    outputs o = { oct_arena_array(&r->arena, tensors, sizeof *o.stores),
        oct_arena_array(&r->arena, tensors, sizeof *o.sizes), 0 };
    oct_graph *piece;
    if (o.stores == NULL || o.sizes == NULL)
        return oct_fail_memory(err, tensors * sizeof *o.stores, "a piece");
    OCT_TRY(oct_replay_cut(r, r->position, position, &piece, err));
    oct_status status = open_outputs(r, piece, position, &o, err);
    if (status == OCT_OK && o.count > 0)
        status = oct_replay_run_piece(r, piece, store_outputs, &o, err);
    oct_graph_free(piece);
    r->position = position;
    drop_unread(r);
    return status;
}

void oct_replay_free(oct_replay *r)
{
    for (int32_t i = 0; r->stored != NULL && i < r->tensors; i++)
        free(r->stored[i]);
    oct_graph_free(r->graph);
    oct_arena_free(&r->arena);
}
