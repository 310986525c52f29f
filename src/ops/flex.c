/*
 * FlexBuffers, read backwards from the end: [...] root value, its packed type (type << 2 | log2 of its
 * width), the width of the root value. Offsets point backwards. A map is a vector of values with, in front of
 * it, the offset of its vector of keys, the width of that, and the count; types follow the values, one byte
 * each. Source: the FlexBuffers format (google/flatbuffers, docs/source/flatbuffers/internals).
 */
#include "ops/flex.h"

#include <stdint.h>
#include <string.h>

enum { TYPE_INT = 1, TYPE_UINT = 2, TYPE_FLOAT = 3, TYPE_MAP = 9, TYPE_BOOL = 26 };

typedef struct cursor {
    const uint8_t *bytes;
    uint64_t size;
} cursor;

static bool read_uint(const cursor *c, uint64_t at, uint64_t width, uint64_t *out)
{
    if (at > c->size || width > c->size - at)
        return false;
    *out = 0;
    for (uint64_t i = 0; i < width; i++)
        *out |= (uint64_t)c->bytes[at + i] << (8 * i);
    return true;
}

/* Position that the offset stored at `at` points back to. */
static bool follow(const cursor *c, uint64_t at, uint64_t width, uint64_t *out)
{
    uint64_t back;
    if (!read_uint(c, at, width, &back) || back > at)
        return false;
    *out = at - back;
    return true;
}

static bool read_number(const cursor *c, uint64_t at, uint64_t width, unsigned type, double *out)
{
    uint64_t bits;
    if (!read_uint(c, at, width, &bits))
        return false;
    if (type == TYPE_FLOAT && width == 4) {
        float value;
        uint32_t low = (uint32_t)bits;
        memcpy(&value, &low, sizeof value);
        *out = (double)value;
    } else if (type == TYPE_FLOAT && width == 8) {
        memcpy(out, &bits, sizeof bits);
    } else if (type == TYPE_INT) {
        unsigned shift = 64 - 8 * (unsigned)width;
        *out = (double)((int64_t)(bits << shift) >> shift);
    } else if (type == TYPE_UINT || type == TYPE_BOOL) {
        *out = (double)bits;
    } else {
        return false;
    }
    return true;
}

static bool key_is(const cursor *c, uint64_t at, const char *key)
{
    size_t length = strlen(key) + 1;
    return at <= c->size && length <= c->size - at && memcmp(c->bytes + at, key, length) == 0;
}

/* Looks through the map whose values start at `at`. */
static bool find(const cursor *c, uint64_t at, uint64_t width, const char *key, double *out)
{
    uint64_t keys, key_width, count, name;
    if (at < 3 * width || !follow(c, at - 3 * width, width, &keys) ||
        !read_uint(c, at - 2 * width, width, &key_width) ||
        !read_uint(c, at - width, width, &count))
        return false;
    if ((key_width != 1 && key_width != 2 && key_width != 4 && key_width != 8) || count > c->size)
        return false;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t type;
        if (!follow(c, keys + i * key_width, key_width, &name))
            return false;
        if (key_is(c, name, key))
            return read_uint(c, at + count * width + i, 1, &type) &&
                   read_number(c, at + i * width, width, (unsigned)type >> 2, out);
    }
    return false;
}

double oct_flex_number(const oct_vec_u8 *bytes, const char *key, double fallback)
{
    cursor c = { bytes->data, bytes->count };
    uint64_t map;
    double number;
    if (c.size < 3)
        return fallback;
    uint64_t root_width = c.bytes[c.size - 1], packed = c.bytes[c.size - 2];
    bool plain = root_width == 1 || root_width == 2 || root_width == 4 || root_width == 8;
    if (!plain || packed >> 2 != TYPE_MAP || root_width > c.size - 2 ||
        !follow(&c, c.size - 2 - root_width, root_width, &map))
        return fallback;
    return find(&c, map, UINT64_C(1) << (packed & 3), key, &number) ? number : fallback;
}
