/*
 * Sessions: create, run, look. All decisions are made in create and a run is a loop over prepared calls,
 * except for late nodes: those whose shapes follow from data are planned in the middle of each run.
 */
#include "exec/session.h"

#include <stdlib.h>

#include "exec/internal.h"

oct_status oct_session_create_subgraph(const oct_graph *graph, int32_t index,
    const oct_session_options *options, oct_session *caller, oct_value *const *given,
    int32_t given_count, oct_session **out, oct_error *err)
{
    *out = NULL;
    oct_session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return oct_fail_memory(err, sizeof *session, "session");
    session->graph = graph;
    session->sub = graph->subgraphs[index];
    session->arena.together = true; /* packed weights are read at every run */
    if (options != NULL)
        session->options = *options;
    session->caller = caller;
    session->given = given;
    session->given_count = given_count;
    oct_session_init_host(session);
    int32_t threads = session->options.threads == 0 ? 1 : session->options.threads;
    oct_status status = OCT_OK;
    if (caller != NULL)
        session->pool = caller->pool;
    else
        status = oct_pool_create(threads, &session->pool, err);
    if (status == OCT_OK)
        status = oct_session_make_values(session, err);
    if (status == OCT_OK)
        status = oct_session_make_nodes(session, err);
    if (status == OCT_OK)
        status = oct_session_fuse(session, err);
    if (status == OCT_OK)
        status = oct_session_make_memory(session, err);
    if (status != OCT_OK) {
        oct_session_free(session);
        return status;
    }
    *out = session;
    return OCT_OK;
}

oct_status oct_session_create_graph(const oct_graph *graph, const oct_session_options *options,
    oct_session **out, oct_error *err)
{
    *out = NULL;
    if (graph->subgraph_count == 0)
        return oct_fail(err, OCT_E_INVALID, "the model has no graph");
    return oct_session_create_subgraph(graph, 0, options, NULL, NULL, 0, out, err);
}

void oct_session_free(oct_session *session)
{
    if (session == NULL)
        return;
    oct_session_free_host(session);
    if (session->caller == NULL)
        oct_pool_free(session->pool);
    free(session->block);
    oct_arena_free(&session->late);
    oct_arena_free(&session->arena);
    free(session);
}

static oct_value *boundary(const oct_session *session, const int32_t *list, int32_t count,
    int32_t index)
{
    return index < 0 || index >= count ? NULL : &session->values[list[index]];
}

void *oct_session_input(oct_session *session, int32_t index, size_t *size)
{
    const oct_subgraph *sub = session->sub;
    oct_value *value = boundary(session, sub->inputs, sub->input_count, index);
    if (size != NULL)
        *size = value ? value->size : 0;
    return value ? value->data : NULL;
}

const void *oct_session_output(const oct_session *session, int32_t index, size_t *size)
{
    const oct_subgraph *sub = session->sub;
    const oct_value *value = boundary(session, sub->outputs, sub->output_count, index);
    if (size != NULL)
        *size = value ? value->size : 0;
    return value ? value->data : NULL;
}

static void tap_inputs(const oct_session *session)
{
    for (int32_t i = 0; i < session->sub->input_count; i++) {
        int32_t index = session->sub->inputs[i];
        if (!session->values[index].known)
            session->tap(session->tap_user, index, &session->values[index]);
    }
}

static void tap_outputs(const oct_session *session, const oct_op *op)
{
    for (int32_t i = 0; i < op->out_count; i++)
        session->tap(session->tap_user, op->node->outputs[i], op->out[i]);
}

static oct_status run_node(oct_session *session, oct_op *op, oct_error *err)
{
    if (op->postponed)
        return oct_session_run_late(session, op, err);
    if (session->tap == NULL && op->absorbed)
        return OCT_OK;
    return (session->tap == NULL && op->fused != NULL ? op->fused : op->eval)(op, err);
}

oct_status oct_session_run(oct_session *session, oct_error *err)
{
    oct_session_forget_late(session);
    if (session->tap != NULL)
        tap_inputs(session);
    if (session->watch != NULL)
        session->watch(session->watch_user, -1);
    for (int32_t i = 0; i < session->run_count; i++) {
        oct_op *op = session->run[i];
        OCT_TRY(run_node(session, op, err));
        if (session->tap != NULL)
            tap_outputs(session, op);
        if (session->watch != NULL)
            session->watch(session->watch_user, i);
    }
    return OCT_OK;
}

int32_t oct_session_output_shape(const oct_session *session, int32_t index, int32_t dims[8])
{
    const oct_subgraph *sub = session->sub;
    const oct_value *value = boundary(session, sub->outputs, sub->output_count, index);
    if (value == NULL || value->rank > 8)
        return -1;
    for (int32_t i = 0; i < value->rank; i++)
        dims[i] = value->dims[i];
    return value->rank;
}

size_t oct_session_arena_bytes(const oct_session *session)
{
    return session->block_bytes;
}

void oct_session_set_tap(oct_session *session,
    void (*tap)(void *user, int32_t index, const oct_value *value), void *user)
{
    session->tap = tap;
    session->tap_user = user;
}

void oct_session_set_watch(oct_session *session, void (*watch)(void *user, int32_t node),
    void *user)
{
    session->watch = watch;
    session->watch_user = user;
}

const oct_value *oct_session_value(const oct_session *session, int32_t index)
{
    return index < 0 || index >= session->sub->tensor_count ? NULL : &session->values[index];
}

int32_t oct_session_node_count(const oct_session *session)
{
    return session->run_count;
}

const oct_op *oct_session_node(const oct_session *session, int32_t index)
{
    return index < 0 || index >= session->run_count ? NULL : session->run[index];
}
