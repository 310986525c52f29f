/*
 * Matrix products with packed weights: the core of all fast convolutions.
 *
 * Weights [n][k] are packed once into panels of a few vectors of columns, so that a kernel reads a
 * panel front to back while a tile of rows x columns stays in registers. A panel is
 *     bias    [vectors][lanes]
 *     weights [k / group][vectors][lanes][group]
 * with columns and k padded by zeros. Which lanes, vectors and group a kernel wants is in its
 * oct_gemm_layout; packing is one routine for all of them.
 */
#ifndef OCT_KERNELS_GEMM_H
#define OCT_KERNELS_GEMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct oct_gemm_layout {
    int32_t lanes;   /* columns of a vector */
    int32_t vectors; /* most vectors of a panel; the last panel may have fewer */
    int32_t group;   /* neighbouring k that one instruction multiplies */
    int32_t bytes;   /* of a weight: 4 float, 2 int16, 1 int8 */
} oct_gemm_layout;

/** k rounded up to whole groups. */
static inline size_t oct_gemm_depth(const oct_gemm_layout *layout, size_t k)
{
    size_t group = (size_t)layout->group;
    return (k + group - 1) / group * group;
}

/** Columns of a full panel. */
static inline int32_t oct_gemm_panel_columns(const oct_gemm_layout *layout)
{
    return layout->lanes * layout->vectors;
}

/** Vectors of the panel that begins at a column. */
int32_t oct_gemm_panel_vectors(const oct_gemm_layout *layout, int32_t columns, int32_t begin);

/** Bytes from one panel of full width to the next. */
size_t oct_gemm_panel_bytes(const oct_gemm_layout *layout, size_t k);

/** Bytes of all panels. */
size_t oct_gemm_packed_bytes(const oct_gemm_layout *layout, int32_t columns, size_t k);

/**
 * Packs float weights [columns][k] and their bias (NULL: zeros) into panels.
 * packed  oct_gemm_packed_bytes(), zeroed by the caller, 64-byte aligned.
 */
void oct_gemm_pack_f32(const oct_gemm_layout *layout, const float *weights, const float *bias,
    int32_t columns, size_t k, void *packed);

/**
 * The same for int8 weights, stored as int8 or int16 as the layout says; rows of weights are stride
 * elements apart; bias [columns] int32 or NULL.
 */
void oct_gemm_pack_s8(const oct_gemm_layout *layout, const int8_t *weights, size_t stride,
    const int32_t *bias, int32_t columns, size_t k, void *packed);

/* One panel times rows: y[m][n] = clamp(bias[n] + sum over k of a[m][k] * b[n][k], lo, hi). */
typedef struct oct_gemm_f32_args {
    const float *a; /* [rows][k], not modified, does not alias y */
    size_t a_stride; /* elements */
    int32_t rows;
    int32_t depth;
    const float *panel; /* 64-byte aligned */
    int32_t vectors;
    int32_t columns; /* columns to store, up to vectors * lanes */
    float lo, hi;
    float *y;
    size_t y_stride; /* elements */
} oct_gemm_f32_args;

/*
 * One panel times rows for integers, sums kept: sum[m][n] = bias[n] + sum over k of a[m][k] *
 * b[n][k], modulo 2^32, for all vectors * lanes columns of the panel.
 */
typedef struct oct_gemm_int_args {
    /* [rows][groups * group]: int16 for the s16 kernel; uint8 for the s8 kernel, or int8 (ARM) */
    const void *a;
    size_t a_stride; /* elements */
    int32_t rows;
    int32_t groups;
    const void *panel; /* 64-byte aligned */
    int32_t vectors;
    int32_t *sum;      /* 64-byte aligned */
    size_t sum_stride; /* elements, a multiple of lanes */
} oct_gemm_int_args;

/**
 * f32: sum = bias, then sum = fma(a[k], b[k], sum) for k = 0, 1, ...: the same bits on every level,
 *      within (k + 1) * 2^-24 * (|bias| + sum |a b|) of exact.
 * s16: products of int16 by int16, pairs added in 32 bits; exact as long as no sum leaves int32.
 * s8:  products of uint8 by int8 (of int8 by int8 on ARM), exact in the same sense.
 * Integer variants return the same sums on every level. Reads nothing past a row. Cannot fail.
 */
typedef void (*oct_gemm_f32_fn)(const oct_gemm_f32_args *args);
typedef void (*oct_gemm_int_fn)(const oct_gemm_int_args *args);

#define OCT_GEMM_DECLARE(isa)                                                                      \
    void oct_gemm_f32_##isa(const oct_gemm_f32_args *args);                                        \
    void oct_gemm_s16_##isa(const oct_gemm_int_args *args);
OCT_GEMM_DECLARE(c)
OCT_GEMM_DECLARE(avx2)
OCT_GEMM_DECLARE(avx512)
OCT_GEMM_DECLARE(neon)
#undef OCT_GEMM_DECLARE
void oct_gemm_s16_avx512vnni(const oct_gemm_int_args *args);
void oct_gemm_s8_avx512vnni(const oct_gemm_int_args *args);

/**
 * The same as oct_gemm_s8_avx512vnni() for at least OCT_GEMM_TILE_ROWS rows, between a call of
 * begin with the number of groups and one of end, all in one thread.
 */
enum { OCT_GEMM_TILE_ROWS = 16 };
typedef struct oct_gemm_tiles {
    void (*begin)(int32_t groups);
    oct_gemm_int_fn product;
    void (*end)(void);
} oct_gemm_tiles;
void oct_gemm_s8_begin_avx512amx(int32_t groups);
void oct_gemm_s8_avx512amx(const oct_gemm_int_args *args);
void oct_gemm_s8_end_avx512amx(void);

void oct_gemm_s8_dotprod(const oct_gemm_int_args *args);
void oct_gemm_s8_i8mm(const oct_gemm_int_args *args);

#endif
