/*
 * On-the-fly quantization in plain C.
 *
 * Rounding is written with conversions to int32, which compilers vectorise, instead of roundf(): v is at
 * most 256 in magnitude, v - trunc(v) is exact, and its comparison with 1/2 decides like roundf().
 */
#include "kernels/quantize_rows.h"

#include <math.h>
#include <string.h>

/* Clamped first: no finite or infinite input leaves the range of int32; NaN becomes lo. */
static inline int32_t round_clamped(float v, float lo, float hi)
{
    v = v > lo - 1.f ? v : lo - 1.f;
    v = v < hi + 1.f ? v : hi + 1.f;
    int32_t whole = (int32_t)v;
    float rest = v - (float)whole;
    int32_t q = whole + (rest >= 0.5f) - (rest <= -0.5f);
    q = q < (int32_t)lo ? (int32_t)lo : q;
    return q > (int32_t)hi ? (int32_t)hi : q;
}

oct_row_quant oct_quantize_row_symmetric(const float *x, size_t n, int8_t *q)
{
    float top = 0.f;
    for (size_t i = 0; i < n; i++) {
        float magnitude = fabsf(x[i]);
        top = magnitude > top ? magnitude : top;
    }
    if (top == 0.f) {
        memset(q, 0, n);
        return (oct_row_quant){ 1.f, 0 };
    }
    float inverse = 127.f / top;
    for (size_t i = 0; i < n; i++)
        q[i] = (int8_t)round_clamped(x[i] * inverse, -127.f, 127.f);
    return (oct_row_quant){ top / 127.f, 0 };
}

oct_row_quant oct_quantize_row_asymmetric(const float *x, size_t n, int8_t *q)
{
    float low = 0.f, high = 0.f;
    for (size_t i = 0; i < n; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
    }
    if (low == high) {
        memset(q, 0, n);
        return (oct_row_quant){ 1.f, 0 };
    }
    double step = (double)(high - low) / 255.0;
    double from_low = -128.0 - (double)low / step, from_high = 127.0 - (double)high / step;
    double low_error = 128.0 + fabs((double)low / step);
    double high_error = 127.0 + fabs((double)high / step);
    double zero = round(low_error < high_error ? from_low : from_high);
    zero = zero > -128.0 ? (zero < 127.0 ? zero : 127.0) : -128.0; /* NaN, from infinities: -128 */
    float scale = (float)step, inverse = 1.f / scale, offset = (float)zero;
    for (size_t i = 0; i < n; i++)
        q[i] = (int8_t)round_clamped(offset + x[i] * inverse, -128.f, 127.f);
    return (oct_row_quant){ scale, (int32_t)zero };
}
