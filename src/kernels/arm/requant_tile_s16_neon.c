/*
 * int16 requantization of tiles of sums, NEON: 64-bit products of even and odd columns, as the
 * constants lie.
 */
#include <arm_neon.h>

#include "kernels/requant_tile.h"
#include "kernels/tile.h"

/* Constants of 8 columns: [0] of the even ones, [1] of the odd ones. */
typedef struct column_block {
    int32x4_t m[2];
    int64x2_t add[2][2], shift[2][2]; /* shifts are negative: to the right */
} column_block;

OCT_INLINE void load_halves(const int64_t *from, int64x2_t out[2])
{
    out[0] = vld1q_s64(from);
    out[1] = vld1q_s64(from + 2);
}

/* The half 0 or 1 of a block of 16 columns. */
static column_block load_columns(const oct_requant_s16_block *block, int32_t half)
{
    column_block c;
    int32x4_t low = vld1q_s32(block->m + 8 * half), high = vld1q_s32(block->m + 8 * half + 4);
    c.m[0] = vuzp1q_s32(low, high);
    c.m[1] = vuzp2q_s32(low, high);
    load_halves(block->even + 4 * half, c.add[0]);
    load_halves(block->odd + 4 * half, c.add[1]);
    load_halves(block->even_shift + 4 * half, c.shift[0]);
    load_halves(block->odd_shift + 4 * half, c.shift[1]);
    for (int i = 0; i < 4; i++)
        c.shift[i / 2][i % 2] = vnegq_s64(c.shift[i / 2][i % 2]);
    return c;
}

/* Four sums, all of even or all of odd columns. */
OCT_INLINE int32x4_t apply(int32x4_t sum, const column_block *c, int odd)
{
    int64x2_t low = vmull_s32(vget_low_s32(sum), vget_low_s32(c->m[odd]));
    int64x2_t high = vmull_high_s32(sum, c->m[odd]);
    low = vshlq_s64(vaddq_s64(low, c->add[odd][0]), c->shift[odd][0]);
    high = vshlq_s64(vaddq_s64(high, c->add[odd][1]), c->shift[odd][1]);
    return vmovn_high_s64(vmovn_s64(low), high);
}

OCT_REQUANT_TILE_S16(oct_requant_tile_s16_neon)
{
    const int16x8_t lo = vdupq_n_s16((int16_t)rq->plain.lo);
    const int16x8_t hi = vdupq_n_s16((int16_t)rq->plain.hi);
    int32_t n = 0;
    for (; n + 8 <= columns; n += 8) {
        const column_block c = load_columns(rq->blocks + (column + n) / 16, n % 16 / 8);
        for (int32_t m = 0; m < rows; m++) {
            const int32_t *from = sum + (size_t)m * sum_stride + n;
            int32x4_t low = vld1q_s32(from), high = vld1q_s32(from + 4);
            int32x4_t even = apply(vuzp1q_s32(low, high), &c, 0);
            int32x4_t odd = apply(vuzp2q_s32(low, high), &c, 1);
            int16x8_t v = vqmovn_high_s32(vqmovn_s32(vzip1q_s32(even, odd)), vzip2q_s32(even, odd));
            vst1q_s16(y + (size_t)m * y_stride + n, vminq_s16(hi, vmaxq_s16(lo, v)));
        }
    }
    if (n < columns)
        oct_requant_tile_s16_c(
            sum + n, sum_stride, rows, columns - n, rq, column + n, y + n, y_stride);
}
