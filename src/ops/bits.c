/*
 * BITCAST, BITWISE_XOR, RIGHT_SHIFT: work on bit patterns.
 * Sources: LiteRT tflite/kernels/bitcast.cc, bitwise_xor.cc, right_shift.cc.
 */
#include <string.h>

#include "ops/arith.h"
#include "ops/broadcast.h"

enum { MAX_RANK = 8 };

/* [..., n] of a small type are [...] of one n times as large, and the other way round. */
static oct_status infer_bitcast(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0];
    int32_t dims[MAX_RANK + 1], rank = in->rank;
    OCT_TRY(oct_op_need_whole_bytes(op, in, err));
    OCT_TRY(oct_op_need_whole_bytes(op, op->out[0], err));
    size_t from = oct_type_size(in->type), to = oct_type_size(op->out[0]->type);
    if (rank > MAX_RANK || (from < to && (rank < 1 || (size_t)in->dims[rank - 1] * from != to)))
        return oct_op_fail(op, OCT_E_INVALID, err, "%s cannot become %s in this shape",
            oct_type_name(in->type), oct_type_name(op->out[0]->type));
    if (rank > 0)
        memcpy(dims, in->dims, (size_t)rank * sizeof *dims);
    if (from > to)
        dims[rank++] = (int32_t)(from / to);
    else if (from < to)
        rank--;
    return oct_op_set_shape(op, 0, op->out[0]->type, rank, dims, err);
}

static oct_status eval_bitcast(oct_op *op, oct_error *err)
{
    (void)err;
    if (op->in[0]->size > 0 && op->out[0]->data != op->in[0]->data)
        memcpy(op->out[0]->data, op->in[0]->data, op->in[0]->size);
    return OCT_OK;
}

/* Shifts by less than 0 or more than all bits shift by 0 and by all bits but one. */
#define SHIFT_AND_XOR(name, type)                                                                  \
    static inline type xor_##name(const oct_broadcast *p, type a, type b)                          \
    {                                                                                              \
        (void)p;                                                                                   \
        return (type)(a ^ b);                                                                      \
    }                                                                                              \
    static inline type shift_##name(const oct_broadcast *p, type a, type b)                        \
    {                                                                                              \
        (void)p;                                                                                   \
        const int most = 8 * (int)sizeof(type) - 1;                                                \
        int64_t by = (int64_t)b;                                                                   \
        return (type)(a >> (by < 0 ? 0 : by > most ? most : (int)by));                             \
    }                                                                                              \
    OCT_BINARY_ROW(row_xor_##name, type, type, oct_broadcast, xor_##name)                          \
    OCT_BINARY_ROW(row_shift_##name, type, type, oct_broadcast, shift_##name)
SHIFT_AND_XOR(s8, int8_t)
SHIFT_AND_XOR(u8, uint8_t)
SHIFT_AND_XOR(s16, int16_t)
SHIFT_AND_XOR(u16, uint16_t)
SHIFT_AND_XOR(s32, int32_t)
SHIFT_AND_XOR(u32, uint32_t)

typedef struct rows {
    oct_binary_row exclusive_or, shift;
} rows;

static rows rows_of(oct_type type)
{
    switch (type) {
    case OCT_INT8:
        return (rows){ row_xor_s8, row_shift_s8 };
    case OCT_UINT8:
        return (rows){ row_xor_u8, row_shift_u8 };
    case OCT_INT16:
        return (rows){ row_xor_s16, row_shift_s16 };
    case OCT_UINT16:
        return (rows){ row_xor_u16, row_shift_u16 };
    case OCT_INT32:
        return (rows){ row_xor_s32, row_shift_s32 };
    case OCT_UINT32:
        return (rows){ row_xor_u32, row_shift_u32 };
    default:
        return (rows){ NULL, NULL };
    }
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    if (rows_of(op->in[0]->type).shift == NULL)
        return oct_op_fail(
            op, OCT_E_UNSUPPORTED, err, "operands of type %s", oct_type_name(op->in[0]->type));
    return oct_broadcast_prepare(op, err);
}

static oct_status eval_xor(oct_op *op, oct_error *err)
{
    (void)err;
    size_t size = oct_type_size(op->in[0]->type);
    oct_broadcast_run(
        op->prepared, op, size, size, rows_of(op->in[0]->type).exclusive_or, op->prepared);
    return OCT_OK;
}

static oct_status eval_shift(oct_op *op, oct_error *err)
{
    (void)err;
    size_t size = oct_type_size(op->in[0]->type);
    oct_broadcast_run(op->prepared, op, size, size, rows_of(op->in[0]->type).shift, op->prepared);
    return OCT_OK;
}

const oct_op_def oct_op_bitcast = {
    .name = "BITCAST",
    .code = OCT_OP_BITCAST,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_Bitcast,
    .runtime = "2.13",
    .infer = infer_bitcast,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_bitcast } },
};
const oct_op_def oct_op_bitwise_xor = {
    .name = "BITWISE_XOR",
    .code = OCT_OP_BITWISE_XOR,
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_BitwiseXor,
    .traits = OCT_TRAIT_INPLACE,
    .runtime = "2.13",
    .infer = oct_infer_broadcast,
    .prepare = prepare,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_xor } },
};
const oct_op_def oct_op_right_shift = {
    .name = "RIGHT_SHIFT",
    .code = OCT_OP_RIGHT_SHIFT,
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_RightShift,
    .traits = OCT_TRAIT_INPLACE,
    .runtime = "2.13",
    .infer = oct_infer_broadcast,
    .prepare = prepare,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_shift } },
};
