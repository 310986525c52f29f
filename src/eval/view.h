/*
 * Views inside the library: what evaluation needs to read a sample once for several models.
 */
#ifndef OCT_EVAL_VIEW_H
#define OCT_EVAL_VIEW_H

#include <octavo/data.h>

int32_t oct_view_input_count(const oct_data_view *view);

/** Bytes of one input for batch 1. */
size_t oct_view_input_bytes(const oct_data_view *view, int32_t input);

/** True when every input of `view` can be made from the float32 inputs of `from`. */
bool oct_view_derives(const oct_data_view *view, const oct_data_view *from);

/** Input of `view` from the float32 value that the view it derives from read: a copy, or quantized.
 */
void oct_view_derive(const oct_data_view *view, int32_t input, const float *values, void *to);

#endif
