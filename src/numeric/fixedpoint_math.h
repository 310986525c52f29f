/*
 * Elementary functions on fixed-point numbers, bit for bit as TensorFlow Lite's integer kernels
 * use them.
 *
 * Qn: an int32 r means r * 2^(n - 31), n integer bits. A product of Qa and Qb by oct_srdhm() is
 * Q(a+b). Sources: gemmlowp fixedpoint/fixedpoint.h; LiteRT tflite/kernels/internal/common.h,
 * common.cc.
 */
#ifndef OCT_NUMERIC_FIXEDPOINT_MATH_H
#define OCT_NUMERIC_FIXEDPOINT_MATH_H

#include <stdint.h>

#include "numeric/fixedpoint.h"

/** x * 2^k with saturation at the ends of int32; 0 <= k <= 31. */
static inline int32_t oct_saturating_shift_left(int32_t x, int32_t k)
{
    int64_t wide = (int64_t)x * ((int64_t)1 << k);
    return wide > INT32_MAX ? INT32_MAX : wide < INT32_MIN ? INT32_MIN : (int32_t)wide;
}

/** exp(a) in Q0 for a <= 0 in Q(bits), 0 <= bits <= 6; 0 gives the largest int32. */
int32_t oct_exp_on_negative(int32_t a, int32_t bits);

/** 1 / (1 + a) in Q0 for a in Q0, 0 <= a < 1: three Newton steps. */
int32_t oct_one_over_one_plus(int32_t a);

/**
 * 1 / x for x > 0 with `digits` integer bits: the result r in Q0 and *shift with 1/x = r *
 * 2^-shift in the same reading of x. (GetReciprocal)
 */
int32_t oct_reciprocal(int32_t x, int32_t digits, int32_t *shift);

/**
 * 1 / sqrt(x) for an integer x >= 0 as a multiplier for oct_mbqm() before its exponent is
 * completed by the caller: x <= 1 gives {2^31 - 1, 0}. (GetInvSqrtQuantizedMultiplierExp with
 * reverse shift -1)
 */
oct_multiplier oct_inverse_sqrt(int32_t x);

#endif
