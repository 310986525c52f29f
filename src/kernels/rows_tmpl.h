/*
 * The loops of rows.h; ISA is the suffix of the variant's names. With MOVES_ONLY defined, those
 * over floats are left to another file.
 *
 * Rounding is written with conversions to int32 instead of roundf(), and extrema on the bits of
 * floats instead of fmaxf(), because compilers vectorise those. v is at most 257 in magnitude, v -
 * trunc(v) is exact, and its comparison with 1/2 decides like roundf().
 */
#include <math.h>
#include <string.h>

#include "kernels/rows.h"

#define PASTE(name, isa) name##_##isa
#define NAMED(name, isa) PASTE(name, isa)

void NAMED(oct_move_flip, ISA)(void *to, const void *from, size_t n, int32_t zero)
{
    (void)zero;
    uint8_t *t = to;
    const uint8_t *f = from;
    for (size_t i = 0; i < n; i++)
        t[i] = f[i] ^ 0x80;
}

void NAMED(oct_move_widen, ISA)(void *to, const void *from, size_t n, int32_t zero)
{
    int16_t *t = to, z = (int16_t)zero;
    const int8_t *f = from;
    for (size_t i = 0; i < n; i++)
        t[i] = (int16_t)(f[i] - z);
}

#ifndef MOVES_ONLY
/* Clamped first: no finite or infinite v leaves the range of int32; NaN becomes lo. */
static inline int32_t round_clamped(float v, float lo, float hi)
{
    v = v > lo - 1.f ? v : lo - 1.f;
    v = v < hi + 1.f ? v : hi + 1.f;
    float whole = (float)(int32_t)v, rest = v - whole;
    float q = whole + (rest >= 0.5f ? 1.f : 0.f) - (rest <= -0.5f ? 1.f : 0.f);
    q = q < lo ? lo : q;
    return (int32_t)(q > hi ? hi : q);
}

static inline int32_t bits_of(float x)
{
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

void NAMED(oct_range_fold, ISA)(const float *x, size_t n, oct_float_range *range)
{
    int32_t high = range->high;
    uint32_t low = range->low;
    for (size_t i = 0; i < n; i++) {
        int32_t bits = bits_of(x[i]);
        high = bits > high ? bits : high;
        low = (uint32_t)bits > low ? (uint32_t)bits : low;
    }
    *range = (oct_float_range){ high, low };
}

void NAMED(oct_quantize_floats, ISA)(const oct_quantizer *by, const float *x, size_t n, int8_t *q)
{
    float inverse = by->inverse, lo = by->lo, hi = by->hi;
    int32_t zero = by->unit.zero;
    for (size_t i = 0; i < n; i++)
        q[i] = (int8_t)(zero + round_clamped(x[i] * inverse, lo, hi));
}

static inline float clamped(float v, float lo, float hi)
{
    v = v < lo ? lo : v;
    return hi < v ? hi : v;
}

#define HYBRID(name, product)                                                                      \
    void NAMED(oct_hybrid_##name, ISA)(const oct_hybrid_args *args)                                \
    {                                                                                              \
        const int32_t *restrict column_sum = args->column_sum;                                     \
        const float *restrict scale = args->scale, *restrict bias = args->bias;                    \
        float lo = args->lo, hi = args->hi;                                                        \
        for (int32_t m = 0; m < args->rows; m++) {                                                 \
            const int32_t *restrict sum = args->sum + (size_t)m * args->sum_stride;                \
            float *restrict y = args->y + (size_t)m * args->y_stride;                              \
            int32_t zero = args->unit[m]->zero;                                                    \
            float row_scale = args->unit[m]->scale;                                                \
            for (int32_t n = 0; n < args->columns; n++) {                                          \
                float v = (float)(sum[n] - zero * column_sum[n]);                                  \
                y[n] = clamped(product + bias[n], lo, hi);                                         \
            }                                                                                      \
            if (args->range != NULL)                                                               \
                NAMED(oct_range_fold, ISA)(y, (size_t)args->columns, args->range);                 \
        }                                                                                          \
    }
HYBRID(shared, v *(row_scale * scale[n]))
HYBRID(channel, v *scale[n] * row_scale)
#endif
