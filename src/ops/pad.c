/*
 * PAD, PADV2, MIRROR_PAD.
 *
 * Padding a quantized tensor puts in the zero point, which is the real 0; PADV2 brings its own value.
 * Sources: LiteRT tflite/kernels/pad.cc, mirror_pad.cc.
 */
#include <string.h>

#include "ops/arith.h"
#include "ops/axis_map.h"
#include "ops/version.h"

static oct_status check_paddings(const oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0], *paddings = op->in[1];
    OCT_TRY(oct_op_need_known(op, 1, "paddings", err));
    OCT_TRY(oct_op_need_whole_bytes(op, in, err));
    if (in->rank > OCT_AXIS_MAP_RANK)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "%d dimensions", (int)in->rank);
    if (paddings->rank != 2 || paddings->dims[0] != in->rank || paddings->dims[1] != 2)
        return oct_op_fail(op, OCT_E_INVALID, err, "paddings must have the shape [%d,2]",
            (int)in->rank);
    return OCT_OK;
}

static oct_status infer(oct_op *op, oct_error *err)
{
    OCT_TRY(check_paddings(op, err));
    const oct_value *in = op->in[0];
    int32_t dims[OCT_AXIS_MAP_RANK];
    for (int32_t i = 0; i < in->rank; i++) {
        int64_t before = oct_value_integer(op->in[1], (size_t)i * 2);
        int64_t after = oct_value_integer(op->in[1], (size_t)i * 2 + 1);
        if (before < 0 || after < 0 || before > INT32_MAX / 4 || after > INT32_MAX / 4
            || before + after + in->dims[i] > INT32_MAX)
            return oct_op_fail(op, OCT_E_INVALID, err, "padding of dimension %d is %lld and %lld",
                (int)i, (long long)before, (long long)after);
        dims[i] = (int32_t)(in->dims[i] + before + after);
    }
    return oct_op_set_shape(op, 0, in->type, in->rank, dims, err);
}

/* The map of an axis where position i of the output is position i - before of the input. */
typedef int32_t (*outside_fn)(const oct_op *op, int32_t position, int32_t size);

static oct_status make_map(oct_op *op, outside_fn outside, oct_error *err)
{
    const oct_value *in = op->in[0], *out = op->out[0];
    oct_axis_map *map = oct_op_alloc(op, sizeof *map);
    int32_t *index[OCT_AXIS_MAP_RANK] = { NULL };
    if (map == NULL)
        return oct_fail_memory(err, sizeof *map, out->label);
    op->prepared = map;
    for (int32_t axis = 0; axis < in->rank; axis++) {
        int32_t size = in->dims[axis];
        int32_t before = (int32_t)oct_value_integer(op->in[1], (size_t)axis * 2);
        index[axis] = oct_op_alloc(op, (size_t)out->dims[axis] * sizeof **index);
        if (index[axis] == NULL)
            return oct_fail_memory(err, (size_t)out->dims[axis] * sizeof **index, out->label);
        for (int32_t i = 0; i < out->dims[axis]; i++) {
            int32_t position = i - before;
            index[axis][i] = position >= 0 && position < size ? position
                                                              : outside(op, position, size);
        }
    }
    return oct_axis_map_init(op, map, oct_type_size(in->type), in->rank, in->dims, out->dims, index,
        err);
}

static int32_t outside_fill(const oct_op *op, int32_t position, int32_t size)
{
    (void)op, (void)position, (void)size;
    return OCT_AXIS_FILL;
}

static int32_t outside_mirror(const oct_op *op, int32_t position, int32_t size)
{
    const oct_mirror_pad_options *options = op->options;
    int32_t edge = options->mode == 0; /* REFLECT leaves the border out, SYMMETRIC repeats it */
    return position < 0 ? -position - 1 + edge : 2 * size - 1 - position - edge;
}

static oct_status prepare_pad(oct_op *op, oct_error *err)
{
    OCT_TRY(make_map(op, outside_fill, err));
    oct_axis_map *map = op->prepared;
    int32_t zero = oct_value_zero(op->in[0]);
    memcpy(map->fill, &zero, map->element < sizeof zero ? map->element : sizeof zero);
    return OCT_OK;
}

static oct_status prepare_padv2(oct_op *op, oct_error *err)
{
    OCT_TRY(make_map(op, outside_fill, err));
    const oct_value *value = op->in[2];
    if (value->type != op->in[0]->type || oct_value_count(value) != 1)
        return oct_op_fail(op, OCT_E_INVALID, err, "%s must be one number of the input's type",
            value->label);
    if (op->in[0]->quant->count > 0)
        return oct_op_need_same_quant(op, value, op->out[0], err);
    return OCT_OK;
}

/* The value may come from data, so it is read at each run. */
static oct_status eval_padv2(oct_op *op, oct_error *err)
{
    oct_axis_map *map = op->prepared;
    memcpy(map->fill, op->in[2]->data, map->element);
    return oct_axis_map_eval(op, err);
}

static oct_status prepare_mirror(oct_op *op, oct_error *err)
{
    const oct_mirror_pad_options *options = op->options;
    for (int32_t axis = 0; axis < op->in[0]->rank; axis++)
        for (int side = 0; side < 2; side++) {
            int64_t pad = oct_value_integer(op->in[1], (size_t)axis * 2 + (size_t)side);
            if (pad > op->in[0]->dims[axis] - (options->mode == 0))
                return oct_op_fail(op, OCT_E_INVALID, err,
                    "dimension %d is too small to be mirrored %lld deep", (int)axis,
                    (long long)pad);
        }
    return make_map(op, outside_mirror, err);
}

static int32_t version_pad(const oct_subgraph *sub, const oct_node *node)
{
    const oct_tensor *in = oct_node_input(sub, node, 0);
    if (in == NULL)
        return 1;
    if (in->type == OCT_FLOAT8_E4M3FN || in->type == OCT_FLOAT8_E5M2)
        return 6;
    if (in->type == OCT_BOOL)
        return 5;
    if (in->rank > 4)
        return 4;
    return in->type == OCT_INT16 ? 3 : in->type == OCT_INT8 ? 2 : 1;
}

const oct_op_def oct_op_pad = {
    .name = "PAD", .code = OCT_OP_PAD, .min_in = 2, .max_in = 2, .min_out = 1, .max_out = 1,
    .options = OCT_OPTIONS_Pad, .traits = OCT_TRAIT_BY_CHANNEL,
    .quant = { .in = { OCT_ROLE_ACT, OCT_ROLE_NONE }, .in_slots = 2, .out = { OCT_ROLE_ACT },
        .out_slots = 1, .weight_axis = -1, .link = OCT_LINK_SAME, .s8 = true, .s16 = true },
    .version = version_pad, .runtime = "1.5 1.14 2.4 2.6 2.20 2.23", .infer = infer,
    .prepare = prepare_pad, .ref = { [OCT_FORM_ANY] = { .eval = oct_axis_map_eval } },
};

const oct_op_def oct_op_padv2 = {
    .name = "PADV2", .code = OCT_OP_PADV2, .min_in = 3, .max_in = 3, .min_out = 1, .max_out = 1,
    .options = OCT_OPTIONS_PadV2,
    .quant = { .in = { OCT_ROLE_ACT, OCT_ROLE_NONE, OCT_ROLE_ACT }, .in_slots = 3,
        .out = { OCT_ROLE_ACT }, .out_slots = 1, .weight_axis = -1, .link = OCT_LINK_SAME,
        .s8 = true, .s16 = true },
    .version = version_pad, .runtime = "1.9 1.14 2.4 2.6 2.20 2.23", .infer = infer,
    .prepare = prepare_padv2, .ref = { [OCT_FORM_ANY] = { .eval = eval_padv2 } },
};

const oct_op_def oct_op_mirror_pad = {
    .name = "MIRROR_PAD", .code = OCT_OP_MIRROR_PAD, .min_in = 2, .max_in = 2, .min_out = 1,
    .max_out = 1, .options = OCT_OPTIONS_MirrorPad,
    .quant = { .in = { OCT_ROLE_ACT, OCT_ROLE_NONE }, .in_slots = 2, .out = { OCT_ROLE_ACT },
        .out_slots = 1, .weight_axis = -1, .link = OCT_LINK_SAME, .s8 = true, .s16 = true },
    .version = oct_version_s8_2_s16_3, .runtime = "1.13.1 2.3 2.12", .infer = infer,
    .prepare = prepare_mirror, .ref = { [OCT_FORM_ANY] = { .eval = oct_axis_map_eval } },
};
