/*
 * MATRIX_DIAG and MATRIX_SET_DIAG: the last dimensions are matrices, whose diagonals are given.
 * Sources: LiteRT tflite/kernels/matrix_diag.cc, matrix_set_diag.cc.
 */
#include <string.h>

#include "ops/arith.h"

enum { MAX_RANK = 8 };

static oct_status infer_diag(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0];
    int32_t dims[MAX_RANK];
    OCT_TRY(oct_op_need_whole_bytes(op, in, err));
    if (in->rank < 1 || in->rank >= MAX_RANK)
        return oct_op_fail(op, OCT_E_INVALID, err, "%d dimensions", (int)in->rank);
    memcpy(dims, in->dims, (size_t)in->rank * sizeof *dims);
    dims[in->rank] = in->dims[in->rank - 1];
    return oct_op_set_shape(op, 0, in->type, in->rank + 1, dims, err);
}

static oct_status infer_set_diag(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0], *diagonal = op->in[1];
    OCT_TRY(oct_op_need_whole_bytes(op, in, err));
    bool fits = in->rank >= 2 && diagonal->rank == in->rank - 1 && diagonal->type == in->type;
    for (int32_t i = 0; fits && i < in->rank - 2; i++)
        fits = diagonal->dims[i] == in->dims[i];
    if (!fits)
        return oct_op_fail(op, OCT_E_INVALID, err, "the diagonals do not fit the matrices");
    int32_t rows = in->dims[in->rank - 2], columns = in->dims[in->rank - 1];
    int32_t length = rows < columns ? rows : columns;
    if (diagonal->dims[in->rank - 2] != length)
        return oct_op_fail(op, OCT_E_INVALID, err, "diagonals of %d in %dx%d matrices",
            (int)diagonal->dims[in->rank - 2], (int)rows, (int)columns);
    return oct_infer_same_as_input(op, err);
}

/* Output 0 holds what lies beside the diagonals. */
static void set_diagonals(oct_op *op, const unsigned char *diagonals)
{
    const oct_value *out = op->out[0];
    size_t element = oct_type_size(out->type);
    size_t rows = (size_t)out->dims[out->rank - 2], columns = (size_t)out->dims[out->rank - 1];
    size_t length = rows < columns ? rows : columns, count = oct_value_span(out, 0, out->rank - 2);
    unsigned char *y = out->data;
    for (size_t m = 0; m < count; m++, y += rows * columns * element)
        for (size_t i = 0; i < length; i++, diagonals += element)
            memcpy(y + i * (columns + 1) * element, diagonals, element);
}

static oct_status eval_diag(oct_op *op, oct_error *err)
{
    (void)err;
    if (op->out[0]->size > 0)
        memset(op->out[0]->data, 0, op->out[0]->size);
    set_diagonals(op, op->in[0]->data);
    return OCT_OK;
}

static oct_status eval_set_diag(oct_op *op, oct_error *err)
{
    (void)err;
    if (op->out[0]->size > 0 && op->out[0]->data != op->in[0]->data)
        memcpy(op->out[0]->data, op->in[0]->data, op->out[0]->size);
    set_diagonals(op, op->in[1]->data);
    return OCT_OK;
}

const oct_op_def oct_op_matrix_diag = {
    .name = "MATRIX_DIAG",
    .code = OCT_OP_MATRIX_DIAG,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_MatrixDiag,
    .runtime = "1.14",
    .infer = infer_diag,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_diag } },
};
const oct_op_def oct_op_matrix_set_diag = {
    .name = "MATRIX_SET_DIAG",
    .code = OCT_OP_MATRIX_SET_DIAG,
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_MatrixSetDiag,
    .traits = OCT_TRAIT_INPLACE,
    .runtime = "1.14",
    .infer = infer_set_diag,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_set_diag } },
};
