/*
 * SQUARED_DIFFERENCE: as SUB with 7 bits of head room, squared before the last rescale.
 * Source: LiteRT tflite/kernels/squared_difference.cc.
 */
#include <math.h>

#include "kernels/elementwise.h"
#include "ops/arith.h"
#include "ops/binary_f32.h"
#include "ops/version.h"

enum { HEAD_ROOM = 7 };

typedef struct params {
    oct_broadcast walk;
    int32_t a_zero, b_zero, y_zero;
    oct_multiplier a_scale, b_scale, y_scale;
} params;

static oct_status prepare(oct_op *op, oct_error *err)
{
    params *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, op->out[0]->label);
    op->prepared = p;
    oct_broadcast_init(&p->walk, op);
    if (op->form != OCT_FORM_S8)
        return OCT_OK;
    const oct_value *a = op->in[0], *b = op->in[1], *y = op->out[0];
    OCT_TRY(oct_op_need_quant(op, a, err));
    OCT_TRY(oct_op_need_quant(op, b, err));
    OCT_TRY(oct_op_need_quant(op, y, err));
    p->a_zero = oct_value_zero(a);
    p->b_zero = oct_value_zero(b);
    p->y_zero = oct_value_zero(y);
    float sa = oct_value_scale(a), sb = oct_value_scale(b);
    double twice_max = 2.0 * (double)(sa > sb ? sa : sb);
    double result =
        twice_max * twice_max / ((double)(1 << 2 * HEAD_ROOM) * (double)oct_value_scale(y));
    OCT_TRY(oct_op_multiplier(op, sa / twice_max, &p->a_scale, err));
    OCT_TRY(oct_op_multiplier(op, sb / twice_max, &p->b_scale, err));
    return oct_op_multiplier(op, result, &p->y_scale, err);
}

static inline float each_f32(const params *p, float a, float b)
{
    (void)p;
    float difference = a - b;
    return difference * difference;
}

static inline int32_t each_i32(const params *p, int32_t a, int32_t b)
{
    (void)p;
    uint32_t difference = (uint32_t)a - (uint32_t)b;
    return (int32_t)(difference * difference);
}

static inline int8_t each_s8(const params *p, int8_t a, int8_t b)
{
    int32_t scaled_a = oct_mbqm((a - p->a_zero) * (1 << HEAD_ROOM), p->a_scale);
    int32_t scaled_b = oct_mbqm((b - p->b_zero) * (1 << HEAD_ROOM), p->b_scale);
    int32_t difference = scaled_a - scaled_b;
    int32_t y = oct_mbqm(difference * difference, p->y_scale);
    return (int8_t)oct_offset_code(y, p->y_zero, INT8_MIN, INT8_MAX);
}

OCT_BINARY_EVAL(each_f32, float)
OCT_BINARY_EVAL(each_s8, int8_t)
OCT_BINARY_EVAL(each_i32, int32_t)

/* The int8 rows without branches, for the processor at hand. */
typedef struct fast_params {
    oct_difference_s8 difference;
    const oct_elementwise_set *kernels;
} fast_params;

static oct_status prepare_fast(oct_op *op, bool *usable, oct_error *err)
{
    const params *p = op->prepared;
    *usable = p->y_scale.e <= 0 && p->y_scale.e >= -30;
    if (!*usable)
        return OCT_OK;
    fast_params *fast = op->packed = oct_op_alloc(op, sizeof *fast);
    if (fast == NULL)
        return oct_fail_memory(err, sizeof *fast, op->out[0]->label);
    fast->difference =
        (oct_difference_s8){ p->a_zero, p->b_zero, p->y_zero, p->a_scale, p->b_scale, p->y_scale };
    fast->kernels = oct_elementwise_set_of(oct_cpu_level());
    return OCT_OK;
}

static void row_fast(
    const void *user, size_t n, const void *a, size_t a_step, const void *b, size_t b_step, void *y)
{
    const fast_params *fast = user;
    fast->kernels->squared_difference_s8(&fast->difference, n, a, a_step, b, b_step, y);
}

static oct_status eval_fast(oct_op *op, oct_error *err)
{
    (void)err;
    const params *p = op->prepared;
    oct_broadcast_run(&p->walk, op, 1, 1, row_fast, op->packed);
    return OCT_OK;
}

static oct_status prepare_fast_f32(oct_op *op, bool *usable, oct_error *err)
{
    (void)usable;
    oct_binary_f32_fn loop = oct_binary_f32_set_of(oct_cpu_level())->squared_difference;
    return oct_binary_f32_prepare(op, loop, -INFINITY, INFINITY, err);
}

const oct_op_def oct_op_squared_difference = {
    .name = "SQUARED_DIFFERENCE",
    .code = OCT_OP_SQUARED_DIFFERENCE,
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_SquaredDifference,
    .traits = OCT_TRAIT_INPLACE,
    .quant = { .in = { OCT_ROLE_ACT, OCT_ROLE_ACT },
        .in_slots = 2,
        .out = { OCT_ROLE_ACT },
        .out_slots = 1,
        .weight_axis = -1,
        .link = OCT_LINK_FREE,
        .s8 = true,
        .s16_constants_as_activations = true },
    .version = oct_version_s8_2,
    .runtime = "1.13.1 2.5",
    .infer = oct_infer_broadcast,
    .prepare = prepare,
    .ref = { [OCT_FORM_F32] = { .eval = eval_each_f32 },
        [OCT_FORM_S8] = { .eval = eval_each_s8 },
        [OCT_FORM_I32] = { .eval = eval_each_i32 } },
    .fast = { [OCT_FORM_F32] = { prepare_fast_f32, oct_binary_f32_eval },
        [OCT_FORM_S8] = { prepare_fast, eval_fast } },
};
