/*
 * TRANSPOSE: axes that stay neighbours are merged, then output rows are gathered at one stride.
 * Source: LiteRT tflite/kernels/transpose.cc.
 */
#include <string.h>

#include "ops/arith.h"
#include "ops/version.h"

enum { MAX_RANK = 8 };

typedef struct params {
    int32_t rank;             /* merged, >= 1 */
    size_t dims[MAX_RANK];    /* of the output */
    size_t stride[MAX_RANK];  /* of the input, in elements, along each output axis */
    size_t element, rows;
} params;

static oct_status read_permutation(const oct_op *op, int32_t *axes, oct_error *err)
{
    const oct_value *in = op->in[0];
    uint32_t seen = 0;
    OCT_TRY(oct_op_need_known(op, 1, "permutation", err));
    OCT_TRY(oct_op_need_whole_bytes(op, in, err));
    if (in->rank > MAX_RANK || oct_value_count(op->in[1]) != (size_t)in->rank)
        return oct_op_fail(op, OCT_E_INVALID, err, "the permutation must have %d axes",
            (int)in->rank);
    for (int32_t i = 0; i < in->rank; i++) {
        OCT_TRY(oct_op_axis(op, oct_value_integer(op->in[1], (size_t)i), in->rank, &axes[i], err));
        if (seen >> axes[i] & 1)
            return oct_op_fail(op, OCT_E_INVALID, err, "axis %d comes twice", (int)axes[i]);
        seen |= 1u << axes[i];
    }
    return OCT_OK;
}

static oct_status infer(oct_op *op, oct_error *err)
{
    int32_t axes[MAX_RANK], dims[MAX_RANK];
    OCT_TRY(read_permutation(op, axes, err));
    for (int32_t i = 0; i < op->in[0]->rank; i++)
        dims[i] = op->in[0]->dims[axes[i]];
    return oct_op_set_shape(op, 0, op->in[0]->type, op->in[0]->rank, dims, err);
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0];
    int32_t axes[MAX_RANK];
    OCT_TRY(read_permutation(op, axes, err));
    params *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, op->out[0]->label);
    op->prepared = p;
    p->element = oct_type_size(in->type);
    for (int32_t i = 0; i < in->rank; i++) {
        size_t dim = (size_t)in->dims[axes[i]];
        size_t stride = oct_value_span(in, axes[i] + 1, in->rank);
        if (p->rank > 0 && p->stride[p->rank - 1] == stride * dim) {
            p->dims[p->rank - 1] *= dim;
            p->stride[p->rank - 1] = stride;
        } else if (dim != 1) {
            p->dims[p->rank] = dim;
            p->stride[p->rank++] = stride;
        }
    }
    if (p->rank == 0)
        p->dims[0] = 1, p->stride[0] = 1, p->rank = 1;
    p->rows = 1;
    for (int32_t i = 0; i < p->rank - 1; i++)
        p->rows *= p->dims[i];
    return OCT_OK;
}

#define GATHER_ROW(type)                                                                           \
    for (size_t i = 0; i < n; i++)                                                                 \
        ((type *)y)[i] = ((const type *)x)[i * stride];                                            \
    break

static void gather_row(void *y, const void *x, size_t n, size_t stride, size_t element)
{
    switch (element) {
    case 1: GATHER_ROW(uint8_t);
    case 2: GATHER_ROW(uint16_t);
    case 4: GATHER_ROW(uint32_t);
    case 8: GATHER_ROW(uint64_t);
    default:
        for (size_t i = 0; i < n; i++)
            memcpy((unsigned char *)y + i * element, (const unsigned char *)x + i * stride * element,
                element);
    }
}

static void run_rows(void *user, size_t begin, size_t end, int32_t worker)
{
    (void)worker;
    const oct_op *op = user;
    const params *p = op->prepared;
    const unsigned char *x = op->in[0]->data;
    int32_t inner = p->rank - 1;
    size_t n = p->dims[inner], stride = p->stride[inner];
    for (size_t row = begin; row < end; row++) {
        unsigned char *y = (unsigned char *)op->out[0]->data + row * n * p->element;
        size_t rest = row, offset = 0;
        for (int32_t i = inner - 1; i >= 0; i--) {
            offset += rest % p->dims[i] * p->stride[i];
            rest /= p->dims[i];
        }
        if (stride == 1)
            memcpy(y, x + offset * p->element, n * p->element);
        else
            gather_row(y, x + offset * p->element, n, stride, p->element);
    }
}

static oct_status eval(oct_op *op, oct_error *err)
{
    (void)err;
    const params *p = op->prepared;
    size_t row_bytes = p->dims[p->rank - 1] * p->element;
    if (op->out[0]->size > 0)
        oct_pool_for(op->pool, p->rows, 32768 / row_bytes + 1, run_rows, op);
    return OCT_OK;
}

static int32_t version(const oct_subgraph *sub, const oct_node *node)
{
    const oct_tensor *in = oct_node_input(sub, node, 0);
    if (in == NULL)
        return 1;
    if (in->type == OCT_FLOAT16)
        return 9;
    if (in->rank > 6 || in->type == OCT_BFLOAT16)
        return 8;
    if (in->type == OCT_INT4)
        return 7;
    if (in->rank > 5)
        return 6;
    if (in->type == OCT_INT16)
        return 5;
    if (in->rank > 4)
        return 4;
    return in->type == OCT_BOOL ? 3 : in->type == OCT_INT8 ? 2 : 1;
}

const oct_op_def oct_op_transpose = {
    .name = "TRANSPOSE", .code = OCT_OP_TRANSPOSE, .min_in = 2, .max_in = 2, .min_out = 1,
    .max_out = 1, .options = OCT_OPTIONS_Transpose,
    .quant = { .in = { OCT_ROLE_ACT, OCT_ROLE_NONE }, .in_slots = 2, .out = { OCT_ROLE_ACT },
        .out_slots = 1, .weight_axis = -1, .link = OCT_LINK_SAME, .s8 = true, .s16 = true },
    .version = version, .runtime = "1.6 1.14 1.15 2.3 2.4 2.12 2.14.4 2.22 2.23", .infer = infer,
    .prepare = prepare, .ref = { [OCT_FORM_ANY] = { .eval = eval } },
};
