/*
 * binary16 conversion by moving fields; subnormals are normalised or denormalised explicitly.
 */
#include "numeric/half.h"

#include <string.h>

static float float_of_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

float oct_half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t exponent = (half >> 10) & 0x1fu;
    uint32_t fraction = half & 0x3ffu;
    if (exponent == 0x1f)
        return float_of_bits(sign | 0x7f800000u | fraction << 13);
    if (exponent != 0)
        return float_of_bits(sign | (exponent + 127 - 15) << 23 | fraction << 13);
    /* Zero and subnormals: fraction * 2^-24 is exact in binary32. */
    float magnitude = (float)fraction * 0x1p-24f;
    return sign != 0 ? -magnitude : magnitude;
}

/*
 * Without branches, so that loops over it vectorise. Normal results: the bias of the exponent changes and 13 bits
 * go, to nearest with ties to even; a carry out of the fraction raises the exponent, up to infinity, as it must.
 * Subnormal ones: in 0.5 + |value| the last bit weighs 2^-24, so the sum rounds as the result has to.
 */
uint16_t oct_float_to_half(float value)
{
    uint32_t bits, small;
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = (bits >> 16) & 0x8000u, size = bits & 0x7fffffffu;
    float sum = 0.5f + float_of_bits(size);
    memcpy(&small, &sum, sizeof small);
    uint32_t normal = (size - (112u << 23) + 0xfffu + ((size >> 13) & 1u)) >> 13;
    uint32_t half = size < 0x38800000u ? small - 0x3f000000u : normal;
    half = size >= 0x47800000u ? 0x7c00u : half; /* 65536 and more */
    half = size > 0x7f800000u ? 0x7e00u | ((size >> 13) & 0x3ffu) : half;
    return (uint16_t)(sign | half);
}

void oct_half_to_float_array(float *dst, const uint16_t *src, size_t count)
{
    for (size_t i = 0; i < count; i++)
        dst[i] = oct_half_to_float(src[i]);
}
