/*
 * GATHER_ND: the last dimension of the indices names an element or slice of the table.
 * Source: LiteRT tflite/kernels/gather_nd.cc.
 */
#include <string.h>

#include "ops/arith.h"
#include "ops/version.h"

enum { MAX_RANK = 8 };

static oct_status infer(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0], *indices = op->in[1];
    int32_t dims[MAX_RANK], rank = 0;
    OCT_TRY(oct_op_need_whole_bytes(op, in, err));
    if (indices->type != OCT_INT32 && indices->type != OCT_INT64)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "indices of type %s",
            oct_type_name(indices->type));
    int32_t depth = indices->rank > 0 ? indices->dims[indices->rank - 1] : 0;
    if (depth < 1 || depth > in->rank || indices->rank - 1 + in->rank - depth > MAX_RANK)
        return oct_op_fail(op, OCT_E_INVALID, err, "%d indices for %d dimensions", (int)depth,
            (int)in->rank);
    for (int32_t i = 0; i < indices->rank - 1; i++)
        dims[rank++] = indices->dims[i];
    for (int32_t i = depth; i < in->rank; i++)
        dims[rank++] = in->dims[i];
    return oct_op_set_shape(op, 0, in->type, rank, dims, err);
}

static oct_status eval(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0], *indices = op->in[1];
    int32_t depth = indices->dims[indices->rank - 1];
    size_t count = oct_value_count(indices) / (size_t)depth;
    size_t bytes = oct_value_span(in, depth, in->rank) * oct_type_size(in->type);
    unsigned char *y = op->out[0]->data;
    for (size_t n = 0; n < count; n++) {
        size_t slice = 0;
        for (int32_t i = 0; i < depth; i++) {
            int64_t index = oct_value_integer(indices, n * (size_t)depth + (size_t)i);
            if (index < 0 || index >= in->dims[i])
                return oct_op_fail(op, OCT_E_INVALID, err, "index %lld at %zu, but dimension %d has %d",
                    (long long)index, n, (int)i, (int)in->dims[i]);
            slice = slice * (size_t)in->dims[i] + (size_t)index;
        }
        memcpy(y + n * bytes, (const unsigned char *)in->data + slice * bytes, bytes);
    }
    return OCT_OK;
}

static int32_t version(const oct_subgraph *sub, const oct_node *node)
{
    oct_type type = oct_node_type(sub, node, 0);
    if (type == OCT_FLOAT8_E4M3FN || type == OCT_FLOAT8_E5M2)
        return 6;
    if (type == OCT_BOOL)
        return 5;
    if (oct_node_type(sub, node, 1) == OCT_INT16)
        return 4;
    return type == OCT_INT16 ? 3 : type == OCT_STRING ? 2 : 1;
}

const oct_op_def oct_op_gather_nd = {
    .name = "GATHER_ND", .code = OCT_OP_GATHER_ND, .min_in = 2, .max_in = 2, .min_out = 1,
    .max_out = 1, .options = OCT_OPTIONS_GatherNd,
    .quant = { .in = { OCT_ROLE_ACT, OCT_ROLE_NONE }, .in_slots = 2, .out = { OCT_ROLE_ACT },
        .out_slots = 1, .weight_axis = -1, .link = OCT_LINK_SAME, .s8 = true, .s16 = true },
    .version = version, .runtime = "1.14 2.3 2.5 2.13 2.16 2.23", .infer = infer,
    .ref = { [OCT_FORM_ANY] = { .eval = eval } },
};
