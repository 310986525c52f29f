/*
 * What control flow and variables ask of a session: subgraphs that are called, values that outlive a run.
 *
 * A called subgraph has a session of its own below the caller's, made at the first call and again when the
 * shapes of its inputs change. Variables belong to the main session, so all subgraphs see the same ones.
 */
#include <stdlib.h>
#include <string.h>

#include "exec/internal.h"

enum { MAX_DEPTH = 16 };

static oct_session *session_of(oct_host *host)
{
    return (oct_session *)((char *)host - offsetof(oct_session, host));
}

static oct_session *main_session(oct_session *session)
{
    while (session->caller != NULL)
        session = session->caller;
    return session;
}

static bool fits(const oct_session *called, oct_value *const *in)
{
    for (int32_t i = 0; i < called->given_count; i++) {
        const oct_value *value = &called->values[called->sub->inputs[i]];
        if (value->type != in[i]->type || value->rank != in[i]->rank ||
            (value->rank > 0 &&
                memcmp(value->dims, in[i]->dims, (size_t)value->rank * sizeof *value->dims) != 0))
            return false;
    }
    return true;
}

static oct_status check_call(
    const oct_session *session, int32_t subgraph, int32_t in_count, oct_error *err)
{
    int32_t depth = 0;
    for (const oct_session *s = session; s != NULL; s = s->caller)
        depth++;
    if (subgraph < 0 || subgraph >= session->graph->subgraph_count)
        return oct_fail(err, OCT_E_INVALID, "subgraph %d of %d is called", (int)subgraph,
            (int)session->graph->subgraph_count);
    if (depth > MAX_DEPTH)
        return oct_fail(err, OCT_E_UNSUPPORTED, "subgraphs call each other %d deep", (int)depth);
    if (session->graph->subgraphs[subgraph]->input_count != in_count)
        return oct_fail(err, OCT_E_INVALID, "subgraph %d has %d inputs, but is given %d",
            (int)subgraph, (int)session->graph->subgraphs[subgraph]->input_count, (int)in_count);
    return OCT_OK;
}

/* The session of a subgraph for inputs of these shapes. */
static oct_status open_subgraph(oct_session *session, int32_t subgraph, oct_value *const *in,
    int32_t in_count, oct_session **out, oct_error *err)
{
    size_t count = (size_t)session->graph->subgraph_count;
    if (session->called == NULL)
        session->called = calloc(count, sizeof(oct_session *));
    if (session->called == NULL)
        return oct_fail_memory(err, count * sizeof(oct_session *), "sessions");
    oct_session **slot = &session->called[subgraph];
    *out = *slot;
    if (*slot != NULL && fits(*slot, in))
        return OCT_OK;
    OCT_TRY(oct_session_create_subgraph(
        session->graph, subgraph, &session->options, session, in, in_count, out, err));
    (*out)->given = NULL;    /* only its shapes were needed */
    oct_session_free(*slot); /* last, because the inputs may be its results */
    *slot = *out;
    return OCT_OK;
}

/* The bytes of all inputs, one behind the other: they may be results of the session they go into. */
static oct_status stage(oct_value *const *in, int32_t in_count, unsigned char **out, oct_error *err)
{
    size_t total = 1;
    for (int32_t i = 0; i < in_count; i++)
        total += in[i]->size;
    *out = oct_session_affordable(total) ? malloc(total) : NULL;
    if (*out == NULL)
        return oct_fail_memory(err, total, "inputs of a subgraph");
    unsigned char *at = *out;
    for (int32_t i = 0; i < in_count; i++) {
        if (in[i]->size > 0)
            memcpy(at, in[i]->data, in[i]->size);
        at += in[i]->size;
    }
    return OCT_OK;
}

static oct_status collect(
    oct_session *called, oct_value *const **out, int32_t *out_count, oct_error *err)
{
    const oct_subgraph *sub = called->sub;
    oct_value **list = oct_arena_array(&called->late, (size_t)sub->output_count, sizeof *list);
    if (list == NULL)
        return oct_fail_memory(err, (size_t)sub->output_count * sizeof *list, "results");
    for (int32_t i = 0; i < sub->output_count; i++)
        list[i] = &called->values[sub->outputs[i]];
    *out = list;
    *out_count = sub->output_count;
    return OCT_OK;
}

static oct_status call(oct_host *host, int32_t subgraph, oct_value *const *in, int32_t in_count,
    oct_value *const **out, int32_t *out_count, oct_error *err)
{
    oct_session *session = session_of(host), *called;
    OCT_TRY(check_call(session, subgraph, in_count, err));
    unsigned char *bytes;
    OCT_TRY(stage(in, in_count, &bytes, err));
    oct_status status = open_subgraph(session, subgraph, in, in_count, &called, err);
    const unsigned char *at = bytes;
    for (int32_t i = 0; status == OCT_OK && i < in_count; i++) {
        oct_value *value = &called->values[called->sub->inputs[i]];
        if (value->size > 0)
            memcpy(value->data, at, value->size);
        at += value->size;
    }
    free(bytes);
    OCT_TRY(status);
    OCT_TRY(oct_session_run(called, err));
    return collect(called, out, out_count, err);
}

static oct_status call_once(oct_host *host, int32_t subgraph, oct_error *err)
{
    oct_session *session = session_of(host), *first = main_session(session);
    oct_value *const *out;
    int32_t out_count;
    OCT_TRY(check_call(session, subgraph, 0, err));
    size_t count = (size_t)session->graph->subgraph_count;
    if (first->called_once == NULL)
        first->called_once = calloc(count, sizeof(bool));
    if (first->called_once == NULL)
        return oct_fail_memory(err, count, "sessions");
    if (first->called_once[subgraph])
        return OCT_OK;
    OCT_TRY(call(host, subgraph, NULL, 0, &out, &out_count, err));
    first->called_once[subgraph] = true;
    return OCT_OK;
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static char *copy_text(oct_arena *arena, const char *text)
{
    return text != NULL ? oct_arena_text(arena, text, strlen(text)) : NULL;
}

static int32_t variable(oct_host *host, const char *container, const char *name)
{
    oct_session *session = main_session(session_of(host));
    for (int32_t i = 0; i < session->variable_count; i++)
        if (same_text(session->variables[i].container, container) &&
            same_text(session->variables[i].name, name))
            return i;
    size_t count = (size_t)session->variable_count + 1;
    oct_variable *list = realloc(session->variables, count * sizeof *list);
    if (list == NULL)
        return -1;
    session->variables = list;
    list[count - 1] = (oct_variable){ .container = copy_text(&session->arena, container),
        .name = copy_text(&session->arena, name) };
    if ((container != NULL && list[count - 1].container == NULL) ||
        (name != NULL && list[count - 1].name == NULL))
        return -1;
    return session->variable_count++;
}

static const oct_value *read_variable(oct_host *host, int32_t index)
{
    const oct_session *session = main_session(session_of(host));
    if (index < 0 || index >= session->variable_count ||
        session->variables[index].value.data == NULL)
        return NULL;
    oct_variable *v = &session->variables[index];
    v->value.dims = v->dims; /* the list moves when it grows */
    return &v->value;
}

static oct_status assign(oct_host *host, int32_t index, const oct_value *value, oct_error *err)
{
    const oct_session *session = main_session(session_of(host));
    if (index < 0 || index >= session->variable_count || value->rank > 8)
        return oct_fail(err, OCT_E_INVALID, "%s: assigned to variable %d of %d", value->label,
            (int)index, (int)session->variable_count);
    oct_variable *v = &session->variables[index];
    if (v->value.data == NULL || v->value.size != value->size) {
        void *data = realloc(v->value.data, value->size + 1);
        if (data == NULL)
            return oct_fail_memory(err, value->size, "a variable");
        v->value.data = data;
    }
    v->value.type = value->type;
    v->value.rank = value->rank;
    v->value.size = value->size;
    for (int32_t i = 0; i < value->rank; i++)
        v->dims[i] = value->dims[i];
    if (value->size > 0)
        memcpy(v->value.data, value->data, value->size);
    return OCT_OK;
}

void oct_session_init_host(oct_session *session)
{
    session->host = (oct_host){ call, call_once, variable, read_variable, assign };
}

/* Variables keep their places, which nodes hold, and lose their values. */
void oct_session_reset(oct_session *session)
{
    oct_session_start_states(session);
    for (int32_t i = 0; session->called != NULL && i < session->graph->subgraph_count; i++)
        if (session->called[i] != NULL)
            oct_session_reset(session->called[i]);
    for (int32_t i = 0; i < session->variable_count; i++) {
        free(session->variables[i].value.data);
        session->variables[i].value.data = NULL;
    }
    if (session->called_once != NULL)
        memset(session->called_once, 0, (size_t)session->graph->subgraph_count * sizeof(bool));
}

void oct_session_free_host(oct_session *session)
{
    for (int32_t i = 0; session->called != NULL && i < session->graph->subgraph_count; i++)
        oct_session_free(session->called[i]);
    for (int32_t i = 0; i < session->variable_count; i++)
        free(session->variables[i].value.data);
    free(session->variables);
    free(session->called);
    free(session->called_once);
}
