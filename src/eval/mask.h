/*
 * Masks: the class of every pixel, the truth of a segmentation.
 */
#ifndef OCT_EVAL_MASK_H
#define OCT_EVAL_MASK_H

#include "eval/image.h"

enum { OCT_MASK_IGNORED = 255 }; /* this value stands for no class */

/**
 * Reads a PNG of one channel with 1 to 8 bits, or with a palette, whose numbers are the classes:
 * what is stored is taken, not the shade or colour that is shown.
 * out  [h][w], c 1
 * Errors: OCT_E_INVALID (damaged, several channels, 16 bits), OCT_E_UNSUPPORTED (PNG not built in),
 * OCT_E_SYSTEM, OCT_E_MEMORY; all name the file.
 */
oct_status oct_mask_read(const char *path, oct_image *out, oct_error *err);

/** A region of a mask as to [to_h][to_w]: the nearest pixel, half-pixel centres
 * (tf.image.resize). */
void oct_mask_resize(
    const oct_image *mask, oct_region region, unsigned char *to, int32_t to_h, int32_t to_w);

#endif
