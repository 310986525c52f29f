/*
 * Requantization of tiles of sums, vectorised without changing a bit.
 *
 * TensorFlow Lite rounds twice: with E = -e,
 *     t = floor((x m + 2^30) / 2^31),   r = floor((t + 2^(E-1) - [t < 0]) / 2^E).
 * Nested floors collapse, so for 1 <= E <= 20, with + for x >= 0 and - for x < 0,
 *     r + zero = floor((x m + 2^(30+E) +- 2^30 + zero 2^(31+E)) / 2^(31+E)):
 * one 64-bit multiply-add and one shift for each sum. Where the output is clamped at its zero point
 * or above, the sign does not matter (negative x end at the clamp). docs/numerics.md derives both.
 */
#ifndef OCT_KERNELS_REQUANT_TILE_H
#define OCT_KERNELS_REQUANT_TILE_H

#include <stdbool.h>

#include "kernels/requant.h"

/* Constants of 16 columns; even and odd ones lie apart: multiplication works on every second. */
typedef struct oct_requant_block {
    int32_t m[16];
    int64_t even[8], odd[8]; /* what is added to the product */
    int32_t shift[16];       /* of the product's upper half */
} oct_requant_block;

typedef struct oct_requant_tile {
    oct_requant plain;
    const oct_requant_block *blocks; /* [(channels + 15) / 16], 64-byte aligned */
    bool any_sign; /* the general form; otherwise the one for outputs clamped at the zero point */
} oct_requant_tile;

/**
 * Whether the vector forms are exact: rounding shifts in 1 .. 20 (or multiplier 0) for all
 * channels, and sums that stay within most_sum < 2^30.
 */
bool oct_requant_vectorisable(const oct_requant *rq, int32_t channels, int64_t most_sum);

/**
 * Fills blocks [(columns + 15) / 16] for a requantization that is vectorisable.
 * columns  positions to fill, channels or more; what is past the channels gives the zero point
 * order    channel of each of 64 positions (NULL: natural); columns is then a multiple of 64.
 */
void oct_requant_tile_init(const oct_requant *rq, int32_t channels, int32_t columns,
    const uint8_t *order, oct_requant_block *blocks, oct_requant_tile *tile);

/**
 * y[m][n] = requantized sum[m][n] for rows x columns; the bias is in the sums.
 *
 * sum     [rows], sum_stride elements apart, 64-byte aligned, readable to a multiple of 16 columns.
 * column  of the first sum in rq: a multiple of 16.
 * y       [rows][columns], y_stride elements apart.
 * Exact: all variants return the bytes of oct_requant_tile_s8_c().
 */
#define OCT_REQUANT_TILE(name)                                                                     \
    void name(const int32_t *sum, size_t sum_stride, int32_t rows, int32_t columns,                \
        const oct_requant_tile *rq, int32_t column, int8_t *y, size_t y_stride)
typedef OCT_REQUANT_TILE((*oct_requant_tile_fn));
OCT_REQUANT_TILE(oct_requant_tile_s8_c);
OCT_REQUANT_TILE(oct_requant_tile_s8_avx2);
OCT_REQUANT_TILE(oct_requant_tile_s8_avx512);
OCT_REQUANT_TILE(oct_requant_tile_s8_neon);

/* Constants of 16 columns of the int16 form; even and odd ones apart. */
typedef struct oct_requant_s16_block {
    int32_t m[16];
    int64_t even[8], odd[8];             /* what is added to the product: bias and rounding */
    int64_t even_shift[8], odd_shift[8];
} oct_requant_s16_block;

typedef struct oct_requant_s16_tile {
    oct_requant plain;
    const int64_t *bias;                 /* [channels] or NULL */
    const oct_requant_s16_block *blocks; /* [(columns + 15) / 16], 64-byte aligned */
} oct_requant_s16_tile;

/**
 * Fills blocks [(columns + 15) / 16]; any multiplier MBQM64 takes is vectorisable.
 * order  channel of each of 32 positions (NULL: natural); columns is then a multiple of 32.
 */
void oct_requant_s16_tile_init(const oct_requant *rq, const int64_t *bias, int32_t channels,
    int32_t columns, const uint8_t *order, oct_requant_s16_block *blocks,
    oct_requant_s16_tile *tile);

/**
 * The int16 form with 64-bit bias: y[m][n] = clamp(MBQM64(sum[m][n] + bias[n], by[n])), zero
 * point 0; sums as above. Only plain C uses plain and bias, the others the blocks.
 */
#define OCT_REQUANT_TILE_S16(name)                                                                 \
    void name(const int32_t *sum, size_t sum_stride, int32_t rows, int32_t columns,                \
        const oct_requant_s16_tile *rq, int32_t column, int16_t *y, size_t y_stride)
typedef OCT_REQUANT_TILE_S16((*oct_requant_tile_s16_fn));
OCT_REQUANT_TILE_S16(oct_requant_tile_s16_c);
OCT_REQUANT_TILE_S16(oct_requant_tile_s16_avx512);
OCT_REQUANT_TILE_S16(oct_requant_tile_s16_neon);

#endif
