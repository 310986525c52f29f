/*
 * Sending a packed model to a sink, in order and without a copy of the whole.
 */
#ifndef OCT_TFLITE_SEND_H
#define OCT_TFLITE_SEND_H

#include "graph/graph.h"
#include "tflite/layout.h"

typedef oct_status oct_tflite_sink(void *user, const void *bytes, size_t size, oct_error *err);

/* Small pieces are gathered; large ones go out as they are, and are put to rest behind. */
typedef struct oct_fb_stream {
    const oct_graph *graph; /* whose constants are sent; NULL: none of any */
    oct_tflite_sink *write;
    void *user;
    uint8_t *stage;
    size_t staged;
    uint64_t at; /* bytes sent so far */
    oct_error *err;
} oct_fb_stream;

/** A stream to a sink; oct_fb_stream_close(), also after failure. Errors: OCT_E_MEMORY. */
oct_status oct_fb_stream_open(oct_fb_stream *stream, oct_tflite_sink *write, void *user,
    oct_error *err);

oct_status oct_fb_send(oct_fb_stream *stream, const void *bytes, size_t size);

/** Zeros up to position `at`. */
oct_status oct_fb_send_zeros(oct_fb_stream *stream, uint64_t at);

/** Header and all objects of a packed model whose places are known. */
oct_status oct_fb_send_model(oct_fb_stream *stream, const oct_fb_pack *pack,
    const oct_fb_layout *layout);

/** Sends what is still gathered. */
oct_status oct_fb_stream_flush(oct_fb_stream *stream);

void oct_fb_stream_close(oct_fb_stream *stream);

#endif
