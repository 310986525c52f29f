/*
 * Packing of a right operand that is computed while the model runs, or lies the other way round.
 *
 * Weights are packed once, by column; the operands of BATCH_MATMUL change with every run and lie by
 * column [columns][k] or by row [k][columns]. Rows need no transposition: a panel is rows of its
 * width already, in groups of k.
 */
#ifndef OCT_KERNELS_PACK_MATRIX_H
#define OCT_KERNELS_PACK_MATRIX_H

#include "kernels/gemm.h"

/* A matrix of `columns` columns and `depth` rows. */
typedef struct oct_right_matrix {
    const void *data; /* [columns][depth] if by_column, else [depth][columns] */
    bool by_column;
    int32_t columns;
    size_t depth;
} oct_right_matrix;

/** Floats into panels without bias. packed: oct_gemm_packed_bytes(), 64-byte aligned, not zeroed. */
void oct_pack_matrix_f32(const oct_gemm_layout *layout, const oct_right_matrix *b, void *packed);

/**
 * Codes into panels, so that the sum of a column over rows of `a` is
 *     sum (a - a_zero) (b - b_zero) + b_zero * (sum of the row of a), where weights have one byte,
 *     sum a (b - b_zero), where they have two.
 * The row's share is the caller's to take off. Sums are modulo 2^32.
 * sums    [columns] receives the sums of b.
 * packed  as above.
 */
void oct_pack_matrix_s8(const oct_gemm_layout *layout, const oct_right_matrix *b, int32_t a_zero,
    int32_t b_zero, int32_t *sums, void *packed);

#endif
