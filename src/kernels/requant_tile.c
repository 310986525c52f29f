/*
 * Constants of the vector requantization, and its plain C form.
 */
#include "kernels/requant_tile.h"

enum { MOST_SHIFT = 20 };

bool oct_requant_vectorisable(const oct_requant *rq, int32_t channels, int64_t most_sum)
{
    if (rq->real != NULL || most_sum >= (int64_t)1 << 30)
        return false;
    for (int32_t c = 0; c < channels; c++)
        if (rq->by[c].m != 0 && (rq->by[c].e > -1 || rq->by[c].e < -MOST_SHIFT))
            return false;
    return true;
}

/* A multiplier of 0 gives the zero point with any shift. */
static void set_column(oct_requant_block *block, int32_t at, oct_multiplier by, int32_t zero,
    bool any_sign)
{
    int32_t e = by.m == 0 ? 1 : -by.e;
    int64_t unit = (int64_t)1 << (31 + e); /* of the result in the product */
    int64_t add = unit / 2 + ((int64_t)1 << 30) + zero * unit;
    block->m[at] = by.m;
    block->shift[at] = any_sign ? e : e - 1;
    (at % 2 == 0 ? block->even : block->odd)[at / 2] = any_sign ? 2 * add : add;
}

void oct_requant_tile_init(const oct_requant *rq, int32_t channels, int32_t columns,
    const uint8_t *order, oct_requant_block *blocks, oct_requant_tile *tile)
{
    *tile = (oct_requant_tile){ .plain = *rq, .blocks = blocks, .any_sign = rq->lo < rq->zero };
    for (int32_t i = 0; i < (columns + 15) / 16 * 16; i++) {
        int32_t c = order == NULL ? i : i / 64 * 64 + order[i % 64];
        oct_multiplier by = c < channels ? rq->by[c] : (oct_multiplier){ 0, 0 };
        set_column(&blocks[i / 16], i % 16, by, rq->zero, tile->any_sign);
    }
}

OCT_REQUANT_TILE(oct_requant_tile_s8_c)
{
    oct_requant part = rq->plain;
    part.by = part.by == NULL ? NULL : part.by + column;
    part.real = part.real == NULL ? NULL : part.real + column;
    for (int32_t m = 0; m < rows; m++)
        oct_requant_s8(sum + (size_t)m * sum_stride, NULL, (size_t)columns, &part,
            y + (size_t)m * y_stride);
}

/* (x + bias) * m16 + rounding = x * m16 + (bias * m16 + rounding), modulo 2^64. */
static void set_s16_column(oct_requant_s16_block *block, int32_t at, oct_multiplier by,
    int64_t bias)
{
    int32_t m16 = by.m < 0x7fff0000 ? (by.m + (1 << 15)) >> 16 : 0x7fff, shift = 15 - by.e;
    uint64_t add = (uint64_t)bias * (uint64_t)m16 + (UINT64_C(1) << (shift - 1));
    block->m[at] = m16;
    (at % 2 == 0 ? block->even : block->odd)[at / 2] = (int64_t)add;
    (at % 2 == 0 ? block->even_shift : block->odd_shift)[at / 2] = shift;
}

void oct_requant_s16_tile_init(const oct_requant *rq, const int64_t *bias, int32_t channels,
    int32_t columns, const uint8_t *order, oct_requant_s16_block *blocks,
    oct_requant_s16_tile *tile)
{
    *tile = (oct_requant_s16_tile){ .plain = *rq, .bias = bias, .blocks = blocks };
    for (int32_t i = 0; i < (columns + 15) / 16 * 16; i++) {
        int32_t c = order == NULL ? i : i / 32 * 32 + order[i % 32];
        oct_multiplier by = c < channels ? rq->by[c] : (oct_multiplier){ 0, 0 };
        set_s16_column(&blocks[i / 16], i % 16, by, c < channels && bias != NULL ? bias[c] : 0);
    }
}

OCT_REQUANT_TILE_S16(oct_requant_tile_s16_c)
{
    const oct_requant *plain = &rq->plain;
    for (int32_t m = 0; m < rows; m++) {
        for (int32_t n = 0; n < columns; n++) {
            int64_t x = sum[(size_t)m * sum_stride + (size_t)n];
            x += rq->bias != NULL ? rq->bias[column + n] : 0;
            y[(size_t)m * y_stride + (size_t)n] = (int16_t)oct_clamp_i32(
                oct_mbqm64(x, plain->by[column + n]), plain->lo, plain->hi);
        }
    }
}
