/*
 * REVERSE_SEQUENCE: the first elements of each sequence in reverse order, as many as its length says.
 * Source: LiteRT tflite/kernels/reverse_sequence.cc.
 */
#include <string.h>

#include "ops/arith.h"

static oct_status infer(oct_op *op, oct_error *err)
{
    const oct_reverse_sequence_options *o = op->options;
    const oct_value *in = op->in[0], *lengths = op->in[1];
    OCT_TRY(oct_op_need_whole_bytes(op, in, err));
    if (o->seq_dim < 0 || o->seq_dim >= in->rank || o->batch_dim < 0 || o->batch_dim >= in->rank ||
        o->seq_dim == o->batch_dim)
        return oct_op_fail(op, OCT_E_INVALID, err, "sequences along %d, batches along %d of %d",
            (int)o->seq_dim, (int)o->batch_dim, (int)in->rank);
    if ((lengths->type != OCT_INT32 && lengths->type != OCT_INT64) || lengths->rank != 1 ||
        lengths->dims[0] != in->dims[o->batch_dim])
        return oct_op_fail(op, OCT_E_INVALID, err, "needs one length for each of %d sequences",
            (int)in->dims[o->batch_dim]);
    return oct_infer_same_as_input(op, err);
}

static oct_status check_lengths(const oct_op *op, int32_t most, oct_error *err)
{
    for (int32_t i = 0; i < op->in[1]->dims[0]; i++) {
        int64_t length = oct_value_integer(op->in[1], (size_t)i);
        if (length < 0 || length > most)
            return oct_op_fail(
                op, OCT_E_INVALID, err, "length %lld of sequence %d", (long long)length, (int)i);
    }
    return OCT_OK;
}

static oct_status eval(oct_op *op, oct_error *err)
{
    const oct_reverse_sequence_options *o = op->options;
    const oct_value *in = op->in[0];
    OCT_TRY(check_lengths(op, in->dims[o->seq_dim], err));
    int32_t last = o->seq_dim > o->batch_dim ? o->seq_dim : o->batch_dim;
    size_t bytes = oct_value_span(in, last + 1, in->rank) * oct_type_size(in->type);
    size_t rows = oct_value_span(in, 0, last + 1);
    size_t seq_stride = oct_value_span(in, o->seq_dim + 1, last + 1);
    size_t batch_stride = oct_value_span(in, o->batch_dim + 1, last + 1);
    for (size_t row = 0; row < rows; row++) {
        size_t at = row / seq_stride % (size_t)in->dims[o->seq_dim];
        size_t batch = row / batch_stride % (size_t)in->dims[o->batch_dim];
        size_t length = (size_t)oct_value_integer(op->in[1], batch);
        size_t to = at < length ? row + (length - 1 - at) * seq_stride - at * seq_stride : row;
        memcpy((unsigned char *)op->out[0]->data + to * bytes,
            (const unsigned char *)in->data + row * bytes, bytes);
    }
    return OCT_OK;
}

const oct_op_def oct_op_reverse_sequence = {
    .name = "REVERSE_SEQUENCE",
    .code = OCT_OP_REVERSE_SEQUENCE,
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_ReverseSequence,
    .runtime = "1.14",
    .infer = infer,
    .ref = { [OCT_FORM_ANY] = { .eval = eval } },
};
