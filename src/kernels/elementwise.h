/*
 * Element-wise loops that give int8 codes. One source (elementwise_tmpl.h), compiled for
 * each instruction set; all variants return the same bytes.
 */
#ifndef OCT_KERNELS_ELEMENTWISE_H
#define OCT_KERNELS_ELEMENTWISE_H

#include <stddef.h>
#include <stdint.h>

#include "base/cpu.h"
#include "numeric/fixedpoint.h"

/* y = clamp(MBQM((a - a_zero) * (b - b_zero), scale) + y_zero, lo, hi) */
typedef struct oct_product_s8 {
    int32_t a_zero, b_zero, y_zero, lo, hi;
    oct_multiplier scale;
} oct_product_s8;

/*
 * y = clamp(MBQM(d * d, y) + y_zero, -128, 127) with
 * d = MBQM((a - a_zero) * 2^7, a) - MBQM((b - b_zero) * 2^7, b)
 */
typedef struct oct_difference_s8 {
    int32_t a_zero, b_zero, y_zero;
    oct_multiplier a, b, y;
} oct_difference_s8;

/* y = clamp(round_half_away(x / scale) + zero, lo, hi) */
typedef struct oct_affine { float scale; int32_t zero, lo, hi; } oct_affine;

/**
 * oct_mul_s8: n codes; steps of the operands are 1, or 0 for one that is repeated.
 *   y may be a or b where its step is 1. The exponent of `scale` is at most 30.
 * oct_squared_difference_s8: the same for differences; a and b are 1/2 at most, the exponent of y is
 *   from -30 to 0.
 * oct_quantize_s8, _s16: n floats to int8 or int16; NaN gives lo; y may not overlap x.
 * Exact: equal to oct_mbqm() and roundf(). Source: LiteRT tflite/kernels/internal/reference/integer_ops/.
 */
#define OCT_ELEMENTWISE_DECLARE(isa)                                                               \
    void oct_mul_s8_##isa(const oct_product_s8 *p, size_t n, const int8_t *a, size_t a_step,       \
        const int8_t *b, size_t b_step, int8_t *y);                                                \
    void oct_squared_difference_s8_##isa(const oct_difference_s8 *p, size_t n, const int8_t *a,    \
        size_t a_step, const int8_t *b, size_t b_step, int8_t *y);                                 \
    void oct_quantize_s8_##isa(const oct_affine *p, size_t n, const float *x, int8_t *y);          \
    void oct_quantize_s16_##isa(const oct_affine *p, size_t n, const float *x, int16_t *y);
OCT_ELEMENTWISE_DECLARE(c)
OCT_ELEMENTWISE_DECLARE(avx2)
OCT_ELEMENTWISE_DECLARE(avx512)
#undef OCT_ELEMENTWISE_DECLARE

/* The variants of one level. */
typedef struct oct_elementwise_set {
    void (*mul_s8)(const oct_product_s8 *p, size_t n, const int8_t *a, size_t a_step,
        const int8_t *b, size_t b_step, int8_t *y);
    void (*squared_difference_s8)(const oct_difference_s8 *p, size_t n, const int8_t *a,
        size_t a_step, const int8_t *b, size_t b_step, int8_t *y);
    void (*quantize_s8)(const oct_affine *p, size_t n, const float *x, int8_t *y);
    void (*quantize_s16)(const oct_affine *p, size_t n, const float *x, int16_t *y);
} oct_elementwise_set;

/** The variants of a level that oct_cpu_supported() includes; static storage. */
const oct_elementwise_set *oct_elementwise_set_of(oct_cpu level);

#endif
