/*
 * LOGICAL_AND, LOGICAL_OR, LOGICAL_NOT on bool. Source: LiteRT tflite/kernels/logical.cc.
 */
#include "ops/arith.h"
#include "ops/broadcast.h"
#include "ops/unary.h"

#define EVAL(name, symbol)                                                                         \
    static inline uint8_t name(const oct_broadcast *p, uint8_t a, uint8_t b)                       \
    {                                                                                              \
        (void)p;                                                                                   \
        return (a != 0)symbol(b != 0);                                                             \
    }                                                                                              \
    OCT_BINARY_ROW(row_##name, uint8_t, uint8_t, oct_broadcast, name)                              \
    static oct_status eval_##name(oct_op *op, oct_error *err)                                      \
    {                                                                                              \
        (void)err;                                                                                 \
        oct_broadcast_run(op->prepared, op, 1, 1, row_##name, op->prepared);                       \
        return OCT_OK;                                                                             \
    }
EVAL(both, &&)
EVAL(either, ||)

static inline uint8_t inverse(const void *p, uint8_t x) { (void)p; return x == 0; }
OCT_UNARY_EVAL(inverse, uint8_t, uint8_t, void)

#define COMMON(NAME, Table)                                                                        \
    .name = #NAME, .code = OCT_OP_##NAME, .min_out = 1, .max_out = 1,                              \
    .options = OCT_OPTIONS_##Table, .traits = OCT_TRAIT_INPLACE, .runtime = "1.11"

const oct_op_def oct_op_logical_and = {
    COMMON(LOGICAL_AND, LogicalAnd), .min_in = 2, .max_in = 2, .infer = oct_infer_broadcast,
    .prepare = oct_broadcast_prepare, .ref = { [OCT_FORM_BOOL] = { .eval = eval_both } },
};
const oct_op_def oct_op_logical_or = {
    COMMON(LOGICAL_OR, LogicalOr), .min_in = 2, .max_in = 2, .infer = oct_infer_broadcast,
    .prepare = oct_broadcast_prepare, .ref = { [OCT_FORM_BOOL] = { .eval = eval_either } },
};
const oct_op_def oct_op_logical_not = {
    COMMON(LOGICAL_NOT, LogicalNot), .min_in = 1, .max_in = 1, .infer = oct_infer_same_as_input,
    .ref = { [OCT_FORM_BOOL] = { .eval = eval_inverse } },
};
