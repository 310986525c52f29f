/*
 * Views inside the library: what evaluation needs to read a sample once for several models.
 */
#ifndef OCT_EVAL_VIEW_H
#define OCT_EVAL_VIEW_H

#include <octavo/data.h>

/* Values that arrive at an input, and what it can hold. */
typedef struct oct_extent {
    float low, high;           /* of the values seen; start with low > high */
    int64_t values, beyond;    /* seen; outside of what a quantized input holds */
    double can_low, can_high;  /* what a quantized input holds */
} oct_extent;

int32_t oct_view_input_count(const oct_data_view *view);

/** Bytes of one input for batch 1. */
size_t oct_view_input_bytes(const oct_data_view *view, int32_t input);

/**
 * Folds the values of a sample's input, before they are quantized, into *extent. Inputs that take
 * integers as they are and random samples are left out.
 * Errors: those of reading the sample.
 */
oct_status oct_view_measure(const oct_data_view *view, int64_t index, int32_t input,
    oct_extent *extent, oct_error *err);

/** True when every input of `view` can be made from the float32 inputs of `from`. */
bool oct_view_derives(const oct_data_view *view, const oct_data_view *from);

/** Input of `view` from the float32 value that the view it derives from read: a copy, or quantized.
 */
void oct_view_derive(const oct_data_view *view, int32_t input, const float *values, void *to);

#endif
