/*
 * EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER, GREATER_EQUAL.
 *
 * Quantized operands are compared as real values on a grid of 1/256, so codes of nearby values may count
 * as equal. Source: LiteRT tflite/kernels/comparisons.cc, internal/reference/comparisons.h.
 */
#include "ops/arith.h"
#include "ops/broadcast.h"
#include "ops/version.h"

enum { HEAD_ROOM = 8 };

typedef struct params {
    oct_broadcast walk;
    int32_t a_zero, b_zero;
    oct_multiplier a_scale, b_scale;
} params;

static oct_status infer(oct_op *op, oct_error *err)
{
    const oct_value *a = op->in[0], *b = op->in[1];
    int32_t rank, dims[OCT_BROADCAST_RANK];
    if (a->type != b->type || !oct_shape_broadcast(a, b, &rank, dims))
        return oct_op_fail(op, OCT_E_INVALID, err, "%s and %s differ in type or do not broadcast",
            a->label, b->label);
    return oct_op_set_shape(op, 0, OCT_BOOL, rank, dims, err);
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    params *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, op->out[0]->label);
    op->prepared = p;
    oct_broadcast_init(&p->walk, op);
    if (op->form != OCT_FORM_S8 && op->form != OCT_FORM_U8)
        return OCT_OK;
    OCT_TRY(oct_op_need_quant(op, op->in[0], err));
    OCT_TRY(oct_op_need_quant(op, op->in[1], err));
    p->a_zero = oct_value_zero(op->in[0]);
    p->b_zero = oct_value_zero(op->in[1]);
    OCT_TRY(oct_op_multiplier(op, oct_value_scale(op->in[0]), &p->a_scale, err));
    return oct_op_multiplier(op, oct_value_scale(op->in[1]), &p->b_scale, err);
}

static inline int32_t on_grid_a(const params *p, int32_t a)
{
    return oct_mbqm((a - p->a_zero) * (1 << HEAD_ROOM), p->a_scale);
}

static inline int32_t on_grid_b(const params *p, int32_t b)
{
    return oct_mbqm((b - p->b_zero) * (1 << HEAD_ROOM), p->b_scale);
}

/* For each relation the row function of a type; left and right say how an operand is read. */
#define RAW(p, x) ((void)(p), (x))
#define EVAL(relation, symbol, suffix, type, left, right)                                          \
    static inline uint8_t relation##_##suffix(const params *p, type a, type b)                     \
    {                                                                                              \
        return left(p, a) symbol right(p, b);                                                      \
    }                                                                                              \
    OCT_BINARY_ROW(row_##relation##_##suffix, type, uint8_t, params, relation##_##suffix)          \
    static oct_status eval_##relation##_##suffix(oct_op *op, oct_error *err)                       \
    {                                                                                              \
        (void)err;                                                                                 \
        const params *p = op->prepared;                                                            \
        oct_broadcast_run(&p->walk, op, sizeof(type), 1, row_##relation##_##suffix, p);            \
        return OCT_OK;                                                                             \
    }
#define NUMBERS(relation, symbol)                                                                  \
    EVAL(relation, symbol, f32, float, RAW, RAW)                                                   \
    EVAL(relation, symbol, i32, int32_t, RAW, RAW)                                                 \
    EVAL(relation, symbol, i64, int64_t, RAW, RAW)                                                 \
    EVAL(relation, symbol, s8, int8_t, on_grid_a, on_grid_b)                                       \
    EVAL(relation, symbol, u8, uint8_t, on_grid_a, on_grid_b)
NUMBERS(equal, ==)
NUMBERS(not_equal, !=)
NUMBERS(less, <)
NUMBERS(less_equal, <=)
NUMBERS(greater, >)
NUMBERS(greater_equal, >=)
EVAL(equal, ==, bool, uint8_t, RAW, RAW)
EVAL(not_equal, !=, bool, uint8_t, RAW, RAW)

static int32_t version_equal(const oct_subgraph *sub, const oct_node *node)
{
    oct_type type = oct_node_type(sub, node, 0);
    return type == OCT_INT16 ? 5 : type == OCT_STRING ? 3 : type == OCT_INT8 ? 2 : 1;
}

static int32_t version_not_equal(const oct_subgraph *sub, const oct_node *node)
{
    oct_type type = oct_node_type(sub, node, 0);
    return type == OCT_INT16 ? 4 : type == OCT_STRING ? 3 : type == OCT_INT8 ? 2 : 1;
}

#define COMMON(NAME, Table)                                                                        \
    .name = #NAME, .code = OCT_OP_##NAME, .min_in = 2, .max_in = 2, .min_out = 1, .max_out = 1,    \
    .options = OCT_OPTIONS_##Table, .infer = infer, .prepare = prepare,                            \
    .quant = { .in = { OCT_ROLE_ACT, OCT_ROLE_ACT }, .in_slots = 2, .out = { OCT_ROLE_NONE },      \
        .out_slots = 1, .weight_axis = -1, .link = OCT_LINK_FREE, .s8 = true }
#define FORMS(relation)                                                                            \
    [OCT_FORM_F32] = { .eval = eval_##relation##_f32 },                                            \
    [OCT_FORM_I32] = { .eval = eval_##relation##_i32 },                                            \
    [OCT_FORM_I64] = { .eval = eval_##relation##_i64 },                                            \
    [OCT_FORM_S8] = { .eval = eval_##relation##_s8 },                                              \
    [OCT_FORM_U8] = { .eval = eval_##relation##_u8 }

const oct_op_def oct_op_equal = {
    COMMON(EQUAL, Equal), .version = version_equal, .runtime = "1.14 1.14 2.3 2.13 2.21",
    .ref = { FORMS(equal), [OCT_FORM_BOOL] = { .eval = eval_equal_bool } },
};
const oct_op_def oct_op_not_equal = {
    COMMON(NOT_EQUAL, NotEqual), .version = version_not_equal, .runtime = "1.14 1.14 2.3 2.21",
    .ref = { FORMS(not_equal), [OCT_FORM_BOOL] = { .eval = eval_not_equal_bool } },
};
const oct_op_def oct_op_less = {
    COMMON(LESS, Less), .version = oct_version_s8_2_s16_3, .runtime = "1.14 1.14 2.13",
    .ref = { FORMS(less) },
};
const oct_op_def oct_op_less_equal = {
    COMMON(LESS_EQUAL, LessEqual), .version = oct_version_s8_2, .runtime = "1.14 1.14",
    .ref = { FORMS(less_equal) },
};
const oct_op_def oct_op_greater = {
    COMMON(GREATER, Greater), .version = oct_version_s8_2, .runtime = "1.14 1.14",
    .ref = { FORMS(greater) },
};
const oct_op_def oct_op_greater_equal = {
    COMMON(GREATER_EQUAL, GreaterEqual), .version = oct_version_s8_2_s16_3,
    .runtime = "1.14 1.14 2.13", .ref = { FORMS(greater_equal) },
};
