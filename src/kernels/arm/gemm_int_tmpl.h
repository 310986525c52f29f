/*
 * Integer matrix product, tiles of 6 x 16: sums of 32 bits, one step of the weights by each lane of
 * the activations.
 *
 * Before including it, a variant defines
 *     NAME          the kernel's name
 *     A, WEIGHT     elements of a and of the panel
 *     XVEC, LANES   16 bytes of a row, and the steps (groups) in them
 *     LOAD_X(a)     a whole XVEC
 *     LOAD_ONE(a)   one step of a row in lane 0, reading no more
 *     STEP(lane)    multiplies that lane of x[row] by the next step of b into sum[row][vector]
 *     EACH_LANE     STEP of all lanes in order
 */
#include "kernels/gemm.h"
#include "kernels/tile.h"

typedef struct tile {
    const A *a;
    const void *panel;
    size_t a_stride; /* elements */
    int32_t groups;
    int32_t *sum;
    size_t sum_stride;
} tile;

OCT_INLINE void compute(const tile *t, const int rows, const int vectors)
{
    int32x4_t sum[6][4];
    XVEC x[6];
    const int32_t *bias = t->panel;
    OCT_UNROLL for (int i = 0; i < rows; i++)
        OCT_UNROLL for (int j = 0; j < vectors; j++)
            sum[i][j] = vld1q_s32(bias + 4 * j);
    const WEIGHT *b = (const WEIGHT *)(const void *)(bias + 4 * vectors);
    const A *a = t->a;
    int32_t left = t->groups;
    for (; left >= LANES; left -= LANES, a += 16 / (int)sizeof(A)) {
        OCT_UNROLL for (int i = 0; i < rows; i++)
            x[i] = LOAD_X(a + (size_t)i * t->a_stride);
        EACH_LANE
    }
    for (; left > 0; left--, a += 16 / (int)sizeof(A) / LANES) {
        OCT_UNROLL for (int i = 0; i < rows; i++)
            x[i] = LOAD_ONE(a + (size_t)i * t->a_stride);
        STEP(0)
    }
    OCT_UNROLL for (int i = 0; i < rows; i++)
        OCT_UNROLL for (int j = 0; j < vectors; j++)
            vst1q_s32(t->sum + (size_t)i * t->sum_stride + 4 * j, sum[i][j]);
}

#include "kernels/arm/tile_neon.h"

void NAME(const oct_gemm_int_args *args)
{
    tile t = { .a = args->a, .panel = args->panel, .a_stride = args->a_stride,
        .groups = args->groups, .sum = args->sum, .sum_stride = args->sum_stride };
    for (int32_t left = args->rows; left > 0;) {
        int32_t rows = oct_tile_rows(left, MOST_ROWS);
        tiles[args->vectors][rows](&t);
        t.a += (size_t)rows * t.a_stride;
        t.sum += (size_t)rows * t.sum_stride;
        left -= rows;
    }
}
