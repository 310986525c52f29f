/*
 * Image files to 8-bit pixels, by libjpeg-turbo (accurate DCT, as Pillow) and libspng.
 */
#include "eval/image.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#ifdef OCT_HAVE_JPEG
#include <turbojpeg.h>
#endif
#ifdef OCT_HAVE_PNG
#include <spng.h>
#endif

#include "base/backing.h"
#include "base/error.h"

enum { MAX_PIXELS = 256 << 20, MAX_SIDE = 1 << 20 };

bool oct_image_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL && (strcasecmp(dot, ".jpg") == 0 || strcasecmp(dot, ".jpeg") == 0 ||
                              strcasecmp(dot, ".png") == 0);
}

#if defined(OCT_HAVE_JPEG) || defined(OCT_HAVE_PNG)
static oct_status make_pixels(
    int64_t w, int64_t h, int32_t c, const char *path, oct_image *out, oct_error *err)
{
    if (w <= 0 || h <= 0 || w > MAX_SIDE || h > MAX_SIDE || w * h > MAX_PIXELS)
        return oct_fail(err, OCT_E_INVALID, "%s: an image of %lld x %lld pixels", path,
            (long long)w, (long long)h);
    *out = (oct_image){ .h = (int32_t)h, .w = (int32_t)w, .c = c };
    size_t bytes = (size_t)w * (size_t)h * (size_t)c;
    out->pixels = malloc(bytes);
    return out->pixels != NULL ? OCT_OK : oct_fail_memory(err, bytes, path);
}

static oct_status finish(oct_status status, oct_image *out)
{
    if (status != OCT_OK) {
        free(out->pixels);
        *out = (oct_image){ 0 };
    }
    return status;
}
#endif

#ifdef OCT_HAVE_JPEG
static oct_status decode_jpeg(tjhandle jpeg, const unsigned char *bytes, size_t size,
    const char *path, oct_image *out, oct_error *err)
{
    int w = 0, h = 0, subsampling, space = 0; /* left as they are where the file ends before its picture */
    if (tjDecompressHeader3(jpeg, bytes, size, &w, &h, &subsampling, &space) != 0)
        return oct_fail(err, OCT_E_INVALID, "%s: %s", path, tjGetErrorStr2(jpeg));
    if (w < 1 || h < 1)
        return oct_fail(err, OCT_E_INVALID, "%s: a JPEG without a picture", path);
    if (space == TJCS_CMYK || space == TJCS_YCCK)
        return oct_fail(err, OCT_E_UNSUPPORTED, "%s: a CMYK JPEG", path);
    bool gray = space == TJCS_GRAY;
    OCT_TRY(make_pixels(w, h, gray ? 1 : 3, path, out, err));
    out->damaged = tjDecompress2(jpeg, bytes, size, out->pixels, w, 0, h,
                       gray ? TJPF_GRAY : TJPF_RGB, TJFLAG_ACCURATEDCT) != 0;
    if (out->damaged && tjGetErrorCode(jpeg) == TJERR_FATAL)
        return oct_fail(err, OCT_E_INVALID, "%s: %s", path, tjGetErrorStr2(jpeg));
    return OCT_OK;
}

static oct_status read_jpeg(
    const unsigned char *bytes, size_t size, const char *path, oct_image *out, oct_error *err)
{
    tjhandle jpeg = tjInitDecompress();
    if (jpeg == NULL)
        return oct_fail_memory(err, size, path);
    oct_status status = decode_jpeg(jpeg, bytes, size, path, out, err);
    tjDestroy(jpeg);
    return finish(status, out);
}
#else
static oct_status read_jpeg(
    const unsigned char *bytes, size_t size, const char *path, oct_image *out, oct_error *err)
{
    (void)bytes, (void)size, (void)out;
    return oct_fail(
        err, OCT_E_UNSUPPORTED, "%s: JPEG needs libturbojpeg, absent from this build", path);
}
#endif

#ifdef OCT_HAVE_PNG
static oct_status decode_png(spng_ctx *png, const unsigned char *bytes, size_t size,
    const char *path, oct_image *out, oct_error *err)
{
    struct spng_ihdr header;
    int failure = spng_set_png_buffer(png, bytes, size);
    if (failure == 0)
        failure = spng_get_ihdr(png, &header);
    if (failure != 0)
        return oct_fail(err, OCT_E_INVALID, "%s: %s", path, spng_strerror(failure));
    bool gray = header.color_type == SPNG_COLOR_TYPE_GRAYSCALE && header.bit_depth <= 8;
    OCT_TRY(make_pixels(header.width, header.height, gray ? 1 : 3, path, out, err));
    failure = spng_decode_image(png, out->pixels, (size_t)out->w * (size_t)out->h * (size_t)out->c,
        gray ? SPNG_FMT_G8 : SPNG_FMT_RGB8, 0);
    if (failure != 0)
        return oct_fail(err, OCT_E_INVALID, "%s: %s", path, spng_strerror(failure));
    return OCT_OK;
}

static oct_status read_png(
    const unsigned char *bytes, size_t size, const char *path, oct_image *out, oct_error *err)
{
    spng_ctx *png = spng_ctx_new(0);
    if (png == NULL)
        return oct_fail_memory(err, size, path);
    oct_status status = decode_png(png, bytes, size, path, out, err);
    spng_ctx_free(png);
    return finish(status, out);
}
#else
static oct_status read_png(
    const unsigned char *bytes, size_t size, const char *path, oct_image *out, oct_error *err)
{
    (void)bytes, (void)size, (void)out;
    return oct_fail(err, OCT_E_UNSUPPORTED, "%s: PNG needs libspng, absent from this build", path);
}
#endif

oct_status oct_image_decode(
    const unsigned char *bytes, size_t size, const char *name, oct_image *out, oct_error *err)
{
    *out = (oct_image){ 0 };
    if (size >= 3 && memcmp(bytes, "\xff\xd8\xff", 3) == 0)
        return read_jpeg(bytes, size, name, out, err);
    if (size >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0)
        return read_png(bytes, size, name, out, err);
    return oct_fail(err, OCT_E_INVALID, "%s: neither JPEG nor PNG", name);
}

oct_status oct_image_read(const char *path, oct_image *out, oct_error *err)
{
    *out = (oct_image){ 0 };
    oct_backing *backing = NULL;
    OCT_TRY(oct_backing_map(path, &backing, err));
    oct_status status =
        oct_image_decode(oct_backing_bytes(backing), oct_backing_size(backing), path, out, err);
    oct_backing_release(backing);
    return status;
}
