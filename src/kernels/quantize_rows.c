/*
 * From the range of a unit to its scale and zero point.
 */
#include "kernels/quantize_rows.h"

#include <math.h>
#include <string.h>

#include "kernels/rows.h"

const oct_quantize_kernels oct_quantize_kernels_c = { oct_range_fold_c, oct_quantize_floats_c };

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* inverse 0 makes code 0 of all the zeros there are. */
static const oct_quantizer of_zeros = { .unit = { 1.f, 0 }, .inverse = 0.f, .lo = 0.f, .hi = 0.f };

static oct_quantizer symmetric(oct_float_range range)
{
    uint32_t low = range.low & INT32_MAX, high = (uint32_t)range.high;
    float top = float_of(low > high ? low : high);
    if (top == 0.f)
        return of_zeros;
    return (oct_quantizer){ .unit = { top / 127.f, 0 }, .inverse = 127.f / top, .lo = -127.f,
        .hi = 127.f };
}

/* Zero point of the range [low, high], low <= 0 <= high, not both 0; NaN becomes -128. */
static double zero_point(double low, double high, double step)
{
    double from_low = -128.0 - low / step, from_high = 127.0 - high / step;
    double low_error = 128.0 + fabs(low / step), high_error = 127.0 + fabs(high / step);
    double zero = round(low_error < high_error ? from_low : from_high);
    return zero > -128.0 ? (zero < 127.0 ? zero : 127.0) : -128.0;
}

/* The zero point is added after rounding: ties turn on the sign of x. */
static oct_quantizer asymmetric(oct_float_range range)
{
    float low = float_of(range.low), high = float_of((uint32_t)range.high);
    if (low == high)
        return of_zeros;
    double step = (double)(high - low) / 255.0;
    double zero = zero_point((double)low, (double)high, step);
    float scale = (float)step;
    return (oct_quantizer){ .unit = { scale, (int32_t)zero }, .inverse = 1.f / scale,
        .lo = -128.f - (float)zero, .hi = 127.f - (float)zero };
}

oct_quantizer oct_quantizer_of(oct_float_range range, bool is_asymmetric)
{
    return is_asymmetric ? asymmetric(range) : symmetric(range);
}

oct_row_quant oct_quantize_row(const oct_quantize_kernels *kernels, bool is_asymmetric,
    const float *x, size_t n, int8_t *q)
{
    oct_float_range range = OCT_FLOAT_RANGE_NONE;
    kernels->fold(x, n, &range);
    oct_quantizer by = oct_quantizer_of(range, is_asymmetric);
    kernels->apply(&by, x, n, q);
    return by.unit;
}

oct_row_quant oct_quantize_row_symmetric_c(const float *x, size_t n, int8_t *q)
{
    return oct_quantize_row(&oct_quantize_kernels_c, false, x, n, q);
}

oct_row_quant oct_quantize_row_asymmetric_c(const float *x, size_t n, int8_t *q)
{
    return oct_quantize_row(&oct_quantize_kernels_c, true, x, n, q);
}
