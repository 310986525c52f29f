/*
 * Element-wise work on one operand: rows, and the tables that make int8 and int16 functions cheap.
 *
 * An 8-bit function has 256 values, so every one is a table filled in prepare. An int16 function is a
 * table of 513 values with linear interpolation, as TensorFlow Lite builds it.
 */
#ifndef OCT_OPS_UNARY_H
#define OCT_OPS_UNARY_H

#include "ops/op.h"

/** y[i] = f(x[i]) for i < n. */
typedef void (*oct_unary_row)(const void *user, size_t n, const void *x, void *y);

/** Calls row over all elements of in[0] and out[0]; in_size and out_size are bytes of an element. */
void oct_unary_run(const oct_op *op, size_t in_size, size_t out_size, oct_unary_row row,
    const void *user);

/* Defines `eval_<each>` from `static out_t each(const params_t *p, in_t x)`; p is op->prepared. */
#define OCT_UNARY_EVAL(each, in_t, out_t, params_t)                                                \
    static void row_##each(const void *user, size_t n, const void *x_, void *y_)                   \
    {                                                                                              \
        const params_t *p = user;                                                                  \
        const in_t *x = x_;                                                                        \
        out_t *y = y_;                                                                             \
        for (size_t i = 0; i < n; i++)                                                             \
            y[i] = each(p, x[i]);                                                                  \
    }                                                                                              \
    static oct_status eval_##each(oct_op *op, oct_error *err)                                      \
    {                                                                                              \
        (void)err;                                                                                 \
        oct_unary_run(op, sizeof(in_t), sizeof(out_t), row_##each, op->prepared);                  \
        return OCT_OK;                                                                             \
    }

/**
 * op->prepared = the table of an int8 or uint8 operator: code_of(user, q - zero point of in[0]) for each
 * input code q, plus the zero point of out[0], clamped to the type. Both values must be quantized.
 */
oct_status oct_table8_prepare(oct_op *op, int32_t (*code_of)(const void *user, int32_t q),
    const void *user, oct_error *err);

/**
 * The same for a real function: round_half_away(f(scale * q) * (1 / output scale)), all in float.
 * Where f is infinite (it has no value there) it counts as the least or largest real value of the output.
 * Source: LUTPopulate in LiteRT tflite/kernels/internal/common.h.
 */
oct_status oct_table8_prepare_real(oct_op *op, float (*f)(float), oct_error *err);

/** A table of 256 codes, zeros at first, that lives as long as the session; NULL when memory is short. */
uint8_t *oct_table8_create(oct_op *op);

/** out[0] = in[0] looked up in a table of oct_table8_create(). */
void oct_table8_run(const oct_op *op, const uint8_t *table);

/** Looks every element up; out[0] has the type of in[0]. */
oct_status oct_table8_eval(oct_op *op, oct_error *err);

/** op->prepared = the 513-value table of a real function on int16. Source: as above, int16 version. */
oct_status oct_table16_prepare_real(oct_op *op, float (*f)(float), oct_error *err);

oct_status oct_table16_eval(oct_op *op, oct_error *err);

#endif
