/*
 * Float rows of two operands by vectors.
 */
#include "ops/binary_f32.h"

typedef struct job {
    oct_broadcast walk;
    oct_binary_f32_fn loop;
    oct_clamp clamp;
} job;

oct_status oct_binary_f32_prepare(oct_op *op, oct_binary_f32_fn loop, float lo, float hi,
    oct_error *err)
{
    job *j = op->packed = oct_op_alloc(op, sizeof *j);
    if (j == NULL)
        return oct_fail_memory(err, sizeof *j, op->out[0]->label);
    oct_broadcast_init(&j->walk, op);
    j->loop = loop;
    j->clamp = (oct_clamp){ lo, hi };
    return OCT_OK;
}

static void run_row(const void *user, size_t n, const void *a, size_t a_step, const void *b,
    size_t b_step, void *y)
{
    const job *j = user;
    j->loop(&j->clamp, n, a, a_step, b, b_step, y);
}

oct_status oct_binary_f32_eval(oct_op *op, oct_error *err)
{
    (void)err;
    const job *j = op->packed;
    oct_broadcast_run(&j->walk, op, sizeof(float), sizeof(float), run_row, j);
    return OCT_OK;
}
