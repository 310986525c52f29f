/*
 * SLICE, STRIDED_SLICE: axis maps with constant begins, sizes and strides.
 * Sources: LiteRT tflite/kernels/slice.cc, strided_slice.cc, internal/strided_slice_logic.h.
 */
#include <string.h>

#include "ops/arith.h"
#include "ops/axis_map.h"
#include "ops/version.h"

/* What is cut out: per axis of the input begin, step and count. */
typedef struct cut {
    int32_t begin[OCT_AXIS_MAP_RANK], step[OCT_AXIS_MAP_RANK], count[OCT_AXIS_MAP_RANK];
} cut;

static oct_status prepare_cut(oct_op *op, const cut *c, oct_error *err)
{
    const oct_value *in = op->in[0];
    oct_axis_map *map = oct_op_alloc(op, sizeof *map);
    int32_t *index[OCT_AXIS_MAP_RANK] = { NULL };
    if (map == NULL)
        return oct_fail_memory(err, sizeof *map, op->out[0]->label);
    op->prepared = map;
    for (int32_t axis = 0; axis < in->rank; axis++) {
        index[axis] = oct_op_alloc(op, (size_t)c->count[axis] * sizeof **index);
        if (index[axis] == NULL)
            return oct_fail_memory(err, (size_t)c->count[axis] * sizeof **index, op->out[0]->label);
        for (int32_t i = 0; i < c->count[axis]; i++)
            index[axis][i] = c->begin[axis] + i * c->step[axis];
    }
    return oct_axis_map_init(op, map, oct_type_size(in->type), in->rank, in->dims, c->count, index,
        err);
}

static oct_status read_slice(const oct_op *op, cut *c, oct_error *err)
{
    const oct_value *in = op->in[0];
    OCT_TRY(oct_op_need_known(op, 1, "begin", err));
    OCT_TRY(oct_op_need_known(op, 2, "size", err));
    OCT_TRY(oct_op_need_whole_bytes(op, in, err));
    if (in->rank > OCT_AXIS_MAP_RANK || oct_value_count(op->in[1]) != (size_t)in->rank
        || oct_value_count(op->in[2]) != (size_t)in->rank)
        return oct_op_fail(op, OCT_E_INVALID, err, "begin and size must have %d numbers",
            (int)in->rank);
    for (int32_t i = 0; i < in->rank; i++) {
        int64_t begin = oct_value_integer(op->in[1], (size_t)i);
        int64_t size = oct_value_integer(op->in[2], (size_t)i);
        if (size == -1)
            size = in->dims[i] - begin;
        if (begin < 0 || size < 0 || begin > in->dims[i] || size > in->dims[i] - begin)
            return oct_op_fail(op, OCT_E_INVALID, err,
                "%lld elements from %lld of dimension %d, which has %d", (long long)size,
                (long long)begin, (int)i, (int)in->dims[i]);
        c->begin[i] = (int32_t)begin;
        c->count[i] = (int32_t)size;
        c->step[i] = 1;
    }
    return OCT_OK;
}

static oct_status infer_slice(oct_op *op, oct_error *err)
{
    cut c;
    OCT_TRY(read_slice(op, &c, err));
    return oct_op_set_shape(op, 0, op->in[0]->type, op->in[0]->rank, c.count, err);
}

static oct_status prepare_slice(oct_op *op, oct_error *err)
{
    cut c;
    OCT_TRY(read_slice(op, &c, err));
    return prepare_cut(op, &c, err);
}

/* One end of a strided range, resolved: negative counts from the end, then clamped to the axis. */
static int64_t resolve_end(int64_t value, int32_t size, int64_t step)
{
    if (value < 0)
        value += size;
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
    return value < low ? low : value > high ? high : value;
}

typedef struct strided {
    cut c;
    int32_t rank, dims[2 * OCT_AXIS_MAP_RANK]; /* of the output */
} strided;

/* Entry i of begin, end and strides applied to axis `axis` of the input. */
static oct_status read_entry(const oct_op *op, int32_t i, int32_t axis, strided *s, oct_error *err)
{
    const oct_strided_slice_options *o = op->options;
    int32_t size = op->in[0]->dims[axis];
    int64_t begin = oct_value_integer(op->in[1], (size_t)i);
    int64_t end = oct_value_integer(op->in[2], (size_t)i);
    int64_t step = oct_value_integer(op->in[3], (size_t)i);
    if (step == 0 || step > INT32_MAX || step < -INT32_MAX)
        return oct_op_fail(op, OCT_E_INVALID, err, "stride %lld of dimension %d", (long long)step,
            (int)axis);
    if (o->shrink_axis_mask >> i & 1) {
        if (begin < 0)
            begin += size;
        if (begin < 0 || begin >= size)
            return oct_op_fail(op, OCT_E_INVALID, err, "index %lld of dimension %d, which has %d",
                (long long)begin, (int)axis, (int)size);
        s->c.begin[axis] = (int32_t)begin, s->c.step[axis] = 1, s->c.count[axis] = 1;
        return OCT_OK;
    }
    if (o->offset)
        end += begin;
    begin = o->begin_mask >> i & 1 ? (step > 0 ? 0 : size - 1) : resolve_end(begin, size, step);
    end = o->end_mask >> i & 1 ? (step > 0 ? size : -1) : resolve_end(end, size, step);
    int64_t count = step > 0 ? (end - begin + step - 1) / step : (begin - end - step - 1) / -step;
    s->c.begin[axis] = (int32_t)begin;
    s->c.step[axis] = (int32_t)step;
    s->c.count[axis] = count > 0 ? (int32_t)count : 0;
    s->dims[s->rank++] = s->c.count[axis];
    return OCT_OK;
}

static void take_whole_axis(const oct_op *op, int32_t axis, strided *s)
{
    s->c.begin[axis] = 0, s->c.step[axis] = 1, s->c.count[axis] = op->in[0]->dims[axis];
    s->dims[s->rank++] = op->in[0]->dims[axis];
}

static oct_status check_strided(const oct_op *op, size_t *entries, oct_error *err)
{
    static const char *const names[] = { "", "begin", "end", "strides" };
    for (int32_t slot = 1; slot < 4; slot++)
        OCT_TRY(oct_op_need_known(op, slot, names[slot], err));
    *entries = oct_value_count(op->in[1]);
    if (oct_value_count(op->in[2]) != *entries || oct_value_count(op->in[3]) != *entries)
        return oct_op_fail(op, OCT_E_INVALID, err, "begin, end and strides differ in length");
    OCT_TRY(oct_op_need_whole_bytes(op, op->in[0], err));
    if (op->in[0]->rank > OCT_AXIS_MAP_RANK || *entries > OCT_AXIS_MAP_RANK)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "more than %d dimensions",
            (int)OCT_AXIS_MAP_RANK);
    return OCT_OK;
}

/*
 * The entries walk the input's axes, except that an ellipsis stands for as many whole axes as are left
 * over and a new axis takes none.
 */
static oct_status read_strided(const oct_op *op, strided *s, oct_error *err)
{
    const oct_strided_slice_options *o = op->options;
    int32_t rank = op->in[0]->rank, axis = 0, taken = 0;
    size_t entries;
    OCT_TRY(check_strided(op, &entries, err));
    s->rank = 0;
    for (int32_t i = 0; i < (int32_t)entries; i++)
        taken += (o->ellipsis_mask >> i & 1) == 0 && (o->new_axis_mask >> i & 1) == 0;
    if (taken > rank)
        return oct_op_fail(op, OCT_E_INVALID, err, "%d indices for %d dimensions", (int)taken,
            (int)rank);
    bool expanded = false;
    for (int32_t i = 0; i < (int32_t)entries; i++) {
        if (o->ellipsis_mask >> i & 1) {
            for (int32_t n = expanded ? 0 : rank - taken; n > 0; n--)
                take_whole_axis(op, axis++, s);
            expanded = true;
        } else if (o->new_axis_mask >> i & 1) {
            s->dims[s->rank++] = 1;
        } else {
            OCT_TRY(read_entry(op, i, axis++, s, err));
        }
    }
    while (axis < rank)
        take_whole_axis(op, axis++, s);
    return OCT_OK;
}

static oct_status infer_strided(oct_op *op, oct_error *err)
{
    strided s;
    OCT_TRY(read_strided(op, &s, err));
    return oct_op_set_shape(op, 0, op->in[0]->type, s.rank, s.dims, err);
}

static oct_status prepare_strided(oct_op *op, oct_error *err)
{
    strided s;
    OCT_TRY(read_strided(op, &s, err));
    return prepare_cut(op, &s.c, err);
}

static int32_t version_slice(const oct_subgraph *sub, const oct_node *node)
{
    const oct_tensor *in = oct_node_input(sub, node, 0);
    if (in == NULL)
        return 1;
    switch (in->type) {
    case OCT_FLOAT16: return 8;
    case OCT_INT4: return 7;
    case OCT_UINT32: return 6;
    default: break;
    }
    if (in->rank > 4)
        return 5;
    return in->type == OCT_INT16 ? 4 : in->type == OCT_STRING ? 3 : in->type == OCT_INT8 ? 2 : 1;
}

static int32_t version_strided(const oct_subgraph *sub, const oct_node *node)
{
    const oct_tensor *in = oct_node_input(sub, node, 0);
    const oct_strided_slice_options *o = node->options;
    if (in == NULL)
        return 1;
    if (o != NULL && o->offset)
        return 8;
    if (in->type == OCT_UINT32)
        return 7;
    if (o != NULL && (o->ellipsis_mask != 0 || o->new_axis_mask != 0))
        return 6;
    if (in->type == OCT_STRING)
        return 5;
    if (in->rank > 4)
        return 4;
    return in->type == OCT_BOOL ? 3 : in->type == OCT_INT8 ? 2 : 1;
}

#define RULE                                                                                       \
    { .in = { OCT_ROLE_ACT, OCT_ROLE_NONE }, .in_slots = 2, .out = { OCT_ROLE_ACT },               \
        .out_slots = 1, .weight_axis = -1, .link = OCT_LINK_SAME, .s8 = true, .s16 = true }

const oct_op_def oct_op_slice = {
    .name = "SLICE", .code = OCT_OP_SLICE, .min_in = 3, .max_in = 3, .min_out = 1, .max_out = 1,
    .options = OCT_OPTIONS_Slice, .quant = RULE, .version = version_slice,
    .runtime = "1.14 1.14 1.14 2.4 2.5 2.14 2.21 2.23", .infer = infer_slice,
    .prepare = prepare_slice, .ref = { [OCT_FORM_ANY] = { .eval = oct_axis_map_eval } },
};

const oct_op_def oct_op_strided_slice = {
    .name = "STRIDED_SLICE", .code = OCT_OP_STRIDED_SLICE, .min_in = 4, .max_in = 4, .min_out = 1,
    .max_out = 1, .options = OCT_OPTIONS_StridedSlice, .quant = RULE, .version = version_strided,
    .runtime = "1.6 1.14 2.1 2.2 2.5 2.6 2.14 2.14", .infer = infer_strided,
    .prepare = prepare_strided, .ref = { [OCT_FORM_ANY] = { .eval = oct_axis_map_eval } },
};
