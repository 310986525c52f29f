/*
 * Scales, zero points and quantized values; each function is one formula of the converter.
 */
#include "numeric/qparams.h"

#include <math.h>

static const double near_zero = 1e-6; /* kNearZeroTolerance */

static int32_t round_clamped(double value, double low, double high)
{
    value = round(value);
    return (int32_t)(value < low ? low : value > high ? high : value);
}

/* The scale is made in float, the zero point in double from it and rounded to float in between. */
static oct_qparams asymmetric_s8(double min, double max)
{
    oct_qparams p;
    p.scale = ((float)max - (float)min) / 255.f;
    float zero = (float)(-128.0 - min / (double)p.scale);
    p.zero_point = zero < -128.f ? -128 : zero > 127.f ? 127 : (int32_t)roundf(zero);
    return p;
}

oct_qparams oct_qparams_activation_s8(float min, float max)
{
    double low = min < 0.f ? (double)min : 0.0, high = max > 0.f ? (double)max : 0.0;
    if (fabs(high - low) < near_zero) {
        low -= near_zero;
        high += near_zero;
    }
    return asymmetric_s8(low, high);
}

oct_qparams oct_qparams_constant_s8(float min, float max)
{
    double low = min < 0.f ? (double)min : 0.0, high = max > 0.f ? (double)max : 0.0;
    if (!(high - low > near_zero)) {
        low = fmin(low, -near_zero / 2);
        high = fmax(high, near_zero / 2);
    }
    return asymmetric_s8(low, high);
}

float oct_scale_s16(float min, float max)
{
    float low = fminf(min, 0.f), high = fmaxf(max, 0.f);
    return fmaxf(fabsf(high), fabsf(low)) / 32767.f;
}

/* Half the width of [-max_abs, max_abs], widened to 1e-6 in all where it is narrower. */
static double half_range(float max_abs)
{
    double half = (double)max_abs;
    return 2 * half > near_zero ? half : fmax(half, near_zero / 2);
}

float oct_scale_weight_legacy(float max_abs)
{
    float half = (float)half_range(max_abs);
    return (half + half) / 254.f;
}

double oct_scale_weight(float max_abs)
{
    return 2 * half_range(max_abs) / 254;
}

float oct_scale_weight_plain(float max_abs)
{
    return max_abs / 127.f;
}

float oct_inverse_scale(float scale)
{
    return scale == 0.f ? 0.f : (float)(1.0 / (double)scale);
}

float oct_inverse_range(float max_abs)
{
    return max_abs == 0.f ? 0.f : 127.f / max_abs;
}

int32_t oct_quantize_symmetric(float value, float inverse, int32_t limit)
{
    return round_clamped((double)(value * inverse), -(double)limit, (double)limit);
}

int32_t oct_quantize_affine(float value, double scale, int32_t zero_point, int32_t low, int32_t high)
{
    return round_clamped((double)value / scale + (double)zero_point, (double)low, (double)high);
}

int32_t oct_quantize_bias_s32(float value, float inverse)
{
    return round_clamped((double)(value * inverse), -(double)INT32_MAX, (double)INT32_MAX);
}

int64_t oct_quantize_bias_s64(float value, float inverse)
{
    double rounded = round((double)(value * inverse));
    if (rounded >= 0x1p63)
        return INT64_MAX;
    return rounded <= -0x1p63 ? -INT64_MAX : (int64_t)rounded;
}
