/*
 * Depthwise sums: one tap of LANES channels at a time, up to four pixels sharing each weight.
 *
 * Weights are int16 in the low halves of dwords, inputs are widened to dwords: pmaddwd then is a
 * 16-bit multiplication with a 32-bit result (the high halves meet zeros), cheaper than a 32-bit
 * one.
 *
 * Before including it, a variant defines ISA, VEC, LANES, MASK with first_lanes(n), LOAD
 * (aligned), SET1, SUB, DOT(s, x, w), STORE(mask, to, v), LOAD_S8(mask, n, from) and
 * LOAD_S16(mask, n, from), which widen n elements and read no others.
 */
#include "kernels/depthwise.h"
#include "kernels/tile.h"

#define PASTE(name, isa) name##_##isa
#define NAMED(name, isa) PASTE(name, isa)

#define TAPS(name, type, load)                                                                     \
    OCT_INLINE void pixels_##name(const oct_depthwise_args *args, int32_t first, int32_t c,        \
        VEC bias, VEC zero, int32_t *sum, size_t sum_stride, const int count)                      \
    {                                                                                              \
        int32_t n = args->channels - c < LANES ? args->channels - c : LANES;                       \
        MASK mask = first_lanes(n);                                                                \
        size_t offset = (size_t)first * args->step + (size_t)c;                                    \
        VEC s[4];                                                                                  \
        OCT_UNROLL for (int i = 0; i < count; i++)                                                 \
            s[i] = bias;                                                                           \
        for (int32_t t = 0; t < args->count; t++) {                                                \
            const type *x = (const type *)args->taps[t].x + offset;                                \
            VEC w = LOAD((const int32_t *)args->taps[t].w + c);                                    \
            OCT_UNROLL for (int i = 0; i < count; i++)                                             \
                s[i] = DOT(s[i], SUB(load(mask, n, x + (size_t)i * args->step), zero), w);         \
        }                                                                                          \
        OCT_UNROLL for (int i = 0; i < count; i++)                                                 \
            STORE(mask, sum + (size_t)(first + i) * sum_stride + c, s[i]);                         \
    }                                                                                              \
    void NAMED(oct_depthwise_taps_##name, ISA)(const oct_depthwise_args *args,                     \
        const int32_t *bias, int32_t zero, int32_t *sum, size_t sum_stride)                        \
    {                                                                                              \
        VEC z = SET1(zero);                                                                        \
        for (int32_t c = 0; c < args->channels; c += LANES) {                                      \
            VEC b = LOAD(bias + c);                                                                \
            int32_t p = 0;                                                                         \
            for (; p + 4 <= args->pixels; p += 4)                                                  \
                pixels_##name(args, p, c, b, z, sum, sum_stride, 4);                               \
            for (; p < args->pixels; p++)                                                          \
                pixels_##name(args, p, c, b, z, sum, sum_stride, 1);                               \
        }                                                                                          \
    }
TAPS(s8, int8_t, LOAD_S8)
TAPS(s16, int16_t, LOAD_S16)
