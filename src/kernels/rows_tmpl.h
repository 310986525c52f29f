/*
 * The loops of rows.h; ISA is the suffix of the variant's names.
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

static inline float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

oct_row_quant NAMED(oct_quantize_row_symmetric, ISA)(const float *x, size_t n, int8_t *q)
{
    int32_t top_bits = 0; /* magnitudes are ordered like their bits */
    for (size_t i = 0; i < n; i++) {
        int32_t bits = bits_of(x[i]) & INT32_MAX;
        top_bits = bits > top_bits ? bits : top_bits;
    }
    float top = float_of((uint32_t)top_bits);
    if (top == 0.f) {
        memset(q, 0, n);
        return (oct_row_quant){ 1.f, 0 };
    }
    float inverse = 127.f / top;
    for (size_t i = 0; i < n; i++)
        q[i] = (int8_t)round_clamped(x[i] * inverse, -127.f, 127.f);
    return (oct_row_quant){ top / 127.f, 0 };
}

/* Zero point of the range [low, high], low <= 0 <= high, not both 0; NaN becomes -128. */
static double zero_point(double low, double high, double step)
{
    double from_low = -128.0 - low / step, from_high = 127.0 - high / step;
    double low_error = 128.0 + fabs(low / step), high_error = 127.0 + fabs(high / step);
    double zero = round(low_error < high_error ? from_low : from_high);
    return zero > -128.0 ? (zero < 127.0 ? zero : 127.0) : -128.0;
}

oct_row_quant NAMED(oct_quantize_row_asymmetric, ISA)(const float *x, size_t n, int8_t *q)
{
    /* The largest int is the largest positive float; the largest unsigned is the most negative
     * float. */
    int32_t high_bits = 0;
    uint32_t low_bits = UINT32_C(1) << 31;
    for (size_t i = 0; i < n; i++) {
        int32_t bits = bits_of(x[i]);
        high_bits = bits > high_bits ? bits : high_bits;
        low_bits = (uint32_t)bits > low_bits ? (uint32_t)bits : low_bits;
    }
    float low = float_of(low_bits), high = float_of((uint32_t)high_bits);
    if (low == high) {
        memset(q, 0, n);
        return (oct_row_quant){ 1.f, 0 };
    }
    double step = (double)(high - low) / 255.0;
    double zero = zero_point((double)low, (double)high, step);
    float scale = (float)step, inverse = 1.f / scale;
    float lo = -128.f - (float)zero, hi = 127.f - (float)zero;
    int32_t shift = (int32_t)zero; /* added after rounding: ties turn on the sign of x */
    for (size_t i = 0; i < n; i++)
        q[i] = (int8_t)(shift + round_clamped(x[i] * inverse, lo, hi));
    return (oct_row_quant){ scale, shift };
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
        }                                                                                          \
    }
HYBRID(shared, v *(row_scale * scale[n]))
HYBRID(channel, v *scale[n] * row_scale)
