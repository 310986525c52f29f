/*
 * Integer matrix product over groups of 4 bytes: 4 x 8 bit or 2 x 16 bit.
 *
 * Before including it, a variant defines
 *     NAME          the kernel's name
 *     VEC, LANES    vector of int32 and its length
 *     LOAD, STORE   aligned
 *     BROADCAST     of an int32
 *     DOT(s, x, w)  s + products of the group, by lane
 *     A_BYTES       of an element of a
 *     VECTORS       most vectors of a panel: 2 (16 registers) or 4 (32 registers)
 */
#include <string.h>

#include "kernels/gemm.h"
#include "kernels/tile.h"

typedef struct tile {
    const char *a, *panel;
    size_t a_stride; /* bytes */
    int32_t groups;
    int32_t *sum;
    size_t sum_stride;
} tile;

OCT_INLINE VEC broadcast_group(const char *from)
{
    int32_t group;
    memcpy(&group, from, sizeof group);
    return BROADCAST(group);
}

OCT_INLINE void compute(const tile *t, const int rows, const int vectors)
{
    VEC sum[14][VECTORS];
    const VEC *b = (const VEC *)(const void *)t->panel;
    OCT_UNROLL for (int i = 0; i < rows; i++)
        OCT_UNROLL for (int j = 0; j < vectors; j++)
            sum[i][j] = LOAD(b + j);
    const char *a = t->a;
    size_t stride = t->a_stride;
    for (int32_t g = 0; g < t->groups; g++, a += 4) {
        b += vectors;
        VEC w[VECTORS];
        OCT_UNROLL for (int j = 0; j < vectors; j++)
            w[j] = LOAD(b + j);
        OCT_UNROLL for (int i = 0; i < rows; i++) {
            VEC x = broadcast_group(a + (size_t)i * stride);
            OCT_UNROLL for (int j = 0; j < vectors; j++)
                sum[i][j] = DOT(sum[i][j], x, w[j]);
        }
    }
    OCT_UNROLL for (int i = 0; i < rows; i++)
        OCT_UNROLL for (int j = 0; j < vectors; j++)
            STORE((VEC *)(void *)(t->sum + (size_t)i * t->sum_stride) + j, sum[i][j]);
}

#define INSTANCE(rows, vectors)                                                                    \
    static void tile_##rows##x##vectors(const tile *t)                                             \
    {                                                                                              \
        compute(t, rows, vectors);                                                                 \
    }
#define UP_TO_6(X, v) X(1, v) X(2, v) X(3, v) X(4, v) X(5, v) X(6, v)
#define UP_TO_8(X, v) UP_TO_6(X, v) X(7, v) X(8, v)
#define UP_TO_14(X, v) UP_TO_8(X, v) X(9, v) X(10, v) X(11, v) X(12, v) X(13, v) X(14, v)
#define ENTRY(rows, vectors) [rows] = tile_##rows##x##vectors,

#if VECTORS == 4
UP_TO_14(INSTANCE, 1)
UP_TO_14(INSTANCE, 2)
UP_TO_8(INSTANCE, 3)
UP_TO_6(INSTANCE, 4)
static void (*const tiles[5][15])(const tile *) = { [1] = { UP_TO_14(ENTRY, 1) },
    [2] = { UP_TO_14(ENTRY, 2) }, [3] = { UP_TO_8(ENTRY, 3) }, [4] = { UP_TO_6(ENTRY, 4) } };
static const int32_t most_rows[5] = { 0, 14, 14, 8, 6 };
#else
UP_TO_6(INSTANCE, 1)
UP_TO_6(INSTANCE, 2)
static void (*const tiles[3][7])(const tile *) = { [1] = { UP_TO_6(ENTRY, 1) },
    [2] = { UP_TO_6(ENTRY, 2) } };
static const int32_t most_rows[3] = { 0, 6, 6 };
#endif

void NAME(const oct_gemm_int_args *args)
{
    tile t = { .a = args->a, .panel = args->panel, .a_stride = args->a_stride * A_BYTES,
        .groups = args->groups, .sum = args->sum, .sum_stride = args->sum_stride };
    for (int32_t left = args->rows; left > 0;) {
        int32_t rows = oct_tile_rows(left, most_rows[args->vectors]);
        tiles[args->vectors][rows](&t);
        t.a += (size_t)rows * t.a_stride;
        t.sum += (size_t)rows * t.sum_stride;
        left -= rows;
    }
}
