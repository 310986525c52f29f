/*
 * Fixed-point requantization as TensorFlow Lite defines it.
 *
 * A real multiplier d > 0 is held as m * 2^(e - 31) with m in [2^30, 2^31). The default build of
 * TensorFlow Lite rounds twice (once at the doubling high product, once at the shift): these functions
 * do too. Sources: LiteRT tflite/kernels/internal/common.h, common.cc, quantization_util.cc; gemmlowp
 * fixedpoint/fixedpoint.h. Names of the source in parentheses.
 */
#ifndef OCT_NUMERIC_FIXEDPOINT_H
#define OCT_NUMERIC_FIXEDPOINT_H

#include <stdint.h>

typedef struct oct_multiplier {
    int32_t m; /* significand, Q31 */
    int32_t e; /* exponent: positive shifts left */
} oct_multiplier;

/**
 * d as a multiplier; d = 0 or smaller than 2^-32 gives {0, 0}; 2^30 and more, infinities and NaN give the
 * largest, {2^31 - 1, 30}. (QuantizeMultiplier)
 */
oct_multiplier oct_quantize_multiplier(double d);

/** High half of 2ab, to nearest, ties up; saturates for a = b = -2^31. (SaturatingRoundingDoublingHighMul) */
static inline int32_t oct_srdhm(int32_t a, int32_t b)
{
    if (a == b && a == INT32_MIN)
        return INT32_MAX;
    int64_t product = (int64_t)a * b;
    int64_t nudge = product >= 0 ? (int64_t)1 << 30 : 1 - ((int64_t)1 << 30);
    return (int32_t)((product + nudge) / ((int64_t)1 << 31));
}

/** The same for 16 bits. */
static inline int16_t oct_srdhm16(int16_t a, int16_t b)
{
    if (a == b && a == INT16_MIN)
        return INT16_MAX;
    int32_t product = (int32_t)a * b;
    int32_t nudge = product >= 0 ? 1 << 14 : 1 - (1 << 14);
    return (int16_t)((product + nudge) / (1 << 15));
}

/** x / 2^k, to nearest, ties away from zero; 0 <= k <= 31. (RoundingDivideByPOT) */
static inline int32_t oct_rdbp(int32_t x, int32_t k)
{
    int32_t mask = (int32_t)(((int64_t)1 << k) - 1);
    int32_t rest = x & mask;
    int32_t threshold = (mask >> 1) + (x < 0);
    return (x >> k) + (rest > threshold);
}

/** x * d rounded twice; the left shift wraps in 32 bits. (MultiplyByQuantizedMultiplier) */
static inline int32_t oct_mbqm(int32_t x, oct_multiplier d)
{
    int32_t left = d.e > 0 ? d.e : 0, right = d.e > 0 ? 0 : -d.e;
    int32_t shifted = (int32_t)((uint32_t)x << left);
    return oct_rdbp(oct_srdhm(shifted, d.m), right);
}

/**
 * x * d for |x| < 2^47 with a 16-bit significand, rounded once, half up; e in [-31, 7]. Larger |x| wrap in
 * 64 bits, larger e count as 14: TensorFlow Lite leaves both undefined, hostile models reach them.
 */
static inline int32_t oct_mbqm64(int64_t x, oct_multiplier d)
{
    int32_t m16 = d.m < 0x7fff0000 ? (d.m + (1 << 15)) >> 16 : 0x7fff;
    int32_t shift = d.e < 15 ? 15 - d.e : 1;
    uint64_t product = (uint64_t)x * (uint64_t)m16 + ((uint64_t)1 << (shift - 1));
    return (int32_t)((int64_t)product >> shift);
}

static inline int32_t oct_clamp_i32(int32_t x, int32_t low, int32_t high)
{
    return x < low ? low : x > high ? high : x;
}

/** x + zero clamped to [low, high], which together with zero are codes: no sum overflows. */
static inline int32_t oct_offset_code(int32_t x, int32_t zero, int32_t low, int32_t high)
{
    return oct_clamp_i32(x, low - zero, high - zero) + zero;
}

#endif
