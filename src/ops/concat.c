/*
 * CONCATENATION and PACK: blocks of the inputs side by side.
 *
 * Quantized inputs must have the output's parameters, except uint8 CONCATENATION, which rescales in
 * float. Sources: LiteRT tflite/kernels/concatenation.cc, pack.cc, internal/reference/concatenation.h.
 */
#include <math.h>

#include "ops/arith.h"
#include "ops/blocks.h"
#include "ops/version.h"

enum { MAX_RANK = 8 };

typedef struct params {
    size_t outer;      /* blocks of each input */
    size_t row_bytes;  /* of the output, one block of every input */
} params;

static oct_status check_inputs(const oct_op *op, oct_error *err)
{
    const oct_value *first = op->in[0];
    OCT_TRY(oct_op_need_whole_bytes(op, first, err));
    if (first->rank >= MAX_RANK)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "%d dimensions", (int)first->rank);
    for (int32_t i = 0; i < op->in_count; i++) {
        const oct_value *in = op->in[i];
        if (in == NULL)
            return oct_op_fail(op, OCT_E_INVALID, err, "input %d is missing", (int)i);
        if (in->type != first->type || in->rank != first->rank)
            return oct_op_fail(op, OCT_E_INVALID, err, "%s and %s differ in type or rank",
                first->label, in->label);
    }
    return OCT_OK;
}

static oct_status infer_concatenation(oct_op *op, oct_error *err)
{
    const oct_concatenation_options *options = op->options;
    const oct_value *first = op->in[0];
    int32_t axis, dims[MAX_RANK];
    OCT_TRY(check_inputs(op, err));
    OCT_TRY(oct_op_axis(op, options->axis, first->rank, &axis, err));
    memcpy(dims, first->dims, (size_t)first->rank * sizeof *dims);
    dims[axis] = 0;
    for (int32_t i = 0; i < op->in_count; i++) {
        for (int32_t d = 0; d < first->rank; d++)
            if (d != axis && op->in[i]->dims[d] != dims[d])
                return oct_op_fail(op, OCT_E_INVALID, err, "dimension %d of %s is %d, not %d", (int)d,
                    op->in[i]->label, (int)op->in[i]->dims[d], (int)dims[d]);
        if (__builtin_add_overflow(dims[axis], op->in[i]->dims[axis], &dims[axis]))
            return oct_op_fail(op, OCT_E_INVALID, err, "the result is too large");
    }
    return oct_op_set_shape(op, 0, first->type, first->rank, dims, err);
}

static oct_status infer_pack(oct_op *op, oct_error *err)
{
    const oct_pack_options *options = op->options;
    const oct_value *first = op->in[0];
    int32_t axis, dims[MAX_RANK];
    OCT_TRY(check_inputs(op, err));
    OCT_TRY(oct_op_axis(op, options->axis, first->rank + 1, &axis, err));
    for (int32_t i = 1; i < op->in_count; i++)
        if (first->rank > 0
            && memcmp(op->in[i]->dims, first->dims, (size_t)first->rank * sizeof *dims) != 0)
            return oct_op_fail(op, OCT_E_INVALID, err, "%s and %s differ in shape", first->label,
                op->in[i]->label);
    for (int32_t d = 0, j = 0; d < first->rank + 1; d++)
        dims[d] = d == axis ? op->in_count : first->dims[j++];
    return oct_op_set_shape(op, 0, first->type, first->rank + 1, dims, err);
}

static oct_status set_blocks(oct_op *op, int32_t axis, oct_error *err)
{
    params *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, op->out[0]->label);
    op->prepared = p;
    p->outer = oct_value_span(op->out[0], 0, axis);
    p->row_bytes = p->outer > 0 ? op->out[0]->size / p->outer : 0;
    return OCT_OK;
}

static oct_status need_one_quantization(const oct_op *op, oct_error *err)
{
    for (int32_t i = 0; op->out[0]->type == OCT_INT8 && i < op->in_count; i++)
        OCT_TRY(oct_op_need_same_quant(op, op->in[i], op->out[0], err));
    return OCT_OK;
}

static oct_status prepare_concatenation(oct_op *op, oct_error *err)
{
    const oct_concatenation_options *options = op->options;
    if (options->fused_activation != OCT_ACT_NONE)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "fused activation");
    int32_t axis;
    OCT_TRY(oct_op_axis(op, options->axis, op->out[0]->rank, &axis, err));
    OCT_TRY(need_one_quantization(op, err));
    if (op->form == OCT_FORM_U8)
        for (int32_t i = 0; i < op->in_count; i++)
            OCT_TRY(oct_op_need_quant(op, op->in[i], err));
    return set_blocks(op, axis, err);
}

static oct_status prepare_pack(oct_op *op, oct_error *err)
{
    int32_t axis;
    OCT_TRY(oct_op_axis(op, ((const oct_pack_options *)op->options)->axis, op->out[0]->rank, &axis,
        err));
    OCT_TRY(need_one_quantization(op, err));
    return set_blocks(op, axis, err);
}

static oct_status eval_copy(oct_op *op, oct_error *err)
{
    (void)err;
    const params *p = op->prepared;
    unsigned char *y = op->out[0]->data;
    for (int32_t i = 0; i < op->in_count && p->outer > 0; i++) {
        size_t bytes = op->in[i]->size / p->outer;
        oct_copy_blocks(y, p->row_bytes, op->in[i]->data, bytes, bytes, p->outer);
        y += bytes;
    }
    return OCT_OK;
}

static void rescale_u8(const oct_value *in, const oct_value *out, uint8_t *y, const uint8_t *x,
    size_t count)
{
    float scale = oct_value_scale(in) * (1.f / oct_value_scale(out));
    float bias = (float)-oct_value_zero(in) * scale;
    int32_t zero = oct_value_zero(out);
    for (size_t i = 0; i < count; i++) {
        float code = roundf((float)x[i] * scale + bias);
        code = code > -1e6f ? oct_clamp_f32(code, -1e6f, 1e6f) : -1e6f; /* NaN too */
        y[i] = (uint8_t)oct_clamp_i32((int32_t)code + zero, 0, UINT8_MAX);
    }
}

static oct_status eval_u8(oct_op *op, oct_error *err)
{
    (void)err;
    const params *p = op->prepared;
    const oct_value *out = op->out[0];
    uint8_t *y = out->data;
    for (int32_t i = 0; i < op->in_count && p->outer > 0; i++) {
        const oct_value *in = op->in[i];
        size_t bytes = in->size / p->outer;
        bool same = oct_value_scale(in) == oct_value_scale(out)
            && oct_value_zero(in) == oct_value_zero(out);
        if (same)
            oct_copy_blocks(y, p->row_bytes, in->data, bytes, bytes, p->outer);
        else
            for (size_t row = 0; row < p->outer; row++)
                rescale_u8(in, out, y + row * p->row_bytes,
                    (const uint8_t *)in->data + row * bytes, bytes);
        y += bytes;
    }
    return OCT_OK;
}

static int32_t version_concatenation(const oct_subgraph *sub, const oct_node *node)
{
    switch (oct_node_type(sub, node, 0)) {
    case OCT_FLOAT8_E4M3FN:
    case OCT_FLOAT8_E5M2: return 7;
    case OCT_FLOAT16: return 6;
    case OCT_INT4: return 5;
    case OCT_UINT32: return 4;
    case OCT_INT16: return 3;
    case OCT_INT8: return 2;
    default: return 1;
    }
}

static int32_t version_pack(const oct_subgraph *sub, const oct_node *node)
{
    switch (oct_node_type(sub, node, 0)) {
    case OCT_FLOAT8_E4M3FN:
    case OCT_FLOAT8_E5M2: return 5;
    case OCT_UINT32: return 4;
    case OCT_INT16: return 3;
    case OCT_INT8: return 2;
    default: return 1;
    }
}

#define RULE                                                                                       \
    { .in = { OCT_ROLE_ACT }, .in_slots = 1, .out = { OCT_ROLE_ACT }, .out_slots = 1,              \
        .weight_axis = -1, .link = OCT_LINK_SAME, .s8 = true, .s16 = true }

const oct_op_def oct_op_concatenation = {
    .name = "CONCATENATION", .code = OCT_OP_CONCATENATION, .min_in = 1, .max_in = -1, .min_out = 1,
    .max_out = 1, .options = OCT_OPTIONS_Concatenation, .quant = RULE,
    .version = version_concatenation, .runtime = "1.5 1.14 2.3 2.14 2.21 2.23 2.23",
    .infer = infer_concatenation, .prepare = prepare_concatenation,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_copy }, [OCT_FORM_U8] = { .eval = eval_u8 } },
};

const oct_op_def oct_op_pack = {
    .name = "PACK", .code = OCT_OP_PACK, .min_in = 1, .max_in = -1, .min_out = 1, .max_out = 1,
    .options = OCT_OPTIONS_Pack, .quant = RULE, .version = version_pack,
    .runtime = "1.11 1.14 2.3 2.13 2.23", .infer = infer_pack, .prepare = prepare_pack,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_copy } },
};
