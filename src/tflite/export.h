/*
 * From the graph to file structs.
 */
#ifndef OCT_TFLITE_EXPORT_H
#define OCT_TFLITE_EXPORT_H

#include "graph/graph.h"
#include "tflite/pack.h"

/* One distinct constant or metadata content: buffer `index` of the model. [0] is the empty
 * buffer. */
typedef struct oct_fb_content {
    const void *data;
    size_t size;
    uint8_t cause;
    bool outside; /* behind the FlatBuffer, by offset and size */
} oct_fb_content;

typedef struct oct_fb_export {
    oct_arena arena;
    oct_fb_model model;
    oct_fb_content *contents; /* [count]; in the arena */
    oct_fb_buffer *buffers;   /* [count], the structs of model.buffers */
    uint8_t *causes;          /* [count] */
    uint32_t count;
} oct_fb_export;

/**
 * Makes the structs of a graph: equal constants and metadata become one buffer, operator codes are
 * unique by operator, custom name and version. Everything borrows from the graph.
 *
 * outside  puts constants behind the FlatBuffer: their Buffer has an offset and size, set by
 *          oct_fb_place_outside() once the size of the FlatBuffer is known.
 * out      oct_fb_export_deinit(), also after failure.
 * Errors: OCT_E_MEMORY; OCT_E_INVALID for options of no known table.
 */
oct_status oct_fb_export_graph(const oct_graph *graph, bool outside, oct_fb_export *out,
    oct_error *err);

/**
 * Sets offset and size of the outside buffers for a FlatBuffer of `bytes`; returns the file's size.
 */
uint64_t oct_fb_place_outside(oct_fb_export *export, uint64_t bytes);

void oct_fb_export_deinit(oct_fb_export *export);

#endif
