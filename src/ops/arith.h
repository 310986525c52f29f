/*
 * What most operators need in prepare: element counts, quantization parameters with their checks, and
 * the range of a fused activation.
 */
#ifndef OCT_OPS_ARITH_H
#define OCT_OPS_ARITH_H

#include "numeric/fixedpoint.h"
#include "ops/op.h"

/** Product of the dims; values in a session have been checked for overflow. */
static inline size_t oct_value_count(const oct_value *value)
{
    size_t count = 1;
    for (int32_t i = 0; i < value->rank; i++)
        count *= (size_t)value->dims[i];
    return count;
}

/** Product of dims[begin .. end). */
static inline size_t oct_value_span(const oct_value *value, int32_t begin, int32_t end)
{
    size_t count = 1;
    for (int32_t i = begin; i < end; i++)
        count *= (size_t)value->dims[i];
    return count;
}

/** Bytes of one element; types of whole bytes only (0 for int4 and strings). */
static inline size_t oct_type_size(oct_type type)
{
    return (size_t)oct_type_bits(type) / 8;
}

/** Scale of a per-tensor quantized value; 0 when it is not quantized. */
static inline float oct_value_scale(const oct_value *value)
{
    return value->quant->count > 0 ? value->quant->scale[0] : 0.f;
}

/** Zero point of a per-tensor quantized value; 0 when it is not quantized. */
static inline int32_t oct_value_zero(const oct_value *value)
{
    return value->quant->count > 0 ? (int32_t)value->quant->zero_point[0] : 0;
}

/* std::min(std::max(x, lo), hi): a NaN stays a NaN. */
static inline float oct_clamp_f32(float x, float lo, float hi)
{
    x = x < lo ? lo : x;
    return hi < x ? hi : x;
}

/** Fails for types whose elements are not whole bytes (int4) or have no fixed size. */
oct_status oct_op_need_whole_bytes(const oct_op *op, const oct_value *value, oct_error *err);

/** Smallest and largest value of int8, uint8, int16, int32. */
void oct_type_range(oct_type type, int32_t *lo, int32_t *hi);

/**
 * Range of a fused activation on floats. NONE clips infinities to the largest float, as TensorFlow Lite
 * does; TANH and SIGN_BIT are no clamp there either.
 */
void oct_activation_range_f32(int activation, float *lo, float *hi);

/**
 * Range of a fused activation in the codes of a quantized output: zero + round_half_away(f / scale),
 * inside the limits of the type (CalculateActivationRangeQuantized).
 */
void oct_activation_range_quantized(int activation, const oct_value *out, int32_t *lo, int32_t *hi);

/**
 * Fails unless the value has per-tensor parameters: one finite scale > 0 and a zero point inside its
 * type (0 for int16).
 */
oct_status oct_op_need_quant(const oct_op *op, const oct_value *value, oct_error *err);

/** Fails unless a and b have the same scale and zero point. */
oct_status oct_op_need_same_quant(const oct_op *op, const oct_value *a, const oct_value *b,
    oct_error *err);

/**
 * The multiplier d >= 0 as fixed point.
 * Fails where it is so large that the fixed-point product has no meaning: 2^30 and more.
 */
oct_status oct_op_multiplier(const oct_op *op, double d, oct_multiplier *out, oct_error *err);

/** A known int32 or int64 value read as int64: element `index`. */
int64_t oct_value_integer(const oct_value *value, size_t index);

/**
 * Fails unless input `slot` is an int32 or int64 value (what: "axis", "shape"); one that is computed from
 * data makes the node wait for the run: oct_op_need_run().
 */
oct_status oct_op_need_known(const oct_op *op, int32_t slot, const char *what, oct_error *err);

/** Resolves an axis that may be negative against a rank; fails with a sentence. */
oct_status oct_op_axis(const oct_op *op, int64_t axis, int32_t rank, int32_t *out, oct_error *err);

#endif
