/*
 * Resolving buffers: inline, or by offset and size from the start of the file (models over 2 GB,
 * and what some tools write for small ones).
 *
 * Spans may coincide, since writers share equal data, but not overlap: then the sum of the distinct
 * ones is bounded by the file, and so is everything done per span later.
 */
#include "tflite/buffers.h"

#include <stdlib.h>
#include <string.h>

enum { CONSTANT_ALIGN = 16 };

typedef struct resolver {
    const uint8_t *bytes;
    size_t size;
    oct_graph *graph;
    oct_fb_span **list; /* all that have data, to be sorted by position; malloc() */
    size_t count;
    oct_error *err;
} resolver;

/* offset 0 and 1 mean "not outside": the exporter writes 1 as a place holder. */
static oct_status resolve_outside(resolver *r, uint64_t offset, uint64_t length, const char *what,
    uint32_t index, oct_fb_span *span)
{
    if (offset <= 1)
        return OCT_OK;
    if (offset > r->size || length > r->size - offset)
        return oct_fail_at(r->err, OCT_E_INVALID, (int64_t)(offset & INT64_MAX),
            "%s %u: %llu bytes at offset %llu reach past the end of the file", what,
            (unsigned)index, (unsigned long long)length, (unsigned long long)offset);
    *span = (oct_fb_span){ r->bytes + offset, (size_t)length };
    return OCT_OK;
}

static oct_status resolve_buffer(resolver *r, const oct_fb_buffer *buffer, uint32_t index,
    oct_fb_span *span)
{
    if (buffer->data.data != NULL)
        *span = (oct_fb_span){ buffer->data.data, buffer->data.count };
    else
        OCT_TRY(resolve_outside(r, buffer->offset, buffer->size, "buffer", index, span));
    if (index == 0 && span->size != 0)
        return oct_fail_at(r->err, OCT_E_INVALID, span->data - r->bytes,
            "buffer 0 must be empty, but has %zu bytes", span->size);
    if (span->size != 0)
        r->list[r->count++] = span;
    return OCT_OK;
}

static int by_position(const void *a, const void *b)
{
    const oct_fb_span *x = *(oct_fb_span *const *)a, *y = *(oct_fb_span *const *)b;
    if (x->data != y->data)
        return x->data < y->data ? -1 : 1;
    return (x->size > y->size) - (x->size < y->size);
}

/* The list is sorted: equal spans are neighbours. */
static oct_status check_overlaps(resolver *r)
{
    for (size_t i = 1; i < r->count; i++) {
        const oct_fb_span *before = r->list[i - 1], *span = r->list[i];
        bool same = before->data == span->data && before->size == span->size;
        if (!same && span->data < before->data + before->size)
            return oct_fail_at(r->err, OCT_E_INVALID, span->data - r->bytes,
                "two buffers overlap without being the same");
    }
    return OCT_OK;
}

/* Moves data that the file does not align; equal spans share the copy. */
static oct_status align_spans(resolver *r)
{
    const uint8_t *original = NULL, *copy = NULL;
    for (size_t i = 0; i < r->count; i++) {
        oct_fb_span *span = r->list[i];
        if ((uintptr_t)span->data % CONSTANT_ALIGN == 0)
            continue;
        if (span->data != original) {
            uint8_t *fresh = oct_graph_new_bytes(r->graph, span->size);
            if (fresh == NULL)
                return oct_fail_memory(r->err, span->size, "unaligned constant");
            memcpy(fresh, span->data, span->size);
            original = span->data;
            copy = fresh;
        }
        span->data = copy;
    }
    return OCT_OK;
}

static size_t count_operators(const oct_fb_model *model)
{
    size_t count = 0;
    for (uint32_t i = 0; i < model->subgraphs.count; i++)
        count += ((const oct_fb_sub_graph *)model->subgraphs.data[i])->operators.count;
    return count;
}

/* *next walks one span for each operator of the model. */
static oct_status resolve_options(resolver *r, const oct_fb_sub_graph *sub, oct_fb_span **next)
{
    for (uint32_t i = 0; i < sub->operators.count; i++) {
        const oct_fb_operator *op = sub->operators.data[i];
        oct_fb_span *span = (*next)++;
        OCT_TRY(resolve_outside(r, op->large_custom_options_offset, op->large_custom_options_size,
            "custom options of operator", i, span));
        if (span->size > UINT32_MAX)
            return oct_fail(r->err, OCT_E_UNSUPPORTED, "custom options of operator %u exceed 4 GB",
                (unsigned)i);
        if (op->custom_options.data == NULL && span->size != 0)
            r->list[r->count++] = span;
    }
    return OCT_OK;
}

static void set_options(const oct_fb_sub_graph *sub, const oct_fb_span **next)
{
    for (uint32_t i = 0; i < sub->operators.count; i++) {
        oct_fb_operator *op = sub->operators.data[i];
        const oct_fb_span *span = (*next)++;
        if (op->custom_options.data == NULL && span->data != NULL)
            op->custom_options = (oct_vec_u8){ span->data, (uint32_t)span->size };
    }
}

static oct_status resolve_all(resolver *r, const oct_fb_model *model, oct_fb_span *buffers,
    oct_fb_span *options)
{
    for (uint32_t i = 0; i < model->buffers.count; i++)
        OCT_TRY(resolve_buffer(r, model->buffers.data[i], i, &buffers[i]));
    oct_fb_span *next = options;
    for (uint32_t i = 0; i < model->subgraphs.count; i++)
        OCT_TRY(resolve_options(r, model->subgraphs.data[i], &next));
    qsort(r->list, r->count, sizeof *r->list, by_position);
    OCT_TRY(check_overlaps(r));
    OCT_TRY(align_spans(r));
    const oct_fb_span *done = options;
    for (uint32_t i = 0; i < model->subgraphs.count; i++)
        set_options(model->subgraphs.data[i], &done);
    return OCT_OK;
}

oct_status oct_fb_resolve_buffers(const oct_fb_model *model, const uint8_t *bytes, size_t size,
    oct_graph *graph, oct_fb_spans *out, oct_error *err)
{
    size_t count = model->buffers.count + count_operators(model);
    oct_fb_span *spans = oct_arena_array(&graph->arena, count + 1, sizeof *spans);
    resolver r = { bytes, size, graph, calloc(count + 1, sizeof *r.list), 0, err };
    oct_status status = OCT_E_MEMORY;
    if (spans == NULL || r.list == NULL)
        oct_fail_memory(err, count * sizeof *spans, "buffer list");
    else
        status = resolve_all(&r, model, spans, spans + model->buffers.count);
    free(r.list);
    *out = (oct_fb_spans){ spans, model->buffers.count };
    return status;
}
