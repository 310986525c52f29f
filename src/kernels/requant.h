/*
 * From sums to outputs: the last step of every convolution and matrix product.
 *
 * One function per arithmetic, on one row of channels. Each is TensorFlow Lite's own; where its
 * reference kernels round in float or double, so do these. docs/numerics.md has the formulas.
 */
#ifndef OCT_KERNELS_REQUANT_H
#define OCT_KERNELS_REQUANT_H

#include <stddef.h>
#include <stdint.h>

#include "numeric/fixedpoint.h"

/* Requantization of n channels: the product with by[i], or with real[i] where that is given. */
typedef struct oct_requant {
    const oct_multiplier *by; /* [n] */
    const double *real;       /* [n] or NULL: FULLY_CONNECTED multiplies in double */
    int32_t zero, lo, hi;     /* output zero point and clamp, in codes of the output type */
} oct_requant;

/**
 * y[i] = clamp(MBQM(sum[i] + bias[i], by[i]) + zero, lo, hi), or, where rq->real is given,
 * y[i] = clamp(round_half_away((sum[i] + bias[i]) * real[i]) + zero, lo, hi).
 * sum + bias wraps in 32 bits.
 *
 * sum   [n] int32; bias [n] int32 or NULL.
 * y     [n]; must not alias.
 * Source: LiteRT tflite/kernels/internal/reference/integer_ops/conv.h, fully_connected.h.
 */
void oct_requant_s8(const int32_t *sum, const int32_t *bias, size_t n, const oct_requant *rq,
    int8_t *y);
void oct_requant_u8(const int32_t *sum, const int32_t *bias, size_t n, const oct_requant *rq,
    uint8_t *y);

/** The same for int16 outputs with an int32 bias (sum is taken modulo 2^32). */
void oct_requant_s16_b32(const int64_t *sum, const int32_t *bias, size_t n, const oct_requant *rq,
    int16_t *y);

/** int16 outputs with 64-bit sums: by[i] is rounded to 16 bits, the product rounded once, half up.
 */
void oct_requant_s16_b64(const int64_t *sum, const int64_t *bias, size_t n, const oct_requant *rq,
    int16_t *y);

/** y[i] = clamp(sum[i] + bias[i], lo, hi); bias may be NULL; y may be sum. */
void oct_finish_f32(const float *sum, const float *bias, size_t n, float lo, float hi, float *y);

/**
 * y[i] = clamp(sum[i] * (row_scale * scale[i]) + bias[i], lo, hi), the multiplications in this
 * order; bias may be NULL. For matrix products and convolutions whose channels share one scale.
 */
void oct_finish_hybrid_shared(const int32_t *sum, const float *bias, size_t n, float row_scale,
    const float *scale, float lo, float hi, float *y);

/** The same as sum[i] * scale[i] * row_scale + bias[i]: convolutions with a scale per channel. */
void oct_finish_hybrid_channel(const int32_t *sum, const float *bias, size_t n, float row_scale,
    const float *scale, float lo, float hi, float *y);

#endif
