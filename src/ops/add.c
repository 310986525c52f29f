/*
 * ADD and SUB.
 *
 * Quantized operands are brought to a common scale of twice the larger one, with 20 (int16: 15) bits of
 * head room, added, and requantized. int16 has a second way for scales that are powers of two: one
 * operand is shifted right, the sum saturates.
 * Sources: LiteRT tflite/kernels/add.cc, sub.cc, internal/reference/add.h, sub.h.
 */
#include <float.h>
#include <math.h>

#include "kernels/dispatch.h"
#include "ops/arith.h"
#include "ops/binary_f32.h"
#include "ops/version.h"

typedef struct params {
    oct_broadcast walk;
    float lo_f32, hi_f32;
    int64_t lo_i64, hi_i64;
    /* quantized */
    int32_t a_zero, b_zero, y_zero, lo, hi;
    int32_t head_room;                 /* bits */
    oct_multiplier a_scale, b_scale, y_scale;
    bool power_of_two;
    int32_t a_shift, b_shift;          /* to the right, power_of_two only */
} params;

static int activation_of(const oct_op *op, bool *power_of_two_allowed)
{
    if (op->node->op == OCT_OP_ADD) {
        const oct_add_options *options = op->options;
        *power_of_two_allowed = options->pot_scale_int16;
        return options->fused_activation;
    }
    const oct_sub_options *options = op->options;
    *power_of_two_allowed = options->pot_scale_int16;
    return options->fused_activation;
}

/* log2 of a scale when it is within 1e-3 of a whole number (CheckedLog2). */
static bool whole_log2(float scale, int32_t *log2_rounded)
{
    float exponent = logf(scale) * (1.0f / logf(2.0f));
    float rounded = roundf(exponent);
    *log2_rounded = (int32_t)rounded;
    return fabsf(exponent - rounded) < 1e-3f;
}

static oct_status try_power_of_two(const oct_op *op, params *p, oct_error *err)
{
    int32_t a, b, y;
    if (!whole_log2(oct_value_scale(op->in[0]), &a) || !whole_log2(oct_value_scale(op->in[1]), &b)
        || !whole_log2(oct_value_scale(op->out[0]), &y))
        return OCT_OK;
    p->power_of_two = true;
    p->a_shift = y - a;
    p->b_shift = y - b;
    if ((p->a_shift != 0 && p->b_shift != 0) || p->a_shift < 0 || p->b_shift < 0 || p->a_shift > 31
        || p->b_shift > 31)
        return oct_op_fail(op, OCT_E_INVALID, err,
            "power-of-two scales: one operand must have the scale of the result, the other a smaller "
            "one");
    return OCT_OK;
}

static oct_status prepare_quantized(oct_op *op, params *p, int activation, bool power_of_two,
    oct_error *err)
{
    const oct_value *a = op->in[0], *b = op->in[1], *y = op->out[0];
    OCT_TRY(oct_op_need_quant(op, a, err));
    OCT_TRY(oct_op_need_quant(op, b, err));
    OCT_TRY(oct_op_need_quant(op, y, err));
    p->a_zero = oct_value_zero(a);
    p->b_zero = oct_value_zero(b);
    p->y_zero = oct_value_zero(y);
    oct_activation_range_quantized(activation, y, &p->lo, &p->hi);
    if (op->form == OCT_FORM_S16 && power_of_two)
        OCT_TRY(try_power_of_two(op, p, err));
    float sa = oct_value_scale(a), sb = oct_value_scale(b);
    double twice_max = 2 * (double)(sa > sb ? sa : sb);
    p->head_room = op->form == OCT_FORM_S16 ? 15 : 20;
    double result = twice_max / ((double)(1 << p->head_room) * (double)oct_value_scale(y));
    OCT_TRY(oct_op_multiplier(op, sa / twice_max, &p->a_scale, err));
    OCT_TRY(oct_op_multiplier(op, sb / twice_max, &p->b_scale, err));
    OCT_TRY(oct_op_multiplier(op, result, &p->y_scale, err));
    if (op->node->op == OCT_OP_ADD && result >= 1 && !p->power_of_two)
        return oct_op_fail(op, OCT_E_INVALID, err, "output scale %g is too small for the inputs",
            (double)oct_value_scale(y));
    return OCT_OK;
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    params *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, op->out[0]->label);
    op->prepared = p;
    bool power_of_two = false;
    int activation = activation_of(op, &power_of_two);
    oct_broadcast_init(&p->walk, op);
    oct_activation_range_f32(activation, &p->lo_f32, &p->hi_f32);
    p->lo_i64 = p->lo_f32 > -FLT_MAX ? (int64_t)p->lo_f32 : INT64_MIN;
    p->hi_i64 = p->hi_f32 < FLT_MAX ? (int64_t)p->hi_f32 : INT64_MAX;
    if (op->form == OCT_FORM_S8 || op->form == OCT_FORM_U8 || op->form == OCT_FORM_S16)
        return prepare_quantized(op, p, activation, power_of_two, err);
    return OCT_OK;
}

static inline int32_t scaled_a(const params *p, int32_t a)
{
    return oct_mbqm((int32_t)((uint32_t)(a - p->a_zero) << p->head_room), p->a_scale);
}

static inline int32_t scaled_b(const params *p, int32_t b)
{
    return oct_mbqm((int32_t)((uint32_t)(b - p->b_zero) << p->head_room), p->b_scale);
}

static inline int32_t rescaled(const params *p, int32_t sum)
{
    return oct_offset_code(oct_mbqm(sum, p->y_scale), p->y_zero, p->lo, p->hi);
}

static inline int32_t add_quantized(const params *p, int32_t a, int32_t b)
{
    return rescaled(p, scaled_a(p, a) + scaled_b(p, b));
}

static inline int32_t sub_quantized(const params *p, int32_t a, int32_t b)
{
    return rescaled(p, scaled_a(p, a) - scaled_b(p, b));
}

static inline int32_t saturated(const params *p, int32_t sum)
{
    return oct_clamp_i32(oct_clamp_i32(sum, INT16_MIN, INT16_MAX), p->lo, p->hi);
}

static inline int16_t add_s16(const params *p, int16_t a, int16_t b)
{
    if (p->power_of_two)
        return (int16_t)saturated(p, oct_rdbp(a, p->a_shift) + oct_rdbp(b, p->b_shift));
    return (int16_t)add_quantized(p, a, b);
}

static inline int16_t sub_s16(const params *p, int16_t a, int16_t b)
{
    if (p->power_of_two)
        return (int16_t)saturated(p, oct_rdbp(a, p->a_shift) - oct_rdbp(b, p->b_shift));
    return (int16_t)sub_quantized(p, a, b);
}

static inline int8_t add_s8(const params *p, int8_t a, int8_t b) { return (int8_t)add_quantized(p, a, b); }
static inline int8_t sub_s8(const params *p, int8_t a, int8_t b) { return (int8_t)sub_quantized(p, a, b); }
static inline uint8_t add_u8(const params *p, uint8_t a, uint8_t b) { return (uint8_t)add_quantized(p, a, b); }
static inline uint8_t sub_u8(const params *p, uint8_t a, uint8_t b) { return (uint8_t)sub_quantized(p, a, b); }

static inline float add_f32(const params *p, float a, float b)
{
    return oct_clamp_f32(a + b, p->lo_f32, p->hi_f32);
}

static inline float sub_f32(const params *p, float a, float b)
{
    return oct_clamp_f32(a - b, p->lo_f32, p->hi_f32);
}

/* Integers wrap, as on every machine TensorFlow Lite runs on; computed unsigned to be defined. */
static inline int64_t clamp_i64(const params *p, int64_t x)
{
    return x < p->lo_i64 ? p->lo_i64 : x > p->hi_i64 ? p->hi_i64 : x;
}

static inline int32_t add_i32(const params *p, int32_t a, int32_t b)
{
    return (int32_t)clamp_i64(p, (int32_t)((uint32_t)a + (uint32_t)b));
}

static inline int32_t sub_i32(const params *p, int32_t a, int32_t b)
{
    return (int32_t)clamp_i64(p, (int32_t)((uint32_t)a - (uint32_t)b));
}

static inline int64_t add_i64(const params *p, int64_t a, int64_t b)
{
    return clamp_i64(p, (int64_t)((uint64_t)a + (uint64_t)b));
}

static inline int64_t sub_i64(const params *p, int64_t a, int64_t b)
{
    return clamp_i64(p, (int64_t)((uint64_t)a - (uint64_t)b));
}

OCT_BINARY_EVAL(add_f32, float)
OCT_BINARY_EVAL(sub_f32, float)
OCT_BINARY_EVAL(add_s8, int8_t)
OCT_BINARY_EVAL(sub_s8, int8_t)
OCT_BINARY_EVAL(add_u8, uint8_t)
OCT_BINARY_EVAL(sub_u8, uint8_t)
OCT_BINARY_EVAL(add_s16, int16_t)
OCT_BINARY_EVAL(sub_s16, int16_t)
OCT_BINARY_EVAL(add_i32, int32_t)
OCT_BINARY_EVAL(sub_i32, int32_t)
OCT_BINARY_EVAL(add_i64, int64_t)
OCT_BINARY_EVAL(sub_i64, int64_t)

/* The processor's kernels take two whole operands: one that is a single element becomes a row of copies. */
typedef struct fast_params {
    oct_add_args args;
    oct_add_table table;
    oct_add_row_s8_fn s8;
    oct_add_row_s16_fn s16;
} fast_params;

#define FAST_ROW(name, kernel, type)                                                               \
    static void name(const void *user, size_t n, const void *a_, size_t a_step, const void *b_,    \
        size_t b_step, void *y_)                                                                   \
    {                                                                                              \
        enum { COPIES = 1024 };                                                                    \
        const fast_params *fast = user;                                                            \
        const type *a = a_, *b = b_;                                                               \
        type *y = y_, copies[COPIES];                                                              \
        bool single = a_step == 0 || b_step == 0;                                                  \
        size_t most = single ? COPIES : n;                                                         \
        for (size_t i = 0; single && i < n && i < COPIES; i++)                                     \
            copies[i] = a_step == 0 ? a[0] : b[0];                                                 \
        for (size_t i = 0; i < n; i += most)                                                       \
            fast->kernel(&fast->args, n - i < most ? n - i : most,                                 \
                a_step == 0 ? copies : a + i, b_step == 0 ? copies : b + i, y + i);                \
    }
FAST_ROW(row_fast_s8, s8, int8_t)
FAST_ROW(row_fast_s16, s16, int16_t)

static oct_status prepare_fast(oct_op *op, bool *usable, oct_error *err)
{
    const params *p = op->prepared;
    oct_add_args args = { .a = p->a_scale, .b = p->b_scale, .y = p->y_scale, .a_zero = p->a_zero,
        .b_zero = p->b_zero, .y_zero = p->y_zero, .lo = p->lo, .hi = p->hi,
        .head_room = p->head_room, .subtract = op->node->op == OCT_OP_SUB };
    *usable = !p->power_of_two && oct_add_vectorisable(&args);
    if (!*usable)
        return OCT_OK;
    fast_params *fast = oct_op_alloc(op, sizeof *fast);
    if (fast == NULL)
        return oct_fail_memory(err, sizeof *fast, op->out[0]->label);
    const oct_kernel_set *kernels = oct_kernel_set_get();
    *fast = (fast_params){ .args = args, .s8 = kernels->add_row_s8, .s16 = kernels->add_row_s16 };
    if (op->form == OCT_FORM_S8 && kernels->add_table_s8 != NULL
        && oct_add_make_table(&args, &fast->table)) {
        fast->args.table = &fast->table;
        fast->s8 = kernels->add_table_s8;
    }
    op->packed = fast;
    return OCT_OK;
}

static oct_status eval_fast(oct_op *op, oct_error *err)
{
    (void)err;
    const params *p = op->prepared;
    bool wide = op->form == OCT_FORM_S16;
    oct_binary_row row = wide ? row_fast_s16 : row_fast_s8;
    size_t element = wide ? sizeof(int16_t) : sizeof(int8_t);
    oct_broadcast_run(&p->walk, op, element, element, row, op->packed);
    return OCT_OK;
}

static oct_status prepare_fast_f32(oct_op *op, bool *usable, oct_error *err)
{
    (void)usable;
    const params *p = op->prepared;
    const oct_binary_f32_set *set = oct_binary_f32_set_of(oct_cpu_level());
    return oct_binary_f32_prepare(op, op->node->op == OCT_OP_ADD ? set->add : set->sub, p->lo_f32,
        p->hi_f32, err);
}

static int32_t version_add(const oct_subgraph *sub, const oct_node *node)
{
    const oct_add_options *options = node->options;
    const oct_tensor *in = oct_node_input(sub, node, 0);
    switch (in != NULL ? in->type : OCT_TYPE_COUNT) {
    case OCT_FLOAT16: return 6;
    case OCT_INT16:
        if (in->quant.count == 0)
            return 5;
        return options != NULL && !options->pot_scale_int16 ? 3 : 1;
    case OCT_INT64: return 4;
    case OCT_INT8: return 2;
    default: return 1;
    }
}

static int32_t version_sub(const oct_subgraph *sub, const oct_node *node)
{
    const oct_sub_options *options = node->options;
    oct_type type = oct_node_type(sub, node, 0);
    if (type == OCT_INT16 && options != NULL && !options->pot_scale_int16)
        return 5;
    if (type == OCT_INT64)
        return 4;
    if (oct_broadcasts_above_rank_4(sub, node))
        return 3;
    return type == OCT_INT8 ? 2 : 1;
}

#define RULE                                                                                       \
    { .in = { OCT_ROLE_ACT, OCT_ROLE_ACT }, .in_slots = 2, .out = { OCT_ROLE_ACT }, .out_slots = 1, \
        .weight_axis = -1, .link = OCT_LINK_FREE, .s8 = true, .s16 = true,                         \
        .s16_constants_as_activations = true, .overwrites = 1 | 2 }

const oct_op_def oct_op_add = {
    .name = "ADD", .code = OCT_OP_ADD, .min_in = 2, .max_in = 2, .min_out = 1, .max_out = 1,
    .options = OCT_OPTIONS_Add,
    .traits = OCT_TRAIT_INPLACE | OCT_TRAIT_FUSES_RELU | OCT_TRAIT_SUMS, .quant = RULE,
    .version = version_add, .runtime = "1.5 1.14 2.4 2.6 2.13 2.23",
    .infer = oct_infer_broadcast, .prepare = prepare,
    .ref = { [OCT_FORM_F32] = { .eval = eval_add_f32 }, [OCT_FORM_S8] = { .eval = eval_add_s8 },
        [OCT_FORM_U8] = { .eval = eval_add_u8 }, [OCT_FORM_S16] = { .eval = eval_add_s16 },
        [OCT_FORM_I32] = { .eval = eval_add_i32 }, [OCT_FORM_I64] = { .eval = eval_add_i64 } },
    .fast = { [OCT_FORM_F32] = { prepare_fast_f32, oct_binary_f32_eval },
        [OCT_FORM_S8] = { prepare_fast, eval_fast },
        [OCT_FORM_S16] = { prepare_fast, eval_fast } },
};

const oct_op_def oct_op_sub = {
    .name = "SUB", .code = OCT_OP_SUB, .min_in = 2, .max_in = 2, .min_out = 1, .max_out = 1,
    .options = OCT_OPTIONS_Sub,
    .traits = OCT_TRAIT_INPLACE | OCT_TRAIT_FUSES_RELU | OCT_TRAIT_SUMS, .quant = RULE,
    .version = version_sub, .runtime = "1.6 1.14 2.3 2.4 2.4",
    .infer = oct_infer_broadcast, .prepare = prepare,
    .ref = { [OCT_FORM_F32] = { .eval = eval_sub_f32 }, [OCT_FORM_S8] = { .eval = eval_sub_s8 },
        [OCT_FORM_U8] = { .eval = eval_sub_u8 }, [OCT_FORM_S16] = { .eval = eval_sub_s16 },
        [OCT_FORM_I32] = { .eval = eval_sub_i32 }, [OCT_FORM_I64] = { .eval = eval_sub_i64 } },
    .fast = { [OCT_FORM_F32] = { prepare_fast_f32, oct_binary_f32_eval },
        [OCT_FORM_S8] = { prepare_fast, eval_fast },
        [OCT_FORM_S16] = { prepare_fast, eval_fast } },
};
