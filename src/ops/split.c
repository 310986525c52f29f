/*
 * SPLIT, SPLIT_V, UNPACK: blocks of one input, each output its own.
 * Sources: LiteRT tflite/kernels/split.cc, split_v.cc, unpack.cc.
 */
#include "ops/arith.h"
#include "ops/blocks.h"
#include "ops/version.h"

enum { MAX_RANK = 8 };

typedef struct params {
    const oct_value *in;
    size_t outer; /* blocks of each output */
} params;

static oct_status set_blocks(oct_op *op, const oct_value *in, int32_t axis, oct_error *err)
{
    params *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, op->out[0]->label);
    op->prepared = p;
    p->in = in;
    p->outer = oct_value_span(in, 0, axis);
    return OCT_OK;
}

static oct_status check_input(const oct_op *op, const oct_value *in, oct_error *err)
{
    OCT_TRY(oct_op_need_whole_bytes(op, in, err));
    if (in->rank > MAX_RANK)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "%d dimensions", (int)in->rank);
    return OCT_OK;
}

/* Output i gets sizes(op, i) of the axis; together they must be all of it. */
static oct_status infer_sizes(oct_op *op, const oct_value *in, int32_t axis,
    int64_t (*size_of)(const oct_op *op, int32_t i, int64_t open), int64_t open, oct_error *err)
{
    int32_t dims[MAX_RANK];
    int64_t total = 0;
    memcpy(dims, in->dims, (size_t)in->rank * sizeof *dims);
    for (int32_t i = 0; i < op->out_count; i++) {
        int64_t size = size_of(op, i, open);
        if (size < 0 || size > in->dims[axis])
            return oct_op_fail(op, OCT_E_INVALID, err, "part %d has %lld of %d", (int)i,
                (long long)size, (int)in->dims[axis]);
        dims[axis] = (int32_t)size;
        total += size;
        OCT_TRY(oct_op_set_shape(op, i, in->type, in->rank, dims, err));
    }
    if (total != in->dims[axis])
        return oct_op_fail(op, OCT_E_INVALID, err, "the parts have %lld of %d together",
            (long long)total, (int)in->dims[axis]);
    return set_blocks(op, in, axis, err);
}

static oct_status read_axis(const oct_op *op, int32_t slot, int32_t rank, int32_t *axis,
    oct_error *err)
{
    OCT_TRY(oct_op_need_known(op, slot, "axis", err));
    if (oct_value_count(op->in[slot]) != 1)
        return oct_op_fail(op, OCT_E_INVALID, err, "the axis must be one number");
    return oct_op_axis(op, oct_value_integer(op->in[slot], 0), rank, axis, err);
}

static int64_t equal_part(const oct_op *op, int32_t i, int64_t open)
{
    (void)op, (void)i;
    return open;
}

static oct_status infer_split(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[1];
    int32_t axis;
    OCT_TRY(check_input(op, in, err));
    OCT_TRY(read_axis(op, 0, in->rank, &axis, err));
    return infer_sizes(op, in, axis, equal_part, in->dims[axis] / op->out_count, err);
}

static int64_t given_part(const oct_op *op, int32_t i, int64_t open)
{
    int64_t size = oct_value_integer(op->in[1], (size_t)i);
    return size == -1 ? open : size;
}

/* One size may be -1: what the others leave. */
static oct_status infer_split_v(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0];
    int32_t axis;
    OCT_TRY(check_input(op, in, err));
    OCT_TRY(read_axis(op, 2, in->rank, &axis, err));
    OCT_TRY(oct_op_need_known(op, 1, "sizes", err));
    if (oct_value_count(op->in[1]) != (size_t)op->out_count)
        return oct_op_fail(op, OCT_E_INVALID, err, "%d outputs need as many sizes",
            (int)op->out_count);
    int64_t open = in->dims[axis];
    for (int32_t i = 0; i < op->out_count; i++) {
        int64_t size = oct_value_integer(op->in[1], (size_t)i);
        open -= size > 0 && size <= open ? size : 0;
    }
    return infer_sizes(op, in, axis, given_part, open, err);
}

static oct_status infer_unpack(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0];
    int32_t axis, dims[MAX_RANK];
    OCT_TRY(check_input(op, in, err));
    OCT_TRY(oct_op_axis(op, ((const oct_unpack_options *)op->options)->axis, in->rank, &axis, err));
    if (in->dims[axis] != op->out_count)
        return oct_op_fail(op, OCT_E_INVALID, err, "dimension %d is %d, but there are %d outputs",
            (int)axis, (int)in->dims[axis], (int)op->out_count);
    for (int32_t i = 0, n = 0; i < in->rank; i++)
        if (i != axis)
            dims[n++] = in->dims[i];
    for (int32_t i = 0; i < op->out_count; i++)
        OCT_TRY(oct_op_set_shape(op, i, in->type, in->rank - 1, dims, err));
    return set_blocks(op, in, axis, err);
}

static oct_status eval(oct_op *op, oct_error *err)
{
    (void)err;
    const params *p = op->prepared;
    const unsigned char *x = p->in->data;
    for (int32_t i = 0; i < op->out_count && p->outer > 0; i++) {
        size_t bytes = op->out[i]->size / p->outer;
        oct_copy_blocks(op->out[i]->data, bytes, x, p->in->size / p->outer, bytes, p->outer);
        x += bytes;
    }
    return OCT_OK;
}

static bool is_float8(oct_type type)
{
    return type == OCT_FLOAT8_E4M3FN || type == OCT_FLOAT8_E5M2;
}

static int32_t version_split(const oct_subgraph *sub, const oct_node *node)
{
    oct_type type = oct_node_type(sub, node, 1);
    if (is_float8(type))
        return 5;
    return type == OCT_INT16 ? 4 : type == OCT_INT32 ? 3 : type == OCT_INT8 ? 2 : 1;
}

static int32_t version_split_v(const oct_subgraph *sub, const oct_node *node)
{
    oct_type type = oct_node_type(sub, node, 0);
    return is_float8(type) ? 3 : type == OCT_INT8 ? 2 : 1;
}

static int32_t version_unpack(const oct_subgraph *sub, const oct_node *node)
{
    oct_type type = oct_node_type(sub, node, 0);
    if (is_float8(type))
        return 6;
    switch (type) {
    case OCT_INT8:
    case OCT_UINT8: return 2;
    case OCT_BOOL: return 3;
    case OCT_INT16: return 4;
    case OCT_FLOAT16:
    case OCT_BFLOAT16: return 5;
    default: return 1;
    }
}

const oct_op_def oct_op_split = {
    .name = "SPLIT", .code = OCT_OP_SPLIT, .min_in = 2, .max_in = 2, .min_out = 1, .max_out = -1,
    .options = OCT_OPTIONS_Split,
    .quant = { .in = { OCT_ROLE_NONE, OCT_ROLE_ACT }, .in_slots = 2, .out = { OCT_ROLE_ACT },
        .out_slots = 1, .weight_axis = -1, .link = OCT_LINK_SAME, .s8 = true, .s16 = true },
    .version = version_split, .runtime = "1.5 1.14 1.14 2.3 2.23", .infer = infer_split,
    .ref = { [OCT_FORM_ANY] = { .eval = eval } },
};

const oct_op_def oct_op_split_v = {
    .name = "SPLIT_V", .code = OCT_OP_SPLIT_V, .min_in = 3, .max_in = 3, .min_out = 1, .max_out = -1,
    .options = OCT_OPTIONS_SplitV,
    .quant = { .in = { OCT_ROLE_ACT, OCT_ROLE_NONE }, .in_slots = 2, .out = { OCT_ROLE_ACT },
        .out_slots = 1, .weight_axis = -1, .link = OCT_LINK_SAME, .s8 = true, .s16 = true },
    .version = version_split_v, .runtime = "1.13.1 2.3 2.23", .infer = infer_split_v,
    .ref = { [OCT_FORM_ANY] = { .eval = eval } },
};

const oct_op_def oct_op_unpack = {
    .name = "UNPACK", .code = OCT_OP_UNPACK, .min_in = 1, .max_in = 1, .min_out = 1, .max_out = -1,
    .options = OCT_OPTIONS_Unpack,
    .quant = { .in = { OCT_ROLE_ACT }, .in_slots = 1, .out = { OCT_ROLE_ACT }, .out_slots = 1,
        .weight_axis = -1, .link = OCT_LINK_SAME, .s8 = true, .s16 = true },
    .version = version_unpack, .runtime = "1.11 1.14 2.2 2.3 2.22 2.23", .infer = infer_unpack,
    .ref = { [OCT_FORM_ANY] = { .eval = eval } },
};
