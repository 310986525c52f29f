/*
 * What a .tflite model's own metadata say about its input.
 */
#ifndef OCT_EVAL_METADATA_H
#define OCT_EVAL_METADATA_H

#include <octavo/data.h>

/**
 * Finds the normalization of input 0, (x - mean) / std, in the bytes of a model's TFLITE_METADATA
 * entry (a FlatBuffer with identifier M001).
 *
 * out  filled when found: bilinear resizing, RGB, divisor 1, mean and std as given.
 * Returns false when there is none, or the bytes are damaged; reads nothing outside them.
 * Source: tflite-support, metadata_schema.fbs 1.5.
 */
bool oct_metadata_normalization(const void *bytes, size_t size, oct_preprocess *out);

#endif
