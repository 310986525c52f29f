/*
 * QUANTIZE: float to integer codes, or integer codes to those of other parameters (requantization).
 *
 * Floats: round_half_away(x / scale) + zero point, the quotient in float. Integers: fixed point.
 * Values beyond the type, infinities and NaN saturate, where TensorFlow Lite leaves it to the processor.
 * Sources: LiteRT tflite/kernels/quantize.cc, internal/reference/quantize.h, requantize.h.
 */
#include <math.h>

#include "kernels/elementwise.h"
#include "ops/arith.h"
#include "ops/unary.h"
#include "ops/version.h"

typedef struct params {
    oct_unary_row row;                /* of the pair of types */
    size_t in_size, out_size;
    float scale;
    int32_t in_zero, out_zero, lo, hi;
    oct_multiplier rescale;
    size_t channels, inner;           /* per-channel output: (outer, channels, inner) */
} params;

/* Far outside every type, so that clamping here and again after the zero point changes nothing. */
static const float code_limit = 1048576.f;

static inline float bounded(float code)
{
    code = code > -code_limit ? code : -code_limit;
    return code < code_limit ? code : code_limit;
}


#define FROM_F32(suffix, type)                                                                     \
    static void f32_to_##suffix(const void *user, size_t n, const void *x_, void *y_)              \
    {                                                                                              \
        const params *p = user;                                                                    \
        const float *x = x_;                                                                       \
        type *y = y_;                                                                              \
        float scale = p->scale;                                                                    \
        int32_t zero = p->out_zero, lo = p->lo, hi = p->hi;                                        \
        for (size_t i = 0; i < n; i++)                                                             \
            y[i] = (type)oct_clamp_i32((int32_t)roundf(bounded(x[i] / scale)) + zero, lo, hi);          \
    }
FROM_F32(s8, int8_t)
FROM_F32(u8, uint8_t)
FROM_F32(s16, int16_t)

#define REQUANTIZE(name, in_t, out_t)                                                              \
    static void name(const void *user, size_t n, const void *x_, void *y_)                         \
    {                                                                                              \
        const params *p = user;                                                                    \
        const in_t *x = x_;                                                                        \
        out_t *y = y_;                                                                             \
        for (size_t i = 0; i < n; i++)                                                             \
            y[i] = (out_t)oct_offset_code(                                                           \
                oct_mbqm(x[i] - p->in_zero, p->rescale), p->out_zero, p->lo, p->hi);              \
    }
REQUANTIZE(s8_to_s8, int8_t, int8_t)
REQUANTIZE(s8_to_u8, int8_t, uint8_t)
REQUANTIZE(s8_to_s16, int8_t, int16_t)
REQUANTIZE(u8_to_s8, uint8_t, int8_t)
REQUANTIZE(u8_to_u8, uint8_t, uint8_t)
REQUANTIZE(u8_to_s16, uint8_t, int16_t)
REQUANTIZE(s16_to_s8, int16_t, int8_t)
REQUANTIZE(s16_to_s16, int16_t, int16_t)
REQUANTIZE(s16_to_s32, int16_t, int32_t)
REQUANTIZE(s32_to_s8, int32_t, int8_t)
REQUANTIZE(s32_to_s16, int32_t, int16_t)

static const struct pair {
    oct_type in, out;
    oct_unary_row row;
} pairs[] = {
    { OCT_FLOAT32, OCT_INT8, f32_to_s8 }, { OCT_FLOAT32, OCT_UINT8, f32_to_u8 },
    { OCT_FLOAT32, OCT_INT16, f32_to_s16 }, { OCT_INT8, OCT_INT8, s8_to_s8 },
    { OCT_INT8, OCT_UINT8, s8_to_u8 }, { OCT_INT8, OCT_INT16, s8_to_s16 },
    { OCT_UINT8, OCT_INT8, u8_to_s8 }, { OCT_UINT8, OCT_UINT8, u8_to_u8 },
    { OCT_UINT8, OCT_INT16, u8_to_s16 }, { OCT_INT16, OCT_INT8, s16_to_s8 },
    { OCT_INT16, OCT_INT16, s16_to_s16 }, { OCT_INT16, OCT_INT32, s16_to_s32 },
    { OCT_INT32, OCT_INT8, s32_to_s8 }, { OCT_INT32, OCT_INT16, s32_to_s16 },
};

static oct_status infer(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0];
    return oct_op_set_shape(op, 0, op->out[0]->type, in->rank, in->dims, err);
}

static oct_status prepare_channels(const oct_op *op, params *p, oct_error *err)
{
    const oct_value *out = op->out[0];
    const oct_quant *quant = out->quant;
    int32_t axis;
    OCT_TRY(oct_op_axis(op, quant->axis, out->rank, &axis, err));
    if (quant->count != out->dims[axis] || op->in[0]->type != OCT_FLOAT32)
        return oct_op_fail(op, OCT_E_INVALID, err, "%d scales along a dimension of %d",
            (int)quant->count, (int)out->dims[axis]);
    for (int32_t c = 0; c < quant->count; c++)
        if (!(quant->scale[c] > 0.f) || quant->zero_point[c] < p->lo || quant->zero_point[c] > p->hi)
            return oct_op_fail(op, OCT_E_INVALID, err, "channel %d: scale %g, zero point %lld", (int)c,
                (double)quant->scale[c], (long long)quant->zero_point[c]);
    p->channels = (size_t)quant->count;
    p->inner = oct_value_span(out, axis + 1, out->rank);
    return OCT_OK;
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0], *out = op->out[0];
    params *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, out->label);
    op->prepared = p;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs && p->row == NULL; i++)
        if (pairs[i].in == in->type && pairs[i].out == out->type)
            p->row = pairs[i].row;
    if (p->row == NULL)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "no conversion from %s to %s",
            oct_type_name(in->type), oct_type_name(out->type));
    p->in_size = oct_type_size(in->type);
    p->out_size = oct_type_size(out->type);
    oct_type_range(out->type, &p->lo, &p->hi);
    if (out->code_bits > 0) {
        p->lo = -(1 << (out->code_bits - 1));
        p->hi = -p->lo - 1;
    }
    if (out->quant->count > 1)
        return prepare_channels(op, p, err);
    OCT_TRY(oct_op_need_quant(op, out, err));
    p->scale = oct_value_scale(out);
    p->out_zero = oct_value_zero(out);
    if (in->type == OCT_FLOAT32)
        return OCT_OK;
    OCT_TRY(oct_op_need_quant(op, in, err));
    p->in_zero = oct_value_zero(in);
    double factor = (double)oct_value_scale(in) / (double)p->scale;
    return oct_op_multiplier(op, factor, &p->rescale, err);
}

/* One call of the row function for each run of elements with one scale. */
static void eval_channels(const oct_op *op, const params *p)
{
    const oct_quant *quant = op->out[0]->quant;
    const unsigned char *x = op->in[0]->data;
    unsigned char *y = op->out[0]->data;
    size_t runs = p->inner > 0 ? oct_value_count(op->out[0]) / p->inner : 0;
    for (size_t i = 0; i < runs; i++) {
        params channel = *p;
        channel.scale = quant->scale[i % p->channels];
        channel.out_zero = (int32_t)quant->zero_point[i % p->channels];
        p->row(&channel, p->inner, x + i * p->inner * p->in_size, y + i * p->inner * p->out_size);
    }
}

static oct_status eval(oct_op *op, oct_error *err)
{
    (void)err;
    const params *p = op->prepared;
    if (p->channels > 0)
        eval_channels(op, p);
    else
        oct_unary_run(op, p->in_size, p->out_size, p->row, p);
    return OCT_OK;
}

/* float32 to int8 or int16 with one scale: the input of every integer model. */
typedef struct fast_params {
    oct_affine affine;
    const oct_elementwise_set *kernels;
} fast_params;

static oct_status prepare_fast(oct_op *op, bool *usable, oct_error *err)
{
    const params *p = op->prepared;
    *usable = (p->row == f32_to_s8 || p->row == f32_to_s16) && p->channels == 0;
    if (!*usable)
        return OCT_OK;
    fast_params *fast = oct_op_alloc(op, sizeof *fast);
    if (fast == NULL)
        return oct_fail_memory(err, sizeof *fast, op->out[0]->label);
    op->packed = fast;
    fast->affine = (oct_affine){ p->scale, p->out_zero, p->lo, p->hi };
    fast->kernels = oct_elementwise_set_of(oct_cpu_level());
    return OCT_OK;
}

static void row_fast(const void *user, size_t n, const void *x, void *y)
{
    const fast_params *fast = user;
    fast->kernels->quantize_s8(&fast->affine, n, x, y);
}

static void row_fast_s16(const void *user, size_t n, const void *x, void *y)
{
    const fast_params *fast = user;
    fast->kernels->quantize_s16(&fast->affine, n, x, y);
}

static oct_status eval_fast(oct_op *op, oct_error *err)
{
    (void)err;
    size_t out_size = ((const params *)op->prepared)->out_size;
    oct_unary_run(op, sizeof(float), out_size, out_size == 1 ? row_fast : row_fast_s16, op->packed);
    return OCT_OK;
}

static int32_t version(const oct_subgraph *sub, const oct_node *node)
{
    const oct_tensor *out = oct_node_output(sub, node, 0);
    switch (out != NULL ? out->type : OCT_TYPE_COUNT) {
    case OCT_UINT4: return 5;
    case OCT_INT4: return 4;
    default: break;
    }
    if (out != NULL && out->quant.count > 1)
        return 3;
    return out != NULL && out->type == OCT_INT16 ? 2 : 1;
}

const oct_op_def oct_op_quantize = {
    .name = "QUANTIZE", .code = OCT_OP_QUANTIZE, .min_in = 1, .max_in = 1, .min_out = 1, .max_out = 1,
    .options = OCT_OPTIONS_Quantize, .traits = OCT_TRAIT_QUANTIZES, .version = version,
    .runtime = "1.14 1.15 2.7 2.21 2.21 2.21", .infer = infer, .prepare = prepare,
    .ref = { [OCT_FORM_ANY] = { .eval = eval } },
    .fast = { [OCT_FORM_ANY] = { prepare_fast, eval_fast } },
};
