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

/* value >> shift, to nearest with ties to even. */
static uint32_t shift_even(uint32_t value, uint32_t shift)
{
    uint32_t rest = value & ((1u << shift) - 1), half = 1u << (shift - 1);
    uint32_t kept = value >> shift;
    return kept + (rest > half || (rest == half && (kept & 1u) != 0));
}

uint16_t oct_float_to_half(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = (bits >> 16) & 0x8000u;
    int32_t exponent = (int32_t)((bits >> 23) & 0xffu) - 127;
    uint32_t fraction = bits & 0x7fffffu;
    if (exponent == 128)
        return (uint16_t)(sign | 0x7c00u | (fraction != 0 ? 0x200u | fraction >> 13 : 0));
    if (exponent < -25)
        return (uint16_t)sign;
    if (exponent < -14) /* subnormal: the implicit one becomes explicit and is shifted out */
        return (uint16_t)(sign | shift_even(fraction | 0x800000u, (uint32_t)(-1 - exponent)));
    if (exponent > 15)
        return (uint16_t)(sign | 0x7c00u);
    /* A carry out of the fraction raises the exponent, up to infinity, as it must. */
    uint32_t magnitude = (uint32_t)(exponent + 15) << 10;
    return (uint16_t)(sign | (magnitude + shift_even(fraction, 13)));
}

void oct_half_to_float_array(float *dst, const uint16_t *src, size_t count)
{
    for (size_t i = 0; i < count; i++)
        dst[i] = oct_half_to_float(src[i]);
}
