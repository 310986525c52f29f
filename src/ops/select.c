/*
 * SELECT and SELECT_V2: x where the condition holds, else y.
 *
 * SELECT_V2 broadcasts all three; SELECT wants equal shapes, but takes a condition of one dimension for
 * whole rows. Raw values are copied, so quantized operands share their parameters.
 * Source: LiteRT tflite/kernels/select.cc.
 */
#include <string.h>

#include "ops/arith.h"
#include "ops/version.h"

enum { MAX_RANK = 8 };

typedef struct params {
    int32_t rank;
    size_t dims[MAX_RANK];
    size_t step[3][MAX_RANK]; /* elements of condition, x and y along each output axis */
    size_t element;
} params;

/* Dimension i of a value seen with `rank` dimensions, aligned to the right or (rows) to the left. */
static int32_t aligned_dim(const oct_value *value, int32_t rank, int32_t i, bool left)
{
    int32_t j = left ? i : i - (rank - value->rank);
    return j < 0 || j >= value->rank ? 1 : value->dims[j];
}

/* A condition of one dimension in SELECT picks rows of operands with more. */
static bool picks_rows(const oct_op *op)
{
    return op->node->op == OCT_OP_SELECT && op->in[0]->rank == 1 && op->in[1]->rank > 1;
}

static oct_status infer(oct_op *op, oct_error *err)
{
    const oct_value *x = op->in[1], *y = op->in[2];
    int32_t rank = 0, dims[MAX_RANK];
    if (op->in[0]->type != OCT_BOOL || x->type != y->type)
        return oct_op_fail(op, OCT_E_INVALID, err, "needs a bool condition and two operands of one type");
    OCT_TRY(oct_op_need_whole_bytes(op, x, err));
    for (int i = 0; i < 3; i++)
        rank = op->in[i]->rank > rank ? op->in[i]->rank : rank;
    if (rank > MAX_RANK)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "%d dimensions", (int)rank);
    for (int32_t i = 0; i < rank; i++) {
        dims[i] = 1;
        for (int k = 0; k < 3; k++) {
            int32_t dim = aligned_dim(op->in[k], rank, i, k == 0 && picks_rows(op));
            if (dim != 1 && dims[i] != 1 && dim != dims[i])
                return oct_op_fail(op, OCT_E_INVALID, err, "dimension %d is %d and %d", (int)i,
                    (int)dims[i], (int)dim);
            dims[i] = dim == 1 ? dims[i] : dim;
        }
    }
    return oct_op_set_shape(op, 0, x->type, rank, dims, err);
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    params *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, op->out[0]->label);
    op->prepared = p;
    p->rank = op->out[0]->rank;
    p->element = oct_type_size(op->out[0]->type);
    for (int k = 0; k < 3; k++) {
        size_t step = 1;
        for (int32_t i = p->rank - 1; i >= 0; i--) {
            size_t dim = (size_t)aligned_dim(op->in[k], p->rank, i, k == 0 && picks_rows(op));
            p->dims[i] = (size_t)op->out[0]->dims[i];
            p->step[k][i] = dim == 1 ? 0 : step;
            step *= dim;
        }
    }
    return OCT_OK;
}

static oct_status eval(oct_op *op, oct_error *err)
{
    (void)err;
    const params *p = op->prepared;
    const uint8_t *condition = op->in[0]->data;
    unsigned char *out = op->out[0]->data;
    size_t count = oct_value_count(op->out[0]);
    for (size_t n = 0; n < count; n++) {
        size_t at[3] = { 0, 0, 0 }, rest = n;
        for (int32_t i = p->rank - 1; i >= 0; i--) {
            for (int k = 0; k < 3; k++)
                at[k] += rest % p->dims[i] * p->step[k][i];
            rest /= p->dims[i];
        }
        int source = condition[at[0]] != 0 ? 1 : 2;
        memcpy(out + n * p->element,
            (const unsigned char *)op->in[source]->data + at[source] * p->element, p->element);
    }
    return OCT_OK;
}

static int32_t version_select(const oct_subgraph *sub, const oct_node *node)
{
    const oct_tensor *condition = oct_node_input(sub, node, 0);
    if (condition == NULL)
        return 1;
    return condition->type == OCT_UINT32 ? 4 : condition->rank == 5 ? 3 : condition->type == OCT_INT8 ? 2 : 1;
}

static int32_t version_select_v2(const oct_subgraph *sub, const oct_node *node)
{
    return oct_node_type(sub, node, 0) == OCT_UINT32 ? 2 : 1;
}

#define COMMON(NAME, Table)                                                                        \
    .name = #NAME, .code = OCT_OP_##NAME, .min_in = 3, .max_in = 3, .min_out = 1, .max_out = 1,    \
    .options = OCT_OPTIONS_##Table,                                                                \
    .quant = { .in = { OCT_ROLE_NONE, OCT_ROLE_ACT, OCT_ROLE_ACT }, .in_slots = 3,                 \
        .out = { OCT_ROLE_ACT }, .out_slots = 1, .weight_axis = -1, .link = OCT_LINK_SAME,         \
        .s8 = true, .s16 = true },                                                                 \
    .infer = infer, .prepare = prepare, .ref = { [OCT_FORM_ANY] = { .eval = eval } }

const oct_op_def oct_op_select = {
    COMMON(SELECT, Select), .version = version_select, .runtime = "1.14 1.14 2.12 2.12",
};
const oct_op_def oct_op_select_v2 = {
    COMMON(SELECT_V2, SelectV2), .version = version_select_v2, .runtime = "2.2 2.12",
};
