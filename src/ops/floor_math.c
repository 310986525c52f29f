/*
 * POW, FLOOR_DIV, FLOOR_MOD, ADD_N.
 * Sources: LiteRT tflite/kernels/pow.cc, floor_div.cc, floor_mod.cc, add_n.cc.
 */
#include <math.h>
#include <string.h>

#include "ops/arith.h"
#include "ops/broadcast.h"
#include "ops/version.h"

static inline float pow_f32(const oct_broadcast *p, float a, float b) { (void)p; return powf(a, b); }

/* Wraps on overflow; a negative exponent gives what the real power truncates to. */
static inline int32_t pow_i32(const oct_broadcast *p, int32_t a, int32_t b)
{
    (void)p;
    if (b < 0)
        return a == 1 ? 1 : a == -1 ? (b % 2 == 0 ? 1 : -1) : 0;
    uint32_t power = 1, base = (uint32_t)a;
    for (uint32_t exponent = (uint32_t)b; exponent > 0; exponent >>= 1, base *= base)
        if (exponent & 1)
            power *= base;
    return (int32_t)power;
}

static inline float floor_div_f32(const oct_broadcast *p, float a, float b)
{
    (void)p;
    return (float)floor((double)a / (double)b);
}

/* The remainder has the divisor's sign. */
static inline float floor_mod_f32(const oct_broadcast *p, float a, float b)
{
    (void)p;
    float rest = fmodf(a, b);
    return rest != 0.f && (b < 0.f) != (rest < 0.f) ? rest + b : rest;
}

/* Divisors are not 0 (checked); the one quotient that overflows wraps. */
static inline int32_t floor_div_i32(const oct_broadcast *p, int32_t a, int32_t b)
{
    (void)p;
    if (b == -1)
        return (int32_t)(0u - (uint32_t)a);
    int32_t quotient = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

static inline int32_t floor_mod_i32(const oct_broadcast *p, int32_t a, int32_t b)
{
    (void)p;
    if (b == -1)
        return 0;
    int32_t rest = a % b;
    return rest != 0 && (b < 0) != (rest < 0) ? rest + b : rest;
}

static oct_status check_divisor(const oct_op *op, oct_error *err)
{
    size_t count = op->form == OCT_FORM_I32 ? oct_value_count(op->in[1]) : 0;
    for (size_t i = 0; i < count; i++)
        if (((const int32_t *)op->in[1]->data)[i] == 0)
            return oct_op_fail(op, OCT_E_INVALID, err, "division by zero at %zu", i);
    return OCT_OK;
}

static oct_status no_check(const oct_op *op, oct_error *err)
{
    (void)op, (void)err;
    return OCT_OK;
}

#define EVAL(each, type, check)                                                                    \
    OCT_BINARY_ROW(row_##each, type, type, oct_broadcast, each)                                    \
    static oct_status eval_##each(oct_op *op, oct_error *err)                                      \
    {                                                                                              \
        OCT_TRY(check(op, err));                                                                   \
        oct_broadcast_run(op->prepared, op, sizeof(type), sizeof(type), row_##each, op->prepared); \
        return OCT_OK;                                                                             \
    }
EVAL(pow_f32, float, no_check)
EVAL(pow_i32, int32_t, no_check)
EVAL(floor_div_f32, float, no_check)
EVAL(floor_div_i32, int32_t, check_divisor)
EVAL(floor_mod_f32, float, no_check)
EVAL(floor_mod_i32, int32_t, check_divisor)

static oct_status infer_add_n(oct_op *op, oct_error *err)
{
    const oct_value *first = op->in[0];
    for (int32_t i = 0; i < op->in_count; i++) {
        const oct_value *in = op->in[i];
        if (in == NULL || in->type != first->type || in->rank != first->rank
            || (in->rank > 0 && memcmp(in->dims, first->dims, (size_t)in->rank * sizeof *in->dims) != 0))
            return oct_op_fail(op, OCT_E_INVALID, err, "input %d differs in type or shape", (int)i);
    }
    return oct_infer_same_as_input(op, err);
}

#define ADD_N(suffix, type, sum_type)                                                              \
    static oct_status eval_add_n_##suffix(oct_op *op, oct_error *err)                              \
    {                                                                                              \
        (void)err;                                                                                 \
        type *y = op->out[0]->data;                                                                \
        size_t count = oct_value_count(op->out[0]);                                                \
        for (size_t i = 0; i < count; i++) {                                                       \
            sum_type sum = 0;                                                                      \
            for (int32_t k = 0; k < op->in_count; k++)                                             \
                sum += (sum_type)((const type *)op->in[k]->data)[i];                               \
            y[i] = (type)sum;                                                                      \
        }                                                                                          \
        return OCT_OK;                                                                             \
    }
ADD_N(f32, float, float)
ADD_N(i32, int32_t, uint32_t)

static int32_t version_floor_div(const oct_subgraph *sub, const oct_node *node)
{
    oct_type type = oct_node_type(sub, node, 0);
    return type == OCT_INT8 || type == OCT_INT16 ? 3 : type == OCT_FLOAT32 ? 2 : 1;
}

#define COMMON(NAME, Table)                                                                        \
    .name = #NAME, .code = OCT_OP_##NAME, .min_in = 2, .max_in = 2, .min_out = 1, .max_out = 1,    \
    .options = OCT_OPTIONS_##Table, .traits = OCT_TRAIT_INPLACE, .infer = oct_infer_broadcast,     \
    .prepare = oct_broadcast_prepare

const oct_op_def oct_op_pow = {
    COMMON(POW, Pow), .runtime = "1.10",
    .ref = { [OCT_FORM_F32] = { .eval = eval_pow_f32 }, [OCT_FORM_I32] = { .eval = eval_pow_i32 } },
};
const oct_op_def oct_op_floor_div = {
    COMMON(FLOOR_DIV, FloorDiv), .version = version_floor_div, .runtime = "1.14 1.14 2.13",
    .ref = { [OCT_FORM_F32] = { .eval = eval_floor_div_f32 },
        [OCT_FORM_I32] = { .eval = eval_floor_div_i32 } },
};
const oct_op_def oct_op_floor_mod = {
    COMMON(FLOOR_MOD, FloorMod), .version = oct_version_s8_s16_2, .runtime = "1.13 2.13",
    .ref = { [OCT_FORM_F32] = { .eval = eval_floor_mod_f32 },
        [OCT_FORM_I32] = { .eval = eval_floor_mod_i32 } },
};
const oct_op_def oct_op_add_n = {
    .name = "ADD_N", .code = OCT_OP_ADD_N, .min_in = 1, .max_in = -1, .min_out = 1, .max_out = 1,
    .options = OCT_OPTIONS_AddN, .runtime = "1.14", .infer = infer_add_n,
    .ref = { [OCT_FORM_F32] = { .eval = eval_add_n_f32 }, [OCT_FORM_I32] = { .eval = eval_add_n_i32 } },
};
