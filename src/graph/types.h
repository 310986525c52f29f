/*
 * The enumerations of the schema that the whole library speaks.
 */
#ifndef OCT_GRAPH_TYPES_H
#define OCT_GRAPH_TYPES_H

#include <stdint.h>

/* X(enumerator, value in the schema, name for users, bits of an element; 0: no fixed size) */
#define OCT_TYPE_LIST(X)                                                                           \
    X(OCT_FLOAT32, 0, "float32", 32)                                                               \
    X(OCT_FLOAT16, 1, "float16", 16)                                                               \
    X(OCT_INT32, 2, "int32", 32)                                                                   \
    X(OCT_UINT8, 3, "uint8", 8)                                                                    \
    X(OCT_INT64, 4, "int64", 64)                                                                   \
    X(OCT_STRING, 5, "string", 0)                                                                  \
    X(OCT_BOOL, 6, "bool", 8)                                                                      \
    X(OCT_INT16, 7, "int16", 16)                                                                   \
    X(OCT_COMPLEX64, 8, "complex64", 64)                                                           \
    X(OCT_INT8, 9, "int8", 8)                                                                      \
    X(OCT_FLOAT64, 10, "float64", 64)                                                              \
    X(OCT_COMPLEX128, 11, "complex128", 128)                                                       \
    X(OCT_UINT64, 12, "uint64", 64)                                                                \
    X(OCT_RESOURCE, 13, "resource", 0)                                                             \
    X(OCT_VARIANT, 14, "variant", 0)                                                               \
    X(OCT_UINT32, 15, "uint32", 32)                                                                \
    X(OCT_UINT16, 16, "uint16", 16)                                                                \
    X(OCT_INT4, 17, "int4", 4)                                                                     \
    X(OCT_BFLOAT16, 18, "bfloat16", 16)                                                            \
    X(OCT_INT2, 19, "int2", 2)                                                                     \
    X(OCT_UINT4, 20, "uint4", 4)                                                                   \
    X(OCT_FLOAT8_E4M3FN, 21, "float8_e4m3fn", 8)                                                   \
    X(OCT_FLOAT8_E5M2, 22, "float8_e5m2", 8)

typedef enum oct_type {
#define OCT_TYPE_ENUM(enumerator, value, name, bits) enumerator = value,
    OCT_TYPE_LIST(OCT_TYPE_ENUM)
#undef OCT_TYPE_ENUM
    OCT_TYPE_COUNT
} oct_type;

typedef enum oct_builtin {
#define OCT_BUILTIN(code, name) OCT_OP_##name = code,
#include "graph/builtin.def"
#undef OCT_BUILTIN
    OCT_OP_COUNT
} oct_builtin;

enum { OCT_PADDING_SAME = 0, OCT_PADDING_VALID = 1 };

typedef enum oct_activation {
    OCT_ACT_NONE = 0,
    OCT_ACT_RELU = 1,
    OCT_ACT_RELU_N1_TO_1 = 2,
    OCT_ACT_RELU6 = 3,
    OCT_ACT_TANH = 4,
    OCT_ACT_SIGN_BIT = 5,
} oct_activation;

/** "int8"; "type 99" never: NULL outside the list. */
const char *oct_type_name(oct_type type);

/** Bits of one element; 0 for types without a fixed size. */
int32_t oct_type_bits(oct_type type);

/** "CONV_2D"; NULL outside the schema. */
const char *oct_builtin_name(oct_builtin op);

#endif
