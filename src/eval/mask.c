/*
 * Masks from PNG files. A reader of pictures would scale a gray of 1, 2 or 4 bits to 0..255 and
 * look palettes up; classes are the numbers before that.
 */
#include "eval/mask.h"

#include <math.h>
#include <stdlib.h>
#ifdef OCT_HAVE_PNG
#include <spng.h>
#endif

#include "base/backing.h"
#include "base/error.h"

#ifdef OCT_HAVE_PNG
enum { MAX_SIDE = 1 << 15 };

/* Rows of `bits` a pixel, padded to bytes, the leftmost pixel in the high bits, to bytes in
 * place. */
static void spread(unsigned char *pixels, size_t h, size_t w, size_t row_bytes, unsigned bits)
{
    for (size_t y = h; y-- > 0;)
        for (size_t x = w; x-- > 0;) {
            size_t bit = x * bits;
            unsigned byte = pixels[y * row_bytes + bit / 8];
            pixels[y * w + x] =
                (unsigned char)((byte >> (8 - bits - bit % 8)) & ((1u << bits) - 1));
        }
}

static oct_status decode(
    spng_ctx *png, const oct_backing *backing, const char *path, oct_image *out, oct_error *err)
{
    struct spng_ihdr header;
    size_t size = 0;
    int failure = spng_set_png_buffer(png, oct_backing_bytes(backing), oct_backing_size(backing));
    if (failure == 0)
        failure = spng_get_ihdr(png, &header);
    if (failure != 0)
        return oct_fail(err, OCT_E_INVALID, "%s: %s", path, spng_strerror(failure));
    bool numbers = header.color_type == SPNG_COLOR_TYPE_GRAYSCALE ||
                   header.color_type == SPNG_COLOR_TYPE_INDEXED;
    if (!numbers || header.bit_depth > 8)
        return oct_fail(
            err, OCT_E_INVALID, "%s: a mask has one channel of at most 8 bits, or a palette", path);
    if (header.width > MAX_SIDE || header.height > MAX_SIDE)
        return oct_fail(err, OCT_E_INVALID, "%s: a mask of %u x %u pixels", path,
            (unsigned)header.width, (unsigned)header.height);
    *out = (oct_image){ .h = (int32_t)header.height, .w = (int32_t)header.width, .c = 1 };
    out->pixels = malloc((size_t)header.height * header.width);
    if (out->pixels == NULL)
        return oct_fail_memory(err, (size_t)header.height * header.width, path);
    failure = spng_decoded_image_size(png, SPNG_FMT_PNG, &size);
    if (failure == 0)
        failure = spng_decode_image(png, out->pixels, size, SPNG_FMT_PNG, 0);
    if (failure != 0)
        return oct_fail(err, OCT_E_INVALID, "%s: %s", path, spng_strerror(failure));
    if (header.bit_depth < 8)
        spread(out->pixels, header.height, header.width, size / header.height, header.bit_depth);
    return OCT_OK;
}

oct_status oct_mask_read(const char *path, oct_image *out, oct_error *err)
{
    *out = (oct_image){ 0 };
    oct_backing *backing = NULL;
    OCT_TRY(oct_backing_map(path, &backing, err));
    spng_ctx *png = spng_ctx_new(0);
    oct_status status = png == NULL ? oct_fail_memory(err, oct_backing_size(backing), path)
                                    : decode(png, backing, path, out, err);
    spng_ctx_free(png);
    oct_backing_release(backing);
    if (status != OCT_OK) {
        free(out->pixels);
        *out = (oct_image){ 0 };
    }
    return status;
}
#else
oct_status oct_mask_read(const char *path, oct_image *out, oct_error *err)
{
    *out = (oct_image){ 0 };
    return oct_fail(err, OCT_E_UNSUPPORTED, "%s: PNG needs libspng, absent from this build", path);
}
#endif

static int32_t nearest(int32_t at, int32_t from, int32_t to)
{
    int32_t place = (int32_t)floorf(((float)at + 0.5f) * ((float)from / (float)to));
    return place < from ? place : from - 1;
}

void oct_mask_resize(
    const oct_image *mask, oct_region region, unsigned char *to, int32_t to_h, int32_t to_w)
{
    for (int32_t y = 0; y < to_h; y++) {
        size_t row = (size_t)(region.y + nearest(y, region.h, to_h)) * (size_t)mask->w;
        for (int32_t x = 0; x < to_w; x++)
            *to++ = mask->pixels[row + (size_t)(region.x + nearest(x, region.w, to_w))];
    }
}
