/*
 * Float depthwise convolution, AVX-512: 16 channels, four pixels at a time share each weight.
 */
#include <immintrin.h>

#include "kernels/depthwise.h"
#include "kernels/tile.h"

OCT_INLINE void pixels(const oct_depthwise_args *args, int32_t first, int32_t channel,
    __mmask16 mask, __m512 bias, __m512 lo, __m512 hi, float *y, const int count)
{
    __m512 sum[4];
    OCT_UNROLL for (int i = 0; i < count; i++)
        sum[i] = bias;
    size_t offset = (size_t)first * args->step + (size_t)channel;
    for (int32_t t = 0; t < args->count; t++) {
        const float *x = (const float *)args->taps[t].x + offset;
        __m512 w = _mm512_load_ps((const float *)args->taps[t].w + channel);
        OCT_UNROLL for (int i = 0; i < count; i++)
            sum[i] = _mm512_fmadd_ps(
                _mm512_maskz_loadu_ps(mask, x + (size_t)i * args->step), w, sum[i]);
    }
    OCT_UNROLL for (int i = 0; i < count; i++)
        _mm512_mask_storeu_ps(y + (size_t)(first + i) * (size_t)args->channels + channel, mask,
            _mm512_min_ps(hi, _mm512_max_ps(lo, sum[i])));
}

OCT_DEPTHWISE_F32(oct_depthwise_f32_avx512)
{
    const __m512 low = _mm512_set1_ps(lo), high = _mm512_set1_ps(hi);
    for (int32_t c = 0; c < args->channels; c += 16) {
        int32_t n = args->channels - c < 16 ? args->channels - c : 16;
        __mmask16 mask = (__mmask16)((1u << n) - 1);
        __m512 b = _mm512_load_ps(bias + c);
        int32_t p = 0;
        for (; p + 4 <= args->pixels; p += 4)
            pixels(args, p, c, mask, b, low, high, y, 4);
        for (; p < args->pixels; p++)
            pixels(args, p, c, mask, b, low, high, y, 1);
    }
}
