/*
 * Quantized addition of int8 with byte permutations (VBMI, which every processor with AMX has): one
 * operand is looked up, four bytes of each of its 32-bit terms, the other one is shifted into place.
 *
 * Interleaving the four bytes permutes elements exactly as the saturating packs at the end permute them
 * back.
 */
#include <immintrin.h>

#include "kernels/add.h"
#include "kernels/tile.h"

/* The table in registers. */
typedef struct planes {
    __m512i part[4][4];
} planes;

OCT_INLINE __m512i look_up(const __m512i part[4], __m512i codes, __mmask64 negative)
{
    __m512i low = _mm512_permutex2var_epi8(part[0], codes, part[1]);
    __m512i high = _mm512_permutex2var_epi8(part[2], codes, part[3]);
    return _mm512_mask_blend_epi8(negative, low, high);
}

/* Terms of 64 codes from the table. */
OCT_INLINE void tabled(const planes *t, __m512i codes, __m512i out[4])
{
    __mmask64 negative = _mm512_movepi8_mask(codes);
    __m512i p[4];
    OCT_UNROLL for (int k = 0; k < 4; k++)
        p[k] = look_up(t->part[k], codes, negative);
    __m512i low01 = _mm512_unpacklo_epi8(p[0], p[1]), high01 = _mm512_unpackhi_epi8(p[0], p[1]);
    __m512i low23 = _mm512_unpacklo_epi8(p[2], p[3]), high23 = _mm512_unpackhi_epi8(p[2], p[3]);
    out[0] = _mm512_unpacklo_epi16(low01, low23);
    out[1] = _mm512_unpackhi_epi16(low01, low23);
    out[2] = _mm512_unpacklo_epi16(high01, high23);
    out[3] = _mm512_unpackhi_epi16(high01, high23);
}

/* 64 codes times 2^20, in the same order. */
OCT_INLINE void shifted(__m512i codes, __m512i out[4])
{
    const __m512i none = _mm512_setzero_si512();
    __m512i low = _mm512_unpacklo_epi8(none, codes), high = _mm512_unpackhi_epi8(none, codes);
    out[0] = _mm512_srai_epi32(_mm512_unpacklo_epi16(none, low), 4);
    out[1] = _mm512_srai_epi32(_mm512_unpackhi_epi16(none, low), 4);
    out[2] = _mm512_srai_epi32(_mm512_unpacklo_epi16(none, high), 4);
    out[3] = _mm512_srai_epi32(_mm512_unpackhi_epi16(none, high), 4);
}

/* The general form of docs/numerics.md: the result's zero point is part of what is added. */
typedef struct result {
    __m512i m, add;
    __m128i shift;
} result;

OCT_INLINE __m512i rescale(__m512i twice, const result *r)
{
    __m512i even = _mm512_add_epi64(_mm512_mul_epi32(twice, r->m), r->add);
    __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(twice, 32), r->m), r->add);
    __m512i high = _mm512_mask_shuffle_epi32(odd, 0x5555, even, _MM_PERM_DDBB);
    return _mm512_sra_epi32(_mm512_add_epi32(high, _mm512_srai_epi32(twice, 31)), r->shift);
}

OCT_INLINE void add_rows(const oct_add_args *args, size_t n, const int8_t *table_codes,
    const int8_t *other, int8_t *y, const bool minus)
{
    planes t;
    OCT_UNROLL for (int k = 0; k < 4; k++)
        OCT_UNROLL for (int i = 0; i < 4; i++)
            t.part[k][i] = _mm512_loadu_si512(args->table->planes[k] + 64 * i);
    int32_t right = -args->y.e;
    int64_t add = (INT64_C(1) << 31) + (INT64_C(1) << (31 + right))
        + args->y_zero * (INT64_C(1) << (32 + right));
    result r = { _mm512_set1_epi32(args->y.m), _mm512_set1_epi64(add), _mm_cvtsi32_si128(right) };
    const __m512i lo = _mm512_set1_epi8((char)args->lo), hi = _mm512_set1_epi8((char)args->hi);
    for (size_t i = 0; i < n; i += 64) {
        __mmask64 mask = n - i >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << (n - i)) - 1;
        __m512i sum[4], term[4];
        tabled(&t, _mm512_maskz_loadu_epi8(mask, table_codes + i), sum);
        shifted(_mm512_maskz_loadu_epi8(mask, other + i), term);
        OCT_UNROLL for (int j = 0; j < 4; j++)
            sum[j] = rescale(minus ? _mm512_sub_epi32(sum[j], term[j])
                                   : _mm512_add_epi32(sum[j], term[j]),
                &r);
        __m512i bytes = _mm512_packs_epi16(
            _mm512_packs_epi32(sum[0], sum[1]), _mm512_packs_epi32(sum[2], sum[3]));
        bytes = _mm512_min_epi8(hi, _mm512_max_epi8(lo, bytes));
        _mm512_mask_storeu_epi8(y + i, mask, bytes);
    }
}

OCT_ADD_ROW(oct_add_table_s8_avx512amx, int8_t)
{
    if (args->table->minus)
        add_rows(args, n, a, b, y, true);
    else
        add_rows(args, n, args->table->of_b ? b : a, args->table->of_b ? a : b, y, false);
}
