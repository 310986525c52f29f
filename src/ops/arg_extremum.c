/*
 * ARG_MAX and ARG_MIN: position of the first extreme element along an axis. Codes are compared raw.
 * Source: LiteRT tflite/kernels/arg_min_max.cc.
 */
#include <string.h>

#include "ops/arith.h"
#include "ops/version.h"

enum { MAX_RANK = 8 };

typedef struct params { size_t outer, length, inner; } params;

static oct_status read_axis(const oct_op *op, int32_t *axis, oct_error *err)
{
    OCT_TRY(oct_op_need_known(op, 1, "axis", err));
    if (oct_value_count(op->in[1]) != 1)
        return oct_op_fail(op, OCT_E_INVALID, err, "the axis must be one number");
    OCT_TRY(oct_op_axis(op, oct_value_integer(op->in[1], 0), op->in[0]->rank, axis, err));
    if (op->in[0]->dims[*axis] < 1)
        return oct_op_fail(op, OCT_E_INVALID, err, "nothing to search along axis %d", (int)*axis);
    return OCT_OK;
}

static oct_status infer(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0];
    oct_type type = op->out[0]->type;
    int32_t axis, dims[MAX_RANK], rank = 0;
    OCT_TRY(read_axis(op, &axis, err));
    if ((type != OCT_INT32 && type != OCT_INT64) || in->rank > MAX_RANK)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "a position of type %s in %d dimensions",
            oct_type_name(type), (int)in->rank);
    for (int32_t i = 0; i < in->rank; i++)
        if (i != axis)
            dims[rank++] = in->dims[i];
    return oct_op_set_shape(op, 0, type, rank, dims, err);
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0];
    int32_t axis;
    OCT_TRY(read_axis(op, &axis, err));
    params *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, op->out[0]->label);
    op->prepared = p;
    p->outer = oct_value_span(in, 0, axis);
    p->length = (size_t)in->dims[axis];
    p->inner = oct_value_span(in, axis + 1, in->rank);
    return OCT_OK;
}

static void store(const oct_value *out, size_t index, size_t position)
{
    if (out->type == OCT_INT64)
        ((int64_t *)out->data)[index] = (int64_t)position;
    else
        ((int32_t *)out->data)[index] = (int32_t)position;
}

#define EVAL(suffix, type)                                                                         \
    static oct_status eval_##suffix(oct_op *op, oct_error *err)                                    \
    {                                                                                              \
        (void)err;                                                                                 \
        const params *p = op->prepared;                                                            \
        bool largest = op->node->op == OCT_OP_ARG_MAX;                                             \
        for (size_t line = 0; line < p->outer * p->inner; line++) {                                \
            const type *x = (const type *)op->in[0]->data                                          \
                + line / p->inner * p->length * p->inner + line % p->inner;                        \
            size_t best = 0;                                                                       \
            for (size_t k = 1; k < p->length; k++) {                                               \
                type value = x[k * p->inner], record = x[best * p->inner];                         \
                if (largest ? value > record : value < record)                                     \
                    best = k;                                                                      \
            }                                                                                      \
            store(op->out[0], line, best);                                                         \
        }                                                                                          \
        return OCT_OK;                                                                             \
    }
EVAL(f32, float)
EVAL(s8, int8_t)
EVAL(u8, uint8_t)
EVAL(i32, int32_t)

static int32_t version(const oct_subgraph *sub, const oct_node *node)
{
    oct_type type = oct_node_type(sub, node, 0);
    return type == OCT_BOOL ? 3 : type == OCT_INT8 ? 2 : 1;
}

#define COMMON(NAME, Table)                                                                        \
    .name = #NAME, .code = OCT_OP_##NAME, .min_in = 2, .max_in = 2, .min_out = 1, .max_out = 1,    \
    .options = OCT_OPTIONS_##Table,                                                                \
    .quant = { .in = { OCT_ROLE_ACT, OCT_ROLE_NONE }, .in_slots = 2, .out = { OCT_ROLE_NONE },     \
        .out_slots = 1, .weight_axis = -1, .link = OCT_LINK_FREE, .s8 = true },                    \
    .version = version, .runtime = "1.9 1.14 2.9", .infer = infer, .prepare = prepare,             \
    .ref = { [OCT_FORM_F32] = { .eval = eval_f32 }, [OCT_FORM_S8] = { .eval = eval_s8 },           \
        [OCT_FORM_U8] = { .eval = eval_u8 }, [OCT_FORM_I32] = { .eval = eval_i32 } }

const oct_op_def oct_op_arg_max = { COMMON(ARG_MAX, ArgMax) };
const oct_op_def oct_op_arg_min = { COMMON(ARG_MIN, ArgMin) };
