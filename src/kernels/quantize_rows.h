/*
 * Quantization of float activations on the fly, for hybrid kernels (float in, int8 weights, float out).
 *
 * A unit (a row, or a whole image) gets one scale and one zero point from its own values.
 * Source: LiteRT tflite/kernels/internal/reference/portable_tensor_utils.cc.
 */
#ifndef OCT_KERNELS_QUANTIZE_ROWS_H
#define OCT_KERNELS_QUANTIZE_ROWS_H

#include <stddef.h>
#include <stdint.h>

/* How one unit was quantized: real = scale * (q - zero). */
typedef struct oct_row_quant {
    float scale;
    int32_t zero;
} oct_row_quant;

/**
 * q = clamp(round_half_away(x * (127 / max|x|)), -127, 127), zero 0; all zeros give q = 0, scale 1.
 * x [n], finite; q [n].
 */
oct_row_quant oct_quantize_row_symmetric(const float *x, size_t n, int8_t *q);

/**
 * q = clamp(round_half_away(zero + x / scale), -128, 127) with the range [min, max] of x widened to
 * hold 0 mapped onto 256 codes; the zero point comes from the end of the range that it represents better.
 */
oct_row_quant oct_quantize_row_asymmetric(const float *x, size_t n, int8_t *q);

#endif
