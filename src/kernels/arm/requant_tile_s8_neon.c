/*
 * Requantization of tiles of sums, NEON: 8 columns for all rows before the next 8.
 *
 * Multipliers are read as they are, significands and exponents taken apart by the load.
 */
#include "kernels/arm/requant_neon.h"
#include "kernels/requant_tile.h"

/* Constants of 8 columns. */
typedef struct column_block {
    int32x4_t m[2], e[2], less[2];
    int32x4_t zero, lo, hi;
} column_block;

static column_block load_columns(const oct_requant *rq, int32_t column)
{
    column_block by = { .zero = vdupq_n_s32(rq->zero), .lo = vdupq_n_s32(rq->lo),
        .hi = vdupq_n_s32(rq->hi) };
    for (int i = 0; i < 2; i++) {
        int32x4x2_t pair = vld2q_s32(&rq->by[column + 4 * i].m);
        by.m[i] = pair.val[0];
        by.e[i] = pair.val[1];
        by.less[i] = vreinterpretq_s32_u32(vcltzq_s32(by.e[i]));
    }
    return by;
}

OCT_INLINE int16x4_t apply(const int32_t *sum, const column_block *by, int i)
{
    int32x4_t r = oct_mbqm_neon(vld1q_s32(sum + 4 * i), by->m[i], by->e[i], by->less[i]);
    r = vminq_s32(by->hi, vmaxq_s32(by->lo, vaddq_s32(r, by->zero)));
    return vmovn_s32(r);
}

OCT_REQUANT_TILE(oct_requant_tile_s8_neon)
{
    int32_t n = 0;
    for (; n + 8 <= columns; n += 8) {
        const column_block by = load_columns(&rq->plain, column + n);
        for (int32_t m = 0; m < rows; m++) {
            const int32_t *from = sum + (size_t)m * sum_stride + n;
            int16x8_t both = vcombine_s16(apply(from, &by, 0), apply(from, &by, 1));
            vst1_s8(y + (size_t)m * y_stride + n, vmovn_s16(both));
        }
    }
    if (n < columns)
        oct_requant_tile_s8_c(
            sum + n, sum_stride, rows, columns - n, rq, column + n, y + n, y_stride);
}
