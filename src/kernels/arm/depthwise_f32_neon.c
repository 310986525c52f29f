/*
 * Float depthwise convolution, NEON: 8 channels, four pixels at a time share each weight.
 */
#include <arm_neon.h>
#include <math.h>

#include "kernels/arm/clamp_neon.h"
#include "kernels/depthwise.h"
#include "kernels/tile.h"

OCT_INLINE void pixels(const oct_depthwise_args *args, int32_t first, int32_t channel,
    const float *bias, float lo, float hi, float *y, const int count, const int vectors)
{
    float32x4_t sum[4][2];
    OCT_UNROLL for (int i = 0; i < count; i++)
        OCT_UNROLL for (int j = 0; j < vectors; j++)
            sum[i][j] = vld1q_f32(bias + channel + 4 * j);
    size_t offset = (size_t)first * args->step + (size_t)channel;
    for (int32_t t = 0; t < args->count; t++) {
        const float *x = (const float *)args->taps[t].x + offset;
        OCT_UNROLL for (int j = 0; j < vectors; j++) {
            float32x4_t w = vld1q_f32((const float *)args->taps[t].w + channel + 4 * j);
            OCT_UNROLL for (int i = 0; i < count; i++)
                sum[i][j] = vfmaq_f32(sum[i][j], vld1q_f32(x + (size_t)i * args->step + 4 * j), w);
        }
    }
    OCT_UNROLL for (int i = 0; i < count; i++)
        OCT_UNROLL for (int j = 0; j < vectors; j++)
            vst1q_f32(y + (size_t)(first + i) * (size_t)args->channels + channel + 4 * j,
                oct_clamp_neon(sum[i][j], lo, hi));
}

#define EACH_PIXEL(vectors)                                                                        \
    do {                                                                                           \
        int32_t p = 0;                                                                             \
        for (; p + 4 <= args->pixels; p += 4)                                                      \
            pixels(args, p, c, bias, lo, hi, y, 4, vectors);                                       \
        for (; p < args->pixels; p++)                                                              \
            pixels(args, p, c, bias, lo, hi, y, 1, vectors);                                       \
    } while (0)

OCT_DEPTHWISE_F32(oct_depthwise_f32_neon)
{
    int32_t c = 0;
    for (; c + 8 <= args->channels; c += 8)
        EACH_PIXEL(2);
    for (; c + 4 <= args->channels; c += 4)
        EACH_PIXEL(1);
    for (int32_t p = 0; p < args->pixels; p++) {
        for (int32_t n = c; n < args->channels; n++) {
            float sum = bias[n];
            for (int32_t t = 0; t < args->count; t++)
                sum = fmaf(((const float *)args->taps[t].x)[(size_t)p * args->step + (size_t)n],
                    ((const float *)args->taps[t].w)[n], sum);
            sum = sum < lo ? lo : sum;
            y[(size_t)p * (size_t)args->channels + (size_t)n] = hi < sum ? hi : sum;
        }
    }
}
