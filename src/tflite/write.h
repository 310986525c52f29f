/*
 * Writing with a chosen limit of the FlatBuffer part.
 */
#ifndef OCT_TFLITE_WRITE_H
#define OCT_TFLITE_WRITE_H

#include "tflite/send.h"
#include "tflite/tflite.h"

/**
 * oct_tflite_write() for a FlatBuffer part of at most `limit` bytes: when it would be larger,
 * constants go behind it. The format's limit is INT32_MAX; smaller ones are for tests.
 */
oct_status oct_tflite_write_within(const oct_graph *graph, uint64_t limit, oct_tflite_sink *write,
    void *user, oct_error *err);

#endif
