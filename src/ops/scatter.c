/*
 * SCATTER_ND, SPARSE_TO_DENSE, DYNAMIC_UPDATE_SLICE: elements put into a tensor at places given by indices.
 * SCATTER_ND adds up what comes to one place, wrapping around; the others keep the last.
 * Sources: LiteRT tflite/kernels/scatter_nd.cc, sparse_to_dense.cc, dynamic_update_slice.cc.
 */
#include <string.h>

#include "ops/arith.h"
#include "ops/version.h"

enum { MAX_RANK = 8 };

/* Output 0 gets the shape that input `slot` lists. */
static oct_status shape_from(oct_op *op, int32_t slot, oct_type type, oct_error *err)
{
    int32_t dims[MAX_RANK];
    OCT_TRY(oct_op_need_known(op, slot, "output shape", err));
    size_t rank = oct_value_count(op->in[slot]);
    if (rank > MAX_RANK)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "%zu dimensions", rank);
    for (size_t i = 0; i < rank; i++) {
        int64_t dim = oct_value_integer(op->in[slot], i);
        if (dim < 0 || dim > INT32_MAX)
            return oct_op_fail(op, OCT_E_INVALID, err, "dimension %zu is %lld", i, (long long)dim);
        dims[i] = (int32_t)dim;
    }
    return oct_op_set_shape(op, 0, type, (int32_t)rank, dims, err);
}

/* Element of the output that `depth` indices from number `at` on name. */
static oct_status place(const oct_op *op, const oct_value *indices, size_t at, int32_t depth,
    size_t *out, oct_error *err)
{
    *out = 0;
    for (int32_t i = 0; i < depth; i++) {
        int64_t index = oct_value_integer(indices, at + (size_t)i);
        if (index < 0 || index >= op->out[0]->dims[i])
            return oct_op_fail(op, OCT_E_INVALID, err, "index %lld, but dimension %d has %d",
                (long long)index, (int)i, (int)op->out[0]->dims[i]);
        *out = *out * (size_t)op->out[0]->dims[i] + (size_t)index;
    }
    return OCT_OK;
}

static oct_status infer_scatter_nd(oct_op *op, oct_error *err)
{
    const oct_value *indices = op->in[0], *updates = op->in[1];
    if (indices->type != OCT_INT32 || indices->rank < 1)
        return oct_op_fail(
            op, OCT_E_UNSUPPORTED, err, "indices of type %s", oct_type_name(indices->type));
    OCT_TRY(shape_from(op, 2, updates->type, err));
    const oct_value *out = op->out[0];
    int32_t outer = indices->rank - 1, depth = indices->dims[outer];
    bool fits = depth <= out->rank && updates->rank == outer + out->rank - depth;
    for (int32_t i = 0; fits && i < outer; i++)
        fits = updates->dims[i] == indices->dims[i];
    for (int32_t i = depth; fits && i < out->rank; i++)
        fits = updates->dims[outer + i - depth] == out->dims[i];
    return fits
               ? OCT_OK
               : oct_op_fail(op, OCT_E_INVALID, err, "updates do not fit indices and output shape");
}

#define ADD_ROW(name, type, sum_t)                                                                 \
    static void add_##name(void *y_, const void *x_, size_t n)                                     \
    {                                                                                              \
        type *y = y_;                                                                              \
        const type *x = x_;                                                                        \
        for (size_t i = 0; i < n; i++)                                                             \
            y[i] = (type)((sum_t)y[i] + (sum_t)x[i]);                                              \
    }
ADD_ROW(f32, float, float)
ADD_ROW(b8, uint8_t, unsigned)
ADD_ROW(b32, int32_t, uint32_t)
ADD_ROW(b64, int64_t, uint64_t)

static void add_bool(void *y_, const void *x_, size_t n)
{
    bool *y = y_;
    const bool *x = x_;
    for (size_t i = 0; i < n; i++)
        y[i] = y[i] || x[i];
}

typedef void (*add_fn)(void *y, const void *x, size_t n);

static add_fn add_of(oct_type type)
{
    switch (type) {
    case OCT_FLOAT32:
        return add_f32;
    case OCT_INT8:
    case OCT_UINT8:
        return add_b8;
    case OCT_INT32:
        return add_b32;
    case OCT_INT64:
        return add_b64;
    case OCT_BOOL:
        return add_bool;
    default:
        return NULL;
    }
}

static oct_status prepare_scatter_nd(oct_op *op, oct_error *err)
{
    if (add_of(op->in[1]->type) == NULL)
        return oct_op_fail(
            op, OCT_E_UNSUPPORTED, err, "updates of type %s", oct_type_name(op->in[1]->type));
    return OCT_OK;
}

static oct_status eval_scatter_nd(oct_op *op, oct_error *err)
{
    const oct_value *indices = op->in[0], *updates = op->in[1], *out = op->out[0];
    int32_t depth = indices->dims[indices->rank - 1];
    size_t count = oct_value_span(indices, 0, indices->rank - 1);
    size_t length = oct_value_span(out, depth, out->rank),
           bytes = length * oct_type_size(out->type);
    add_fn add = add_of(updates->type);
    if (out->size > 0)
        memset(out->data, 0, out->size);
    for (size_t i = 0; i < count; i++) {
        size_t slice;
        OCT_TRY(place(op, indices, i * (size_t)depth, depth, &slice, err));
        if (length > 0)
            add((unsigned char *)out->data + slice * bytes,
                (const unsigned char *)updates->data + i * bytes, length);
    }
    return OCT_OK;
}

static oct_status infer_sparse_to_dense(oct_op *op, oct_error *err)
{
    const oct_value *indices = op->in[0], *values = op->in[2];
    if ((indices->type != OCT_INT32 && indices->type != OCT_INT64) || indices->rank > 2)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "%s indices with %d dimensions",
            oct_type_name(indices->type), (int)indices->rank);
    OCT_TRY(oct_op_need_whole_bytes(op, values, err));
    OCT_TRY(shape_from(op, 1, values->type, err));
    size_t count = indices->rank == 0 ? 1 : (size_t)indices->dims[0];
    int32_t depth = indices->rank < 2 ? 1 : indices->dims[1];
    if (depth != op->out[0]->rank || oct_value_count(op->in[3]) != 1 ||
        op->in[3]->type != values->type || values->rank > 1 ||
        (values->rank == 1 && oct_value_count(values) != count))
        return oct_op_fail(op, OCT_E_INVALID, err, "%zu indices of %d numbers and %zu values",
            count, (int)depth, oct_value_count(values));
    return OCT_OK;
}

static oct_status eval_sparse_to_dense(oct_op *op, oct_error *err)
{
    const oct_value *indices = op->in[0], *values = op->in[2], *out = op->out[0];
    size_t element = oct_type_size(out->type), elements = oct_value_count(out);
    size_t count = indices->rank == 0 ? 1 : (size_t)indices->dims[0];
    unsigned char *y = out->data;
    for (size_t i = 0; i < elements; i++)
        memcpy(y + i * element, op->in[3]->data, element);
    for (size_t i = 0; i < count; i++) {
        size_t at;
        OCT_TRY(place(op, indices, i * (size_t)out->rank, out->rank, &at, err));
        memcpy(y + at * element,
            (const unsigned char *)values->data + (values->rank == 1 ? i * element : 0), element);
    }
    return OCT_OK;
}

static oct_status infer_update(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0], *update = op->in[1], *start = op->in[2];
    OCT_TRY(oct_op_need_whole_bytes(op, in, err));
    bool fits = update->type == in->type && update->rank == in->rank && in->rank <= MAX_RANK &&
                (start->type == OCT_INT32 || start->type == OCT_INT64) && start->rank == 1 &&
                start->dims[0] == in->rank;
    for (int32_t i = 0; fits && i < in->rank; i++)
        fits = update->dims[i] <= in->dims[i];
    if (!fits)
        return oct_op_fail(op, OCT_E_INVALID, err, "the update does not fit the operand");
    return oct_infer_same_as_input(op, err);
}

/* Starts are moved so that the update lies inside. */
static oct_status eval_update(oct_op *op, oct_error *err)
{
    (void)err;
    const oct_value *in = op->in[0], *update = op->in[1];
    int32_t rank = in->rank, last = rank - 1;
    size_t element = oct_type_size(in->type), start[MAX_RANK];
    if (in->size > 0 && op->out[0]->data != in->data)
        memcpy(op->out[0]->data, in->data, in->size);
    if (update->size == 0)
        return OCT_OK;
    for (int32_t i = 0; i < rank; i++) {
        int64_t from = oct_value_integer(op->in[2], (size_t)i),
                most = in->dims[i] - update->dims[i];
        start[i] = (size_t)(from < 0 ? 0 : from > most ? most : from);
    }
    size_t row = rank > 0 ? (size_t)update->dims[last] : 1, rows = oct_value_count(update) / row;
    for (size_t r = 0; r < rows; r++) {
        size_t at = rank > 0 ? start[last] : 0, rest = r,
               stride = rank > 0 ? (size_t)in->dims[last] : 1;
        for (int32_t i = rank - 2; i >= 0; i--) {
            at += (start[i] + rest % (size_t)update->dims[i]) * stride;
            rest /= (size_t)update->dims[i];
            stride *= (size_t)in->dims[i];
        }
        memcpy((unsigned char *)op->out[0]->data + at * element,
            (const unsigned char *)update->data + r * row * element, row * element);
    }
    return OCT_OK;
}

static int32_t version_sparse_to_dense(const oct_subgraph *sub, const oct_node *node)
{
    oct_type type = oct_node_type(sub, node, 2);
    return type == OCT_INT8 || type == OCT_UINT8 ? 3 : type == OCT_INT64 ? 2 : 1;
}

static int32_t version_update(const oct_subgraph *sub, const oct_node *node)
{
    switch (oct_node_type(sub, node, 0)) {
    case OCT_FLOAT8_E4M3FN:
    case OCT_FLOAT8_E5M2:
        return 6;
    case OCT_INT4:
        return 5;
    case OCT_INT16:
        return 4;
    case OCT_FLOAT16:
        return 3;
    default:
        return oct_node_type(sub, node, 2) == OCT_INT64 ? 2 : 1;
    }
}

const oct_op_def oct_op_scatter_nd = {
    .name = "SCATTER_ND",
    .code = OCT_OP_SCATTER_ND,
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_ScatterNd,
    .runtime = "2.1",
    .infer = infer_scatter_nd,
    .prepare = prepare_scatter_nd,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_scatter_nd } },
};
const oct_op_def oct_op_sparse_to_dense = {
    .name = "SPARSE_TO_DENSE",
    .code = OCT_OP_SPARSE_TO_DENSE,
    .min_in = 4,
    .max_in = 4,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_SparseToDense,
    .version = version_sparse_to_dense,
    .runtime = "1.9 1.14 1.15",
    .infer = infer_sparse_to_dense,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_sparse_to_dense } },
};
const oct_op_def oct_op_dynamic_update_slice = {
    .name = "DYNAMIC_UPDATE_SLICE",
    .code = OCT_OP_DYNAMIC_UPDATE_SLICE,
    .min_in = 3,
    .max_in = 3,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_DynamicUpdateSlice,
    .traits = OCT_TRAIT_INPLACE,
    .quant = { .in = { OCT_ROLE_ACT, OCT_ROLE_ACT, OCT_ROLE_NONE },
        .in_slots = 3,
        .out = { OCT_ROLE_ACT },
        .out_slots = 1,
        .weight_axis = -1,
        .link = OCT_LINK_SAME,
        .s8 = true,
        .s16 = true },
    .version = version_update,
    .runtime = "2.9 2.17 2.17 2.18 2.21 2.23",
    .infer = infer_update,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_update } },
};
