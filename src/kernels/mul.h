/*
 * Quantized multiplication of two rows of int8.
 */
#ifndef OCT_KERNELS_MUL_H
#define OCT_KERNELS_MUL_H

#include <stdbool.h>

#include "kernels/elementwise.h"

/** Whether the vector forms are exact: the multiplier does not shift to the left. */
static inline bool oct_mul_vectorisable(const oct_product_s8 *p)
{
    return p->scale.e <= 0;
}

/**
 * y[i] = clamp(MBQM((a[i] - a_zero) * (b[i] - b_zero), scale) + y_zero, lo, hi)
 *
 * a, b, y  [n]; y may be a or b.
 * Exact: all variants return the bytes of oct_mul_s8_c().
 */
#define OCT_MUL_ROW(name)                                                                          \
    void name(const oct_product_s8 *p, size_t n, const int8_t *a, const int8_t *b, int8_t *y)
typedef OCT_MUL_ROW((*oct_mul_row_s8_fn));
OCT_MUL_ROW(oct_mul_row_s8_c);
OCT_MUL_ROW(oct_mul_row_s8_avx2);
OCT_MUL_ROW(oct_mul_row_s8_avx512);

#endif
