/*
 * Sums along the rows of a matrix: what a mean over channels is.
 */
#ifndef OCT_KERNELS_ROW_SUMS_H
#define OCT_KERNELS_ROW_SUMS_H

#include <stddef.h>
#include <stdint.h>

/**
 * sum[r] = 0 + x[r][0] + x[r][1] + ... in this order, for r < rows. x [rows][columns]; int8: fewer than
 * 2^24 columns.
 */
void oct_row_sums_f32(const float *x, size_t rows, size_t columns, float *sum);
void oct_row_sums_s8(const int8_t *x, size_t rows, size_t columns, int32_t *sum);

#endif
