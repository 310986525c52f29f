/*
 * Preprocessing: what is done to pixels, read from a name or a JSON file, and doing it in float32
 * in the order and with the divisions that keras.applications uses, so that the bits agree.
 */
#include "eval/preprocess.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "eval/image.h"
#include "numeric/half.h"

#define PLAIN .filter = OCT_FILTER_BILINEAR, .crop = 1, .std = { 1, 1, 1, 1 }

/* Source: keras/src/applications/imagenet_utils.py, preprocess_input() modes tf, torch, caffe. */
static const oct_preprocess known[] = {
    { .name = "none", PLAIN, .divisor = 1 },
    { .name = "tf", PLAIN, .divisor = 127.5f, .mean = { 1, 1, 1, 1 } },
    { .name = "unit", PLAIN, .divisor = 255 },
    { .name = "torch",
        .crop = 1,
        .divisor = 255,
        .mean = { 0.485f, 0.456f, 0.406f },
        .std = { 0.229f, 0.224f, 0.225f, 1 } },
    { .name = "caffe", PLAIN, .divisor = 1, .bgr = true, .mean = { 103.939f, 116.779f, 123.68f } },
    /* Models fed by OpenCV, which reads pictures blue first. */
    { .name = "none-bgr", PLAIN, .divisor = 1, .bgr = true },
    { .name = "tf-bgr", PLAIN, .divisor = 127.5f, .bgr = true, .mean = { 1, 1, 1, 1 } },
    { .name = "unit-bgr", PLAIN, .divisor = 255, .bgr = true },
};
enum { KNOWN = sizeof known / sizeof known[0] };

static oct_status bad_key(const char *path, const char *key, const char *what, oct_error *err)
{
    return oct_fail(err, OCT_E_INVALID, "%s: %s: %s", path, key, what);
}

/* A number for all channels, or an array of 1, 3 or 4. */
static oct_status read_channels(
    const char *path, const char *key, const json_t *value, bool zero_ok, float *to, oct_error *err)
{
    size_t count = json_is_array(value) ? json_array_size(value) : 1;
    if (count != 1 && count != 3 && count != 4)
        return bad_key(path, key, "1, 3 or 4 numbers are expected", err);
    for (size_t i = 0; i < 4; i++) {
        const json_t *item = json_is_array(value) ? json_array_get(value, count == 1  ? 0
                                                                          : i < count ? i
                                                                                      : count - 1)
                                                  : value;
        double number = json_number_value(item);
        if (!json_is_number(item) || (!zero_ok && !(number > 0)))
            return bad_key(path, key, zero_ok ? "numbers are expected" : "must be above 0", err);
        to[i] = (float)number;
    }
    return OCT_OK;
}

static oct_status read_choice(const char *path, const char *key, const json_t *value,
    const char *no, const char *yes, bool *to, oct_error *err)
{
    const char *text = json_string_value(value);
    if (text == NULL || (strcmp(text, no) != 0 && strcmp(text, yes) != 0))
        return oct_fail(
            err, OCT_E_INVALID, "%s: %s: \"%s\" or \"%s\" is expected", path, key, no, yes);
    *to = strcmp(text, yes) == 0;
    return OCT_OK;
}

static oct_status read_flag(
    const char *path, const char *key, const json_t *value, bool *to, oct_error *err)
{
    if (!json_is_boolean(value))
        return bad_key(path, key, "true or false is expected", err);
    *to = json_is_true(value);
    return OCT_OK;
}

static oct_status read_key(
    const char *path, const char *key, const json_t *value, oct_preprocess *p, oct_error *err)
{
    float channels[4];
    bool flag = false;
    if (strcmp(key, "resize") == 0) {
        OCT_TRY(read_choice(path, key, value, "bilinear", "nearest", &flag, err));
        p->filter = flag ? OCT_FILTER_NEAREST : OCT_FILTER_BILINEAR;
        return OCT_OK;
    }
    if (strcmp(key, "order") == 0)
        return read_choice(path, key, value, "rgb", "bgr", &p->bgr, err);
    if (strcmp(key, "antialias") == 0)
        return read_flag(path, key, value, &p->antialias, err);
    if (strcmp(key, "keep_aspect") == 0)
        return read_flag(path, key, value, &p->keep_aspect, err);
    if (strcmp(key, "mean") == 0)
        return read_channels(path, key, value, true, p->mean, err);
    if (strcmp(key, "std") == 0)
        return read_channels(path, key, value, false, p->std, err);
    if (strcmp(key, "divisor") != 0 && strcmp(key, "crop") != 0)
        return bad_key(path, key, "an unknown key", err);
    OCT_TRY(read_channels(path, key, value, false, channels, err));
    if (json_is_array(value))
        return bad_key(path, key, "one number is expected", err);
    if (strcmp(key, "divisor") == 0) {
        p->divisor = channels[0];
        return OCT_OK;
    }
    p->crop = channels[0];
    return p->crop <= 1 ? OCT_OK : bad_key(path, key, "must be at most 1", err);
}

static oct_status read_json(const char *path, oct_preprocess *out, oct_error *err)
{
    json_error_t where;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &where);
    if (root == NULL && json_error_code(&where) == json_error_cannot_open_file)
        return oct_fail(err, OCT_E_USAGE,
            "'%s' is neither a known preprocessing nor a JSON file (%s)", path, strerror(errno));
    if (root == NULL)
        return oct_fail(err, OCT_E_INVALID, "%s: %s (line %d)", path, where.text, where.line);
    *out = known[0];
    snprintf(out->name, sizeof out->name, "%s", path);
    oct_status status = json_is_object(root)
                            ? OCT_OK
                            : oct_fail(err, OCT_E_INVALID, "%s: a JSON object is expected", path);
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value) if (status == OCT_OK) status =
        read_key(path, key, value, out, err);
    json_decref(root);
    return status;
}

oct_status oct_preprocess_parse(const char *spec, oct_preprocess *out, oct_error *err)
{
    for (int i = 0; i < KNOWN; i++) {
        if (strcmp(spec, known[i].name) == 0) {
            *out = known[i];
            return OCT_OK;
        }
    }
    size_t length = strlen(spec);
    if (length >= 5 && strcmp(spec + length - 5, ".json") == 0)
        return read_json(spec, out, err);
    return oct_fail(err, OCT_E_USAGE,
        "preprocessing '%s': none, tf, unit (each also with -bgr), torch, caffe or a .json file is "
        "expected",
        spec);
}

bool oct_to_float(oct_type type, const void *from, size_t count, float *to)
{
/* Elements are copied out: arrays inside archives begin at any address. */
#define CONVERT(element)                                                                           \
    for (size_t i = 0; i < count; i++) {                                                           \
        element value;                                                                             \
        memcpy(&value, (const char *)from + i * sizeof value, sizeof value);                       \
        to[i] = (float)value;                                                                      \
    }                                                                                              \
    return true
    switch ((int)type) {
    case OCT_UINT8:
        CONVERT(uint8_t);
    case OCT_BOOL:
        CONVERT(uint8_t);
    case OCT_INT8:
        CONVERT(int8_t);
    case OCT_UINT16:
        CONVERT(uint16_t);
    case OCT_INT16:
        CONVERT(int16_t);
    case OCT_UINT32:
        CONVERT(uint32_t);
    case OCT_INT32:
        CONVERT(int32_t);
    case OCT_UINT64:
        CONVERT(uint64_t);
    case OCT_INT64:
        CONVERT(int64_t);
    case OCT_FLOAT64:
        CONVERT(double);
    case OCT_FLOAT32:
        memcpy(to, from, count * sizeof *to);
        return true;
    case OCT_FLOAT16:
        for (size_t i = 0; i < count; i++) {
            uint16_t half;
            memcpy(&half, (const char *)from + i * sizeof half, sizeof half);
            to[i] = oct_half_to_float(half);
        }
        return true;
    default:
        return false;
    }
#undef CONVERT
}

/* Blocks of 12 hold whole pixels of 1, 2, 3 or 4 channels, so that the pattern repeats. */
void oct_normalise(const oct_preprocess *p, float *values, size_t count, int32_t c)
{
    enum { BLOCK = 12 };
    float mean[BLOCK], std[BLOCK];
    for (size_t k = 0; k < BLOCK; k++) {
        size_t channel = c <= 4 ? k % (size_t)c : 0;
        mean[k] = p->mean[channel];
        std[k] = p->std[channel];
    }
    size_t i = 0;
    for (; i + BLOCK <= count; i += BLOCK)
        for (size_t k = 0; k < BLOCK; k++)
            values[i + k] = (values[i + k] / p->divisor - mean[k]) / std[k];
    for (size_t k = 0; i < count; i++, k++)
        values[i] = (values[i] / p->divisor - mean[k]) / std[k];
}

oct_region oct_used_region(
    const oct_preprocess *p, int32_t h, int32_t w, int32_t to_h, int32_t to_w)
{
    double part_h = h, part_w = w;
    if (p->keep_aspect && (double)w * to_h > (double)h * to_w)
        part_w = (double)h * to_w / to_h;
    else if (p->keep_aspect)
        part_h = (double)w * to_h / to_w;
    oct_region r = { .h = (int32_t)(part_h * p->crop + 0.5),
        .w = (int32_t)(part_w * p->crop + 0.5) };
    r.h = r.h < 1 ? 1 : r.h;
    r.w = r.w < 1 ? 1 : r.w;
    r.y = (h - r.h) / 2;
    r.x = (w - r.w) / 2;
    return r;
}

/*
 * ITU-R 601 luma as Pillow's convert("L"): 16-bit fixed point for bytes, the same weights for
 * others.
 */
static float luma(const float *rgb, bool bytes)
{
    if (bytes)
        return (float)(((int32_t)rgb[0] * 19595 + (int32_t)rgb[1] * 38470 + (int32_t)rgb[2] * 7471 +
                           0x8000) >>
                       16);
    return 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2];
}

/* In place is fine when to_c <= from_c: a pixel is read before it is written. */
static void change_channels(
    const float *from, int32_t from_c, bool bytes, size_t pixels, float *to, int32_t to_c, bool bgr)
{
    for (size_t i = 0; i < pixels; i++) {
        float pixel[3] = { from[0], from[from_c >= 3 ? 1 : 0], from[from_c >= 3 ? 2 : 0] };
        if (to_c == 1) {
            *to++ = from_c == 1 ? pixel[0] : luma(pixel, bytes);
        } else {
            *to++ = pixel[bgr ? 2 : 0];
            *to++ = pixel[1];
            *to++ = pixel[bgr ? 0 : 2];
        }
        from += from_c;
    }
}

oct_status oct_image_to_input(const oct_preprocess *p, const oct_sample_value *field, int32_t h,
    int32_t w, int32_t c, float *to, oct_error *err)
{
    int64_t field_c = field->rank == 3 ? field->dims[2] : 1;
    if (field->rank < 2 || field->rank > 3 || (field_c != 1 && field_c != 3 && field_c != 4) ||
        field->dims[0] < 1 || field->dims[1] < 1 || field->dims[0] > INT32_MAX / 4 ||
        field->dims[1] > INT32_MAX / 4 || (c != 1 && c != 3))
        return oct_fail(err, OCT_E_INVALID,
            "a sample of rank %d with %lld channels is no image for a %d x %d x %d input",
            (int)field->rank, (long long)field_c, (int)h, (int)w, (int)c);
    int32_t from_h = (int32_t)field->dims[0], from_w = (int32_t)field->dims[1];
    int32_t from_c = (int32_t)field_c;
    size_t pixels = (size_t)from_h * (size_t)from_w, out_pixels = (size_t)h * (size_t)w;
    int32_t work_c = from_c == 1 || c == 1 ? 1 : 3; /* channels that go through resizing */
    size_t work = pixels * (size_t)from_c + out_pixels * 3;
    float *values = malloc(work * sizeof *values);
    if (values == NULL)
        return oct_fail_memory(err, work * sizeof *values, "an image");
    float *resized = values + pixels * (size_t)from_c;
    oct_status status =
        oct_to_float(field->type, field->bytes, pixels * (size_t)from_c, values)
            ? OCT_OK
            : oct_fail(err, OCT_E_INVALID, "samples of type %s", oct_type_name(field->type));
    if (status == OCT_OK) {
        if (work_c != from_c)
            change_channels(
                values, from_c, field->type == OCT_UINT8, pixels, values, work_c, false);
        status = oct_resize(values, from_w, work_c, oct_used_region(p, from_h, from_w, h, w), resized,
            h, w, p->filter, p->antialias, err);
    }
    if (status == OCT_OK) {
        change_channels(resized, work_c, false, out_pixels, to, c, p->bgr);
        oct_normalise(p, to, out_pixels * (size_t)c, c);
    }
    free(values);
    return status;
}
