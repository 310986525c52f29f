/*
 * DEQUANTIZE: codes or float16 to float32, scale * (q - zero point).
 *
 * A scale has 24 significant bits and q - zero point at most 17, so one float product equals the double
 * product rounded to float that TensorFlow Lite computes.
 * Sources: LiteRT tflite/kernels/dequantize.cc, internal/reference/dequantize.h.
 */
#include <math.h>

#include "numeric/half.h"
#include "ops/arith.h"
#include "ops/unary.h"
#include "ops/version.h"

typedef struct params {
    size_t in_size;
    oct_unary_row row;
    float scale;
    int32_t zero;
    size_t channels, inner; /* (outer, channels, inner) of one scale each; channels 0: one scale */
} params;

#define TO_F32(suffix, type)                                                                       \
    static void suffix##_to_f32(const void *user, size_t n, const void *x_, void *y_)              \
    {                                                                                              \
        const params *p = user;                                                                    \
        const type *x = x_;                                                                        \
        float *y = y_, scale = p->scale;                                                           \
        int32_t zero = p->zero;                                                                    \
        for (size_t i = 0; i < n; i++)                                                             \
            y[i] = scale * (float)(x[i] - zero);                                                   \
    }
TO_F32(s8, int8_t)
TO_F32(u8, uint8_t)
TO_F32(s16, int16_t)

static void f16_to_f32(const void *user, size_t n, const void *x, void *y)
{
    (void)user;
    oct_half_to_float_array(y, x, n);
}

static oct_status infer(oct_op *op, oct_error *err)
{
    return oct_op_set_shape(op, 0, OCT_FLOAT32, op->in[0]->rank, op->in[0]->dims, err);
}

static oct_status prepare_channels(const oct_op *op, params *p, oct_error *err)
{
    const oct_value *in = op->in[0];
    int32_t axis;
    OCT_TRY(oct_op_axis(op, in->quant->axis, in->rank, &axis, err));
    if (in->quant->count != in->dims[axis])
        return oct_op_fail(op, OCT_E_INVALID, err, "%d scales along a dimension of %d",
            (int)in->quant->count, (int)in->dims[axis]);
    p->channels = (size_t)in->quant->count;
    p->inner = oct_value_span(in, axis + 1, in->rank);
    return OCT_OK;
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0];
    params *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, op->out[0]->label);
    op->prepared = p;
    p->in_size = oct_type_size(in->type);
    switch (in->type) {
    case OCT_FLOAT16: p->row = f16_to_f32; return OCT_OK;
    case OCT_INT8: p->row = s8_to_f32; break;
    case OCT_UINT8: p->row = u8_to_f32; break;
    case OCT_INT16: p->row = s16_to_f32; break;
    case OCT_INT4: break;
    default:
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "no conversion from %s",
            oct_type_name(in->type));
    }
    if (in->quant->count > 1)
        return prepare_channels(op, p, err);
    OCT_TRY(oct_op_need_quant(op, in, err));
    p->scale = oct_value_scale(in);
    p->zero = oct_value_zero(in);
    return OCT_OK;
}

static float channel_scale(const params *p, const oct_quant *quant, size_t i)
{
    return p->channels > 0 ? quant->scale[i / p->inner % p->channels] : p->scale;
}

static int32_t channel_zero(const params *p, const oct_quant *quant, size_t i)
{
    return p->channels > 0 ? (int32_t)quant->zero_point[i / p->inner % p->channels] : p->zero;
}

/* Two codes a byte, the first in the low half; they do not fit rows of whole bytes. */
static void eval_int4(const oct_op *op, const params *p)
{
    const uint8_t *x = op->in[0]->data;
    float *y = op->out[0]->data;
    size_t count = oct_value_count(op->in[0]);
    for (size_t i = 0; i < count; i++) {
        int32_t half = x[i / 2] >> (i % 2 * 4) & 15, code = half < 8 ? half : half - 16;
        const oct_quant *quant = op->in[0]->quant;
        y[i] = channel_scale(p, quant, i) * (float)(code - channel_zero(p, quant, i));
    }
}

/* One call of the row function for each run of elements with one scale. */
static void eval_channels(const oct_op *op, const params *p)
{
    const oct_quant *quant = op->in[0]->quant;
    const unsigned char *x = op->in[0]->data;
    float *y = op->out[0]->data;
    size_t count = oct_value_count(op->in[0]);
    for (size_t i = 0; i < count; i += p->inner) {
        params channel = *p;
        channel.scale = channel_scale(p, quant, i);
        channel.zero = channel_zero(p, quant, i);
        p->row(&channel, p->inner, x + i * p->in_size, y + i);
    }
}

static oct_status eval(oct_op *op, oct_error *err)
{
    (void)err;
    const params *p = op->prepared;
    if (p->row == NULL)
        eval_int4(op, p);
    else if (p->channels > 0)
        eval_channels(op, p);
    else
        oct_unary_run(op, p->in_size, sizeof(float), p->row, p);
    return OCT_OK;
}

static int32_t version(const oct_subgraph *sub, const oct_node *node)
{
    const oct_tensor *in = oct_node_input(sub, node, 0);
    switch (in != NULL ? in->type : OCT_TYPE_COUNT) {
    case OCT_FLOAT8_E4M3FN:
    case OCT_FLOAT8_E5M2: return 9;
    case OCT_UINT4: return 8;
    case OCT_INT2: return 7;
    case OCT_INT4: return 6;
    case OCT_INT16:
    case OCT_FLOAT16: return 3;
    case OCT_INT8: return in->quant.count > 1 ? 5 : 2;
    default: return 1;
    }
}

const oct_op_def oct_op_dequantize = {
    .name = "DEQUANTIZE", .code = OCT_OP_DEQUANTIZE, .min_in = 1, .max_in = 1, .min_out = 1,
    .max_out = 1, .options = OCT_OPTIONS_Dequantize, .traits = OCT_TRAIT_DEQUANTIZES,
    .version = version, .runtime = "1.13.1 1.14 1.15 2.2 2.7 2.18 2.21 2.22 2.23", .infer = infer,
    .prepare = prepare, .ref = { [OCT_FORM_ANY] = { .eval = eval } },
};
