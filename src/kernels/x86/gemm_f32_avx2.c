/*
 * Float matrix product, AVX2 with FMA: tiles of 6 x 16 and 6 x 8.
 */
#include <immintrin.h>

#include "kernels/gemm.h"
#include "kernels/tile.h"

typedef struct tile {
    const float *a, *panel;
    size_t a_stride;
    int32_t depth;
    __m256 lo, hi;
    __m256i last; /* columns of the last vector */
    float *y;
    size_t y_stride;
} tile;

OCT_INLINE void compute(const tile *t, const int rows, const int vectors)
{
    __m256 sum[6][2];
    const float *b = t->panel;
    OCT_UNROLL for (int i = 0; i < rows; i++)
        OCT_UNROLL for (int j = 0; j < vectors; j++)
            sum[i][j] = _mm256_load_ps(b + 8 * j);
    const float *a = t->a;
    size_t stride = t->a_stride;
    for (int32_t k = 0; k < t->depth; k++, a++) {
        b += 8 * vectors;
        __m256 w[2];
        OCT_UNROLL for (int j = 0; j < vectors; j++)
            w[j] = _mm256_load_ps(b + 8 * j);
        OCT_UNROLL for (int i = 0; i < rows; i++) {
            __m256 x = _mm256_broadcast_ss(a + (size_t)i * stride);
            OCT_UNROLL for (int j = 0; j < vectors; j++)
                sum[i][j] = _mm256_fmadd_ps(x, w[j], sum[i][j]);
        }
    }
    OCT_UNROLL for (int i = 0; i < rows; i++) {
        OCT_UNROLL for (int j = 0; j < vectors; j++) {
            __m256 v = _mm256_min_ps(t->hi, _mm256_max_ps(t->lo, sum[i][j]));
            float *y = t->y + (size_t)i * t->y_stride + 8 * j;
            if (j == vectors - 1)
                _mm256_maskstore_ps(y, t->last, v);
            else
                _mm256_storeu_ps(y, v);
        }
    }
}

#define INSTANCE(rows, vectors)                                                                    \
    static void tile_##rows##x##vectors(const tile *t)                                             \
    {                                                                                              \
        compute(t, rows, vectors);                                                                 \
    }
#define ROWS_6(X, v) X(1, v) X(2, v) X(3, v) X(4, v) X(5, v) X(6, v)
ROWS_6(INSTANCE, 1)
ROWS_6(INSTANCE, 2)

#define ENTRY(rows, vectors) [rows] = tile_##rows##x##vectors,
static void (*const tiles[3][7])(const tile *) = {
    [1] = { ROWS_6(ENTRY, 1) },
    [2] = { ROWS_6(ENTRY, 2) },
};

void oct_gemm_f32_avx2(const oct_gemm_f32_args *args)
{
    int32_t rest = args->columns - 8 * (args->vectors - 1);
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    tile t = { .a = args->a, .panel = args->panel, .a_stride = args->a_stride,
        .depth = args->depth, .lo = _mm256_set1_ps(args->lo), .hi = _mm256_set1_ps(args->hi),
        .last = _mm256_cmpgt_epi32(_mm256_set1_epi32(rest), lane), .y = args->y,
        .y_stride = args->y_stride };
    for (int32_t left = args->rows; left > 0;) {
        int32_t rows = oct_tile_rows(left, 6);
        tiles[args->vectors][rows](&t);
        t.a += (size_t)rows * t.a_stride;
        t.y += (size_t)rows * t.y_stride;
        left -= rows;
    }
}
