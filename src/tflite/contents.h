/*
 * The distinct contents of a graph's buffers.
 */
#ifndef OCT_TFLITE_CONTENTS_H
#define OCT_TFLITE_CONTENTS_H

#include "tflite/export.h"

/* Zero-initialise before use. */
typedef struct oct_fb_contents {
    oct_arena *arena;
    oct_fb_content *list; /* [count], [0] the empty buffer; in the arena */
    uint32_t count, capacity;
    oct_fb_index by_address, by_bytes;
} oct_fb_contents;

/**
 * Buffer index of a content, added when new; NULL data is buffer 0. OCT_FB_NONE when memory is
 * short.
 */
uint32_t oct_fb_contents_add(oct_fb_contents *contents, const void *data, size_t size,
    oct_fb_cause cause);

void oct_fb_contents_deinit(oct_fb_contents *contents);

/**
 * What the constants of a subgraph are for, without knowing operators: floating-point and quantized
 * constants are weights; of these, vectors in an input slot from 2 on are biases, also behind an
 * operator with one input (DEQUANTIZE); other integers are shapes, axes and the like.
 *
 * causes  [tensor_count], filled; meaningful for constants.
 */
void oct_fb_classify(const oct_subgraph *sub, uint8_t *causes, int32_t *origins);

#endif
