/*
 * Operations that pick, add or drop axes: x[...], expand_dims, squeeze, stack, pad, cast.
 */
#include "keras/layer.h"

#include <string.h>
#include <strings.h>

/* One axis of x[...]. */
typedef struct cut {
    bool has_begin, has_end, shrink;
    int32_t begin, end, stride;
    int32_t added; /* new axes of one element in front of it */
} cut;

static oct_status read_bound(const json_t *slice, const char *key, bool *given, int32_t *value,
    oct_error *err)
{
    *given = oct_keras_has(slice, key);
    return *given ? oct_keras_int(slice, key, 0, INT32_MIN, value, err) : OCT_OK;
}

/* {"start", "stop", "step"}, bare or as the config of a tagged object; or a number. */
static oct_status read_cut(const json_t *item, cut *out, oct_error *err)
{
    const json_t *config = json_object_get(item, "config");
    const json_t *slice = config != NULL ? config : item;
    *out = (cut){ .stride = 1 };
    if (json_is_integer(item)) {
        int32_t count;
        out->has_begin = out->has_end = out->shrink = true;
        OCT_TRY(oct_keras_list(item, "index", 1, &out->begin, &count, err));
        out->end = out->begin == INT32_MAX ? INT32_MAX : out->begin + 1; /* not looked at */
        return OCT_OK;
    }
    if (!json_is_object(slice))
        return oct_fail(err, OCT_E_UNSUPPORTED, "indexes by something other than numbers and slices");
    bool has_step;
    OCT_TRY(read_bound(slice, "start", &out->has_begin, &out->begin, err));
    OCT_TRY(read_bound(slice, "stop", &out->has_end, &out->end, err));
    OCT_TRY(read_bound(slice, "step", &has_step, &out->stride, err));
    return out->stride == 0 ? oct_fail(err, OCT_E_INVALID, "a slice of step 0") : OCT_OK;
}

static bool is_ellipsis(const json_t *item)
{
    return strcmp(oct_keras_text(item, "class_name", ""), "__ellipsis__") == 0;
}

/* One cut an axis, and one behind for what is added there: an ellipsis stands for the axes missing. */
static oct_status read_cuts(const json_t *items, int32_t rank, cut *cuts, oct_error *err)
{
    size_t count = json_is_array(items) ? json_array_size(items) : 1;
    int32_t axis = 0, added = 0; /* of all items */
    for (size_t i = 0; i < count && count <= 16; i++)
        added += json_is_null(json_is_array(items) ? json_array_get(items, i) : items);
    for (int32_t i = 0; i <= rank; i++)
        cuts[i] = (cut){ .stride = 1 };
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_is_array(items) ? json_array_get(items, i) : items;
        if (json_is_null(item)) {
            cuts[axis].added++;
            continue;
        }
        int32_t whole = is_ellipsis(item) ? rank - ((int32_t)count - added) + 1 : 0;
        if (count > 16 || axis + whole + !is_ellipsis(item) > rank || whole < 0)
            return oct_fail(err, OCT_E_INVALID, "has more indices than the tensor has axes");
        axis += whole;
        if (!is_ellipsis(item)) {
            int32_t before = cuts[axis].added;
            OCT_TRY(read_cut(item, &cuts[axis], err));
            cuts[axis++].added = before;
        }
    }
    return OCT_OK;
}

/* Puts the added axes where they were asked for. */
static oct_status add_axes(oct_keras_call *call, const cut *cuts, int32_t rank,
    const oct_keras_shape *shape, int32_t *y, oct_error *err)
{
    oct_keras_shape wide = { 0 };
    int32_t from = 0;
    bool any = false;
    for (int32_t i = 0; i <= rank; i++) {
        for (int32_t k = 0; k < cuts[i].added; k++, any = true)
            if (wide.rank < 8)
                wide.dims[wide.rank++] = 1;
        if (i < rank && !cuts[i].shrink && wide.rank < 8)
            wide.dims[wide.rank++] = shape->dims[from++];
    }
    if (any && (from != shape->rank || wide.rank == 8))
        return oct_fail(err, OCT_E_UNSUPPORTED, "would have 8 axes or more");
    return any ? oct_keras_emit_reshape(call, *y, &wide, y, err) : OCT_OK;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

/* Elements a cut takes of `size`, as Python counts. */
static int64_t cut_size(const cut *c, int64_t size)
{
    bool forward = c->stride > 0;
    int64_t low = forward ? 0 : -1, high = forward ? size : size - 1;
    int64_t begin = forward ? 0 : size - 1, end = forward ? size : -1, stride = c->stride;
    if (c->has_begin)
        begin = clamp(c->begin < 0 ? c->begin + size : c->begin, low, high);
    if (c->has_end)
        end = clamp(c->end < 0 && !c->shrink ? c->end + size : c->end, low, high);
    return forward ? (end - begin + stride - 1) / stride : (begin - end - stride - 1) / -stride;
}

static oct_status cut_axis(const cut *c, int32_t axis, int32_t size, oct_keras_shape *shape,
    oct_error *err)
{
    bool whole = !c->has_begin && !c->has_end && c->stride == 1;
    if (c->shrink) {
        if (size >= 0 && (c->begin >= size || c->begin < -size))
            return oct_fail(err, OCT_E_INVALID, "index %d of %d elements", c->begin, size);
        return OCT_OK;
    }
    if (size < 0 && !whole)
        return oct_fail(err, OCT_E_UNSUPPORTED, "slices axis %d, whose size is open", axis);
    int64_t left = whole ? size : cut_size(c, size);
    if (!whole && left < 1)
        return oct_fail(err, OCT_E_INVALID, "takes nothing of axis %d", axis);
    shape->dims[shape->rank++] = (int32_t)left;
    return OCT_OK;
}

oct_status oct_keras_lower_get_item(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t inputs[4] = { call->inputs[0] }, begin[8], end[8], strides[8];
    int32_t begin_mask = 0, end_mask = 0, shrink_mask = 0;
    oct_keras_shape from = oct_keras_shape_of(call, inputs[0]), shape = { 0 };
    const json_t *items = oct_keras_argument_value(call, 1, call->keras2 ? "slice_spec" : "key");
    cut cuts[9];
    OCT_TRY(read_cuts(items, from.rank, cuts, err));
    for (int32_t i = 0; i < from.rank; i++) {
        OCT_TRY(cut_axis(&cuts[i], i, from.dims[i], &shape, err));
        begin[i] = cuts[i].has_begin ? cuts[i].begin : 0;
        end[i] = cuts[i].has_end ? cuts[i].end : 0;
        strides[i] = cuts[i].stride;
        begin_mask |= !cuts[i].has_begin << i;
        end_mask |= !cuts[i].has_end << i;
        shrink_mask |= cuts[i].shrink << i;
    }
    OCT_TRY(oct_keras_constant_ints(call, "begin", from.rank, begin, &inputs[1], err));
    OCT_TRY(oct_keras_constant_ints(call, "end", from.rank, end, &inputs[2], err));
    OCT_TRY(oct_keras_constant_ints(call, "strides", from.rank, strides, &inputs[3], err));
    oct_strided_slice_options *options;
    OCT_TRY(oct_keras_emit(call, OCT_OP_STRIDED_SLICE, inputs, 4, OCT_OPTIONS_StridedSlice,
        oct_keras_type_of(call, inputs[0]), &shape, y, &options, err));
    options->begin_mask = begin_mask;
    options->end_mask = end_mask;
    options->shrink_axis_mask = shrink_mask;
    return add_axes(call, cuts, from.rank, &shape, y, err);
}

static oct_status insert_axis(const oct_keras_call *call, int32_t size, oct_keras_shape *shape,
    int32_t *axis, oct_error *err)
{
    int32_t given = 0, count = 1;
    const json_t *value = oct_keras_setting(call, "axis");
    if (value != NULL)
        OCT_TRY(oct_keras_list(value, "axis", 1, &given, &count, err));
    if (shape->rank > 7 || count != 1)
        return oct_fail(err, OCT_E_UNSUPPORTED, "would have more than 8 axes");
    OCT_TRY(oct_keras_axis(given, ++shape->rank, axis, err));
    memmove(shape->dims + *axis + 1, shape->dims + *axis,
        (size_t)(shape->rank - 1 - *axis) * sizeof *shape->dims);
    shape->dims[*axis] = size;
    return OCT_OK;
}

oct_status oct_keras_lower_expand_dims(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t inputs[2] = { call->inputs[0] }, axis;
    oct_keras_shape shape = oct_keras_shape_of(call, inputs[0]);
    OCT_TRY(insert_axis(call, 1, &shape, &axis, err));
    OCT_TRY(oct_keras_constant_ints(call, "axis", 1, &axis, &inputs[1], err));
    return oct_keras_emit(call, OCT_OP_EXPAND_DIMS, inputs, 2, OCT_OPTIONS_ExpandDims,
        oct_keras_type_of(call, inputs[0]), &shape, y, NULL, err);
}

oct_status oct_keras_lower_stack(oct_keras_call *call, int32_t *y, oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(call, call->inputs[0]);
    int32_t axis;
    for (int32_t i = 1; i < call->input_count; i++) {
        oct_keras_shape next = oct_keras_shape_of(call, call->inputs[i]);
        if (memcmp(&next, &shape, sizeof shape) != 0 ||
            oct_keras_type_of(call, call->inputs[i]) != oct_keras_type_of(call, call->inputs[0]))
            return oct_fail(err, OCT_E_INVALID, "stacks tensors of different shapes or types");
    }
    OCT_TRY(insert_axis(call, call->input_count, &shape, &axis, err));
    oct_pack_options *options;
    OCT_TRY(oct_keras_emit(call, OCT_OP_PACK, call->inputs, call->input_count, OCT_OPTIONS_Pack,
        oct_keras_type_of(call, call->inputs[0]), &shape, y, &options, err));
    options->values_count = call->input_count;
    options->axis = axis;
    return OCT_OK;
}

/* Without an axis every axis of one element goes, except the first, whose size may be open. */
oct_status oct_keras_lower_squeeze(oct_keras_call *call, int32_t *y, oct_error *err)
{
    oct_keras_shape from = oct_keras_shape_of(call, call->inputs[0]), shape = { 0 };
    const json_t *value = oct_keras_setting(call, "axis");
    int32_t axes[8], count = 0;
    uint32_t dropped = 0;
    if (value != NULL)
        OCT_TRY(oct_keras_list(value, "axis", 8, axes, &count, err));
    for (int32_t i = 0; i < count; i++) {
        OCT_TRY(oct_keras_axis(axes[i], from.rank, &axes[i], err));
        dropped |= 1u << axes[i];
    }
    for (int32_t i = 0; i < from.rank; i++) {
        bool drops = count == 0 ? from.dims[i] == 1 : (dropped >> i & 1) != 0;
        if (drops && from.dims[i] != 1)
            return oct_fail(err, OCT_E_INVALID, "drops axis %d of %d elements", i, from.dims[i]);
        if (!drops)
            shape.dims[shape.rank++] = from.dims[i];
    }
    return oct_keras_emit_reshape(call, call->inputs[0], &shape, y, err);
}

/* The image continues as in a mirror, with the edge twice (symmetric) or once (reflect). */
static oct_status emit_mirror(oct_keras_call *call, int32_t sides[][2], bool symmetric, int32_t *y,
    oct_error *err)
{
    int32_t inputs[2] = { call->inputs[0] }, flat[16];
    oct_keras_shape shape = oct_keras_shape_of(call, inputs[0]);
    for (int32_t i = 0; i < shape.rank; i++) {
        for (int k = 0; k < 2; k++) {
            flat[2 * i + k] = sides[i][k];
            if (sides[i][k] > 0 && sides[i][k] > shape.dims[i] - !symmetric)
                return oct_fail(err, OCT_E_INVALID, "mirrors %d of %d elements", sides[i][k],
                    shape.dims[i]);
        }
        shape.dims[i] += shape.dims[i] < 0 ? 0 : sides[i][0] + sides[i][1];
    }
    OCT_TRY(oct_graph_add_constant(call->graph, call->sub, call->path, OCT_INT32, 2,
        (int32_t[]){ shape.rank, 2 }, flat, &inputs[1], err));
    oct_mirror_pad_options *options;
    OCT_TRY(oct_keras_emit(call, OCT_OP_MIRROR_PAD, inputs, 2, OCT_OPTIONS_MirrorPad,
        oct_keras_type_of(call, inputs[0]), &shape, y, &options, err));
    options->mode = symmetric;
    return OCT_OK;
}

oct_status oct_keras_lower_pad(oct_keras_call *call, int32_t *y, oct_error *err)
{
    const json_t *widths = oct_keras_setting(call, call->keras2 ? "paddings" : "pad_width");
    const json_t *mode = oct_keras_setting(call, "mode"), *fill = oct_keras_setting(call, "constant_values");
    int32_t rank = oct_keras_shape_of(call, call->inputs[0]).rank, sides[8][2], count;
    const char *name = mode == NULL ? "constant" : json_string_value(mode);
    fill = fill != NULL ? fill : oct_keras_argument_value(call, 1, "constant_values");
    if (json_array_size(widths) != (size_t)rank || name == NULL || rank > 8)
        return oct_fail(err, OCT_E_INVALID, "expected sizes before and after each axis");
    for (int32_t i = 0; i < rank; i++) {
        OCT_TRY(oct_keras_list(json_array_get(widths, (size_t)i), "pad_width", 2, sides[i], &count,
            err));
        if (count != 2 || sides[i][0] < 0 || sides[i][1] < 0 || sides[i][0] > INT32_MAX / 4 ||
            sides[i][1] > INT32_MAX / 4)
            return oct_fail(err, OCT_E_INVALID, "expected sizes before and after each axis");
    }
    if (strcasecmp(name, "reflect") == 0 || strcasecmp(name, "symmetric") == 0)
        return emit_mirror(call, sides, strcasecmp(name, "symmetric") == 0, y, err);
    if (strcasecmp(name, "constant") != 0 || !(fill == NULL || json_is_null(fill) || json_is_number(fill)))
        return oct_fail(err, OCT_E_UNSUPPORTED, "pads in the mode '%s'", name);
    return oct_keras_emit_pad_with(call, call->inputs[0], sides, (float)json_number_value(fill), y, err);
}

oct_status oct_keras_lower_cast(oct_keras_call *call, int32_t *y, oct_error *err)
{
    const char *name = json_string_value(oct_keras_setting(call, "dtype"));
    static const oct_type types[] = { OCT_FLOAT32, OCT_INT32, OCT_INT64, OCT_UINT8, OCT_INT8,
        OCT_BOOL };
    for (size_t i = 0; name != NULL && i < sizeof types / sizeof types[0]; i++)
        if (strcmp(oct_type_name(types[i]), name) == 0)
            return oct_keras_emit_cast(call, call->inputs[0], types[i], y, err);
    return oct_fail(err, OCT_E_UNSUPPORTED, "casts to %s", name == NULL ? "nothing" : name);
}
