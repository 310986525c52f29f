/*
 * Images: decoding files and resizing.
 */
#ifndef OCT_EVAL_IMAGE_H
#define OCT_EVAL_IMAGE_H

#include <octavo/data.h>

/* 8-bit pixels [h][w][c], c 1 (gray) or 3 (RGB). */
typedef struct oct_image {
    int32_t h, w, c;
    unsigned char *pixels; /* owned: free() */
    bool damaged;          /* the decoder warned, as when a JPEG is cut off: the rest is grey */
} oct_image;

/** True for the names of files that oct_image_read() may know: .jpg, .jpeg, .png in any case. */
bool oct_image_name(const char *name);

/**
 * Decodes a JPEG or PNG file, told apart by content. Alpha is dropped, 16 bits become 8, palettes
 * RGB. Errors: OCT_E_INVALID (damaged, over 256 megapixels), OCT_E_UNSUPPORTED (CMYK, kind not
 * built in), OCT_E_SYSTEM, OCT_E_MEMORY; all name the file.
 */
oct_status oct_image_read(const char *path, oct_image *out, oct_error *err);

/** The same from memory; name is for messages. */
oct_status oct_image_decode(
    const unsigned char *bytes, size_t size, const char *name, oct_image *out, oct_error *err);

/* A part of an image: pixels [y, y+h) x [x, x+w). */
typedef struct oct_region {
    int32_t y, x, h, w;
} oct_region;

/**
 * Resizes a region of a float image [h][w][c] into to[to_h][to_w][c].
 *
 * BILINEAR without antialias and NEAREST have half-pixel centres and return the bits of
 * tf.image.resize(); a size that stays is a copy. BILINEAR with antialias weighs source pixels by a
 * triangle whose support is scaled with the shrinking factor (Pillow's reduction, float pixels).
 * Errors: OCT_E_MEMORY.
 */
oct_status oct_resize(const float *from, int32_t from_w, int32_t c, oct_region region, float *to,
    int32_t to_h, int32_t to_w, oct_filter filter, bool antialias, oct_error *err);

#endif
