/*
 * The gate between hostile bytes and the reader.
 */
#ifndef OCT_TFLITE_VERIFY_H
#define OCT_TFLITE_VERIFY_H

#include "base/error.h"
#include "graph/record.h"

/**
 * Checks that bytes hold a FlatBuffer whose root table is `root`: everything reachable lies inside,
 * is aligned as FlatBuffers' own verifier wants it, strings end in NUL, unions and fields are
 * known. After success oct_fb_unpack() may follow every offset without looking.
 *
 * Work and memory are bounded: at most a million tables (the limit of FlatBuffers' own verifier)
 * and vectors of 64 MiB + 16 * size bytes, counted as often as they are reached. Buffer.data is not
 * counted.
 * Errors: OCT_E_INVALID, or OCT_E_UNSUPPORTED for fields and unions this schema does not know; both
 * with the byte offset.
 */
oct_status oct_fb_verify(const void *bytes, size_t size, const oct_record *root, oct_error *err);

#endif
