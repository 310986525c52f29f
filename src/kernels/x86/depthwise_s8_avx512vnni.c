/*
 * int8 depthwise convolution, AVX-512 VNNI.
 *
 * Four taps of 64 channels are interleaved by bytes, so that one dword holds the four taps of a
 * channel and vpdpbusd adds their products. The interleaving permutes channels exactly as the tree
 * of saturating packs at the end permutes them back.
 */
#include "kernels/depthwise.h"
#include "kernels/x86/dot_avx512vnni.h"
#include "kernels/x86/requant_avx512.h"

/* Adds four taps of 64 channels to four vectors of 16 sums. */
OCT_INLINE void add_taps(const oct_depthwise_tap *taps, size_t offset, __mmask64 mask,
    const __m512i *w, __m512i sum[4])
{
    const __m512i sign = _mm512_set1_epi8((char)0x80);
    __m512i x[4];
    OCT_UNROLL for (int i = 0; i < 4; i++)
        x[i] = _mm512_xor_si512(sign,
            _mm512_maskz_loadu_epi8(mask, (const int8_t *)taps[i].x + offset));
    __m512i low01 = _mm512_unpacklo_epi8(x[0], x[1]), high01 = _mm512_unpackhi_epi8(x[0], x[1]);
    __m512i low23 = _mm512_unpacklo_epi8(x[2], x[3]), high23 = _mm512_unpackhi_epi8(x[2], x[3]);
    sum[0] = oct_dot_u8s8(sum[0], _mm512_unpacklo_epi16(low01, low23), _mm512_load_si512(w));
    sum[1] = oct_dot_u8s8(sum[1], _mm512_unpackhi_epi16(low01, low23), _mm512_load_si512(w + 1));
    sum[2] = oct_dot_u8s8(sum[2], _mm512_unpacklo_epi16(high01, high23), _mm512_load_si512(w + 2));
    sum[3] = oct_dot_u8s8(sum[3], _mm512_unpackhi_epi16(high01, high23), _mm512_load_si512(w + 3));
}

OCT_INLINE void convolve(const oct_depthwise_args *args, const void *packed,
    const oct_requant_tile *rq, int8_t *y, const bool any_sign)
{
    const __m512i lo = _mm512_set1_epi8((char)rq->plain.lo);
    const __m512i hi = _mm512_set1_epi8((char)rq->plain.hi);
    const __m512i *block = packed;
    for (int32_t c = 0; c < args->channels; c += 64) {
        int32_t n = args->channels - c < 64 ? args->channels - c : 64;
        __mmask64 mask = ~UINT64_C(0) >> (64 - n);
        oct_requant16 by[4];
        OCT_UNROLL for (int j = 0; j < 4; j++)
            by[j] = oct_requant16_load(rq->blocks + c / 16 + j);
        for (int32_t p = 0; p < args->pixels; p++) {
            __m512i sum[4];
            OCT_UNROLL for (int j = 0; j < 4; j++)
                sum[j] = _mm512_load_si512(block + j);
            for (int32_t t = 0; t < args->count; t += 4)
                add_taps(args->taps + t, (size_t)p * args->step + (size_t)c, mask, block + 4 + t,
                    sum);
            OCT_UNROLL for (int j = 0; j < 4; j++)
                sum[j] = oct_requant16_apply(sum[j], &by[j], any_sign);
            __m512i bytes = _mm512_packs_epi16(
                _mm512_packs_epi32(sum[0], sum[1]), _mm512_packs_epi32(sum[2], sum[3]));
            bytes = _mm512_min_epi8(hi, _mm512_max_epi8(lo, bytes));
            _mm512_mask_storeu_epi8(y + (size_t)p * (size_t)args->channels + c, mask, bytes);
        }
        block += 4 + args->count;
    }
}

OCT_DEPTHWISE_S8(oct_depthwise_s8_avx512vnni)
{
    if (rq->any_sign)
        convolve(args, packed, rq, y, true);
    else
        convolve(args, packed, rq, y, false);
}
