/*
 * SOFTMAX over the last dimension.
 */
#include "kernels/softmax.h"

#include <math.h>

#include "kernels/functions.h"
#include "ops/arith.h"

typedef struct softmax {
    size_t rows, length;
    float beta;
    oct_softmax_fixed fixed;
    oct_softmax_tables *tables; /* int16 */
} softmax;

/* The output is a probability: its scale is not free. */
static oct_status check_output(const oct_op *op, oct_error *err)
{
    const oct_value *out = op->out[0];
    bool wide = out->type == OCT_INT16;
    float scale = wide ? 1.f / 32768 : 1.f / 256;
    int32_t zero = out->type == OCT_INT8 ? -128 : 0;
    if (oct_value_zero(out) == zero && fabsf(oct_value_scale(out) - scale) <= scale * 0.001f)
        return OCT_OK;
    return oct_op_fail(op, OCT_E_INVALID, err,
        "the output has scale %g, zero point %d; it must have scale 1/%d, zero point %d",
        (double)oct_value_scale(out), (int)oct_value_zero(out), wide ? 32768 : 256, (int)zero);
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    const oct_softmax_options *o = op->options;
    const oct_value *in = op->in[0];
    softmax *s = oct_op_alloc(op, sizeof *s);
    if (s == NULL)
        return oct_fail_memory(err, sizeof *s, "SOFTMAX");
    op->prepared = s;
    if (in->rank < 1)
        return oct_op_fail(op, OCT_E_INVALID, err, "input %s is a scalar", in->label);
    s->length = (size_t)in->dims[in->rank - 1];
    s->rows = s->length > 0 ? oct_value_count(in) / s->length : 0;
    s->beta = o->beta;
    if (op->form == OCT_FORM_F32)
        return OCT_OK;
    OCT_TRY(oct_op_need_quant(op, in, err));
    OCT_TRY(oct_op_need_quant(op, op->out[0], err));
    OCT_TRY(check_output(op, err));
    if (op->form != OCT_FORM_S16) {
        s->fixed = oct_softmax_fixed_init(s->beta, oct_value_scale(in));
        return OCT_OK;
    }
    s->tables = oct_op_alloc(op, sizeof *s->tables);
    if (s->tables == NULL)
        return oct_fail_memory(err, sizeof *s->tables, "SOFTMAX tables");
    oct_softmax_tables_init(s->beta, oct_value_scale(in), s->tables);
    op->scratch_bytes[0] = (size_t)oct_pool_threads(op->pool) * s->length * sizeof(int16_t);
    return OCT_OK;
}

#define EVAL(name, type, row_call)                                                                 \
    static void rows_##name(void *user, size_t begin, size_t end, int32_t worker)                  \
    {                                                                                              \
        (void)worker;                                                                              \
        const oct_op *op = user;                                                                   \
        const softmax *s = op->prepared;                                                           \
        for (size_t row = begin; row < end; row++) {                                               \
            const type *x = (const type *)op->in[0]->data + row * s->length;                       \
            type *y = (type *)op->out[0]->data + row * s->length;                                  \
            row_call;                                                                              \
        }                                                                                          \
    }                                                                                              \
    static oct_status eval_##name(oct_op *op, oct_error *err)                                      \
    {                                                                                              \
        (void)err;                                                                                 \
        oct_pool_for(op->pool, ((const softmax *)op->prepared)->rows, 16, rows_##name, op);        \
        return OCT_OK;                                                                             \
    }
EVAL(f32, float, oct_softmax_f32(x, s->length, s->beta, y))
EVAL(s8, int8_t, oct_softmax_s8(x, s->length, &s->fixed, y))
EVAL(u8, uint8_t, oct_softmax_u8(x, s->length, &s->fixed, y))
EVAL(s16, int16_t,
    oct_softmax_s16(
        x, s->length, s->tables, (int16_t *)op->scratch[0] + (size_t)worker * s->length, y))

/* Fast forms: vectors for floats, tables of the 256 differences for 8 bits. */
typedef struct fast_softmax {
    const oct_functions_set *functions;
    oct_softmax_differences differences;
} fast_softmax;

static oct_status prepare_fast(oct_op *op, bool *usable, oct_error *err)
{
    (void)usable;
    const softmax *s = op->prepared;
    fast_softmax *fast = op->packed = oct_op_alloc(op, sizeof *fast);
    if (fast == NULL)
        return oct_fail_memory(err, sizeof *fast, op->out[0]->label);
    fast->functions = oct_functions_set_of(oct_cpu_level());
    if (op->form != OCT_FORM_F32)
        oct_softmax_differences_init(&s->fixed, &fast->differences);
    return OCT_OK;
}

#define FAST(op) ((const fast_softmax *)(op)->packed)
EVAL(fast_f32, float, FAST(op)->functions->softmax_row(s->length, x, s->beta, y))
EVAL(fast_s8, int8_t, oct_softmax_by_table_s8(x, s->length, &FAST(op)->differences, y))
EVAL(fast_u8, uint8_t, oct_softmax_by_table_u8(x, s->length, &FAST(op)->differences, y))

static int32_t version(const oct_subgraph *sub, const oct_node *node)
{
    oct_type type = sub->tensors[node->inputs[0]]->type;
    return type == OCT_FLOAT16 ? 4 : type == OCT_INT16 ? 3 : type == OCT_INT8 ? 2 : 1;
}

const oct_op_def oct_op_softmax = {
    .name = "SOFTMAX",
    .code = OCT_OP_SOFTMAX,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_Softmax,
    .quant = { .in = { OCT_ROLE_ACT },
        .in_slots = 1,
        .out = { OCT_ROLE_ACT },
        .out_slots = 1,
        .weight_axis = -1,
        .link = OCT_LINK_FIXED,
        .fixed = { [OCT_FIXED_S8] = { 1.f / 256, -128 },
            [OCT_FIXED_U8] = { 1.f / 256, 0 },
            [OCT_FIXED_S16] = { 1.f / 32768, 0 } },
        .s8 = true,
        .s16 = true,
        .overwrites = 1 },
    .version = version,
    .runtime = "1.5 1.14 2.3 2.23",
    .infer = oct_infer_same_as_input,
    .prepare = prepare,
    .ref = { [OCT_FORM_F32] = { .eval = eval_f32 },
        [OCT_FORM_S8] = { .eval = eval_s8 },
        [OCT_FORM_U8] = { .eval = eval_u8 },
        [OCT_FORM_S16] = { .eval = eval_s16 } },
    .fast = { [OCT_FORM_F32] = { prepare_fast, eval_fast_f32 },
        [OCT_FORM_S8] = { prepare_fast, eval_fast_s8 },
        [OCT_FORM_U8] = { prepare_fast, eval_fast_u8 } },
};
