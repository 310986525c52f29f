/*
 * Records: structs that describe themselves.
 *
 * A record lists the fields of one schema table with their offsets in a C struct, so that the verifier,
 * the reader, the writer and the printer are each one loop instead of one function a table.
 */
#ifndef OCT_GRAPH_RECORD_H
#define OCT_GRAPH_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Vectors of the schema: `data` NULL = field absent; count may be 0 with data not NULL. */
typedef struct oct_vec_i32 { const int32_t *data; uint32_t count; } oct_vec_i32;
typedef struct oct_vec_u32 { const uint32_t *data; uint32_t count; } oct_vec_u32;
typedef struct oct_vec_i64 { const int64_t *data; uint32_t count; } oct_vec_i64;
typedef struct oct_vec_f32 { const float *data; uint32_t count; } oct_vec_f32;
typedef struct oct_vec_u8 { const uint8_t *data; uint32_t count; } oct_vec_u8;
typedef struct oct_vec_u16 { const uint16_t *data; uint32_t count; } oct_vec_u16;
typedef struct oct_vec_bool { const uint8_t *data; uint32_t count; } oct_vec_bool;

/*
 * Kinds of fields: X(kind, C type in the struct, bytes of a scalar or vector element).
 * Enumerated kinds are signed bytes in the file unless their element says otherwise.
 */
#define OCT_FIELD_KINDS(X)                                                                         \
    X(bool, bool, 1)                                                                           \
    X(i8, int8_t, 1)                                                                           \
    X(u8, uint8_t, 1)                                                                          \
    X(i32, int32_t, 4)                                                                         \
    X(u32, uint32_t, 4)                                                                        \
    X(i64, int64_t, 8)                                                                         \
    X(u64, uint64_t, 8)                                                                        \
    X(f32, float, 4)                                                                           \
    X(str, const char *, 1)                                                                    \
    X(vec_i32, oct_vec_i32, 4)                                                                 \
    X(vec_u32, oct_vec_u32, 4)                                                                 \
    X(vec_i64, oct_vec_i64, 8)                                                                 \
    X(vec_f32, oct_vec_f32, 4)                                                                 \
    X(vec_u8, oct_vec_u8, 1)                                                                   \
    X(vec_u16, oct_vec_u16, 2)                                                                 \
    X(vec_bool, oct_vec_bool, 1)                                                               \
    X(padding, int8_t, 1)                                                                      \
    X(activation, int8_t, 1)                                                                   \
    X(type, int8_t, 1)                                                                         \
    X(weights_format, int8_t, 1)                                                               \
    X(lstm_kernel, int8_t, 1)                                                                  \
    X(lsh_projection, int8_t, 1)                                                               \
    X(combiner, int8_t, 1)                                                                     \
    X(mirror_pad, int8_t, 1)                                                                   \
    X(custom_format, int8_t, 1)                                                                \
    X(rng_algorithm, int8_t, 1)                                                                \
    X(comparison_direction, uint32_t, 4)                                                       \
    X(comparison_type, uint32_t, 4)                                                            

typedef enum oct_field_kind {
#define OCT_KIND_ENUM(kind, ctype, bytes) OCT_KIND_##kind,
    OCT_FIELD_KINDS(OCT_KIND_ENUM)
#undef OCT_KIND_ENUM
    OCT_KIND_table,     /* pointer to a struct of `record` */
    OCT_KIND_vec_table, /* oct_vec_table of `record` */
    OCT_KIND_union,     /* oct_union: chosen by the preceding type byte (id - 1) */
} oct_field_kind;

/* C type of each kind, for the struct declarations: OCT_CTYPE_i32 and so on. */
#define OCT_CTYPE_bool bool
#define OCT_CTYPE_i8 int8_t
#define OCT_CTYPE_u8 uint8_t
#define OCT_CTYPE_i32 int32_t
#define OCT_CTYPE_u32 uint32_t
#define OCT_CTYPE_i64 int64_t
#define OCT_CTYPE_u64 uint64_t
#define OCT_CTYPE_f32 float
#define OCT_CTYPE_str const char *
#define OCT_CTYPE_vec_i32 oct_vec_i32
#define OCT_CTYPE_vec_u32 oct_vec_u32
#define OCT_CTYPE_vec_i64 oct_vec_i64
#define OCT_CTYPE_vec_f32 oct_vec_f32
#define OCT_CTYPE_vec_u8 oct_vec_u8
#define OCT_CTYPE_vec_u16 oct_vec_u16
#define OCT_CTYPE_vec_bool oct_vec_bool
#define OCT_CTYPE_padding int8_t
#define OCT_CTYPE_activation int8_t
#define OCT_CTYPE_type int8_t
#define OCT_CTYPE_weights_format int8_t
#define OCT_CTYPE_lstm_kernel int8_t
#define OCT_CTYPE_lsh_projection int8_t
#define OCT_CTYPE_combiner int8_t
#define OCT_CTYPE_mirror_pad int8_t
#define OCT_CTYPE_custom_format int8_t
#define OCT_CTYPE_rng_algorithm int8_t
#define OCT_CTYPE_comparison_direction uint32_t
#define OCT_CTYPE_comparison_type uint32_t

typedef struct oct_record oct_record;

typedef struct oct_field {
    const char *name;
    uint16_t id; /* field id in the schema table; a union's value, its type is id - 1 */
    oct_field_kind kind;
    uint32_t offset;          /* in the C struct */
    double fallback;          /* default of a scalar */
    const oct_record *record; /* table, vec_table */
    const oct_record *const *members; /* union: members[type], NULL where unknown */
    uint32_t member_count;
    uint16_t force_align;     /* alignment of a vector's first element, 0 = that of the element */
} oct_field;

struct oct_record {
    const char *name; /* as in the schema: "Conv2DOptions" */
    uint32_t size;    /* of the C struct */
    uint16_t field_count;
    const oct_field *fields; /* by ascending id */
};

/** A union value: type 0 = NONE. */
typedef struct oct_union {
    uint8_t type;
    void *value; /* struct of the member's record; NULL when type is 0 */
} oct_union;

typedef struct oct_vec_table { void *const *data; uint32_t count; } oct_vec_table;

#endif
