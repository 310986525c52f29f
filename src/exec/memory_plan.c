/*
 * Greedy placement by size: simple, deterministic, and for networks near the lower bound, because the
 * few largest activations decide the peak.
 */
#include "exec/memory_plan.h"

#include <stdlib.h>

/* Larger first, then earlier, then by index: a total order, so that qsort cannot vary. */
static int by_size(const void *left, const void *right)
{
    const oct_span *a = *(oct_span *const *)left, *b = *(oct_span *const *)right;
    if (a->size != b->size)
        return a->size > b->size ? -1 : 1;
    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    return a < b ? -1 : a > b;
}

static size_t aligned(size_t size)
{
    return (size + OCT_ARENA_ALIGNMENT - 1) & ~(size_t)(OCT_ARENA_ALIGNMENT - 1);
}

/* Lowest free offset for `span` among `placed` spans, which are sorted by offset. */
static size_t first_fit(const oct_span *span, oct_span *const *placed, size_t count)
{
    size_t offset = 0;
    for (size_t i = 0; i < count; i++) {
        const oct_span *other = placed[i];
        if (other->last < span->first || other->first > span->last)
            continue;
        if (other->offset >= offset + span->size)
            break;
        size_t end = aligned(other->offset + other->size);
        if (end > offset)
            offset = end;
    }
    return offset;
}

oct_status oct_memory_plan(oct_span *spans, size_t count, size_t *total, oct_error *err)
{
    *total = 0;
    if (count == 0)
        return OCT_OK;
    oct_span **order = calloc(2 * count, sizeof *order);
    if (order == NULL)
        return oct_fail_memory(err, 2 * count * sizeof *order, "memory plan");
    oct_span **placed = order + count; /* by offset */
    for (size_t i = 0; i < count; i++)
        order[i] = &spans[i];
    qsort(order, count, sizeof *order, by_size);
    for (size_t n = 0; n < count; n++) {
        oct_span *span = order[n];
        span->offset = first_fit(span, placed, n);
        size_t at = n;
        for (; at > 0 && placed[at - 1]->offset > span->offset; at--)
            placed[at] = placed[at - 1];
        placed[at] = span;
        size_t end = aligned(span->offset + span->size);
        if (end > *total)
            *total = end;
    }
    free(order);
    return OCT_OK;
}
