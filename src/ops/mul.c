/*
 * MUL and DIV.
 *
 * The factor of a quantized product, s1 * s2 / so, is a float expression in TensorFlow Lite: rounding it
 * otherwise changes results. Sources: LiteRT tflite/kernels/mul.cc, div.cc, internal/reference/mul.h.
 */
#include <float.h>
#include <string.h>

#include "kernels/dispatch.h"
#include "kernels/sigmoid.h"
#include "numeric/fixedpoint_math.h"
#include "ops/arith.h"
#include "ops/binary_f32.h"
#include "ops/unary.h"
#include "ops/version.h"

typedef struct params {
    oct_broadcast walk;
    float lo_f32, hi_f32;
    int64_t lo_i64, hi_i64;
    int32_t a_zero, b_zero, y_zero, lo, hi;
    oct_multiplier scale;
    oct_value *x;         /* of x * logistic(x) as one function: its operand, */
    const void *function; /* and its kernels (float) or table (int8) */
} params;

static oct_status prepare_quantized(oct_op *op, params *p, int activation, oct_error *err)
{
    for (int i = 0; i < 2; i++)
        OCT_TRY(oct_op_need_quant(op, op->in[i], err));
    OCT_TRY(oct_op_need_quant(op, op->out[0], err));
    p->a_zero = oct_value_zero(op->in[0]);
    p->b_zero = oct_value_zero(op->in[1]);
    p->y_zero = oct_value_zero(op->out[0]);
    oct_activation_range_quantized(activation, op->out[0], &p->lo, &p->hi);
    float a = oct_value_scale(op->in[0]), b = oct_value_scale(op->in[1]), y = oct_value_scale(op->out[0]);
    float factor = op->node->op == OCT_OP_MUL ? a * b / y : a / (b * y);
    return oct_op_multiplier(op, factor, &p->scale, err);
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    params *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, op->out[0]->label);
    op->prepared = p;
    int activation = op->node->op == OCT_OP_MUL
        ? ((const oct_mul_options *)op->options)->fused_activation
        : ((const oct_div_options *)op->options)->fused_activation;
    oct_broadcast_init(&p->walk, op);
    oct_activation_range_f32(activation, &p->lo_f32, &p->hi_f32);
    p->lo_i64 = p->lo_f32 > -FLT_MAX ? (int64_t)p->lo_f32 : INT64_MIN;
    p->hi_i64 = p->hi_f32 < FLT_MAX ? (int64_t)p->hi_f32 : INT64_MAX;
    if (op->form == OCT_FORM_S8 || op->form == OCT_FORM_U8 || op->form == OCT_FORM_S16)
        return prepare_quantized(op, p, activation, err);
    return OCT_OK;
}

static inline float mul_f32(const params *p, float a, float b)
{
    return oct_clamp_f32(a * b, p->lo_f32, p->hi_f32);
}

static inline float div_f32(const params *p, float a, float b)
{
    return oct_clamp_f32(a / b, p->lo_f32, p->hi_f32);
}

static inline int32_t mul_quantized(const params *p, int32_t a, int32_t b)
{
    int32_t product = (int32_t)((uint32_t)(a - p->a_zero) * (uint32_t)(b - p->b_zero));
    return oct_offset_code(oct_mbqm(product, p->scale), p->y_zero, p->lo, p->hi);
}

static inline int8_t mul_s8(const params *p, int8_t a, int8_t b) { return (int8_t)mul_quantized(p, a, b); }
static inline uint8_t mul_u8(const params *p, uint8_t a, uint8_t b) { return (uint8_t)mul_quantized(p, a, b); }
static inline int16_t mul_s16(const params *p, int16_t a, int16_t b) { return (int16_t)mul_quantized(p, a, b); }

static inline int64_t clamp_i64(const params *p, int64_t x)
{
    return x < p->lo_i64 ? p->lo_i64 : x > p->hi_i64 ? p->hi_i64 : x;
}

static inline int32_t mul_i32(const params *p, int32_t a, int32_t b)
{
    return (int32_t)clamp_i64(p, (int32_t)((uint32_t)a * (uint32_t)b));
}

static inline int64_t mul_i64(const params *p, int64_t a, int64_t b)
{
    return clamp_i64(p, (int64_t)((uint64_t)a * (uint64_t)b));
}

OCT_BINARY_EVAL(mul_f32, float)
OCT_BINARY_EVAL(div_f32, float)

/* How far x can be shifted left: the sign bits behind the first; 31 for 0. */
static inline int32_t headroom(int32_t x)
{
    return x > 0 ? __builtin_clz((uint32_t)x) - 1 : x < 0 ? __builtin_clz(2 * (uint32_t)-x - 1) : 31;
}

/* a / b in fixed point by the reciprocal of b, which is not 0 (checked). */
static inline int32_t quotient(const params *p, int32_t a, int32_t b)
{
    int32_t shift;
    if (b < 0) {
        a = -a;
        b = -b;
    }
    int32_t inverse = oct_reciprocal(b, 31, &shift);
    int32_t left = headroom(a), right = shift + left - p->scale.e;
    int32_t whole = oct_srdhm((int32_t)((uint32_t)a << left), inverse);
    int32_t scaled = oct_srdhm(whole, p->scale.m), y;
    if (right <= 31)
        y = right >= 0 ? oct_rdbp(scaled, right) : oct_saturating_shift_left(scaled, -right < 31 ? -right : 31);
    else /* TensorFlow Lite shifts by that all the same, and this is what processors make of it */
        y = (scaled >> (right & 31)) + (scaled >= 0);
    return (int32_t)(y > p->hi - p->y_zero ? p->hi : y < p->lo - p->y_zero ? p->lo : y + p->y_zero);
}

static inline int8_t div_s8(const params *p, int8_t a, int8_t b)
{
    return (int8_t)quotient(p, a - p->a_zero, b - p->b_zero);
}

static inline uint8_t div_u8(const params *p, uint8_t a, uint8_t b)
{
    return (uint8_t)quotient(p, a - p->a_zero, b - p->b_zero);
}

static inline int32_t div_i32(const params *p, int32_t a, int32_t b)
{
    int64_t y = (int64_t)a / b;
    return (int32_t)(y < p->lo_i64 ? p->lo_i64 : y > p->hi_i64 ? p->hi_i64 : y);
}

static int64_t code_at(const oct_value *value, size_t i)
{
    switch (value->type) {
    case OCT_INT8: return ((const int8_t *)value->data)[i];
    case OCT_UINT8: return ((const uint8_t *)value->data)[i];
    default: return ((const int32_t *)value->data)[i];
    }
}

/* The same with all divisors checked first. */
#define CHECKED_DIV_EVAL(each, type)                                                               \
    OCT_BINARY_ROW(row_##each, type, type, params, each)                                           \
    static oct_status eval_##each(oct_op *op, oct_error *err)                                      \
    {                                                                                              \
        const params *p = op->prepared;                                                            \
        size_t count = oct_value_count(op->in[1]);                                                 \
        for (size_t i = 0; i < count; i++)                                                         \
            if (code_at(op->in[1], i) == p->b_zero)                                                \
                return oct_op_fail(op, OCT_E_INVALID, err, "division by zero at %zu", i);          \
        oct_broadcast_run(&p->walk, op, sizeof(type), sizeof(type), row_##each, p);                \
        return OCT_OK;                                                                             \
    }
CHECKED_DIV_EVAL(div_s8, int8_t)
CHECKED_DIV_EVAL(div_u8, uint8_t)
CHECKED_DIV_EVAL(div_i32, int32_t)
OCT_BINARY_EVAL(mul_s8, int8_t)
OCT_BINARY_EVAL(mul_u8, uint8_t)
OCT_BINARY_EVAL(mul_s16, int16_t)
OCT_BINARY_EVAL(mul_i32, int32_t)
OCT_BINARY_EVAL(mul_i64, int64_t)

/*
 * The fast int8 rows: the same numbers without branches, for the processor at hand. An operand that is
 * one element goes through a row of copies.
 */
typedef struct fast_params {
    oct_product_s8 product;
    const oct_elementwise_set *any; /* where a multiplier shifts to the left */
    oct_mul_row_s8_fn row;          /* otherwise */
} fast_params;

static oct_status prepare_fast(oct_op *op, bool *usable, oct_error *err)
{
    const params *p = op->prepared;
    fast_params *fast = oct_op_alloc(op, sizeof *fast);
    if (fast == NULL)
        return oct_fail_memory(err, sizeof *fast, op->out[0]->label);
    op->packed = fast;
    fast->product = (oct_product_s8){ p->a_zero, p->b_zero, p->y_zero, p->lo, p->hi, p->scale };
    fast->any = oct_elementwise_set_of(oct_cpu_level());
    fast->row = oct_mul_vectorisable(&fast->product) ? oct_kernel_set_get()->mul_row_s8 : NULL;
    *usable = true;
    return OCT_OK;
}

static void row_fast(const void *user, size_t n, const void *a_, size_t a_step, const void *b_,
    size_t b_step, void *y_)
{
    enum { COPIES = 1024 };
    const fast_params *fast = user;
    const int8_t *a = a_, *b = b_;
    int8_t *y = y_, copies[COPIES];
    if (fast->row == NULL) {
        fast->any->mul_s8(&fast->product, n, a, a_step, b, b_step, y);
        return;
    }
    size_t most = a_step + b_step < 2 ? COPIES : n;
    if (a_step + b_step < 2)
        memset(copies, a_step == 0 ? a[0] : b[0], n < COPIES ? n : COPIES);
    for (size_t i = 0; i < n; i += most)
        fast->row(&fast->product, n - i < most ? n - i : most, a_step == 0 ? copies : a + i,
            b_step == 0 ? copies : b + i, y + i);
}

static oct_status eval_fast(oct_op *op, oct_error *err)
{
    (void)err;
    const params *p = op->prepared;
    oct_broadcast_run(&p->walk, op, 1, 1, row_fast, op->packed);
    return OCT_OK;
}

static void row_swish(const void *user, size_t n, const void *x, void *y)
{
    const params *p = user;
    ((const oct_sigmoid_set *)p->function)->swish(n, x, p->lo_f32, p->hi_f32, y);
}

/* x * logistic(x) from x alone. */
static oct_status eval_swish(oct_op *op, oct_error *err)
{
    (void)err;
    const params *p = op->prepared;
    oct_value *in[1] = { p->x };
    oct_op unary = *op;
    unary.in = in;
    unary.in_count = 1;
    if (op->form == OCT_FORM_F32)
        oct_unary_run(&unary, sizeof(float), sizeof(float), row_swish, p);
    else
        oct_table8_run(&unary, p->function);
    return OCT_OK;
}

/* LOGISTIC of one operand as the other: floats by a kernel for both, int8 by one table of the product. */
static oct_status absorb_logistic(oct_op *op, const oct_op *before, oct_error *err)
{
    params *p = op->prepared;
    oct_value *gate = before->out[0];
    bool left = op->in[0] == before->in[0] && op->in[1] == gate;
    bool right = op->in[1] == before->in[0] && op->in[0] == gate;
    if (before->node->op != OCT_OP_LOGISTIC || !(left || right)
        || (op->form != OCT_FORM_F32 && op->form != OCT_FORM_S8))
        return OCT_OK;
    p->x = before->in[0];
    if (op->form == OCT_FORM_F32) {
        p->function = oct_sigmoid_set_of(oct_cpu_level());
    } else {
        const uint8_t *logistic = before->prepared;
        uint8_t *table = oct_table8_create(op);
        if (table == NULL)
            return oct_fail_memory(err, 256, op->out[0]->label);
        for (int32_t q = INT8_MIN; q <= INT8_MAX; q++) {
            int8_t x = (int8_t)q, y = (int8_t)logistic[(uint8_t)q];
            table[(uint8_t)q] = (uint8_t)mul_s8(p, left ? x : y, left ? y : x);
        }
        p->function = table;
    }
    op->fused = eval_swish;
    return OCT_OK;
}

static oct_status prepare_fast_f32(oct_op *op, bool *usable, oct_error *err)
{
    (void)usable;
    const params *p = op->prepared;
    return oct_binary_f32_prepare(op, oct_binary_f32_set_of(oct_cpu_level())->mul, p->lo_f32,
        p->hi_f32, err);
}

static float scale_of(const oct_tensor *tensor)
{
    return tensor != NULL && tensor->quant.count > 0 ? tensor->quant.scale[0] : 0.f;
}

static int32_t version_mul(const oct_subgraph *sub, const oct_node *node)
{
    const oct_tensor *in = oct_node_input(sub, node, 0);
    oct_type type = oct_node_type(sub, node, 0);
    float a = scale_of(in), b = scale_of(oct_node_input(sub, node, 1));
    float y = scale_of(oct_node_output(sub, node, 0));
    switch (type) {
    case OCT_FLOAT16: return 8;
    case OCT_UINT32: return 7;
    case OCT_COMPLEX64: return 6;
    case OCT_INT64: return 5;
    case OCT_INT16: return in->quant.count == 0 ? 7 : 4;
    default: break;
    }
    if (a != 0.f && b != 0.f && y != 0.f && a * b / y >= 1.f)
        return 3;
    return type == OCT_INT8 ? 2 : 1;
}

static int32_t version_div(const oct_subgraph *sub, const oct_node *node)
{
    return oct_broadcasts_above_rank_4(sub, node) ? 2 : 1;
}

const oct_op_def oct_op_mul = {
    .name = "MUL", .code = OCT_OP_MUL, .min_in = 2, .max_in = 2, .min_out = 1, .max_out = 1,
    .options = OCT_OPTIONS_Mul, .traits = OCT_TRAIT_INPLACE | OCT_TRAIT_FUSES_RELU,
    .quant = { .in = { OCT_ROLE_ACT, OCT_ROLE_ACT }, .in_slots = 2, .out = { OCT_ROLE_ACT },
        .out_slots = 1, .weight_axis = -1, .link = OCT_LINK_FREE, .s8 = true, .s16 = true,
        .s16_constants_as_activations = true, .overwrites = 1 | 2 },
    .version = version_mul, .runtime = "1.5 1.14 1.15 2.3 2.6 2.11 2.13 2.23",
    .infer = oct_infer_broadcast, .prepare = prepare,
    .ref = { [OCT_FORM_F32] = { .eval = eval_mul_f32 }, [OCT_FORM_S8] = { .eval = eval_mul_s8 },
        [OCT_FORM_U8] = { .eval = eval_mul_u8 }, [OCT_FORM_S16] = { .eval = eval_mul_s16 },
        [OCT_FORM_I32] = { .eval = eval_mul_i32 }, [OCT_FORM_I64] = { .eval = eval_mul_i64 } },
    .fast = { [OCT_FORM_F32] = { prepare_fast_f32, oct_binary_f32_eval },
        [OCT_FORM_S8] = { prepare_fast, eval_fast } }, .absorb = absorb_logistic,
};

const oct_op_def oct_op_div = {
    .name = "DIV", .code = OCT_OP_DIV, .min_in = 2, .max_in = 2, .min_out = 1, .max_out = 1,
    .options = OCT_OPTIONS_Div, .traits = OCT_TRAIT_INPLACE | OCT_TRAIT_FUSES_RELU,
    .quant = { .weight_axis = -1, .overwrites = 1 | 2 },
    .version = version_div, .runtime = "1.6 2.3", .infer = oct_infer_broadcast, .prepare = prepare,
    .ref = { [OCT_FORM_F32] = { .eval = eval_div_f32 }, [OCT_FORM_S8] = { .eval = eval_div_s8 },
        [OCT_FORM_U8] = { .eval = eval_div_u8 }, [OCT_FORM_I32] = { .eval = eval_div_i32 } },
};
