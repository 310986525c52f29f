/*
 * Rectifiers: RELU, RELU6, RELU_N1_TO_1, RELU_0_TO_1, LEAKY_RELU, PRELU.
 *
 * Quantized forms requantize from the input's to the output's scale, by a float quotient, and clamp to
 * the codes of the bounds. 8-bit forms of one operand are tables.
 * Sources: LiteRT tflite/kernels/activations.cc, internal/reference/leaky_relu.h, prelu.h.
 */
#include <float.h>
#include <math.h>

#include "ops/arith.h"
#include "ops/broadcast.h"
#include "ops/unary.h"
#include "ops/version.h"

typedef struct relu_params {
    float lo_f32, hi_f32;
    int32_t lo, hi; /* codes without the output's zero point */
    oct_multiplier scale;
} relu_params;

static inline float relu_f32(const relu_params *p, float x)
{
    return oct_clamp_f32(x, p->lo_f32, p->hi_f32);
}

static int32_t relu_code(const void *user, int32_t q)
{
    const relu_params *p = user;
    return oct_clamp_i32(oct_mbqm(q, p->scale), p->lo, p->hi);
}

static inline int16_t relu_s16(const relu_params *p, int16_t x) { return (int16_t)relu_code(p, x); }
OCT_UNARY_EVAL(relu_f32, float, float, relu_params)
OCT_UNARY_EVAL(relu_s16, int16_t, int16_t, relu_params)

static void set_bounds(oct_builtin op, relu_params *p)
{
    p->lo_f32 = op == OCT_OP_RELU_N1_TO_1 ? -1.f : 0.f;
    p->hi_f32 = op == OCT_OP_RELU ? INFINITY : op == OCT_OP_RELU6 ? 6.f : 1.f;
}

/* The code of a bound relative to the zero point, inside the type. */
static int32_t bound_code(const oct_value *out, float bound)
{
    int32_t lo, hi, zero = oct_value_zero(out);
    oct_type_range(out->type, &lo, &hi);
    double code = zero + (double)roundf(bound / oct_value_scale(out));
    return (code > hi ? hi : code < lo ? lo : (int32_t)code) - zero;
}

static oct_status prepare_relu(oct_op *op, oct_error *err)
{
    relu_params *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, op->out[0]->label);
    op->prepared = p;
    set_bounds(op->node->op, p);
    if (op->form == OCT_FORM_F32)
        return OCT_OK;
    OCT_TRY(oct_op_need_quant(op, op->in[0], err));
    OCT_TRY(oct_op_need_quant(op, op->out[0], err));
    p->lo = bound_code(op->out[0], p->lo_f32);
    p->hi = bound_code(op->out[0], p->hi_f32);
    float factor = oct_value_scale(op->in[0]) / oct_value_scale(op->out[0]);
    OCT_TRY(oct_op_multiplier(op, factor, &p->scale, err));
    return op->form == OCT_FORM_S16 ? OCT_OK : oct_table8_prepare(op, relu_code, p, err);
}

typedef struct leaky_params {
    float alpha;
    int32_t alpha_sign;
    oct_multiplier scale, alpha_scale;
} leaky_params;

static inline float leaky_f32(const leaky_params *p, float x) { return x > 0.f ? x : x * p->alpha; }

static int32_t leaky_code(const void *user, int32_t q)
{
    const leaky_params *p = user;
    return q >= 0 ? oct_mbqm(q, p->scale) : oct_mbqm(q, p->alpha_scale) * p->alpha_sign;
}

static inline int16_t leaky_s16(const leaky_params *p, int16_t x)
{
    return (int16_t)oct_clamp_i32(leaky_code(p, x), INT16_MIN, INT16_MAX);
}
OCT_UNARY_EVAL(leaky_f32, float, float, leaky_params)
OCT_UNARY_EVAL(leaky_s16, int16_t, int16_t, leaky_params)

static oct_status prepare_leaky(oct_op *op, oct_error *err)
{
    leaky_params *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, op->out[0]->label);
    op->prepared = p;
    p->alpha = ((const oct_leaky_relu_options *)op->options)->alpha;
    if (op->form == OCT_FORM_F32)
        return OCT_OK;
    OCT_TRY(oct_op_need_quant(op, op->in[0], err));
    OCT_TRY(oct_op_need_quant(op, op->out[0], err));
    float in = oct_value_scale(op->in[0]), out = oct_value_scale(op->out[0]);
    OCT_TRY(oct_op_multiplier(op, in / out, &p->scale, err));
    OCT_TRY(oct_op_multiplier(op, fabsf(in * p->alpha / out), &p->alpha_scale, err));
    p->alpha_sign = p->alpha < 0.f ? -1 : 1;
    return op->form == OCT_FORM_S16 ? OCT_OK : oct_table8_prepare(op, leaky_code, p, err);
}

typedef struct prelu_params {
    oct_broadcast walk;
    int32_t x_zero, alpha_zero, y_zero;
    oct_multiplier scale, alpha_scale;
} prelu_params;

static inline float prelu_f32(const prelu_params *p, float x, float alpha)
{
    (void)p;
    return x >= 0.f ? x : x * alpha;
}

static inline int32_t prelu_quantized(const prelu_params *p, int32_t x, int32_t alpha)
{
    x -= p->x_zero;
    int32_t y = x >= 0 ? oct_mbqm(x, p->scale)
                       : oct_mbqm(x * (alpha - p->alpha_zero), p->alpha_scale);
    return y + p->y_zero;
}

static inline int8_t prelu_s8(const prelu_params *p, int8_t x, int8_t alpha)
{
    return (int8_t)oct_clamp_i32(prelu_quantized(p, x, alpha), INT8_MIN, INT8_MAX);
}

static inline uint8_t prelu_u8(const prelu_params *p, uint8_t x, uint8_t alpha)
{
    return (uint8_t)oct_clamp_i32(prelu_quantized(p, x, alpha), 0, UINT8_MAX);
}

#define EVAL(each, type)                                                                           \
    OCT_BINARY_ROW(row_##each, type, type, prelu_params, each)                                     \
    static oct_status eval_##each(oct_op *op, oct_error *err)                                      \
    {                                                                                              \
        (void)err;                                                                                 \
        const prelu_params *p = op->prepared;                                                      \
        oct_broadcast_run(&p->walk, op, sizeof(type), sizeof(type), row_##each, p);                \
        return OCT_OK;                                                                             \
    }
EVAL(prelu_f32, float)
EVAL(prelu_s8, int8_t)
EVAL(prelu_u8, uint8_t)

static oct_status prepare_prelu(oct_op *op, oct_error *err)
{
    prelu_params *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, op->out[0]->label);
    op->prepared = p;
    const oct_value *x = op->in[0], *alpha = op->in[1], *y = op->out[0];
    if (oct_value_count(x) != oct_value_count(y))
        return oct_op_fail(op, OCT_E_INVALID, err, "alpha has more elements than the input");
    oct_broadcast_init(&p->walk, op);
    if (op->form == OCT_FORM_F32)
        return OCT_OK;
    OCT_TRY(oct_op_need_quant(op, x, err));
    OCT_TRY(oct_op_need_quant(op, alpha, err));
    OCT_TRY(oct_op_need_quant(op, y, err));
    p->x_zero = oct_value_zero(x);
    p->alpha_zero = oct_value_zero(alpha);
    p->y_zero = oct_value_zero(y);
    float sx = oct_value_scale(x), sy = oct_value_scale(y);
    OCT_TRY(oct_op_multiplier(op, sx / sy, &p->scale, err));
    return oct_op_multiplier(op, sx * oct_value_scale(alpha) / sy, &p->alpha_scale, err);
}

static int32_t version_relu(const oct_subgraph *sub, const oct_node *node)
{
    oct_type type = oct_node_type(sub, node, 0);
    return type == OCT_INT16 ? 3 : type == OCT_INT8 || type == OCT_UINT8 ? 2 : 1;
}

static int32_t version_leaky(const oct_subgraph *sub, const oct_node *node)
{
    return oct_node_type(sub, node, 0) == OCT_INT16 ? 2 : 1;
}

#define COMMON(NAME, more)                                                                         \
    .name = #NAME, .code = OCT_OP_##NAME, .min_in = 1, .max_in = 1, .min_out = 1, .max_out = 1,    \
    .traits = OCT_TRAIT_INPLACE | (more), .infer = oct_infer_same_as_input
#define RULE(has_s16)                                                                              \
    { .in = { OCT_ROLE_ACT }, .in_slots = 1, .out = { OCT_ROLE_ACT }, .out_slots = 1,              \
        .weight_axis = -1, .link = OCT_LINK_FREE, .s8 = true, .s16 = has_s16 }
#define RELU_FORMS                                                                                 \
    [OCT_FORM_F32] = { .eval = eval_relu_f32 }, [OCT_FORM_S8] = { .eval = oct_table8_eval },       \
    [OCT_FORM_U8] = { .eval = oct_table8_eval }

const oct_op_def oct_op_relu = {
    COMMON(RELU, OCT_TRAIT_BY_CHANNEL), .quant = RULE(true), .version = version_relu, .runtime = "1.5 2.1 2.5",
    .prepare = prepare_relu, .ref = { RELU_FORMS, [OCT_FORM_S16] = { .eval = eval_relu_s16 } },
};

const oct_op_def oct_op_relu6 = {
    COMMON(RELU6, 0), .quant = RULE(true), .version = oct_version_s8_2_s16_3, .runtime = "1.5 1.14 2.5",
    .prepare = prepare_relu, .ref = { RELU_FORMS, [OCT_FORM_S16] = { .eval = eval_relu_s16 } },
};

const oct_op_def oct_op_relu_n1_to_1 = {
    COMMON(RELU_N1_TO_1, 0), .quant = RULE(false), .runtime = "1.5", .prepare = prepare_relu,
    .ref = { RELU_FORMS },
};

const oct_op_def oct_op_relu_0_to_1 = {
    COMMON(RELU_0_TO_1, 0), .quant = RULE(false), .runtime = "2.10", .prepare = prepare_relu,
    .ref = { RELU_FORMS },
};

const oct_op_def oct_op_leaky_relu = {
    COMMON(LEAKY_RELU, OCT_TRAIT_BY_CHANNEL), .options = OCT_OPTIONS_LeakyRelu, .quant = RULE(true),
    .version = version_leaky, .runtime = "1.13.1 2.3", .prepare = prepare_leaky,
    .ref = { [OCT_FORM_F32] = { .eval = eval_leaky_f32 }, [OCT_FORM_S8] = { .eval = oct_table8_eval },
        [OCT_FORM_U8] = { .eval = oct_table8_eval }, [OCT_FORM_S16] = { .eval = eval_leaky_s16 } },
};

/* alpha is a coefficient: symmetric and narrow, but without a channel axis. */
const oct_op_def oct_op_prelu = {
    .name = "PRELU", .code = OCT_OP_PRELU, .min_in = 2, .max_in = 2, .min_out = 1, .max_out = 1,
    .traits = OCT_TRAIT_INPLACE,
    .quant = { .in = { OCT_ROLE_ACT, OCT_ROLE_WEIGHT }, .in_slots = 2, .out = { OCT_ROLE_ACT },
        .out_slots = 1, .weight_axis = -1, .link = OCT_LINK_FREE, .s8 = true },
    .runtime = "1.8", .infer = oct_infer_broadcast, .prepare = prepare_prelu,
    .ref = { [OCT_FORM_F32] = { .eval = eval_prelu_f32 }, [OCT_FORM_S8] = { .eval = eval_prelu_s8 },
        [OCT_FORM_U8] = { .eval = eval_prelu_u8 } },
};
