/*
 * Float depthwise convolution, AVX2 with FMA: 8 channels, four pixels at a time share each weight.
 */
#include <immintrin.h>

#include "kernels/depthwise.h"
#include "kernels/tile.h"

OCT_INLINE void pixels(const oct_depthwise_args *args, int32_t first, int32_t channel,
    __m256i mask, __m256 bias, __m256 lo, __m256 hi, float *y, const int count)
{
    __m256 sum[4];
    OCT_UNROLL for (int i = 0; i < count; i++)
        sum[i] = bias;
    size_t offset = (size_t)first * args->step + (size_t)channel;
    for (int32_t t = 0; t < args->count; t++) {
        const float *x = (const float *)args->taps[t].x + offset;
        __m256 w = _mm256_load_ps((const float *)args->taps[t].w + channel);
        OCT_UNROLL for (int i = 0; i < count; i++)
            sum[i] = _mm256_fmadd_ps(
                _mm256_maskload_ps(x + (size_t)i * args->step, mask), w, sum[i]);
    }
    OCT_UNROLL for (int i = 0; i < count; i++)
        _mm256_maskstore_ps(y + (size_t)(first + i) * (size_t)args->channels + channel, mask,
            _mm256_min_ps(hi, _mm256_max_ps(lo, sum[i])));
}

OCT_DEPTHWISE_F32(oct_depthwise_f32_avx2)
{
    const __m256 low = _mm256_set1_ps(lo), high = _mm256_set1_ps(hi);
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    for (int32_t c = 0; c < args->channels; c += 8) {
        __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(args->channels - c), lane);
        __m256 b = _mm256_load_ps(bias + c);
        int32_t p = 0;
        for (; p + 4 <= args->pixels; p += 4)
            pixels(args, p, c, mask, b, low, high, y, 4);
        for (; p < args->pixels; p++)
            pixels(args, p, c, mask, b, low, high, y, 1);
    }
}
