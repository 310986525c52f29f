/*
 * Float matrix product, AVX-512: tiles of 6 x 64, 8 x 48, 14 x 32 and 14 x 16.
 */
#include <immintrin.h>

#include "kernels/gemm.h"
#include "kernels/tile.h"

typedef struct tile {
    const float *a, *panel;
    size_t a_stride;
    int32_t depth;
    __m512 lo, hi;
    __mmask16 last; /* columns of the last vector */
    float *y;
    size_t y_stride;
} tile;

OCT_INLINE void compute(const tile *t, const int rows, const int vectors)
{
    __m512 sum[14][4];
    const float *b = t->panel;
    OCT_UNROLL for (int i = 0; i < rows; i++)
        OCT_UNROLL for (int j = 0; j < vectors; j++)
            sum[i][j] = _mm512_load_ps(b + 16 * j);
    const float *a = t->a;
    size_t stride = t->a_stride;
    for (int32_t k = 0; k < t->depth; k++, a++) {
        b += 16 * vectors;
        __m512 w[4];
        OCT_UNROLL for (int j = 0; j < vectors; j++)
            w[j] = _mm512_load_ps(b + 16 * j);
        OCT_UNROLL for (int i = 0; i < rows; i++) {
            __m512 x = _mm512_set1_ps(a[(size_t)i * stride]);
            OCT_UNROLL for (int j = 0; j < vectors; j++)
                sum[i][j] = _mm512_fmadd_ps(x, w[j], sum[i][j]);
        }
    }
    OCT_UNROLL for (int i = 0; i < rows; i++) {
        OCT_UNROLL for (int j = 0; j < vectors; j++) {
            __m512 v = _mm512_min_ps(t->hi, _mm512_max_ps(t->lo, sum[i][j]));
            float *y = t->y + (size_t)i * t->y_stride + 16 * j;
            if (j == vectors - 1)
                _mm512_mask_storeu_ps(y, t->last, v);
            else
                _mm512_storeu_ps(y, v);
        }
    }
}

#define INSTANCE(rows, vectors)                                                                    \
    static void tile_##rows##x##vectors(const tile *t)                                             \
    {                                                                                              \
        compute(t, rows, vectors);                                                                 \
    }
#define ROWS_6(X, v) X(1, v) X(2, v) X(3, v) X(4, v) X(5, v) X(6, v)
#define ROWS_8(X, v) ROWS_6(X, v) X(7, v) X(8, v)
#define ROWS_14(X, v) ROWS_8(X, v) X(9, v) X(10, v) X(11, v) X(12, v) X(13, v) X(14, v)
ROWS_14(INSTANCE, 1)
ROWS_14(INSTANCE, 2)
ROWS_8(INSTANCE, 3)
ROWS_6(INSTANCE, 4)

#define ENTRY(rows, vectors) [rows] = tile_##rows##x##vectors,
static void (*const tiles[5][15])(const tile *) = {
    [1] = { ROWS_14(ENTRY, 1) },
    [2] = { ROWS_14(ENTRY, 2) },
    [3] = { ROWS_8(ENTRY, 3) },
    [4] = { ROWS_6(ENTRY, 4) },
};
static const int32_t most_rows[5] = { 0, 14, 14, 8, 6 };

void oct_gemm_f32_avx512(const oct_gemm_f32_args *args)
{
    int32_t rest = args->columns - 16 * (args->vectors - 1);
    tile t = { .a = args->a, .panel = args->panel, .a_stride = args->a_stride,
        .depth = args->depth, .lo = _mm512_set1_ps(args->lo), .hi = _mm512_set1_ps(args->hi),
        .last = (__mmask16)((1u << rest) - 1), .y = args->y, .y_stride = args->y_stride };
    for (int32_t left = args->rows; left > 0;) {
        int32_t rows = oct_tile_rows(left, most_rows[args->vectors]);
        tiles[args->vectors][rows](&t);
        t.a += (size_t)rows * t.a_stride;
        t.y += (size_t)rows * t.y_stride;
        left -= rows;
    }
}
