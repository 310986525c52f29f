/*
 * BATCH_MATMUL: what its plain and its fast form share.
 */
#ifndef OCT_OPS_FAST_MATMUL_H
#define OCT_OPS_FAST_MATMUL_H

#include "numeric/fixedpoint.h"
#include "ops/op.h"

enum { LEFT, RIGHT, OCT_MATMUL_BATCHES = 3 };

/* op->prepared of BATCH_MATMUL; steps are in elements. */
typedef struct oct_matmul {
    int32_t rows, depth, columns;
    size_t batch[OCT_MATMUL_BATCHES];      /* output batch dimensions, leading ones are 1 */
    size_t left_step[OCT_MATMUL_BATCHES];  /* from one batch to the next; 0 where broadcast */
    size_t right_step[OCT_MATMUL_BATCHES];
    size_t left_row, left_k, right_k, right_column; /* between neighbours */
    oct_multiplier by;
    int32_t left_zero, right_zero, out_zero, lo, hi;
} oct_matmul;

/** Where the operands of an output batch begin. */
void oct_matmul_locate(const oct_matmul *m, size_t batch, size_t *left, size_t *right);

/**
 * Products on packed panels, for float, int8 and hybrid forms. Not usable: a computed right operand
 * that too few rows are multiplied by, hybrid with a transposed left operand.
 */
oct_status oct_fast_matmul_prepare(oct_op *op, bool *usable, oct_error *err);

/**
 * Integers equal the plain form. A float output is 0, then fma(left, right, sum) for k = 0, 1, ...:
 * the same on every processor.
 */
oct_status oct_fast_matmul_eval(oct_op *op, oct_error *err);

#endif
