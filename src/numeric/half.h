/*
 * IEEE 754 binary16 <-> binary32, in plain integers so that every machine gives the same bits.
 */
#ifndef OCT_NUMERIC_HALF_H
#define OCT_NUMERIC_HALF_H

#include <stddef.h>
#include <stdint.h>

/** Exact. Source: IEEE 754-2008, 3.4. */
float oct_half_to_float(uint16_t half);

/** Nearest, ties to even; magnitudes that round past 65504 become infinity; NaN stays a quiet NaN. */
uint16_t oct_float_to_half(float value);

/** dst[count] = src[count] as float; no overlap. */
void oct_half_to_float_array(float *dst, const uint16_t *src, size_t count);

#endif
