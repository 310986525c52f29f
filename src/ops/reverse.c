/*
 * REVERSE_V2: an axis map that counts backwards. Source: LiteRT tflite/kernels/reverse.cc.
 */
#include "ops/arith.h"
#include "ops/axis_map.h"
#include "ops/version.h"

static oct_status infer(oct_op *op, oct_error *err)
{
    OCT_TRY(oct_op_need_known(op, 1, "axis", err));
    OCT_TRY(oct_op_need_whole_bytes(op, op->in[0], err));
    if (op->in[0]->rank > OCT_AXIS_MAP_RANK)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "%d dimensions", (int)op->in[0]->rank);
    return oct_infer_same_as_input(op, err);
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0];
    oct_axis_map *map = oct_op_alloc(op, sizeof *map);
    int32_t *index[OCT_AXIS_MAP_RANK] = { NULL };
    for (int32_t i = 0; i < in->rank; i++) {
        index[i] = oct_axis_identity(op, in->dims[i]);
        if (map == NULL || index[i] == NULL)
            return oct_fail_memory(err, sizeof *map, op->out[0]->label);
    }
    op->prepared = map;
    size_t axes = oct_value_count(op->in[1]);
    for (size_t k = 0; k < axes; k++) {
        int32_t axis;
        OCT_TRY(oct_op_axis(op, oct_value_integer(op->in[1], k), in->rank, &axis, err));
        for (int32_t i = 0; i < in->dims[axis]; i++)
            index[axis][i] = in->dims[axis] - 1 - i;
    }
    return oct_axis_map_init(op, map, oct_type_size(in->type), in->rank, in->dims, in->dims, index,
        err);
}

static int32_t version(const oct_subgraph *sub, const oct_node *node)
{
    switch (oct_node_type(sub, node, 0)) {
    case OCT_FLOAT8_E4M3FN:
    case OCT_FLOAT8_E5M2: return 4;
    case OCT_INT8: return 3;
    case OCT_BOOL: return 2;
    default: return 1;
    }
}

const oct_op_def oct_op_reverse_v2 = {
    .name = "REVERSE_V2", .code = OCT_OP_REVERSE_V2, .min_in = 2, .max_in = 2, .min_out = 1,
    .max_out = 1, .options = OCT_OPTIONS_ReverseV2,
    .quant = { .in = { OCT_ROLE_ACT, OCT_ROLE_NONE }, .in_slots = 2, .out = { OCT_ROLE_ACT },
        .out_slots = 1, .weight_axis = -1, .link = OCT_LINK_SAME, .s8 = true, .s16 = true },
    .version = version, .runtime = "1.14 2.2 2.5 2.23", .infer = infer, .prepare = prepare,
    .ref = { [OCT_FORM_ANY] = { .eval = oct_axis_map_eval } },
};
