/*
 * Splitting a real multiplier into significand and exponent.
 */
#include "numeric/fixedpoint.h"

#include <math.h>

oct_multiplier oct_quantize_multiplier(double d)
{
    oct_multiplier result = { 0, 0 };
    if (d == 0)
        return result;
    /* No product makes sense with these; the largest multiplier keeps the shifts of oct_mbqm() defined. */
    if (!(fabs(d) < 1 << 30))
        return (oct_multiplier){ INT32_MAX, 30 };
    int exponent;
    double fraction = frexp(d, &exponent); /* in [0.5, 1) */
    int64_t m = (int64_t)round(fraction * 2147483648.0);
    if (m == (int64_t)1 << 31) {
        m /= 2;
        exponent++;
    }
    if (exponent < -31)
        return result;
    result.m = (int32_t)m;
    result.e = exponent;
    return result;
}
