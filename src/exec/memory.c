/*
 * One block for all activations of a run.
 *
 * Values that share bytes form a group: a view with its source, an in-place result with its operand.
 * Lifetimes belong to groups. Buffers that the user sees from outside a run (inputs, variables,
 * constants) are fixed: they may be viewed but never written to by a node. What late nodes make has no place
 * here: its size is not known yet.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "exec/internal.h"
#include "exec/memory_plan.h"

enum { HUGE_PAGE = 2 << 20, SLACK = 64 };

typedef struct group {
    bool fixed;          /* has a buffer already */
    bool variable;
    int32_t first, last; /* steps of the run */
    size_t size;
    size_t span;         /* index in planner.spans */
} group;

typedef struct planner {
    oct_session *session;
    int32_t *last_use;   /* [tensor_count] step of the last use; run_count for subgraph outputs; -1 unused */
    int32_t *group_of;   /* [tensor_count] index of the group, which is that of its first tensor */
    group *groups;       /* [tensor_count], by first tensor */
    oct_span *spans;
    size_t span_count;
} planner;

static int32_t index_of(const planner *p, const oct_value *value)
{
    return (int32_t)(value - p->session->values);
}

static void find_last_uses(planner *p)
{
    const oct_session *session = p->session;
    for (int32_t i = 0; i < session->sub->tensor_count; i++)
        p->last_use[i] = -1;
    for (int32_t step = 0; step < session->run_count; step++) {
        const oct_op *op = session->run[step];
        for (int32_t i = 0; i < op->in_count; i++)
            if (op->in[i] != NULL)
                p->last_use[index_of(p, op->in[i])] = step;
    }
    for (int32_t i = 0; i < session->sub->output_count; i++)
        p->last_use[session->sub->outputs[i]] = session->run_count;
}

static group *group_of(const planner *p, const oct_value *value)
{
    return &p->groups[p->group_of[index_of(p, value)]];
}

/* Whether output 0 may be a view of input 0. */
static bool can_view(const planner *p, const oct_op *op)
{
    const group *source = group_of(p, op->in[0]);
    bool leaves = p->last_use[index_of(p, op->out[0])] == p->session->run_count;
    return op->in[0]->size == op->out[0]->size && !source->variable && !(source->fixed && leaves);
}

static bool same_shape(const oct_value *a, const oct_value *b)
{
    return a->type == b->type && a->rank == b->rank
        && (a->rank == 0 || memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims) == 0);
}

/* Whether output 0 may overwrite input 0: nobody needs it after this step, no other operand sees it. */
static bool can_overwrite(const planner *p, const oct_op *op, int32_t step)
{
    const group *source = group_of(p, op->in[0]);
    if (source->fixed || source->last != step || !same_shape(op->in[0], op->out[0]))
        return false;
    for (int32_t i = 1; i < op->in_count; i++)
        if (op->in[i] != NULL && op->in[i] != op->in[0] && group_of(p, op->in[i]) == source)
            return false;
    return true;
}

static void join(planner *p, const oct_value *value, const oct_value *source)
{
    int32_t index = index_of(p, value);
    group *g = group_of(p, source);
    p->group_of[index] = p->group_of[index_of(p, source)];
    if (p->last_use[index] > g->last)
        g->last = p->last_use[index];
}

static void start_group(planner *p, const oct_value *value, int32_t step)
{
    int32_t index = index_of(p, value), last = p->last_use[index];
    p->groups[index] = (group){ .first = step, .last = last < step ? step : last,
        .size = value->size, .span = p->span_count };
    p->spans[p->span_count++] = (oct_span){ .size = value->size };
}

static void group_values(planner *p)
{
    const oct_session *session = p->session;
    for (int32_t i = 0; i < session->sub->tensor_count; i++) {
        p->group_of[i] = i;
        p->groups[i].fixed = session->values[i].data != NULL;
        p->groups[i].variable = session->sub->tensors[i]->is_variable;
    }
    for (int32_t step = 0; step < session->run_count; step++) {
        const oct_op *op = session->run[step];
        uint32_t traits = oct_op_of(op->node)->traits;
        for (int32_t i = 0; i < op->out_count && !op->postponed; i++) {
            bool shares = i == 0 && op->in_count > 0 && op->in[0] != NULL
                && (((traits & OCT_TRAIT_VIEW) && can_view(p, op))
                    || ((traits & OCT_TRAIT_INPLACE) && can_overwrite(p, op, step)));
            if (shares)
                join(p, op->out[i], op->in[0]);
            else if (op->out[i]->data == NULL)
                start_group(p, op->out[i], step);
        }
    }
    for (int32_t i = 0; i < session->sub->tensor_count; i++)
        if (p->group_of[i] == i && !p->groups[i].fixed && p->groups[i].size > 0) {
            oct_span *span = &p->spans[p->groups[i].span];
            span->first = p->groups[i].first;
            span->last = p->groups[i].last;
        }
}

/* Scratch spans follow those of the values, by step and slot. */
static void add_scratch(planner *p)
{
    for (int32_t step = 0; step < p->session->run_count; step++)
        for (int i = 0; i < OCT_MAX_SCRATCH; i++)
            if (p->session->run[step]->scratch_bytes[i] > 0)
                p->spans[p->span_count++] = (oct_span){ .first = step, .last = step,
                    .size = p->session->run[step]->scratch_bytes[i] };
}

/* Aligned to huge pages where it fills some, and touched, so that no run pays for page faults. */
static oct_status allocate_block(oct_session *session, oct_error *err)
{
    size_t alignment = session->block_bytes >= HUGE_PAGE ? HUGE_PAGE : OCT_ARENA_ALIGNMENT;
    size_t bytes = (session->block_bytes + SLACK + alignment - 1) / alignment * alignment;
    if (oct_session_affordable(bytes))
        session->block = aligned_alloc(alignment, bytes);
    if (session->block == NULL)
        return oct_fail_memory(err, bytes, "activations");
    if (alignment == HUGE_PAGE)
        (void)madvise(session->block, bytes, MADV_HUGEPAGE); /* advice: refusal costs speed only */
    memset(session->block, 0, bytes);
    return OCT_OK;
}

static void set_pointers(const planner *p, size_t value_spans)
{
    oct_session *session = p->session;
    unsigned char *block = session->block;
    for (int32_t step = 0; step < session->run_count; step++) {
        oct_op *op = session->run[step];
        for (int32_t i = 0; i < op->out_count && !op->postponed; i++) {
            int32_t first = p->group_of[index_of(p, op->out[i])];
            op->out[i]->data = p->groups[first].fixed ? session->values[first].data
                                                      : block + p->spans[p->groups[first].span].offset;
        }
        /* Never NULL: kernels offset it by the worker even when they need none. */
        for (int i = 0; i < OCT_MAX_SCRATCH; i++)
            op->scratch[i] =
                op->scratch_bytes[i] > 0 ? block + p->spans[value_spans++].offset : block;
    }
}

oct_status oct_session_make_memory(oct_session *session, oct_error *err)
{
    size_t tensors = (size_t)session->sub->tensor_count;
    size_t spans = tensors + (size_t)session->run_count * OCT_MAX_SCRATCH;
    planner p = { .session = session,
        .last_use = calloc(tensors + 1, sizeof *p.last_use),
        .group_of = calloc(tensors + 1, sizeof *p.group_of),
        .groups = calloc(tensors + 1, sizeof *p.groups),
        .spans = calloc(spans + 1, sizeof *p.spans) };
    oct_status status = OCT_OK;
    if (p.last_use == NULL || p.group_of == NULL || p.groups == NULL || p.spans == NULL) {
        status = oct_fail_memory(err, spans * sizeof *p.spans, "memory plan");
        goto done;
    }
    find_last_uses(&p);
    group_values(&p);
    size_t value_spans = p.span_count;
    add_scratch(&p);
    status = oct_memory_plan(p.spans, p.span_count, &session->block_bytes, err);
    if (status == OCT_OK)
        status = allocate_block(session, err);
    if (status == OCT_OK)
        set_pointers(&p, value_spans);
done:
    free(p.last_use);
    free(p.group_of);
    free(p.groups);
    free(p.spans);
    return status;
}
