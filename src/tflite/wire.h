/*
 * FlatBuffers on the byte level, shared by verifier, reader and writer.
 *
 * A table begins with an i32: its position minus that is the vtable, [u16 vtable bytes, u16 table
 * bytes, u16 position in the table of field 0, 1, ...], 0 or missing meaning absent. Strings,
 * vectors, tables and unions hold a u32 forward offset counted from the field itself. Vector: u32
 * count, elements. Little-endian throughout, as are all machines Octavo runs on.
 */
#ifndef OCT_TFLITE_WIRE_H
#define OCT_TFLITE_WIRE_H

#include <string.h>

#include "graph/record.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "constants are used in place: only little-endian machines are supported"
#endif

/* Every oct_vec_… has this layout; fields are copied to and from it. */
typedef struct oct_fb_vec {
    const void *data;
    uint32_t count;
} oct_fb_vec;

typedef enum oct_fb_shape {
    OCT_FB_SCALAR,
    OCT_FB_STRING,
    OCT_FB_VECTOR, /* of scalars */
    OCT_FB_TABLE,
    OCT_FB_TABLES,
    OCT_FB_UNION,
} oct_fb_shape;

static inline oct_fb_shape oct_fb_shape_of(oct_field_kind kind)
{
    switch (kind) {
    case OCT_KIND_str:
        return OCT_FB_STRING;
    case OCT_KIND_vec_i32:
    case OCT_KIND_vec_u32:
    case OCT_KIND_vec_i64:
    case OCT_KIND_vec_f32:
    case OCT_KIND_vec_u8:
    case OCT_KIND_vec_u16:
    case OCT_KIND_vec_bool:
        return OCT_FB_VECTOR;
    case OCT_KIND_table:
        return OCT_FB_TABLE;
    case OCT_KIND_vec_table:
        return OCT_FB_TABLES;
    case OCT_KIND_union:
        return OCT_FB_UNION;
    default:
        return OCT_FB_SCALAR;
    }
}

/** Bytes of a scalar or of a vector's element; 4 for offsets. */
static inline uint32_t oct_fb_bytes_of(oct_field_kind kind)
{
    switch (kind) {
#define OCT_KIND_BYTES(kind_, ctype, bytes)                                                        \
    case OCT_KIND_##kind_:                                                                         \
        return bytes;
        OCT_FIELD_KINDS(OCT_KIND_BYTES)
#undef OCT_KIND_BYTES
    default:
        return 4;
    }
}

static inline uint16_t oct_fb_u16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline uint32_t oct_fb_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline const uint8_t *oct_fb_vtable(const uint8_t *table)
{
    return table - (int32_t)oct_fb_u32(table);
}

/** Position of a field of a verified table; NULL when absent. */
static inline const uint8_t *oct_fb_field(const uint8_t *table, uint16_t id)
{
    const uint8_t *vtable = oct_fb_vtable(table);
    uint32_t entry = 4 + 2 * (uint32_t)id;
    if (entry + 2 > oct_fb_u16(vtable))
        return NULL;
    uint16_t offset = oct_fb_u16(vtable + entry);
    return offset == 0 ? NULL : table + offset;
}

static inline const uint8_t *oct_fb_follow(const uint8_t *field)
{
    return field + oct_fb_u32(field);
}

#endif
