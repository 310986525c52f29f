/*
 * LOG_SOFTMAX over the last axis: x - max - log(sum of exp(x - max)).
 *
 * int8 works in fixed point: inputs as Q5, sums as Q12, and a logarithm that splits x into a power of
 * two (in quarters) and a ratio near 1, whose log is a rational function.
 * Sources: LiteRT tflite/kernels/activations.cc, internal/reference/integer_ops/log_softmax.h,
 * internal/common.h (log_x_for_x_greater_than_or_equal_to_1).
 */
#include <math.h>

#include "numeric/fixedpoint_math.h"
#include "ops/arith.h"
#include "ops/version.h"

enum { INPUT_BITS = 5, SUM_BITS = 12, LOG_BITS = 6, OUTPUT_ZERO = 127 };

typedef struct params {
    oct_multiplier scale;   /* codes to Q5 */
    oct_multiplier inverse; /* Q5 to codes */
    int32_t smallest;       /* differences below it do not fit Q5: their exp is 0 */
} params;

static int32_t saturated(int64_t x)
{
    return x > INT32_MAX ? INT32_MAX : x < INT32_MIN ? INT32_MIN : (int32_t)x;
}

/* 12 - bits as Q6, moved by a quarter. */
static int32_t exponent_q6(int32_t bits, int32_t quarters)
{
    int32_t whole = oct_saturating_shift_left(SUM_BITS - bits, 31 - LOG_BITS);
    return saturated((int64_t)whole + quarters * (INT64_C(1) << (29 - LOG_BITS)));
}

/* log(x) in Q5 for x >= 1 in Q12. */
static int32_t log_q12(int32_t x)
{
    /* In Q0; root = 2^(1/4): log 2, 1/root, 1/sqrt 2, root * 11/240, root / 20, 2/root - root, root / 4. */
    const int32_t log_2 = 1488522236, inverse_root = 1805811301, sqrt_half = 1518500250,
                  a_n = 117049297, a_d = 127690142, a_i = 1057819769, a_f = 638450708;
    int32_t zeros = __builtin_clz((uint32_t)x);
    int32_t zeros_half = __builtin_clz((uint32_t)oct_srdhm(x, sqrt_half)) - 1;
    /* Two candidates for the ratio r in [1/sqrt 2, 1), normalised with and without a half power. */
    int32_t r_a = oct_saturating_shift_left(
        oct_srdhm(oct_saturating_shift_left(x, zeros - 1), sqrt_half), 1);
    int32_t r_b = oct_saturating_shift_left(x, zeros_half);
    int32_t exponent_a = exponent_q6(zeros, 1), exponent_b = exponent_q6(zeros_half, -1);
    int32_t r = r_a < r_b ? r_a : r_b;
    int32_t exponent = exponent_a > exponent_b ? exponent_a : exponent_b;

    int64_t sum = (int64_t)r + inverse_root;
    int32_t p = (int32_t)((sum + (sum >= 0 ? 1 : -1)) / 2);
    int32_t q = (r - inverse_root) * 2, q2 = oct_srdhm(q, q);
    int32_t numerator = oct_srdhm(q, r) + oct_srdhm(oct_srdhm(q, q2), a_n);
    int32_t denominator = oct_srdhm(p, a_i + q + oct_srdhm(a_d, q2)) + oct_srdhm(a_f, q);
    int32_t quotient = oct_srdhm(oct_rdbp(numerator, LOG_BITS), oct_one_over_one_plus(denominator));
    return oct_saturating_shift_left(oct_srdhm(exponent, log_2) + quotient, LOG_BITS - INPUT_BITS);
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    if (op->in[0]->rank < 1)
        return oct_op_fail(op, OCT_E_INVALID, err, "needs a dimension");
    if (op->form == OCT_FORM_F32)
        return OCT_OK;
    OCT_TRY(oct_op_need_quant(op, op->in[0], err));
    OCT_TRY(oct_op_need_quant(op, op->out[0], err));
    if (oct_value_scale(op->out[0]) != 16.f / 256 || oct_value_zero(op->out[0]) != OUTPUT_ZERO)
        return oct_op_fail(op, OCT_E_INVALID, err, "results have scale 1/16 and zero point 127");
    params *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, op->out[0]->label);
    op->prepared = p;
    double factor = (double)oct_value_scale(op->in[0]) * (1 << (31 - INPUT_BITS));
    p->scale = oct_quantize_multiplier(factor < INT32_MAX ? factor : (double)INT32_MAX);
    if (p->scale.e < 0)
        return oct_op_fail(op, OCT_E_INVALID, err, "input scale %g is too small",
            (double)oct_value_scale(op->in[0]));
    p->inverse = oct_quantize_multiplier(
        (double)(INT64_C(1) << (31 - p->scale.e)) / (double)p->scale.m);
    double largest = 31.0 * (double)(INT64_C(1) << 26) / (double)(INT64_C(1) << p->scale.e);
    p->smallest = -(int32_t)floor(largest);
    return OCT_OK;
}

static void row_s8(const params *p, const int8_t *x, int8_t *y, size_t depth)
{
    int32_t largest = INT8_MIN, sum = 0;
    for (size_t i = 0; i < depth; i++)
        largest = x[i] > largest ? x[i] : largest;
    for (size_t i = 0; i < depth; i++)
        if (x[i] - largest >= p->smallest) {
            int32_t e = oct_exp_on_negative(oct_mbqm(x[i] - largest, p->scale), INPUT_BITS);
            sum = saturated((int64_t)sum + oct_rdbp(e, SUM_BITS));
        }
    int32_t log_sum = log_q12(sum);
    /* What stays representable after the logarithm is taken off. */
    int32_t reach = oct_mbqm(saturated((int64_t)log_sum + INT32_MIN), p->inverse);
    int32_t limit = p->smallest - 1 > reach ? p->smallest - 1 : reach;
    for (size_t i = 0; i < depth; i++) {
        int32_t difference = x[i] - largest;
        int32_t code = INT8_MIN;
        if (difference > limit)
            code = oct_rdbp(oct_mbqm(difference, p->scale) - log_sum, 22) + OUTPUT_ZERO;
        y[i] = (int8_t)oct_clamp_i32(code, INT8_MIN, INT8_MAX);
    }
}

static oct_status eval_s8(oct_op *op, oct_error *err)
{
    (void)err;
    const oct_value *in = op->in[0];
    size_t depth = (size_t)in->dims[in->rank - 1], rows = oct_value_span(in, 0, in->rank - 1);
    for (size_t row = 0; row < rows && depth > 0; row++)
        row_s8(op->prepared, (const int8_t *)in->data + row * depth,
            (int8_t *)op->out[0]->data + row * depth, depth);
    return OCT_OK;
}

static oct_status eval_f32(oct_op *op, oct_error *err)
{
    (void)err;
    const oct_value *in = op->in[0];
    size_t depth = (size_t)in->dims[in->rank - 1], rows = oct_value_span(in, 0, in->rank - 1);
    for (size_t row = 0; row < rows; row++) {
        const float *x = (const float *)in->data + row * depth;
        float *y = (float *)op->out[0]->data + row * depth;
        float largest = -INFINITY, sum = 0.f;
        for (size_t i = 0; i < depth; i++)
            largest = x[i] > largest ? x[i] : largest;
        for (size_t i = 0; i < depth; i++)
            sum += expf(x[i] - largest);
        float log_sum = logf(sum);
        for (size_t i = 0; i < depth; i++)
            y[i] = x[i] - largest - log_sum;
    }
    return OCT_OK;
}

const oct_op_def oct_op_log_softmax = {
    .name = "LOG_SOFTMAX", .code = OCT_OP_LOG_SOFTMAX, .min_in = 1, .max_in = 1, .min_out = 1,
    .max_out = 1, .options = OCT_OPTIONS_LogSoftmax,
    .quant = { .in = { OCT_ROLE_ACT }, .in_slots = 1, .out = { OCT_ROLE_ACT }, .out_slots = 1,
        .weight_axis = -1, .link = OCT_LINK_FIXED, .s8 = true,
        .fixed = { [OCT_FIXED_S8] = { 16.f / 256, OUTPUT_ZERO }, [OCT_FIXED_U8] = { 16.f / 256, 255 } } },
    .version = oct_version_s8_2, .runtime = "1.14 1.14", .infer = oct_infer_same_as_input,
    .prepare = prepare,
    .ref = { [OCT_FORM_F32] = { .eval = eval_f32 }, [OCT_FORM_S8] = { .eval = eval_s8 } },
};
