/*
 * GATHER and EMBEDDING_LOOKUP: rows of a table by indices, which may come from data and are then checked
 * at each run. An int8 table behind a float lookup is dequantized row by row.
 * Sources: LiteRT tflite/kernels/gather.cc, embedding_lookup.cc.
 */
#include <string.h>

#include "ops/arith.h"
#include "ops/version.h"

enum { MAX_RANK = 8 };

/* y[b, o, i, :] = x[b, o, indices[b, i], :] */
typedef struct params {
    size_t batches, outer, indices, rows, row_bytes;
} params;

static oct_status read_gather(const oct_op *op, int32_t *axis, int32_t *batch_dims, oct_error *err)
{
    const oct_gather_options *options = op->options;
    const oct_value *in = op->in[0], *indices = op->in[1];
    OCT_TRY(oct_op_need_whole_bytes(op, in, err));
    if (indices->type != OCT_INT32 && indices->type != OCT_INT64)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "indices of type %s",
            oct_type_name(indices->type));
    OCT_TRY(oct_op_axis(op, options->axis, in->rank, axis, err));
    *batch_dims = options->batch_dims < 0 ? options->batch_dims + indices->rank : options->batch_dims;
    bool fits = *batch_dims >= 0 && *batch_dims <= *axis && *batch_dims <= indices->rank
        && in->rank + indices->rank - *batch_dims - 1 <= MAX_RANK;
    for (int32_t i = 0; fits && i < *batch_dims; i++)
        fits = in->dims[i] == indices->dims[i];
    if (!fits)
        return oct_op_fail(op, OCT_E_INVALID, err, "axis %d and %d batch dimensions do not fit",
            (int)*axis, (int)*batch_dims);
    return OCT_OK;
}

static oct_status infer_gather(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0], *indices = op->in[1];
    int32_t axis, batch_dims, dims[MAX_RANK], rank = 0;
    OCT_TRY(read_gather(op, &axis, &batch_dims, err));
    for (int32_t i = 0; i < axis; i++)
        dims[rank++] = in->dims[i];
    for (int32_t i = batch_dims; i < indices->rank; i++)
        dims[rank++] = indices->dims[i];
    for (int32_t i = axis + 1; i < in->rank; i++)
        dims[rank++] = in->dims[i];
    return oct_op_set_shape(op, 0, in->type, rank, dims, err);
}

static oct_status prepare_gather(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0], *indices = op->in[1];
    int32_t axis, batch_dims;
    OCT_TRY(read_gather(op, &axis, &batch_dims, err));
    params *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, op->out[0]->label);
    op->prepared = p;
    p->batches = oct_value_span(in, 0, batch_dims);
    p->outer = oct_value_span(in, batch_dims, axis);
    p->indices = oct_value_span(indices, batch_dims, indices->rank);
    p->rows = (size_t)in->dims[axis];
    p->row_bytes = oct_value_span(in, axis + 1, in->rank) * oct_type_size(in->type);
    return OCT_OK;
}

/* Fails unless every index names a row. */
static oct_status check_indices(const oct_op *op, const oct_value *indices, size_t rows,
    oct_error *err)
{
    size_t count = oct_value_count(indices);
    for (size_t i = 0; i < count; i++) {
        int64_t index = oct_value_integer(indices, i);
        if (index < 0 || (uint64_t)index >= rows)
            return oct_op_fail(op, OCT_E_INVALID, err, "index %lld at %zu, but there are %zu rows",
                (long long)index, i, rows);
    }
    return OCT_OK;
}

static oct_status eval_gather(oct_op *op, oct_error *err)
{
    const params *p = op->prepared;
    OCT_TRY(check_indices(op, op->in[1], p->rows, err));
    const unsigned char *x = op->in[0]->data;
    unsigned char *y = op->out[0]->data;
    for (size_t b = 0; b < p->batches; b++)
        for (size_t o = 0; o < p->outer; o++, x += p->rows * p->row_bytes)
            for (size_t i = 0; i < p->indices; i++, y += p->row_bytes) {
                size_t row = (size_t)oct_value_integer(op->in[1], b * p->indices + i);
                memcpy(y, x + row * p->row_bytes, p->row_bytes);
            }
    return OCT_OK;
}

static oct_status infer_embedding(oct_op *op, oct_error *err)
{
    const oct_value *ids = op->in[0], *table = op->in[1];
    int32_t dims[MAX_RANK];
    if (ids->rank != 1 || ids->type != OCT_INT32 || table->rank < 2 || table->rank > MAX_RANK)
        return oct_op_fail(op, OCT_E_INVALID, err,
            "needs int32 ids with one dimension and a table with two or more");
    memcpy(dims, table->dims, (size_t)table->rank * sizeof *dims);
    dims[0] = ids->dims[0];
    return oct_op_set_shape(op, 0, op->out[0]->type, table->rank, dims, err);
}

static oct_status prepare_embedding(oct_op *op, oct_error *err)
{
    const oct_value *table = op->in[1];
    OCT_TRY(oct_op_need_whole_bytes(op, table, err));
    if (op->form != OCT_FORM_HYBRID && table->type != op->out[0]->type)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "%s table and %s result",
            oct_type_name(table->type), oct_type_name(op->out[0]->type));
    int32_t scales = table->quant->count;
    if (op->form == OCT_FORM_HYBRID
        && (table->type != OCT_INT8 || (scales != 1 && scales != table->dims[0])
            || (scales > 1 && table->quant->axis != 0)))
        return oct_op_fail(op, OCT_E_INVALID, err, "the table needs one scale, or one for each row");
    return OCT_OK;
}

static oct_status eval_embedding(oct_op *op, oct_error *err)
{
    const oct_value *table = op->in[1];
    size_t rows = (size_t)table->dims[0], count = oct_value_count(op->in[0]);
    OCT_TRY(check_indices(op, op->in[0], rows, err));
    size_t row_bytes = rows > 0 ? table->size / rows : 0;
    for (size_t i = 0; i < count; i++)
        memcpy((unsigned char *)op->out[0]->data + i * row_bytes,
            (const unsigned char *)table->data
                + (size_t)oct_value_integer(op->in[0], i) * row_bytes,
            row_bytes);
    return OCT_OK;
}

static oct_status eval_embedding_hybrid(oct_op *op, oct_error *err)
{
    const oct_value *table = op->in[1];
    size_t rows = (size_t)table->dims[0], count = oct_value_count(op->in[0]);
    OCT_TRY(check_indices(op, op->in[0], rows, err));
    size_t length = oct_value_span(table, 1, table->rank);
    for (size_t i = 0; i < count; i++) {
        size_t row = (size_t)oct_value_integer(op->in[0], i);
        const int8_t *x = (const int8_t *)table->data + row * length;
        float *y = (float *)op->out[0]->data + i * length;
        float scale = table->quant->scale[table->quant->count > 1 ? row : 0];
        for (size_t j = 0; j < length; j++)
            y[j] = (float)x[j] * scale;
    }
    return OCT_OK;
}

static int32_t version_gather(const oct_subgraph *sub, const oct_node *node)
{
    const oct_gather_options *options = node->options;
    oct_type type = oct_node_type(sub, node, 0);
    if (type == OCT_FLOAT8_E4M3FN || type == OCT_FLOAT8_E5M2)
        return 8;
    if (type == OCT_INT4)
        return 7;
    if (oct_node_type(sub, node, 1) == OCT_INT16)
        return 6;
    if (options != NULL && options->batch_dims != 0)
        return 5;
    return type == OCT_INT16 ? 4 : type == OCT_BOOL ? 3 : type == OCT_INT8 ? 2 : 1;
}

static int32_t version_embedding(const oct_subgraph *sub, const oct_node *node)
{
    const oct_tensor *table = oct_node_input(sub, node, 1);
    if (table == NULL)
        return 1;
    if (table->type == OCT_INT4 || table->quant.count > 1)
        return 4;
    return table->type == OCT_INT2 ? 5 : 1;
}

const oct_op_def oct_op_gather = {
    .name = "GATHER", .code = OCT_OP_GATHER, .min_in = 2, .max_in = 2, .min_out = 1, .max_out = 1,
    .options = OCT_OPTIONS_Gather,
    .quant = { .in = { OCT_ROLE_ACT, OCT_ROLE_NONE }, .in_slots = 2, .out = { OCT_ROLE_ACT },
        .out_slots = 1, .weight_axis = -1, .link = OCT_LINK_SAME, .s8 = true, .s16 = true,
        .s16_constants_as_activations = true, .dynamic = OCT_DYNAMIC_WEIGHT_ONLY, .dynamic_slot = 0,
        .dynamic_axis = -1 },
    .version = version_gather, .runtime = "1.6 1.14 1.15 2.4 2.5 2.13 2.15 2.23",
    .infer = infer_gather, .prepare = prepare_gather,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_gather } },
};

const oct_op_def oct_op_embedding_lookup = {
    .name = "EMBEDDING_LOOKUP", .code = OCT_OP_EMBEDDING_LOOKUP, .min_in = 2, .max_in = 2,
    .min_out = 1, .max_out = 1,
    .quant = { .in = { OCT_ROLE_NONE, OCT_ROLE_WEIGHT }, .in_slots = 2, .out = { OCT_ROLE_ACT },
        .out_slots = 1, .weight_axis = 0, .link = OCT_LINK_FREE, .dynamic = OCT_DYNAMIC_HYBRID,
        .narrow = OCT_NARROW_HYBRID,
        .dynamic_slot = 1, .dynamic_axis = 0 },
    .version = version_embedding, .runtime = "1.13 1.14 1.14 2.18 2.21", .infer = infer_embedding,
    .prepare = prepare_embedding,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_embedding },
        [OCT_FORM_HYBRID] = { .eval = eval_embedding_hybrid } },
};
