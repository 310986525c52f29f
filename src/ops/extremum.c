/*
 * MAXIMUM and MINIMUM: raw values are compared, so quantized operands and result share their parameters.
 * Source: LiteRT tflite/kernels/maximum_minimum.cc.
 */
#include "ops/arith.h"
#include "ops/broadcast.h"
#include "ops/version.h"

#define MAX(p, a, b) ((a) > (b) ? (a) : (b))
#define MIN(p, a, b) ((a) < (b) ? (a) : (b))
#define EVAL(name, type, each)                                                                     \
    static inline type each_##name(const oct_broadcast *p, type a, type b)                         \
    {                                                                                              \
        (void)p;                                                                                   \
        return each(p, a, b);                                                                      \
    }                                                                                              \
    OCT_BINARY_ROW(row_##name, type, type, oct_broadcast, each_##name)                             \
    static oct_status eval_##name(oct_op *op, oct_error *err)                                      \
    {                                                                                              \
        (void)err;                                                                                 \
        oct_broadcast_run(op->prepared, op, sizeof(type), sizeof(type), row_##name, op->prepared); \
        return OCT_OK;                                                                             \
    }
EVAL(max_f32, float, MAX)
EVAL(min_f32, float, MIN)
EVAL(max_s8, int8_t, MAX)
EVAL(min_s8, int8_t, MIN)
EVAL(max_u8, uint8_t, MAX)
EVAL(min_u8, uint8_t, MIN)
EVAL(max_s16, int16_t, MAX)
EVAL(min_s16, int16_t, MIN)
EVAL(max_i32, int32_t, MAX)
EVAL(min_i32, int32_t, MIN)
EVAL(max_i64, int64_t, MAX)
EVAL(min_i64, int64_t, MIN)

static int32_t version(const oct_subgraph *sub, const oct_node *node)
{
    oct_type type = oct_node_type(sub, node, 0);
    if (type == OCT_INT16)
        return 4;
    if (oct_broadcasts_above_rank_4(sub, node))
        return 3;
    return type == OCT_INT8 ? 2 : 1;
}

#define RULE                                                                                       \
    { .in = { OCT_ROLE_ACT, OCT_ROLE_ACT }, .in_slots = 2, .out = { OCT_ROLE_ACT }, .out_slots = 1, \
        .weight_axis = -1, .link = OCT_LINK_SAME, .s8 = true, .s16 = true,                         \
        .s16_constants_as_activations = true }

const oct_op_def oct_op_maximum = {
    .name = "MAXIMUM", .code = OCT_OP_MAXIMUM, .min_in = 2, .max_in = 2, .min_out = 1, .max_out = 1,
    .options = OCT_OPTIONS_MaximumMinimum, .traits = OCT_TRAIT_INPLACE, .quant = RULE,
    .version = version, .runtime = "1.14 1.14 2.3 2.3", .infer = oct_infer_broadcast,
    .prepare = oct_broadcast_prepare,
    .ref = { [OCT_FORM_F32] = { .eval = eval_max_f32 }, [OCT_FORM_S8] = { .eval = eval_max_s8 },
        [OCT_FORM_U8] = { .eval = eval_max_u8 }, [OCT_FORM_S16] = { .eval = eval_max_s16 },
        [OCT_FORM_I32] = { .eval = eval_max_i32 }, [OCT_FORM_I64] = { .eval = eval_max_i64 } },
};

const oct_op_def oct_op_minimum = {
    .name = "MINIMUM", .code = OCT_OP_MINIMUM, .min_in = 2, .max_in = 2, .min_out = 1, .max_out = 1,
    .options = OCT_OPTIONS_MaximumMinimum, .traits = OCT_TRAIT_INPLACE, .quant = RULE,
    .version = version, .runtime = "1.14 1.14 2.3 2.3", .infer = oct_infer_broadcast,
    .prepare = oct_broadcast_prepare,
    .ref = { [OCT_FORM_F32] = { .eval = eval_min_f32 }, [OCT_FORM_S8] = { .eval = eval_min_s8 },
        [OCT_FORM_U8] = { .eval = eval_min_u8 }, [OCT_FORM_S16] = { .eval = eval_min_s16 },
        [OCT_FORM_I32] = { .eval = eval_min_i32 }, [OCT_FORM_I64] = { .eval = eval_min_i64 } },
};
