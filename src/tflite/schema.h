/*
 * The core tables of the schema as C structs with records: oct_fb_model, oct_fb_tensor and so on.
 *
 * They mirror the file; the graph (import.c, export.c) is what the rest of the library sees.
 */
#ifndef OCT_TFLITE_SCHEMA_H
#define OCT_TFLITE_SCHEMA_H

#include "graph/options.h"
#include "graph/record.h"
#include "graph/sparsity.h"

/* The structs of graph/sparsity.h get their records beside those of the other tables. */
#define OCT_TABLE(Name, name, ...) extern const oct_record oct_fb_##name##_record;
#include "graph/sparsity.def"
#undef OCT_TABLE

#define F(owner, id, kind, field, fallback) OCT_CTYPE_##kind field;
#define A(owner, id, kind, field, alignment) OCT_CTYPE_##kind field;
#define T(owner, id, field, Name, record) struct oct_fb_##record *field;
#define V(owner, id, field, Name, record) oct_vec_table field;
#define U(owner, id, field, members) oct_union field;
#define OCT_TABLE(Name, name, ...)                                                                 \
    typedef struct oct_fb_##name {                                                                 \
        __VA_ARGS__                                                                                \
    } oct_fb_##name;                                                                               \
    extern const oct_record oct_fb_##name##_record;
#include "tflite/schema.def"
#undef OCT_TABLE
#undef U
#undef V
#undef T
#undef A
#undef F

enum {
    OCT_FB_MODEL_VERSION = 3,
    OCT_FB_PLACEHOLDER_CODE = 127, /* deprecated_builtin_code of operators from 127 on */
};

#endif
