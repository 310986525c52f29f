/*
 * FAKE_QUANT: floats rounded to the values that a quantized tensor of that range could hold. The range is
 * nudged so that zero is one of them.
 * Sources: LiteRT tflite/kernels/fake_quant.cc, internal/quantization_util.cc.
 */
#include <math.h>

#include "ops/arith.h"

static oct_status infer(oct_op *op, oct_error *err)
{
    const oct_fake_quant_options *o = op->options;
    if (o->narrow_range || o->num_bits < 2 || o->num_bits > 16 || !(o->min <= 0.f) ||
        !(o->max >= 0.f) || !(o->min < o->max) || isinf(o->max - o->min))
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "range %g to %g in %d bits%s",
            (double)o->min, (double)o->max, (int)o->num_bits, o->narrow_range ? ", narrow" : "");
    return oct_infer_same_as_input(op, err);
}

static oct_status eval(oct_op *op, oct_error *err)
{
    (void)err;
    const oct_fake_quant_options *o = op->options;
    const float most_code = (float)((1 << o->num_bits) - 1);
    float scale = (o->max - o->min) / most_code;
    float zero = 0.f - o->min / scale;
    float nudged = zero < 0.f ? 0.f : zero > most_code ? most_code : roundf(zero);
    float least = (0.f - nudged) * scale, most = (most_code - nudged) * scale,
          inverse = 1.f / scale;
    const float *x = op->in[0]->data;
    float *y = op->out[0]->data;
    size_t count = oct_value_count(op->in[0]);
    for (size_t i = 0; i < count; i++) {
        float inside = x[i] > least ? x[i] : least;
        inside = inside < most ? inside : most;
        y[i] = roundf((inside - least) * inverse) * scale + least;
    }
    return OCT_OK;
}

static int32_t version(const oct_subgraph *sub, const oct_node *node)
{
    (void)sub;
    const oct_fake_quant_options *o = node->options;
    return o != NULL && o->narrow_range ? 2 : 1;
}

const oct_op_def oct_op_fake_quant = {
    .name = "FAKE_QUANT",
    .code = OCT_OP_FAKE_QUANT,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_FakeQuant,
    .traits = OCT_TRAIT_INPLACE,
    .version = version,
    .runtime = "1.5 1.10",
    .infer = infer,
    .ref = { [OCT_FORM_F32] = { .eval = eval } },
};
