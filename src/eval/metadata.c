/*
 * A walk through one path of a FlatBuffer:
 *
 *   ModelMetadata.subgraph_metadata[0].input_tensor_metadata[0].process_units[k].options
 *
 * Every step is checked against the bytes there are; position 0 (the root offset) stands for "not
 * there".
 */
#include "eval/metadata.h"

#include <stdio.h>
#include <string.h>

typedef struct buffer {
    const unsigned char *bytes;
    size_t size;
} buffer;

/* Field numbers of metadata_schema.fbs. */
enum {
    MODEL_SUBGRAPHS = 3,
    SUBGRAPH_INPUTS = 2,
    TENSOR_PROCESS_UNITS = 4,
    UNIT_OPTIONS_TYPE = 0,
    UNIT_OPTIONS = 1,
    NORMALIZATION_MEAN = 0,
    NORMALIZATION_STD = 1,
    OPTIONS_ARE_NORMALIZATION = 1,
    MAX_UNITS = 64,
};

static bool holds(const buffer *b, size_t at, size_t bytes)
{
    return at <= b->size && bytes <= b->size - at;
}

static uint32_t u32(const buffer *b, size_t at)
{
    if (!holds(b, at, 4))
        return 0;
    const unsigned char *p = b->bytes + at;
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t u16(const buffer *b, size_t at)
{
    return holds(b, at, 2) ? b->bytes[at] | (uint32_t)b->bytes[at + 1] << 8 : 0;
}

/* Where an offset at `at` leads; 0 when it leads nowhere. */
static size_t follow(const buffer *b, size_t at)
{
    size_t offset = u32(b, at);
    return offset != 0 && holds(b, at, offset) ? at + offset : 0;
}

/* Where a field of a table lies; 0 when it is absent. */
static size_t field(const buffer *b, size_t table, uint32_t number)
{
    if (table == 0 || !holds(b, table, 4))
        return 0;
    int64_t vtable = (int64_t)table - (int32_t)u32(b, table);
    if (vtable < 0 || (uint64_t)vtable > b->size || 6 + 2 * number > u16(b, (size_t)vtable))
        return 0;
    uint32_t offset = u16(b, (size_t)vtable + 4 + 2 * number);
    return offset == 0 ? 0 : table + offset;
}

static size_t follow_field(const buffer *b, size_t table, uint32_t number)
{
    size_t at = field(b, table, number);
    return at == 0 ? 0 : follow(b, at);
}

/* Table `index` of a vector of tables; 0 when there is none. */
static size_t element(const buffer *b, size_t vector, uint32_t index)
{
    return vector == 0 || index >= u32(b, vector) ? 0 : follow(b, vector + 4 + 4 * (size_t)index);
}

/* One value for all channels, or one for each of 3 or 4; the last repeats. */
static bool read_channels(const buffer *b, size_t vector, float to[4])
{
    uint32_t count = vector == 0 ? 0 : u32(b, vector);
    if (count < 1 || count > 4 || !holds(b, vector + 4, 4 * (size_t)count))
        return false;
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t bits = u32(b, vector + 4 + 4 * (size_t)(i < count ? i : count - 1));
        memcpy(&to[i], &bits, sizeof bits);
        if (!(to[i] > -1e9f && to[i] < 1e9f))
            return false;
    }
    return true;
}

static bool read_normalization(const buffer *b, size_t options, oct_preprocess *out)
{
    *out = (oct_preprocess){ .filter = OCT_FILTER_BILINEAR, .crop = 1, .divisor = 1 };
    snprintf(out->name, sizeof out->name, "metadata");
    return read_channels(b, follow_field(b, options, NORMALIZATION_MEAN), out->mean) &&
           read_channels(b, follow_field(b, options, NORMALIZATION_STD), out->std) &&
           out->std[0] > 0 && out->std[1] > 0 && out->std[2] > 0 && out->std[3] > 0;
}

bool oct_metadata_normalization(const void *bytes, size_t size, oct_preprocess *out)
{
    const buffer b = { bytes, size };
    if (size < 8 || memcmp(b.bytes + 4, "M001", 4) != 0)
        return false;
    size_t subgraph = element(&b, follow_field(&b, follow(&b, 0), MODEL_SUBGRAPHS), 0);
    size_t input = element(&b, follow_field(&b, subgraph, SUBGRAPH_INPUTS), 0);
    size_t units = follow_field(&b, input, TENSOR_PROCESS_UNITS);
    for (uint32_t i = 0; i < MAX_UNITS; i++) {
        size_t unit = element(&b, units, i);
        size_t type = field(&b, unit, UNIT_OPTIONS_TYPE);
        if (type != 0 && holds(&b, type, 1) && b.bytes[type] == OPTIONS_ARE_NORMALIZATION &&
            read_normalization(&b, follow_field(&b, unit, UNIT_OPTIONS), out))
            return true;
    }
    return false;
}
