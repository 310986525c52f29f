/*
 * Real functions of one operand: EXP, LOG, SQRT, RSQRT, ABS, NEG, FLOOR, CEIL, ROUND, SIN, COS, SQUARE,
 * ELU, GELU. One entry each: the float function, and how its int8 and int16 forms come from it.
 *
 * SQRT truncates, RSQRT on int8 works in fixed point; NEG, FLOOR and the like have no quantized form.
 * Sources: LiteRT tflite/kernels/elementwise.cc, exp.cc, activations.cc, internal/reference/gelu.h.
 */
#include <math.h>

#include "kernels/functions.h"
#include "numeric/fixedpoint_math.h"
#include "ops/arith.h"
#include "ops/unary.h"
#include "ops/version.h"

static float exp_f32(float x) { return expf(x); }
static float log_f32(float x) { return logf(x); }
static float log_for_table(float x) { return x > 0.f ? logf(x) : -INFINITY; }
static float sqrt_f32(float x) { return sqrtf(x); }
static float rsqrt_f32(float x) { return 1.f / sqrtf(x); }
static float rsqrt_for_table(float x) { return x > 0.f ? 1.f / sqrtf(x) : INFINITY; }
static float abs_f32(float x) { return fabsf(x); }
static float neg_f32(float x) { return -x; }
static float floor_f32(float x) { return floorf(x); }
static float ceil_f32(float x) { return ceilf(x); }
static float round_f32(float x) { return rintf(x); } /* half to even, whatever the name says */
static float sin_f32(float x) { return sinf(x); }
static float cos_f32(float x) { return cosf(x); }
static float square_f32(float x) { return x * x; }
static float elu_f32(float x) { return x < 0.f ? expm1f(x) : x; }

/* erfc instead of 1 + erf: no cancellation for large negative x. */
static float gelu_f32(float x) { return x * 0.5f * erfcf(x * -0.70710678118654752f); }

static float gelu_tanh_f32(float x)
{
    const float sqrt_2_over_pi = 0.7978845608028654f;
    return 0.5f * x * (1.f + tanhf(sqrt_2_over_pi * (x + 0.044715f * x * x * x)));
}

#define EVAL_F32(name)                                                                             \
    static inline float each_##name(const void *p, float x)                                        \
    {                                                                                              \
        (void)p;                                                                                   \
        return name##_f32(x);                                                                      \
    }                                                                                              \
    OCT_UNARY_EVAL(each_##name, float, float, void)
EVAL_F32(exp)
EVAL_F32(log)
EVAL_F32(sqrt)
EVAL_F32(rsqrt)
EVAL_F32(abs)
EVAL_F32(neg)
EVAL_F32(floor)
EVAL_F32(ceil)
EVAL_F32(round)
EVAL_F32(sin)
EVAL_F32(cos)
EVAL_F32(square)
EVAL_F32(elu)
EVAL_F32(gelu)
EVAL_F32(gelu_tanh)

static inline int32_t neg_i32(const void *p, int32_t x) { (void)p; return (int32_t)(0u - (uint32_t)x); }
static inline int64_t neg_i64(const void *p, int64_t x) { (void)p; return (int64_t)(0u - (uint64_t)x); }
static inline int32_t abs_i32(const void *p, int32_t x) { return x < 0 ? neg_i32(p, x) : x; }
OCT_UNARY_EVAL(neg_i32, int32_t, int32_t, void)
OCT_UNARY_EVAL(neg_i64, int64_t, int64_t, void)
OCT_UNARY_EVAL(abs_i32, int32_t, int32_t, void)

static oct_status eval_gelu(oct_op *op, oct_error *err)
{
    return ((const oct_gelu_options *)op->options)->approximate ? eval_each_gelu_tanh(op, err)
                                                                : eval_each_gelu(op, err);
}

/* EXP and GELU on the vectors of this processor. */
typedef void (*float_loop)(size_t n, const float *x, float *y);

static oct_status prepare_loop(oct_op *op, bool *usable, oct_error *err)
{
    (void)usable;
    const oct_functions_set *set = oct_functions_set_of(oct_cpu_level());
    float_loop *loop = op->packed = oct_op_alloc(op, sizeof *loop);
    if (loop == NULL)
        return oct_fail_memory(err, sizeof *loop, op->out[0]->label);
    if (op->node->op == OCT_OP_EXP)
        *loop = set->exp;
    else
        *loop = ((const oct_gelu_options *)op->options)->approximate ? set->gelu_tanh : set->gelu;
    return OCT_OK;
}

static void run_loop(const void *user, size_t n, const void *x, void *y)
{
    (*(const float_loop *)user)(n, x, y);
}

static oct_status eval_loop(oct_op *op, oct_error *err)
{
    (void)err;
    oct_unary_run(op, sizeof(float), sizeof(float), run_loop, op->packed);
    return OCT_OK;
}

/* Tables of real functions; the form says which. */
static oct_status prepare_table(oct_op *op, float (*f)(float), oct_error *err)
{
    if (op->form == OCT_FORM_S8 || op->form == OCT_FORM_U8)
        return oct_table8_prepare_real(op, f, err);
    if (op->form == OCT_FORM_S16)
        return oct_table16_prepare_real(op, f, err);
    return OCT_OK;
}

static oct_status prepare_exp(oct_op *op, oct_error *err) { return prepare_table(op, exp_f32, err); }
static oct_status prepare_log(oct_op *op, oct_error *err) { return prepare_table(op, log_for_table, err); }
static oct_status prepare_elu(oct_op *op, oct_error *err) { return prepare_table(op, elu_f32, err); }

static oct_status prepare_gelu(oct_op *op, oct_error *err)
{
    bool approximate = ((const oct_gelu_options *)op->options)->approximate;
    return prepare_table(op, approximate ? gelu_tanh_f32 : gelu_f32, err);
}

/* A negative operand is an error of the data in TensorFlow Lite; here it gives the code of zero. */
typedef struct root_params {
    float in_scale, out_scale;
    int32_t out_zero, largest;
    oct_multiplier scale;
} root_params;

static int32_t sqrt_code(const void *user, int32_t q)
{
    const root_params *p = user;
    float root = q > 0 ? sqrtf(p->in_scale * (float)q) / p->out_scale : 0.f;
    return (int32_t)fminf(root, 100000.f);
}

enum { RSQRT_BITS = 20 };

/* The pole takes the largest code, and so do negative operands, which are errors there too. */
static int32_t rsqrt_code(const void *user, int32_t q)
{
    const root_params *p = user;
    if (q <= 0)
        return p->largest - p->out_zero;
    oct_multiplier inverse = oct_inverse_sqrt(q);
    inverse.e += RSQRT_BITS;
    int32_t root = oct_mbqm(1, inverse);
    return oct_mbqm(root, (oct_multiplier){ p->scale.m, p->scale.e - RSQRT_BITS });
}

static inline int16_t sqrt_s16(const root_params *p, int16_t x)
{
    return (int16_t)oct_clamp_i32(sqrt_code(p, x), INT16_MIN, INT16_MAX);
}

OCT_UNARY_EVAL(sqrt_s16, int16_t, int16_t, root_params)

static oct_status prepare_root(oct_op *op, int32_t (*code_of)(const void *user, int32_t q),
    oct_error *err)
{
    if (op->form == OCT_FORM_F32)
        return OCT_OK;
    OCT_TRY(oct_op_need_quant(op, op->in[0], err));
    OCT_TRY(oct_op_need_quant(op, op->out[0], err));
    root_params *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, op->out[0]->label);
    int32_t smallest;
    oct_type_range(op->out[0]->type, &smallest, &p->largest);
    p->in_scale = oct_value_scale(op->in[0]);
    p->out_scale = oct_value_scale(op->out[0]);
    p->out_zero = oct_value_zero(op->out[0]);
    OCT_TRY(oct_op_multiplier(op, 1.f / (sqrtf(p->in_scale) * p->out_scale), &p->scale, err));
    if (p->scale.e - RSQRT_BITS < -31)
        return oct_op_fail(op, OCT_E_INVALID, err, "scales lie too far apart");
    op->prepared = p;
    return op->form == OCT_FORM_S8 ? oct_table8_prepare(op, code_of, p, err) : OCT_OK;
}

static oct_status prepare_sqrt(oct_op *op, oct_error *err) { return prepare_root(op, sqrt_code, err); }

static oct_status prepare_rsqrt(oct_op *op, oct_error *err)
{
    return op->form == OCT_FORM_S16 ? oct_table16_prepare_real(op, rsqrt_for_table, err)
                                    : prepare_root(op, rsqrt_code, err);
}

typedef struct abs_params { bool rescale; oct_multiplier scale; } abs_params;

static int32_t abs_code(const void *user, int32_t q)
{
    const abs_params *p = user;
    int32_t magnitude = q < 0 ? -q : q;
    return p->rescale ? oct_mbqm(magnitude, p->scale) : magnitude;
}

static inline int16_t abs_s16(const abs_params *p, int16_t x)
{
    return (int16_t)oct_clamp_i32(abs_code(p, x), INT16_MIN, INT16_MAX);
}
OCT_UNARY_EVAL(abs_s16, int16_t, int16_t, abs_params)

static oct_status prepare_abs(oct_op *op, oct_error *err)
{
    if (op->form != OCT_FORM_S8 && op->form != OCT_FORM_S16)
        return OCT_OK;
    OCT_TRY(oct_op_need_quant(op, op->in[0], err));
    OCT_TRY(oct_op_need_quant(op, op->out[0], err));
    abs_params *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, op->out[0]->label);
    float in = oct_value_scale(op->in[0]), out = oct_value_scale(op->out[0]);
    p->rescale = in != out;
    OCT_TRY(oct_op_multiplier(op, in / out, &p->scale, err));
    op->prepared = p;
    return op->form == OCT_FORM_S8 ? oct_table8_prepare(op, abs_code, p, err) : OCT_OK;
}

static int32_t version_abs(const oct_subgraph *sub, const oct_node *node)
{
    const oct_tensor *in = oct_node_input(sub, node, 0);
    switch (in != NULL ? in->type : OCT_TYPE_COUNT) {
    case OCT_INT32: return 5;
    case OCT_INT16: return in->quant.count > 0 ? 3 : 4;
    case OCT_INT8:
    case OCT_UINT8: return 2;
    default: return 1;
    }
}

static int32_t version_gelu(const oct_subgraph *sub, const oct_node *node)
{
    oct_type type = oct_node_type(sub, node, 0);
    return type == OCT_FLOAT16 ? 3 : type == OCT_INT8 || type == OCT_UINT8 ? 2 : 1;
}

static int32_t version_f16_2(const oct_subgraph *sub, const oct_node *node)
{
    return oct_node_type(sub, node, 0) == OCT_FLOAT16 ? 2 : 1;
}

#define COMMON(NAME)                                                                               \
    .name = #NAME, .code = OCT_OP_##NAME, .min_in = 1, .max_in = 1, .min_out = 1, .max_out = 1,    \
    .traits = OCT_TRAIT_INPLACE, .infer = oct_infer_same_as_input
#define RULE(has_s8, has_s16)                                                                      \
    { .in = { OCT_ROLE_ACT }, .in_slots = 1, .out = { OCT_ROLE_ACT }, .out_slots = 1,              \
        .weight_axis = -1, .link = OCT_LINK_FREE, .s8 = has_s8, .s16 = has_s16 }

const oct_op_def oct_op_exp = {
    COMMON(EXP), .options = OCT_OPTIONS_Exp, .quant = RULE(true, true),
    .version = oct_version_s8_s16_2, .runtime = "1.7 2.12", .prepare = prepare_exp,
    .ref = { [OCT_FORM_F32] = { .eval = eval_each_exp }, [OCT_FORM_S8] = { .eval = oct_table8_eval },
        [OCT_FORM_S16] = { .eval = oct_table16_eval } },
    .fast = { [OCT_FORM_F32] = { prepare_loop, eval_loop } },
};
const oct_op_def oct_op_log = {
    COMMON(LOG), .quant = RULE(true, true), .version = oct_version_s8_s16_2, .runtime = "1.14 2.15",
    .prepare = prepare_log,
    .ref = { [OCT_FORM_F32] = { .eval = eval_each_log }, [OCT_FORM_S8] = { .eval = oct_table8_eval },
        [OCT_FORM_S16] = { .eval = oct_table16_eval } },
};
const oct_op_def oct_op_sqrt = {
    COMMON(SQRT), .quant = RULE(true, true), .version = oct_version_s8_s16_2, .runtime = "1.10 2.21",
    .prepare = prepare_sqrt,
    .ref = { [OCT_FORM_F32] = { .eval = eval_each_sqrt },
        [OCT_FORM_S8] = { .eval = oct_table8_eval }, [OCT_FORM_S16] = { .eval = eval_sqrt_s16 } },
};
const oct_op_def oct_op_rsqrt = {
    COMMON(RSQRT), .quant = RULE(true, true), .version = oct_version_s8_2_s16_3,
    .runtime = "1.10 2.5 2.15", .prepare = prepare_rsqrt,
    .ref = { [OCT_FORM_F32] = { .eval = eval_each_rsqrt },
        [OCT_FORM_S8] = { .eval = oct_table8_eval }, [OCT_FORM_S16] = { .eval = oct_table16_eval } },
};
const oct_op_def oct_op_abs = {
    COMMON(ABS), .options = OCT_OPTIONS_Abs, .quant = RULE(true, true), .version = version_abs,
    .runtime = "1.13 2.4 2.5 2.6 2.12", .prepare = prepare_abs,
    .ref = { [OCT_FORM_F32] = { .eval = eval_each_abs }, [OCT_FORM_S8] = { .eval = oct_table8_eval },
        [OCT_FORM_S16] = { .eval = eval_abs_s16 }, [OCT_FORM_I32] = { .eval = eval_abs_i32 } },
};
const oct_op_def oct_op_elu = {
    COMMON(ELU), .runtime = "1.14", .prepare = prepare_elu,
    .ref = { [OCT_FORM_F32] = { .eval = eval_each_elu }, [OCT_FORM_S8] = { .eval = oct_table8_eval } },
};
const oct_op_def oct_op_gelu = {
    COMMON(GELU), .options = OCT_OPTIONS_Gelu, .quant = RULE(true, false), .version = version_gelu,
    .runtime = "2.9 2.9 2.23", .prepare = prepare_gelu,
    .ref = { [OCT_FORM_F32] = { .eval = eval_gelu }, [OCT_FORM_S8] = { .eval = oct_table8_eval },
        [OCT_FORM_U8] = { .eval = oct_table8_eval } },
    .fast = { [OCT_FORM_F32] = { prepare_loop, eval_loop } },
};

/* Without quantized forms. */
const oct_op_def oct_op_neg = {
    COMMON(NEG), .options = OCT_OPTIONS_Neg, .runtime = "1.9",
    .ref = { [OCT_FORM_F32] = { .eval = eval_each_neg }, [OCT_FORM_I32] = { .eval = eval_neg_i32 },
        [OCT_FORM_I64] = { .eval = eval_neg_i64 } },
};
const oct_op_def oct_op_floor = {
    COMMON(FLOOR), .runtime = "1.9", .ref = { [OCT_FORM_F32] = { .eval = eval_each_floor } },
};
const oct_op_def oct_op_ceil = {
    COMMON(CEIL), .runtime = "1.14", .ref = { [OCT_FORM_F32] = { .eval = eval_each_ceil } },
};
const oct_op_def oct_op_round = {
    COMMON(ROUND), .runtime = "1.14", .ref = { [OCT_FORM_F32] = { .eval = eval_each_round } },
};
const oct_op_def oct_op_sin = {
    COMMON(SIN), .version = version_f16_2, .runtime = "1.9 2.23",
    .ref = { [OCT_FORM_F32] = { .eval = eval_each_sin } },
};
const oct_op_def oct_op_cos = {
    COMMON(COS), .options = OCT_OPTIONS_Cos, .version = version_f16_2, .runtime = "1.14 2.23",
    .ref = { [OCT_FORM_F32] = { .eval = eval_each_cos } },
};
const oct_op_def oct_op_square = {
    COMMON(SQUARE), .options = OCT_OPTIONS_Square, .runtime = "1.12",
    .ref = { [OCT_FORM_F32] = { .eval = eval_each_square } },
};
