/*
 * Rows and tables for operators with one operand (unary.h).
 */
#include "ops/unary.h"

#include <math.h>

#include "kernels/dispatch.h"
#include "ops/arith.h"

typedef struct job {
    const unsigned char *x;
    unsigned char *y;
    size_t in_size, out_size;
    oct_unary_row row;
    const void *user;
} job;

static void run_piece(void *user, size_t begin, size_t end, int32_t worker)
{
    (void)worker;
    const job *j = user;
    j->row(j->user, end - begin, j->x + begin * j->in_size, j->y + begin * j->out_size);
}

void oct_unary_run(const oct_op *op, size_t in_size, size_t out_size, oct_unary_row row,
    const void *user)
{
    enum { GRAIN = 16384 };
    job j = { op->in[0]->data, op->out[0]->data, in_size, out_size, row, user };
    oct_pool_for(op->pool, oct_value_count(op->out[0]), GRAIN, run_piece, &j);
}

/* A table and what looks bytes up in it. */
typedef struct table8 {
    uint8_t codes[256];
    oct_lookup_fn look_up;
} table8;

uint8_t *oct_table8_create(oct_op *op)
{
    table8 *table = oct_op_alloc(op, sizeof *table);
    if (table == NULL)
        return NULL;
    oct_lookup_fn fast = oct_kernel_set_get()->lookup;
    table->look_up = fast != NULL ? fast : oct_lookup_c;
    return table->codes;
}

static int32_t clamp_code(float code, int32_t zero, int32_t lo, int32_t hi)
{
    /* Float bounds first: the conversion of anything larger (or of NaN) would be undefined. */
    float bounded = code > 1e6f ? 1e6f : code > -1e6f ? code : -1e6f;
    return oct_clamp_i32((int32_t)bounded + zero, lo, hi);
}

oct_status oct_table8_prepare(oct_op *op, int32_t (*code_of)(const void *user, int32_t q),
    const void *user, oct_error *err)
{
    OCT_TRY(oct_op_need_quant(op, op->in[0], err));
    OCT_TRY(oct_op_need_quant(op, op->out[0], err));
    uint8_t *table = oct_table8_create(op);
    if (table == NULL)
        return oct_fail_memory(err, 256, op->out[0]->label);
    int32_t lo, hi, in_zero = oct_value_zero(op->in[0]), out_zero = oct_value_zero(op->out[0]);
    oct_type_range(op->in[0]->type, &lo, &hi);
    for (int32_t q = lo; q <= hi; q++)
        table[(uint8_t)q] = (uint8_t)oct_clamp_i32(code_of(user, q - in_zero) + out_zero, lo, hi);
    op->prepared = table;
    return OCT_OK;
}

typedef struct real_function {
    float (*f)(float);
    float in_scale, inverse_out_scale;
    float least, most; /* real values of the smallest and largest output code */
} real_function;

static float call(const real_function *r, float x)
{
    float y = r->f(x);
    return y == -INFINITY ? r->least : y == INFINITY ? r->most : y;
}

static real_function real_function_of(const oct_op *op, float (*f)(float))
{
    int32_t lo, hi;
    int32_t zero = oct_value_zero(op->out[0]);
    float out_scale = oct_value_scale(op->out[0]);
    oct_type_range(op->out[0]->type, &lo, &hi);
    return (real_function){ f, oct_value_scale(op->in[0]), 1.f / out_scale,
        out_scale * (float)(lo - zero), out_scale * (float)(hi - zero) };
}

static int32_t real_code(const void *user, int32_t q)
{
    const real_function *r = user;
    return clamp_code(roundf(call(r, r->in_scale * (float)q) * r->inverse_out_scale), 0, -100000,
        100000);
}

oct_status oct_table8_prepare_real(oct_op *op, float (*f)(float), oct_error *err)
{
    OCT_TRY(oct_op_need_quant(op, op->in[0], err));
    OCT_TRY(oct_op_need_quant(op, op->out[0], err));
    real_function r = real_function_of(op, f);
    return oct_table8_prepare(op, real_code, &r, err);
}

static void look_up_8(const void *user, size_t n, const void *x, void *y)
{
    const table8 *table = user;
    table->look_up(table->codes, n, x, y);
}

void oct_table8_run(const oct_op *op, const uint8_t *table)
{
    oct_unary_run(op, 1, 1, look_up_8, table);
}

oct_status oct_table8_eval(oct_op *op, oct_error *err)
{
    (void)err;
    oct_table8_run(op, op->prepared);
    return OCT_OK;
}

enum { STEPS_16 = 512 };

/*
 * An entry is the function at the left end of its step, moved by half the error that the chord has in
 * the middle of the step.
 */
oct_status oct_table16_prepare_real(oct_op *op, float (*f)(float), oct_error *err)
{
    OCT_TRY(oct_op_need_quant(op, op->in[0], err));
    OCT_TRY(oct_op_need_quant(op, op->out[0], err));
    int16_t *table = oct_op_alloc(op, (STEPS_16 + 1) * sizeof *table);
    if (table == NULL)
        return oct_fail_memory(err, (STEPS_16 + 1) * sizeof *table, op->out[0]->label);
    real_function r = real_function_of(op, f);
    float in_scale = r.in_scale, out_scale = oct_value_scale(op->out[0]);
    float low = in_scale * (float)INT16_MIN, high = in_scale * (float)INT16_MAX;
    float step = (high - low) / STEPS_16, half_step = step / 2;
    float inverse = 65536.f / (out_scale * (float)INT16_MAX - out_scale * (float)INT16_MIN);
    for (int i = 0; i < STEPS_16; i++) {
        float value = call(&r, low + (float)i * step);
        float next = call(&r, low + (float)(i + 1) * step);
        float middle = call(&r, low + (float)i * step + half_step);
        float sample = roundf(value * inverse);
        float chord = roundf((next * inverse + sample) / 2);
        float bias = roundf((chord - roundf(middle * inverse)) / 2);
        table[i] = (int16_t)clamp_code(sample - bias, 0, INT16_MIN, INT16_MAX);
    }
    table[STEPS_16] = (int16_t)clamp_code(roundf(call(&r, high) * inverse), 0, INT16_MIN, INT16_MAX);
    op->prepared = table;
    return OCT_OK;
}

static void look_up_16(const void *user, size_t n, const void *x_, void *y_)
{
    const int16_t *table = user, *x = x_;
    int16_t *y = y_;
    for (size_t i = 0; i < n; i++) {
        int32_t step = STEPS_16 / 2 + (x[i] >> 7), offset = x[i] & 127;
        int32_t rise = table[step + 1] - table[step];
        y[i] = (int16_t)(table[step] + ((rise * offset + 64) >> 7));
    }
}

oct_status oct_table16_eval(oct_op *op, oct_error *err)
{
    (void)err;
    oct_unary_run(op, 2, 2, look_up_16, op->prepared);
    return OCT_OK;
}
