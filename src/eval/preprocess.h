/*
 * From the pixels of a sample to the floats of a model input.
 */
#ifndef OCT_EVAL_PREPROCESS_H
#define OCT_EVAL_PREPROCESS_H

#include <octavo/data.h>
#include "eval/image.h"
#include "graph/types.h"

/* A sample's value for one input: an image or any other array, in somebody's memory. */
typedef struct oct_sample_value {
    oct_type type;
    int32_t rank;
    int64_t dims[8]; /* of one sample: [h][w] or [h][w][c] for images */
    const void *bytes;
    void *owned; /* free() after use; NULL when borrowed */
    bool sound;  /* [samples], which may be fewer or more than an input takes */
    bool damaged; /* an image whose decoder warned, as when the file is cut off */
} oct_sample_value;

/** Converts count elements of a type to float32; to may not overlap. False for types without
 * numbers. */
bool oct_to_float(oct_type type, const void *from, size_t count, float *to);

/** (x / divisor - mean[c]) / std[c] in place; values [count / c][c]. c > 4 uses the first mean and
 * std. */
void oct_normalise(const oct_preprocess *p, float *values, size_t count, int32_t c);

/** The centred part of an image [h][w] that becomes an input [to_h][to_w]. */
oct_region oct_used_region(
    const oct_preprocess *p, int32_t h, int32_t w, int32_t to_h, int32_t to_w);

/**
 * Image to input: crop, gray or RGB, resize, channel order, normalise.
 *
 * field  rank 2 or 3 with 1, 3 or 4 channels (the fourth is dropped).
 * to     [h][w][c] float32, c 1 or 3.
 * Errors: OCT_E_INVALID (names the shapes), OCT_E_MEMORY.
 */
oct_status oct_image_to_input(const oct_preprocess *p, const oct_sample_value *field, int32_t h,
    int32_t w, int32_t c, float *to, oct_error *err);

#endif
