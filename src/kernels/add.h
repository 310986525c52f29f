/*
 * Quantized addition and subtraction of two rows with scales of their own.
 *
 * Operands are shifted left by the head room, brought to a common scale, added, and requantized:
 * three MBQM an element. Source: LiteRT tflite/kernels/internal/reference/integer_ops/add.h,
 * reference/sub.h.
 */
#ifndef OCT_KERNELS_ADD_H
#define OCT_KERNELS_ADD_H

#include <stdbool.h>
#include <stddef.h>

#include "numeric/fixedpoint.h"

/*
 * One operand of int8 as a table, for kernels that look bytes up: twice what it adds to the sum, with all
 * that is constant, the zero point of the other operand too; byte k of entry q is planes[k][q].
 */
typedef struct oct_add_table {
    uint8_t planes[4][256];
    bool of_b;  /* the table is b's */
    bool minus; /* the other operand, whose multiplier is one half, is taken off */
} oct_add_table;

typedef struct oct_add_args {
    oct_multiplier a, b, y; /* of the operands, at most 1/2, and of the result */
    int32_t a_zero, b_zero, y_zero;
    int32_t lo, hi;    /* clamp, in codes of the result */
    int32_t head_room; /* bits: 20 for int8, 15 for int16 */
    bool subtract;
    const oct_add_table *table; /* by oct_add_make_table(); NULL where the kernel needs none */
} oct_add_args;

/** Whether the vector forms are exact: no multiplier shifts to the left. */
static inline bool oct_add_vectorisable(const oct_add_args *args)
{
    return args->a.e <= 0 && args->b.e <= 0 && args->y.e <= 0;
}

/** Fills the table of vectorisable int8 args; false where the table kernel would not be exact. */
bool oct_add_make_table(const oct_add_args *args, oct_add_table *table);

/**
 * y[i] = clamp(MBQM(MBQM((a[i] - a_zero) << head_room, a) +- MBQM((b[i] - b_zero) << head_room, b),
 *                   y) + y_zero)
 *
 * a, b, y  [n]; y may be a or b.
 * Exact: all variants return the results of the plain C form.
 */
#define OCT_ADD_ROW(name, type)                                                                    \
    void name(const oct_add_args *args, size_t n, const type *a, const type *b, type *y)
typedef OCT_ADD_ROW((*oct_add_row_s8_fn), int8_t);
typedef OCT_ADD_ROW((*oct_add_row_s16_fn), int16_t);
#define OCT_ADD_DECLARE(isa)                                                                       \
    OCT_ADD_ROW(oct_add_row_s8_##isa, int8_t);                                                     \
    OCT_ADD_ROW(oct_add_row_s16_##isa, int16_t);
OCT_ADD_DECLARE(c)
OCT_ADD_DECLARE(avx2)
OCT_ADD_DECLARE(avx512)
OCT_ADD_DECLARE(neon)
#undef OCT_ADD_DECLARE
OCT_ADD_ROW(oct_add_table_s8_avx512amx, int8_t); /* args->table is given */

#endif
