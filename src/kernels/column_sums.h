/*
 * Sums over the rows of a matrix: what a mean over height and width is. One source
 * (column_sums_tmpl.h), compiled for each instruction set.
 */
#ifndef OCT_KERNELS_COLUMN_SUMS_H
#define OCT_KERNELS_COLUMN_SUMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/cpu.h"

/**
 * sum[c] = 0 + x[0][c] + x[1][c] + ... in this order, for c < columns; the same bits on all levels.
 * x  [rows][columns], rows stride elements apart; int8: fewer than 2^24 rows.
 */
#define OCT_COLUMN_SUMS_DECLARE(isa)                                                               \
    void oct_column_sums_f32_##isa(const float *x, size_t rows, size_t stride, size_t columns,     \
        float *sum);                                                                               \
    void oct_column_sums_s8_##isa(const int8_t *x, size_t rows, size_t stride, size_t columns,     \
        int32_t *sum);
OCT_COLUMN_SUMS_DECLARE(c)
OCT_COLUMN_SUMS_DECLARE(avx2)
OCT_COLUMN_SUMS_DECLARE(avx512)
#undef OCT_COLUMN_SUMS_DECLARE

/* The variants of one level. */
typedef struct oct_column_sums_set {
    void (*f32)(const float *x, size_t rows, size_t stride, size_t columns, float *sum);
    void (*s8)(const int8_t *x, size_t rows, size_t stride, size_t columns, int32_t *sum);
} oct_column_sums_set;

/** The variants of a level that oct_cpu_supported() includes; static storage. */
const oct_column_sums_set *oct_column_sums_set_of(oct_cpu level);

#endif
