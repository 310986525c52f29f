/*
 * A PNG writer for pictures of a few kilobytes: filter 0, one IDAT, zlib's compression.
 */
#include "report/picture.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "eval/preprocess.h"
#include "eval/source.h"

enum { MAX_SIDE = 64, OVERHEAD = 8 + 25 + 12 + 12 }; /* signature, IHDR, frames of IDAT and IEND */

static unsigned char *put_u32(unsigned char *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        *to++ = (unsigned char)(value >> (24 - 8 * i));
    return to;
}

/* Length, type, data, checksum of type and data. data may already be in its place. */
static unsigned char *put_chunk(unsigned char *to, const char *type, const void *data, size_t size)
{
    unsigned char *body = put_u32(to, (uint32_t)size);
    memcpy(body, type, 4);
    if (size != 0)
        memmove(body + 4, data, size);
    return put_u32(body + 4 + size, (uint32_t)crc32(0, body, (uInt)(size + 4)));
}

/* pixels [h][w][c], c 1 or 3; *size gets the length of the PNG. */
static unsigned char *encode_png(
    const unsigned char *pixels, int32_t h, int32_t w, int32_t c, size_t *size)
{
    size_t row = (size_t)w * (size_t)c, raw_size = (size_t)h * (row + 1);
    uLong bound = compressBound((uLong)raw_size);
    unsigned char *raw = malloc(raw_size), *png = malloc(bound + OVERHEAD);
    unsigned char header[13] = { 0 };
    put_u32(put_u32(header, (uint32_t)w), (uint32_t)h);
    header[8] = 8;
    header[9] = c == 3 ? 2 : 0;
    if (raw != NULL && png != NULL) {
        for (int32_t y = 0; y < h; y++) {
            raw[(size_t)y * (row + 1)] = 0;
            memcpy(raw + (size_t)y * (row + 1) + 1, pixels + (size_t)y * row, row);
        }
        memcpy(png, "\x89PNG\r\n\x1a\n", 8);
        unsigned char *at = put_chunk(png + 8, "IHDR", header, sizeof header);
        if (compress2(at + 8, &bound, raw, (uLong)raw_size, 9) == Z_OK) {
            at = put_chunk(at, "IDAT", at + 8, bound);
            at = put_chunk(at, "IEND", NULL, 0);
            *size = (size_t)(at - png);
            free(raw);
            return png;
        }
    }
    free(raw);
    free(png);
    return NULL;
}

static char *data_uri(const unsigned char *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char prefix[] = "data:image/png;base64,";
    char *text = malloc(sizeof prefix + (size + 2) / 3 * 4), *at = text;
    if (text == NULL)
        return NULL;
    memcpy(at, prefix, sizeof prefix - 1);
    at += sizeof prefix - 1;
    for (size_t i = 0; i < size; i += 3) {
        uint32_t three = (uint32_t)bytes[i] << 16 |
                         (i + 1 < size ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (i + 2 < size ? bytes[i + 2] : 0);
        *at++ = digits[three >> 18];
        *at++ = digits[three >> 12 & 63];
        *at++ = i + 1 < size ? digits[three >> 6 & 63] : '=';
        *at++ = i + 2 < size ? digits[three & 63] : '=';
    }
    *at = 0;
    return text;
}

/* The picture's size: the sample's, made smaller to fit into MAX_SIDE. */
static void fit(int64_t h, int64_t w, int32_t *to_h, int32_t *to_w)
{
    int64_t side = h > w ? h : w;
    *to_h = (int32_t)(side <= MAX_SIDE ? h : (h * MAX_SIDE + side - 1) / side);
    *to_w = (int32_t)(side <= MAX_SIDE ? w : (w * MAX_SIDE + side - 1) / side);
}

static char *draw(const oct_sample_value *value)
{
    int64_t channels = value->rank == 3 ? value->dims[2] : 1;
    if (value->type != OCT_UINT8 || value->rank < 2 || value->rank > 3 || value->dims[0] < 1 ||
        value->dims[1] < 1 || (channels != 1 && channels != 3 && channels != 4))
        return NULL;
    oct_preprocess plain;
    float pixels[MAX_SIDE * MAX_SIDE * 3];
    unsigned char bytes[MAX_SIDE * MAX_SIDE * 3];
    int32_t h, w, c = channels == 1 ? 1 : 3;
    fit(value->dims[0], value->dims[1], &h, &w);
    if (oct_preprocess_parse("none", &plain, NULL) != OCT_OK)
        return NULL;
    plain.antialias = true;
    if (oct_image_to_input(&plain, value, h, w, c, pixels, NULL) != OCT_OK)
        return NULL;
    for (int32_t i = 0; i < h * w * c; i++)
        bytes[i] = (unsigned char)(pixels[i] + 0.5f);
    size_t size;
    unsigned char *png = encode_png(bytes, h, w, c, &size);
    char *uri = png == NULL ? NULL : data_uri(png, size);
    free(png);
    return uri;
}

char *oct_picture(const oct_data *data, int64_t index)
{
    oct_sample_value value = { 0 };
    const oct_source *source = data->source;
    int64_t at = data->chosen == NULL ? index : data->chosen[index];
    bool images = source->files != NULL || source->array_count == 1;
    if (!images || oct_source_read(source, at, NULL, &value, NULL) != OCT_OK)
        return NULL;
    char *uri = draw(&value);
    free(value.owned);
    return uri;
}
