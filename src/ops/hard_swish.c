/*
 * HARD_SWISH: x * clamp(x + 3, 0, 6) / 6.
 *
 * The 8-bit form computes in int16: the input with 7 more bits is scaled once towards the output and
 * once towards the "relu-ish" factor in Q15, and the two are multiplied. All of it goes into a table.
 * Source: LiteRT tflite/kernels/activations.cc, internal/reference/hard_swish.h.
 */
#include "kernels/sigmoid.h"
#include "ops/arith.h"
#include "ops/unary.h"
#include "ops/version.h"

typedef struct params {
    int16_t output_m, factor_m;
    int32_t output_e, factor_e;
} params;

static inline float each_f32(const void *p, float x)
{
    (void)p;
    return x * oct_clamp_f32(x + 3.f, 0.f, 6.f) / 6.f;
}
OCT_UNARY_EVAL(each_f32, float, float, void)

static int16_t saturate(int64_t x)
{
    return (int16_t)(x < INT16_MIN ? INT16_MIN : x > INT16_MAX ? INT16_MAX : x);
}

static int32_t code_of(const void *user, int32_t q)
{
    const params *p = user;
    int16_t x = (int16_t)(q * 128);
    int16_t output = oct_srdhm16(x, p->output_m);
    /* x / 3 in Q15, saturated to -1 .. 1, then moved to 0 .. 1. */
    int16_t factor = x;
    if (p->factor_e > 0)
        factor = saturate((int64_t)factor * (INT64_C(1) << (p->factor_e - 1)));
    factor = oct_srdhm16(factor, p->factor_m);
    if (p->factor_e > 0)
        factor = saturate((int64_t)factor * 2);
    if (p->factor_e < 0)
        factor = (int16_t)oct_rdbp(factor, -p->factor_e);
    factor = (int16_t)((factor + (1 << 15)) >> 1);
    int16_t product = saturate((int64_t)factor * output / (1 << 15));
    return oct_rdbp(product, -p->output_e);
}

static int16_t narrowed(int32_t m)
{
    return m >= 0x7fff0000 ? INT16_MAX : (int16_t)((m + (1 << 15)) >> 16);
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    if (op->form == OCT_FORM_F32)
        return OCT_OK;
    OCT_TRY(oct_op_need_quant(op, op->in[0], err));
    OCT_TRY(oct_op_need_quant(op, op->out[0], err));
    float fine_scale = 1.f / 128 * oct_value_scale(op->in[0]);
    oct_multiplier output, factor;
    OCT_TRY(oct_op_multiplier(op, fine_scale / oct_value_scale(op->out[0]), &output, err));
    OCT_TRY(oct_op_multiplier(op, fine_scale / (3.0f / 32768.0f), &factor, err));
    if (output.e > 0)
        return oct_op_fail(op, OCT_E_INVALID, err, "output scale %g is too small for the input's %g",
            (double)oct_value_scale(op->out[0]), (double)oct_value_scale(op->in[0]));
    params p = { narrowed(output.m), narrowed(factor.m), output.e, factor.e };
    return oct_table8_prepare(op, code_of, &p, err);
}

static oct_status prepare_fast(oct_op *op, bool *usable, oct_error *err)
{
    (void)err;
    *usable = true;
    op->packed = (void *)(uintptr_t)oct_sigmoid_set_of(oct_cpu_level());
    return OCT_OK;
}

static void row_fast(const void *user, size_t n, const void *x, void *y)
{
    ((const oct_sigmoid_set *)user)->hard_swish(n, x, y);
}

static oct_status eval_fast(oct_op *op, oct_error *err)
{
    (void)err;
    oct_unary_run(op, sizeof(float), sizeof(float), row_fast, op->packed);
    return OCT_OK;
}

const oct_op_def oct_op_hard_swish = {
    .name = "HARD_SWISH", .code = OCT_OP_HARD_SWISH, .min_in = 1, .max_in = 1, .min_out = 1,
    .max_out = 1, .options = OCT_OPTIONS_HardSwish, .traits = OCT_TRAIT_INPLACE,
    .quant = { .in = { OCT_ROLE_ACT }, .in_slots = 1, .out = { OCT_ROLE_ACT }, .out_slots = 1,
        .weight_axis = -1, .link = OCT_LINK_FREE, .s8 = true },
    .runtime = "1.15", .infer = oct_infer_same_as_input, .prepare = prepare,
    .ref = { [OCT_FORM_F32] = { .eval = eval_each_f32 }, [OCT_FORM_S8] = { .eval = oct_table8_eval },
        [OCT_FORM_U8] = { .eval = oct_table8_eval } },
    .fast = { [OCT_FORM_F32] = { prepare_fast, eval_fast } },
};
