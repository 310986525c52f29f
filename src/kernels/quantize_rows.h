/*
 * Quantization of float activations on the fly, for hybrid kernels (float in, int8 weights, float
 * out).
 *
 * A unit (a row, or a whole image) gets one scale and one zero point from its own extrema:
 * symmetric
 *     q = clamp(round_half_away(x * (127 / max|x|)), -127, 127), zero 0; of zeros q = 0, scale 1.
 * asymmetric
 *     q = clamp(zero + round_half_away(x / scale), -128, 127): the range [min, max] of x and 0 is
 *     mapped onto 256 codes; the zero point comes from the end of it that is represented better.
 * NaN makes the scale NaN, so that it shows in the outputs. Extrema are taken on the bits of
 * floats: they do not depend on the order, and whoever writes the activations can fold them on the
 * way. Source: LiteRT tflite/kernels/internal/reference/portable_tensor_utils.cc.
 */
#ifndef OCT_KERNELS_QUANTIZE_ROWS_H
#define OCT_KERNELS_QUANTIZE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How one unit was quantized: real = scale * (q - zero). */
typedef struct oct_row_quant {
    float scale;
    int32_t zero;
} oct_row_quant;

/* Bits of the largest float and of the most negative one, 0 and -0 being in every range. */
typedef struct oct_float_range {
    int32_t high; /* the largest int is the largest positive float */
    uint32_t low; /* the largest unsigned is the most negative float */
} oct_float_range;

#define OCT_FLOAT_RANGE_NONE ((oct_float_range){ 0, UINT32_C(1) << 31 })

static inline void oct_float_range_join(oct_float_range *into, oct_float_range from)
{
    into->high = from.high > into->high ? from.high : into->high;
    into->low = from.low > into->low ? from.low : into->low;
}

/* q = unit.zero + clamp(round_half_away(x * inverse), lo, hi) */
typedef struct oct_quantizer {
    oct_row_quant unit;
    float inverse, lo, hi;
} oct_quantizer;

/** The quantizer of values with that range. */
oct_quantizer oct_quantizer_of(oct_float_range range, bool asymmetric);

/* The two loops; rows.h has their variants. All return the same bits. */
typedef struct oct_quantize_kernels {
    /** Folds x [n] into range. */
    void (*fold)(const float *x, size_t n, oct_float_range *range);
    /** q [n] from x [n]; they do not overlap. */
    void (*apply)(const oct_quantizer *by, const float *x, size_t n, int8_t *q);
} oct_quantize_kernels;

extern const oct_quantize_kernels oct_quantize_kernels_c;

/** Both at once: x [n] to q [n]. */
oct_row_quant oct_quantize_row(const oct_quantize_kernels *kernels, bool asymmetric,
    const float *x, size_t n, int8_t *q);
oct_row_quant oct_quantize_row_symmetric_c(const float *x, size_t n, int8_t *q);
oct_row_quant oct_quantize_row_asymmetric_c(const float *x, size_t n, int8_t *q);

#endif
