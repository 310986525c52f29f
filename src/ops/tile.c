/*
 * TILE and BROADCAST_TO: axis maps that repeat indices.
 * Sources: LiteRT tflite/kernels/tile.cc, broadcast_to.cc.
 */
#include "ops/arith.h"
#include "ops/axis_map.h"
#include "ops/version.h"

static oct_status infer_tile(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0];
    int32_t dims[OCT_AXIS_MAP_RANK];
    OCT_TRY(oct_op_need_known(op, 1, "multiples", err));
    OCT_TRY(oct_op_need_whole_bytes(op, in, err));
    if (in->rank > OCT_AXIS_MAP_RANK || oct_value_count(op->in[1]) != (size_t)in->rank)
        return oct_op_fail(op, OCT_E_INVALID, err, "multiples must have %d numbers", (int)in->rank);
    for (int32_t i = 0; i < in->rank; i++) {
        int64_t size = oct_value_integer(op->in[1], (size_t)i);
        if (size < 0 || __builtin_mul_overflow(size, (int64_t)in->dims[i], &size)
            || size > INT32_MAX)
            return oct_op_fail(op, OCT_E_INVALID, err, "multiple %d is impossible", (int)i);
        dims[i] = (int32_t)size;
    }
    return oct_op_set_shape(op, 0, in->type, in->rank, dims, err);
}

static oct_status infer_broadcast_to(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0];
    int32_t dims[OCT_AXIS_MAP_RANK];
    OCT_TRY(oct_op_need_known(op, 1, "shape", err));
    OCT_TRY(oct_op_need_whole_bytes(op, in, err));
    size_t rank = oct_value_count(op->in[1]);
    if (rank > OCT_AXIS_MAP_RANK || (size_t)in->rank > rank)
        return oct_op_fail(op, OCT_E_INVALID, err, "%d dimensions do not broadcast to %d",
            (int)in->rank, (int)rank);
    for (int32_t i = 0; i < (int32_t)rank; i++) {
        int64_t size = oct_value_integer(op->in[1], (size_t)i);
        int32_t j = i - ((int32_t)rank - in->rank);
        if (size < 0 || size > INT32_MAX || (j >= 0 && in->dims[j] != 1 && in->dims[j] != size))
            return oct_op_fail(op, OCT_E_INVALID, err, "dimension %d does not broadcast to %lld",
                (int)j, (long long)size);
        dims[i] = (int32_t)size;
    }
    return oct_op_set_shape(op, 0, in->type, (int32_t)rank, dims, err);
}

/* Index i of the output is i modulo the input's size: right for both, as a broadcast size is 1 or equal. */
static oct_status prepare(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0], *out = op->out[0];
    oct_axis_map *map = oct_op_alloc(op, sizeof *map);
    int32_t *index[OCT_AXIS_MAP_RANK] = { NULL }, in_dims[OCT_AXIS_MAP_RANK];
    if (map == NULL)
        return oct_fail_memory(err, sizeof *map, out->label);
    op->prepared = map;
    for (int32_t axis = 0; axis < out->rank; axis++) {
        int32_t j = axis - (out->rank - in->rank);
        in_dims[axis] = j < 0 ? 1 : in->dims[j];
        index[axis] = oct_axis_identity(op, out->dims[axis]);
        if (index[axis] == NULL)
            return oct_fail_memory(err, (size_t)out->dims[axis] * sizeof **index, out->label);
        for (int32_t i = in_dims[axis]; i < out->dims[axis]; i++)
            index[axis][i] = i % in_dims[axis];
    }
    return oct_axis_map_init(op, map, oct_type_size(in->type), out->rank, in_dims, out->dims, index,
        err);
}

static int32_t version_tile(const oct_subgraph *sub, const oct_node *node)
{
    oct_type type = oct_node_type(sub, node, 0);
    return type == OCT_INT8 ? 3 : type == OCT_STRING ? 2 : 1;
}

static int32_t version_broadcast_to(const oct_subgraph *sub, const oct_node *node)
{
    oct_type type = oct_node_type(sub, node, 0);
    if (type == OCT_FLOAT8_E4M3FN || type == OCT_FLOAT8_E5M2)
        return 4;
    return type == OCT_INT8 || type == OCT_INT16 ? 3 : 2;
}

#define RULE                                                                                       \
    { .in = { OCT_ROLE_ACT, OCT_ROLE_NONE }, .in_slots = 2, .out = { OCT_ROLE_ACT },               \
        .out_slots = 1, .weight_axis = -1, .link = OCT_LINK_SAME, .s8 = true, .s16 = true }

const oct_op_def oct_op_tile = {
    .name = "TILE", .code = OCT_OP_TILE, .min_in = 2, .max_in = 2, .min_out = 1, .max_out = 1,
    .options = OCT_OPTIONS_Tile, .quant = RULE, .version = version_tile, .runtime = "1.10.1 2.2 2.8",
    .infer = infer_tile, .prepare = prepare,
    .ref = { [OCT_FORM_ANY] = { .eval = oct_axis_map_eval } },
};

const oct_op_def oct_op_broadcast_to = {
    .name = "BROADCAST_TO", .code = OCT_OP_BROADCAST_TO, .min_in = 2, .max_in = 2, .min_out = 1,
    .max_out = 1, .options = OCT_OPTIONS_BroadcastTo, .quant = RULE,
    .version = version_broadcast_to, .runtime = "- 2.5 2.5 2.23", .infer = infer_broadcast_to,
    .prepare = prepare, .ref = { [OCT_FORM_ANY] = { .eval = oct_axis_map_eval } },
};
