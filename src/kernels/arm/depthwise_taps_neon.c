/*
 * Depthwise sums, NEON: 8 channels of 16-bit products, four pixels at a time share each weight.
 *
 * int8 without its zero point fits 16 bits; weights are the low halves of dwords.
 */
#include <arm_neon.h>

#include "kernels/depthwise.h"
#include "kernels/tile.h"

OCT_INLINE int16x8_t load_weights(const void *w, int32_t channel)
{
    const int16_t *halves = (const int16_t *)w + 2 * channel;
    return vuzp1q_s16(vld1q_s16(halves), vld1q_s16(halves + 8));
}

OCT_INLINE int16x8_t load_s8(const int8_t *x)
{
    return vmovl_s8(vld1_s8(x));
}

#define TAPS(name, type, load)                                                                     \
    OCT_INLINE void pixels_##name(const oct_depthwise_args *args, int32_t first, int32_t c,        \
        const int32_t *bias, int16x8_t zero, int32_t *sum, size_t sum_stride, const int count)     \
    {                                                                                              \
        size_t offset = (size_t)first * args->step + (size_t)c;                                    \
        int32x4_t s[4][2];                                                                         \
        OCT_UNROLL for (int i = 0; i < count; i++)                                                 \
            OCT_UNROLL for (int j = 0; j < 2; j++)                                                 \
                s[i][j] = vld1q_s32(bias + c + 4 * j);                                             \
        for (int32_t t = 0; t < args->count; t++) {                                                \
            const type *x = (const type *)args->taps[t].x + offset;                                \
            int16x8_t w = load_weights(args->taps[t].w, c);                                        \
            OCT_UNROLL for (int i = 0; i < count; i++) {                                           \
                int16x8_t v = vsubq_s16(load(x + (size_t)i * args->step), zero);                   \
                s[i][0] = vmlal_s16(s[i][0], vget_low_s16(v), vget_low_s16(w));                    \
                s[i][1] = vmlal_high_s16(s[i][1], v, w);                                           \
            }                                                                                      \
        }                                                                                          \
        OCT_UNROLL for (int i = 0; i < count; i++)                                                 \
            OCT_UNROLL for (int j = 0; j < 2; j++)                                                 \
                vst1q_s32(sum + (size_t)(first + i) * sum_stride + c + 4 * j, s[i][j]);            \
    }                                                                                              \
    static void rest_##name(const oct_depthwise_args *args, int32_t c, const int32_t *bias,        \
        int32_t zero, int32_t *sum, size_t sum_stride)                                             \
    {                                                                                              \
        for (int32_t p = 0; p < args->pixels; p++) {                                               \
            for (int32_t n = c; n < args->channels; n++) {                                         \
                uint32_t total = (uint32_t)bias[n];                                                \
                for (int32_t t = 0; t < args->count; t++) {                                        \
                    const type *x = (const type *)args->taps[t].x + (size_t)p * args->step;        \
                    int16_t w = (int16_t)((const int32_t *)args->taps[t].w)[n];                    \
                    total += (uint32_t)((x[n] - zero) * w);                                        \
                }                                                                                  \
                sum[(size_t)p * sum_stride + (size_t)n] = (int32_t)total;                          \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    OCT_DEPTHWISE_SUMS(oct_depthwise_taps_##name##_neon)                                           \
    {                                                                                              \
        const int16x8_t z = vdupq_n_s16((int16_t)zero);                                            \
        int32_t c = 0;                                                                             \
        for (; c + 8 <= args->channels; c += 8) {                                                  \
            int32_t p = 0;                                                                         \
            for (; p + 4 <= args->pixels; p += 4)                                                  \
                pixels_##name(args, p, c, bias, z, sum, sum_stride, 4);                            \
            for (; p < args->pixels; p++)                                                          \
                pixels_##name(args, p, c, bias, z, sum, sum_stride, 1);                            \
        }                                                                                          \
        rest_##name(args, c, bias, zero, sum, sum_stride);                                         \
    }
TAPS(s8, int8_t, load_s8)
TAPS(s16, int16_t, vld1q_s16)
