/*
 * Where the bytes of a model's buffers and large custom options lie in the file.
 */
#ifndef OCT_TFLITE_BUFFERS_H
#define OCT_TFLITE_BUFFERS_H

#include "graph/graph.h"
#include "tflite/schema.h"

typedef struct oct_fb_span {
    const uint8_t *data; /* NULL: the buffer has no data; not NULL with size 0: empty data */
    size_t size;
} oct_fb_span;

typedef struct oct_fb_spans {
    oct_fb_span *buffers; /* [count], by buffer index */
    uint32_t count;
} oct_fb_spans;

/**
 * Resolves inline data, data outside the FlatBuffer (offset and size) and large custom options,
 * which are put into the operators' custom_options.
 *
 * All data is 16-byte aligned: where the file does not align it, a copy in a new backing of the
 * graph is. out->buffers lives in the graph's arena.
 * Errors: OCT_E_INVALID for data outside the file, partial overlaps (nothing may be reached in many
 * ways at the price of one) and a buffer 0 with content.
 */
oct_status oct_fb_resolve_buffers(const oct_fb_model *model, const uint8_t *bytes, size_t size,
    oct_graph *graph, oct_fb_spans *out, oct_error *err);

#endif
