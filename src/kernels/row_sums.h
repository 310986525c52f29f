/*
 * Sums along the rows of a matrix: what a mean over channels is. One source (row_sums_tmpl.h),
 * compiled for each instruction set; every variant gives the same bits.
 */
#ifndef OCT_KERNELS_ROW_SUMS_H
#define OCT_KERNELS_ROW_SUMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/cpu.h"

/**
 * sum[r] of x[r][0 .. columns) for r < rows. x [rows][columns], columns >= 1; int8: fewer than 2^24.
 * A float sum is of 16 partial sums, which begin with 0 and take the elements i mod 16 in order; they
 * are added in halves (l and l + 8, then l + 4, ...). Fewer than 16 elements are added in order.
 */
#define OCT_ROW_SUMS_DECLARE(isa)                                                                  \
    void oct_row_sums_f32_##isa(const float *x, size_t rows, size_t columns, float *sum);          \
    void oct_row_sums_s8_##isa(const int8_t *x, size_t rows, size_t columns, int32_t *sum);
OCT_ROW_SUMS_DECLARE(c)
OCT_ROW_SUMS_DECLARE(avx2)
OCT_ROW_SUMS_DECLARE(avx512)
#undef OCT_ROW_SUMS_DECLARE

/* The variants of one level. */
typedef struct oct_row_sums_set {
    void (*f32)(const float *x, size_t rows, size_t columns, float *sum);
    void (*s8)(const int8_t *x, size_t rows, size_t columns, int32_t *sum);
} oct_row_sums_set;

/** The variants of a level that oct_cpu_supported() includes; static storage. */
const oct_row_sums_set *oct_row_sums_set_of(oct_cpu level);

#endif
