/*
 * Float activations and sums of hybrid kernels, AVX-512: ranges, quantization, the float end.
 */
#include "kernels/x86/hybrid_avx512.h"

#include "kernels/rows.h"

OCT_INLINE __mmask16 mask_of(size_t left)
{
    return (__mmask16)(left >= 16 ? 0xffff : (1u << left) - 1);
}

void oct_range_fold_avx512(const float *x, size_t n, oct_float_range *range)
{
    oct_range16 r = oct_range16_none();
    for (size_t i = 0; i < n; i += 16)
        oct_range16_fold(&r, _mm512_maskz_loadu_ps(mask_of(n - i), x + i));
    oct_range16_join(&r, range);
}

/*
 * Codes without the zero point: truncation of v with just less than a half added away from zero: no
 * tie is missed and nothing below one is lifted, v being small. NaN becomes lo.
 */
OCT_INLINE __m512i codes(__m512 x, const oct_quantizer *by)
{
    const __m512 half = _mm512_set1_ps(0x1.fffffep-2f);
    const __m512i sign = _mm512_set1_epi32(INT32_MIN);
    __m512 v = _mm512_mul_ps(x, _mm512_set1_ps(by->inverse));
    v = _mm512_min_ps(_mm512_max_ps(v, _mm512_set1_ps(by->lo)), _mm512_set1_ps(by->hi));
    __m512i away = _mm512_ternarylogic_epi32(
        sign, _mm512_castps_si512(v), _mm512_castps_si512(half), 0xea); /* sign & v | half */
    return _mm512_cvttps_epi32(_mm512_add_ps(v, _mm512_castsi512_ps(away)));
}

/* 64 at a time by packs, which leave dwords in an order that one permutation puts right. */
void oct_quantize_floats_avx512(const oct_quantizer *by, const float *x, size_t n, int8_t *q)
{
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    const __m512i zero = _mm512_set1_epi16((int16_t)by->unit.zero);
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        __m512i c[4];
        OCT_UNROLL for (int j = 0; j < 4; j++)
            c[j] = codes(_mm512_loadu_ps(x + i + 16 * j), by);
        __m512i low = _mm512_add_epi16(zero, _mm512_packs_epi32(c[0], c[1]));
        __m512i high = _mm512_add_epi16(zero, _mm512_packs_epi32(c[2], c[3]));
        _mm512_storeu_si512(q + i,
            _mm512_permutexvar_epi32(order, _mm512_packs_epi16(low, high)));
    }
    for (; i < n; i += 16) {
        __mmask16 mask = mask_of(n - i);
        __m512i code = _mm512_add_epi32(codes(_mm512_maskz_loadu_ps(mask, x + i), by),
            _mm512_set1_epi32(by->unit.zero));
        _mm_mask_storeu_epi8(q + i, mask, _mm512_cvtepi32_epi8(code));
    }
}

/* 16 columns of all rows. What a unit's parameters make of the constants is kept while it lasts. */
OCT_INLINE void columns16(const oct_hybrid_args *args, int32_t n, oct_range16 *range,
    const bool channel_first, const bool full)
{
    const __mmask16 mask = full ? 0xffff : mask_of((size_t)(args->columns - n));
    const __m512 lo = _mm512_set1_ps(args->lo), hi = _mm512_set1_ps(args->hi);
    const __m512 bias = _mm512_maskz_loadu_ps(mask, args->bias + n);
    const __m512 scale = _mm512_maskz_loadu_ps(mask, args->scale + n);
    const __m512i sums = _mm512_maskz_loadu_epi32(mask, args->column_sum + n);
    const oct_row_quant *unit = NULL;
    __m512 row_scale = scale;
    __m512i offset = sums;
    for (int32_t m = 0; m < args->rows; m++) {
        if (args->unit[m] != unit) {
            unit = args->unit[m];
            row_scale = _mm512_set1_ps(unit->scale);
            row_scale = channel_first ? row_scale : _mm512_mul_ps(row_scale, scale);
            offset = _mm512_mullo_epi32(sums, _mm512_set1_epi32(unit->zero));
        }
        __m512i sum = _mm512_maskz_loadu_epi32(mask, args->sum + (size_t)m * args->sum_stride + n);
        __m512 v = _mm512_cvtepi32_ps(_mm512_sub_epi32(sum, offset));
        v = _mm512_mul_ps(channel_first ? _mm512_mul_ps(v, scale) : v, row_scale);
        v = oct_clamp16(_mm512_add_ps(v, bias), lo, hi);
        _mm512_mask_storeu_ps(args->y + (size_t)m * args->y_stride + n, mask, v);
        oct_range16_fold(range, full ? v : _mm512_maskz_mov_ps(mask, v));
    }
}

OCT_INLINE void hybrid(const oct_hybrid_args *args, const bool channel_first)
{
    oct_range16 range = oct_range16_none();
    int32_t n = 0;
    for (; n + 16 <= args->columns; n += 16)
        columns16(args, n, &range, channel_first, true);
    if (n < args->columns)
        columns16(args, n, &range, channel_first, false);
    if (args->range != NULL)
        oct_range16_join(&range, args->range);
}

void oct_hybrid_shared_avx512(const oct_hybrid_args *args)
{
    hybrid(args, false);
}

void oct_hybrid_channel_avx512(const oct_hybrid_args *args)
{
    hybrid(args, true);
}
