/*
 * int8 matrix product, NEON matrix multiplication: smmla makes 2 rows by 2 columns from 8 k each.
 *
 * Tiles of 6 x 16 in 24 accumulators. A missing odd row repeats the one before it; its half of the
 * accumulators is not stored.
 */
#include <arm_neon.h>

#include "kernels/gemm.h"
#include "kernels/tile.h"

enum { MOST_ROWS = 6 };

typedef struct tile {
    const int8_t *a, *panel;
    size_t a_stride;
    int32_t groups, rows, vectors;
    int32_t *sum;
    size_t sum_stride;
} tile;

/* Two rows of 8 k. */
OCT_INLINE int8x16_t load_pair(const int8_t *first, const int8_t *second)
{
    return vcombine_s8(vld1_s8(first), vld1_s8(second));
}

/* `count` vectors of 2 columns from vector `begin` on. */
OCT_INLINE void compute(const tile *t, int32_t begin, const int pairs, const int count)
{
    int32x4_t sum[3][8];
    const int8_t *row[6];
    OCT_UNROLL for (int i = 0; i < 2 * pairs; i++)
        row[i] = t->a + (size_t)(i < t->rows ? i : t->rows - 1) * t->a_stride;
    const int32_t *bias = (const int32_t *)(const void *)t->panel + 2 * begin;
    OCT_UNROLL for (int j = 0; j < count; j++) {
        int32x2_t b = vld1_s32(bias + 2 * j);
        OCT_UNROLL for (int i = 0; i < pairs; i++)
            sum[i][j] = vcombine_s32(b, b);
    }
    const int8_t *b = t->panel + 8 * t->vectors + 16 * begin;
    for (int32_t g = 0; g < t->groups; g++, b += 16 * t->vectors) {
        int8x16_t x[3];
        OCT_UNROLL for (int i = 0; i < pairs; i++)
            x[i] = load_pair(row[2 * i] + 8 * g, row[2 * i + 1] + 8 * g);
        OCT_UNROLL for (int j = 0; j < count; j++) {
            int8x16_t w = vld1q_s8(b + 16 * j);
            OCT_UNROLL for (int i = 0; i < pairs; i++)
                sum[i][j] = vmmlaq_s32(sum[i][j], x[i], w);
        }
    }
    OCT_UNROLL for (int i = 0; i < pairs; i++) {
        int32_t *first = t->sum + (size_t)(2 * i) * t->sum_stride + 2 * begin;
        int32_t *second = 2 * i + 1 < t->rows ? first + t->sum_stride : NULL;
        OCT_UNROLL for (int j = 0; j < count; j++) {
            vst1_s32(first + 2 * j, vget_low_s32(sum[i][j]));
            if (second != NULL)
                vst1_s32(second + 2 * j, vget_high_s32(sum[i][j]));
        }
    }
}

#define INSTANCE(pairs)                                                                            \
    static void tile_##pairs(const tile *t)                                                        \
    {                                                                                              \
        int32_t j = 0;                                                                             \
        for (; j + 8 <= t->vectors; j += 8)                                                        \
            compute(t, j, pairs, 8);                                                               \
        for (; j + 4 <= t->vectors; j += 4)                                                        \
            compute(t, j, pairs, 4);                                                               \
        for (; j < t->vectors; j++)                                                                \
            compute(t, j, pairs, 1);                                                               \
    }
INSTANCE(1)
INSTANCE(2)
INSTANCE(3)
static void (*const tiles[4])(const tile *) = { NULL, tile_1, tile_2, tile_3 };

void oct_gemm_s8_i8mm(const oct_gemm_int_args *args)
{
    tile t = { .a = args->a, .panel = args->panel, .a_stride = args->a_stride,
        .groups = args->groups, .vectors = args->vectors, .sum = args->sum,
        .sum_stride = args->sum_stride };
    for (int32_t left = args->rows; left > 0;) {
        t.rows = oct_tile_rows(left, MOST_ROWS);
        tiles[(t.rows + 1) / 2](&t);
        t.a += (size_t)t.rows * t.a_stride;
        t.sum += (size_t)t.rows * t.sum_stride;
        left -= t.rows;
    }
}
