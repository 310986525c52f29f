/*
 * From ranges to scales and zero points, and from real values to integers: the arithmetic of
 * TFLiteConverter, to the last bit.
 *
 * The converter has two quantizers. "Legacy" here is the float arithmetic of the int8 quantizer
 * (LiteRT tflite/converter/quantization/common/quantization_lib/quantization_utils.cc, with
 * legacy_float_scale) and of the int16x8 quantizer (tflite/tools/optimize/quantization_utils.cc);
 * dynamic range uses double (mlir quant dialect, UniformSupport.h, and FakeQuantSupport). Both round
 * halves away from zero.
 */
#ifndef OCT_NUMERIC_QPARAMS_H
#define OCT_NUMERIC_QPARAMS_H

#include <stdint.h>

/* real = scale * (q - zero_point) */
typedef struct oct_qparams {
    float scale;
    int32_t zero_point;
} oct_qparams;

/**
 * Parameters of an int8 activation seen between min and max (finite, min <= max): zero is put into the
 * range, and a range narrower than 1e-6 is widened by 1e-6 at both ends.
 * Source: ConvertStatsToQDQs, DownCastScale.
 */
oct_qparams oct_qparams_activation_s8(float min, float max);

/**
 * Parameters of a constant that is quantized like an activation; differs from the above only in how
 * narrow ranges are widened. Source: GetUniformQuantizedTypeForWeight, ExpandVerySmallRange.
 */
oct_qparams oct_qparams_constant_s8(float min, float max);

/** max(|min|, |max|) / 32767; zero for an empty range. Source: GetSymmetricQuantizationParams. */
float oct_scale_s16(float min, float max);

/** Scale of int8 weights in [-127, 127] whose largest magnitude is max_abs, computed in float. */
float oct_scale_weight_legacy(float max_abs);

/** The same computed in double, as dynamic range does. The file stores it as a float. */
double oct_scale_weight(float max_abs);

/** max_abs / 127 without any widening, as the int16x8 quantizer has it: 0 for a row of zeros. */
float oct_scale_weight_plain(float max_abs);

/** Factor to multiply values by: 1 / scale in double, then float; 0 for a scale of 0. */
float oct_inverse_scale(float scale);

/** 127 / max_abs, the factor of the per-tensor and of the int16x8 quantizer; 0 for max_abs 0. */
float oct_inverse_range(float max_abs);

/** round(value * inverse) clamped to [-limit, limit]. Source: SymmetricPerChannelQuantizeValues. */
int32_t oct_quantize_symmetric(float value, float inverse, int32_t limit);

/** round(value / scale + zero_point) in double, clamped. Source: quantizeF32ToInt8. */
int32_t oct_quantize_affine(float value, double scale, int32_t zero_point, int32_t low, int32_t high);

/** round(value * inverse) clamped to +-(2^31 - 1). Source: SymmetricBiasQuantize<int32_t>. */
int32_t oct_quantize_bias_s32(float value, float inverse);

/** The same for 64 bits, clamped to +-(2^63 - 1). */
int64_t oct_quantize_bias_s64(float value, float inverse);

#endif
