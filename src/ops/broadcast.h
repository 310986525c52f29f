/*
 * Element-wise work on two operands with numpy broadcasting, as calls on rows.
 *
 * Neighbouring dimensions that both operands walk alike are merged first, so that equal shapes become
 * one row and "activations + channel vector" becomes two dimensions.
 */
#ifndef OCT_OPS_BROADCAST_H
#define OCT_OPS_BROADCAST_H

#include "ops/op.h"

enum { OCT_BROADCAST_RANK = 8 };

typedef struct oct_broadcast {
    int32_t rank;                        /* >= 1 */
    size_t dims[OCT_BROADCAST_RANK];     /* merged output shape */
    size_t a_step[OCT_BROADCAST_RANK];   /* elements; 0 where the operand is repeated */
    size_t b_step[OCT_BROADCAST_RANK];
    size_t count;                        /* elements of the output */
} oct_broadcast;

/**
 * One row: y[i] = f(a[i * a_step], b[i * b_step]) for i < n; the steps are 0 or 1, at least one of them 1
 * unless n is 1.
 */
typedef void (*oct_binary_row)(const void *user, size_t n, const void *a, size_t a_step,
    const void *b, size_t b_step, void *y);

/** The walk over in[0], in[1] and out[0], whose shapes have passed oct_infer_broadcast(). */
void oct_broadcast_init(oct_broadcast *walk, const oct_op *op);

/** The prepare of an operator that needs no more than the walk: op->prepared. Errors: OCT_E_MEMORY. */
oct_status oct_broadcast_prepare(oct_op *op, oct_error *err);

/** Calls row over the whole output; in_size and out_size are bytes of an element. */
void oct_broadcast_run(const oct_broadcast *walk, const oct_op *op, size_t in_size, size_t out_size,
    oct_binary_row row, const void *user);

/*
 * Defines a row function from `static out_t each(const params_t *p, in_t a, in_t b)`; the three loops
 * let the compiler vectorise each.
 */
#define OCT_BINARY_ROW(name, in_t, out_t, params_t, each)                                          \
    static void name(const void *user, size_t n, const void *a_, size_t a_step, const void *b_,    \
        size_t b_step, void *y_)                                                                   \
    {                                                                                              \
        const params_t *p = user;                                                                  \
        const in_t *a = a_, *b = b_;                                                               \
        out_t *y = y_;                                                                             \
        if (a_step != 0 && b_step != 0)                                                            \
            for (size_t i = 0; i < n; i++)                                                         \
                y[i] = each(p, a[i], b[i]);                                                        \
        else if (a_step != 0)                                                                      \
            for (size_t i = 0; i < n; i++)                                                         \
                y[i] = each(p, a[i], b[0]);                                                        \
        else                                                                                       \
            for (size_t i = 0; i < n; i++)                                                         \
                y[i] = each(p, a[0], b[i * b_step]);                                               \
    }

/*
 * Defines row_<each> and eval_<each>, the evaluation of a form with operands and result of one type,
 * where op->prepared is a struct `params` with the walk in it.
 */
#define OCT_BINARY_EVAL(each, type)                                                                \
    OCT_BINARY_ROW(row_##each, type, type, params, each)                                           \
    static oct_status eval_##each(oct_op *op, oct_error *err)                                      \
    {                                                                                              \
        (void)err;                                                                                 \
        const params *p = op->prepared;                                                            \
        oct_broadcast_run(&p->walk, op, sizeof(type), sizeof(type), row_##each, p);                \
        return OCT_OK;                                                                             \
    }

#endif
