/*
 * Float constants to integers: scales from their values, and the values in those scales.
 */
#ifndef OCT_QUANT_CONSTANTS_H
#define OCT_QUANT_CONSTANTS_H

#include "quant/rewrite.h"

/* Whose arithmetic: the converter's three weight quantizers differ in the last bit. */
typedef enum oct_weight_style {
    OCT_WEIGHT_LEGACY,  /* int8: float scales, values times the reciprocal of the scale */
    OCT_WEIGHT_DYNAMIC, /* dynamic range: double scales, values divided by them */
    OCT_WEIGHT_PLAIN,   /* int16x8: float scales, values times 127 / magnitude */
} oct_weight_style;

/* Largest magnitude per channel, or of the whole tensor (axis -1). */
typedef struct oct_magnitudes {
    int32_t axis, count;
    float *values; /* [count]; in the work's arena */
} oct_magnitudes;

/** axis -1 or a dimension of the tensor, which is a float constant. */
oct_status oct_constant_magnitudes(oct_work *work, const oct_tensor *tensor, int32_t axis,
    oct_magnitudes *out, oct_error *err);

/** Scheme of int8 weights with these magnitudes. */
oct_status oct_weight_scheme(oct_work *work, const oct_magnitudes *magnitudes,
    oct_weight_style style, oct_scheme *out, oct_error *err);

/** The weights as a new int8 constant. */
oct_status oct_weight_encode(oct_work *work, const oct_tensor *tensor,
    const oct_magnitudes *magnitudes, const oct_scheme *scheme, oct_weight_style style,
    int32_t *index, oct_error *err);

/** Smallest and largest value of a float constant; 0 and 0 for one without elements. */
void oct_constant_range(const oct_tensor *tensor, float *min, float *max);

/**
 * A constant that is no weight, in a scheme of type INT8 (affine), INT16 (symmetric), INT32 or INT64
 * (bias), as a new constant.
 */
oct_status oct_constant_encode(oct_work *work, const oct_tensor *tensor, const oct_scheme *scheme,
    int32_t *index, oct_error *err);

/** Scheme of a bias: the float product of input scale and each weight scale. */
oct_status oct_bias_scheme(oct_work *work, oct_type type, float input_scale,
    const oct_scheme *weights, int32_t axis, oct_scheme *out, oct_error *err);

#endif
