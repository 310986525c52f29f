/*
 * Quantization of float activations on the fly, for hybrid kernels (float in, int8 weights, float
 * out).
 *
 * A unit (a row, or a whole image) gets one scale and one zero point from its own values. The
 * functions are in rows.h, one pair for each instruction set:
 *
 * oct_quantize_row_symmetric_*
 *     q = clamp(round_half_away(x * (127 / max|x|)), -127, 127), zero 0; of zeros q = 0, scale 1.
 * oct_quantize_row_asymmetric_*
 *     q = clamp(zero + round_half_away(x / scale), -128, 127): the range [min, max] of x and 0 is
 *     mapped onto 256 codes; the zero point comes from the end of it that is represented better.
 *
 * x [n], q [n]. NaN makes the scale NaN, so that it shows in the outputs.
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

typedef oct_row_quant (*oct_quantize_row_fn)(const float *x, size_t n, int8_t *q);

#endif
