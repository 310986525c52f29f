/*
 * BATCH_MATMUL: matrix products over broadcast batches; either operand may be read transposed.
 */
#include <string.h>

#include "kernels/rows.h"
#include "ops/arith.h"
#include "ops/fast_matmul.h"

static int32_t dimension(const oct_value *value, int32_t rank, int32_t i)
{
    int32_t at = i - (rank - value->rank);
    return at < 0 ? 1 : value->dims[at];
}

static oct_status make_batches(
    const oct_op *op, int32_t rank, oct_matmul *m, int32_t *dims, oct_error *err)
{
    const oct_value *left = op->in[LEFT], *right = op->in[RIGHT];
    size_t left_size = (size_t)m->rows * (size_t)m->depth;
    size_t right_size = (size_t)m->depth * (size_t)m->columns;
    for (int32_t i = 0; i < OCT_MATMUL_BATCHES; i++)
        m->batch[i] = 1;
    for (int32_t i = rank - 3, at = OCT_MATMUL_BATCHES - 1; i >= 0; i--, at--) {
        int32_t a = dimension(left, rank, i), b = dimension(right, rank, i);
        if (a != b && a != 1 && b != 1)
            return oct_op_fail(
                op, OCT_E_INVALID, err, "batches of %d and %d do not broadcast", (int)a, (int)b);
        dims[i] = a == 1 ? b : a;
        m->batch[at] = (size_t)dims[i];
        m->left_step[at] = a == 1 ? 0 : left_size;
        m->right_step[at] = b == 1 ? 0 : right_size;
        left_size *= (size_t)a;
        right_size *= (size_t)b;
    }
    return OCT_OK;
}

/* Sizes and steps; dims receives the output's shape. */
static oct_status make_geometry(
    const oct_op *op, oct_matmul *m, int32_t *rank, int32_t dims[5], oct_error *err)
{
    const oct_batch_matmul_options *o = op->options;
    const oct_value *left = op->in[LEFT], *right = op->in[RIGHT];
    if (left->rank < 2 || left->rank > 5 || right->rank < 2 || right->rank > 5)
        return oct_op_fail(op, OCT_E_INVALID, err, "operands of %d and %d dimensions; 2 to 5 work",
            (int)left->rank, (int)right->rank);
    int32_t n = left->rank > right->rank ? left->rank : right->rank;
    const int32_t *l = left->dims + left->rank - 2, *r = right->dims + right->rank - 2;
    m->rows = l[o->adj_x ? 1 : 0];
    m->depth = l[o->adj_x ? 0 : 1];
    m->columns = r[o->adj_y ? 0 : 1];
    if (m->depth != r[o->adj_y ? 1 : 0])
        return oct_op_fail(op, OCT_E_INVALID, err, "rows of %d elements meet columns of %d",
            (int)m->depth, (int)r[o->adj_y ? 1 : 0]);
    m->left_row = o->adj_x ? 1 : (size_t)m->depth;
    m->left_k = o->adj_x ? (size_t)m->rows : 1;
    m->right_k = o->adj_y ? 1 : (size_t)m->columns;
    m->right_column = o->adj_y ? (size_t)m->depth : 1;
    dims[n - 2] = m->rows;
    dims[n - 1] = m->columns;
    *rank = n;
    return make_batches(op, n, m, dims, err);
}

static oct_status infer(oct_op *op, oct_error *err)
{
    oct_matmul m = { 0 };
    int32_t rank, dims[5];
    OCT_TRY(make_geometry(op, &m, &rank, dims, err));
    return oct_op_set_shape(op, 0, op->in[LEFT]->type, rank, dims, err);
}

static oct_status prepare_quantized(const oct_op *op, oct_matmul *m, oct_error *err)
{
    const oct_value *left = op->in[LEFT], *right = op->in[RIGHT], *out = op->out[0];
    OCT_TRY(oct_op_need_quant(op, left, err));
    OCT_TRY(oct_op_need_quant(op, right, err));
    OCT_TRY(oct_op_need_quant(op, out, err));
    m->left_zero = oct_value_zero(left);
    m->right_zero = oct_value_zero(right);
    m->out_zero = oct_value_zero(out);
    oct_type_range(out->type, &m->lo, &m->hi);
    double real =
        (double)(oct_value_scale(left) * oct_value_scale(right)) / (double)oct_value_scale(out);
    m->by = oct_quantize_multiplier(real);
    if (m->by.e > (op->form == OCT_FORM_S16 ? 7 : 30))
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err,
            "the product of the input scales over the output scale is %g", real);
    return OCT_OK;
}

static oct_status check_types(const oct_op *op, oct_error *err)
{
    oct_type left = op->in[LEFT]->type, right = op->in[RIGHT]->type;
    bool fits = left == right || (left == OCT_FLOAT32 && right == OCT_INT8) ||
                (left == OCT_INT16 && right == OCT_INT8);
    if (fits)
        return OCT_OK;
    return oct_op_fail(
        op, OCT_E_UNSUPPORTED, err, "%s times %s", oct_type_name(left), oct_type_name(right));
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    oct_matmul *m = oct_op_alloc(op, sizeof *m);
    int32_t rank, dims[5];
    if (m == NULL)
        return oct_fail_memory(err, sizeof *m, "BATCH_MATMUL");
    op->prepared = m;
    OCT_TRY(check_types(op, err));
    OCT_TRY(make_geometry(op, m, &rank, dims, err));
    size_t workers = (size_t)oct_pool_threads(op->pool);
    op->scratch_bytes[0] = workers * (size_t)m->columns * 8; /* sums of a row */
    if (op->form == OCT_FORM_S8 || op->form == OCT_FORM_S16)
        return prepare_quantized(op, m, err);
    if (op->form != OCT_FORM_HYBRID)
        return OCT_OK;
    const oct_quant *quant = op->in[RIGHT]->quant;
    if (quant->count != 1 && quant->count != m->columns)
        return oct_op_fail(op, OCT_E_INVALID, err, "%s has %d scales for %d columns",
            op->in[RIGHT]->label, (int)quant->count, (int)m->columns);
    op->scratch_bytes[0] = workers * (size_t)m->depth * sizeof(float); /* a row of activations */
    op->scratch_bytes[1] = workers * (size_t)m->depth;
    return OCT_OK;
}

void oct_matmul_locate(const oct_matmul *m, size_t batch, size_t *left, size_t *right)
{
    *left = *right = 0;
    for (int32_t i = OCT_MATMUL_BATCHES - 1; i >= 0; i--) {
        *left += batch % m->batch[i] * m->left_step[i];
        *right += batch % m->batch[i] * m->right_step[i];
        batch /= m->batch[i];
    }
}

/* Where row `row` (counted over all batches) and its right operand begin, in elements. */
static void locate(const oct_matmul *m, size_t row, size_t *left, size_t *right)
{
    oct_matmul_locate(m, row / (size_t)m->rows, left, right);
    *left += row % (size_t)m->rows * m->left_row;
}

static void for_rows(oct_op *op, void (*rows)(void *, size_t, size_t, int32_t))
{
    const oct_matmul *m = op->prepared;
    oct_pool_for(op->pool, m->batch[0] * m->batch[1] * m->batch[2] * (size_t)m->rows, 4, rows, op);
}

/*
 * Either loop reads the right operand in the order it is stored; each output adds its products for
 * k = 0, 1, ... in both.
 */
#define PRODUCT(name, left_t, right_t, sum_t, out_t, finish)                                       \
    static void sum_row_##name(                                                                    \
        const oct_matmul *m, const left_t *a, const right_t *b, sum_t *sums)                       \
    {                                                                                              \
        size_t columns = (size_t)m->columns, depth = (size_t)m->depth;                             \
        memset(sums, 0, columns * sizeof *sums);                                                   \
        if (m->right_column == 1) {                                                                \
            for (size_t k = 0; k < depth; k++, b += m->right_k) {                                  \
                sum_t x = (sum_t)a[k * m->left_k] - (sum_t)m->left_zero;                           \
                for (size_t n = 0; n < columns; n++)                                               \
                    sums[n] += x * ((sum_t)b[n] - (sum_t)m->right_zero);                           \
            }                                                                                      \
            return;                                                                                \
        }                                                                                          \
        for (size_t n = 0; n < columns; n++, b += m->right_column)                                 \
            for (size_t k = 0; k < depth; k++)                                                     \
                sums[n] += ((sum_t)a[k * m->left_k] - (sum_t)m->left_zero) *                       \
                           ((sum_t)b[k * m->right_k] - (sum_t)m->right_zero);                      \
    }                                                                                              \
    static void rows_##name(void *user, size_t begin, size_t end, int32_t worker)                  \
    {                                                                                              \
        const oct_op *op = user;                                                                   \
        const oct_matmul *m = op->prepared;                                                        \
        size_t columns = (size_t)m->columns;                                                       \
        sum_t *sums = (sum_t *)op->scratch[0] + (size_t)worker * columns;                          \
        for (size_t row = begin; row < end; row++) {                                               \
            size_t left, right;                                                                    \
            locate(m, row, &left, &right);                                                         \
            sum_row_##name(m, (const left_t *)op->in[LEFT]->data + left,                           \
                (const right_t *)op->in[RIGHT]->data + right, sums);                               \
            out_t *y = (out_t *)op->out[0]->data + row * columns;                                  \
            for (size_t n = 0; n < columns; n++) {                                                 \
                sum_t sum = sums[n];                                                               \
                y[n] = (out_t)(finish);                                                            \
            }                                                                                      \
        }                                                                                          \
    }                                                                                              \
    static oct_status ref_##name(oct_op *op, oct_error *err)                                       \
    {                                                                                              \
        (void)err;                                                                                 \
        for_rows(op, rows_##name);                                                                 \
        return OCT_OK;                                                                             \
    }
PRODUCT(f32, float, float, float, float, sum)
PRODUCT(s8, int8_t, int8_t, uint32_t, int8_t, /* sums wrap */
    oct_offset_code(oct_mbqm((int32_t)sum, m->by), m->out_zero, m->lo, m->hi))
PRODUCT(s16_s16, int16_t, int16_t, int64_t, int16_t,
    oct_offset_code(oct_mbqm64(sum, m->by), m->out_zero, m->lo, m->hi))
PRODUCT(s16_s8, int16_t, int8_t, int64_t, int16_t,
    oct_offset_code(oct_mbqm64(sum, m->by), m->out_zero, m->lo, m->hi))

static oct_status ref_s16(oct_op *op, oct_error *err)
{
    return (op->in[RIGHT]->type == OCT_INT8 ? ref_s16_s8 : ref_s16_s16)(op, err);
}

/* The zero point's share is taken off in float, as the reference kernel does. */
static void rows_hybrid(void *user, size_t begin, size_t end, int32_t worker)
{
    const oct_op *op = user;
    const oct_batch_matmul_options *o = op->options;
    const oct_matmul *m = op->prepared;
    const oct_quant *quant = op->in[RIGHT]->quant;
    size_t depth = (size_t)m->depth;
    float *x = (float *)op->scratch[0] + (size_t)worker * depth;
    int8_t *q = (int8_t *)op->scratch[1] + (size_t)worker * depth;
    for (size_t row = begin; row < end; row++) {
        size_t left, right;
        locate(m, row, &left, &right);
        for (size_t k = 0; k < depth; k++)
            x[k] = ((const float *)op->in[LEFT]->data)[left + k * m->left_k];
        oct_row_quant unit =
            (o->asymmetric_quantize_inputs ? oct_quantize_row_asymmetric_c
                                           : oct_quantize_row_symmetric_c)(x, depth, q);
        float *y = (float *)op->out[0]->data + row * (size_t)m->columns;
        for (int32_t n = 0; n < m->columns; n++) {
            const int8_t *b =
                (const int8_t *)op->in[RIGHT]->data + right + (size_t)n * m->right_column;
            int32_t sum = 0, b_sum = 0;
            for (size_t k = 0; k < depth; k++) {
                sum += q[k] * b[k * m->right_k];
                b_sum += b[k * m->right_k];
            }
            sum = (int32_t)((float)sum - (float)b_sum * (float)unit.zero);
            y[n] = unit.scale * quant->scale[quant->count > 1 ? n : 0] * (float)sum;
        }
    }
}

static oct_status ref_hybrid(oct_op *op, oct_error *err)
{
    (void)err;
    for_rows(op, rows_hybrid);
    return OCT_OK;
}

static int32_t version(const oct_subgraph *sub, const oct_node *node)
{
    const oct_batch_matmul_options *o = node->options;
    oct_type left = sub->tensors[node->inputs[LEFT]]->type;
    if (left == OCT_INT16)
        return 3;
    if (left == OCT_INT8)
        return 2;
    bool hybrid = left == OCT_FLOAT32 && sub->tensors[node->inputs[RIGHT]]->type == OCT_INT8;
    return hybrid && o->asymmetric_quantize_inputs ? 4 : 1;
}

const oct_op_def oct_op_batch_matmul = {
    .name = "BATCH_MATMUL",
    .code = OCT_OP_BATCH_MATMUL,
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_BatchMatMul,
    .quant = { .in = { OCT_ROLE_ACT, OCT_ROLE_ACT },
        .in_slots = 2,
        .out = { OCT_ROLE_ACT },
        .out_slots = 1,
        .weight_axis = -1,
        .s8 = true,
        .s16 = true,
        .s16_constants_as_activations = true,
        .dynamic = OCT_DYNAMIC_HYBRID,
        .dynamic_slot = RIGHT,
        .dynamic_axis = -1,
        .dynamic_asymmetric = true },
    .version = version,
    .runtime = "2.3 2.3 2.4 2.5",
    .infer = infer,
    .prepare = prepare,
    .ref = { [OCT_FORM_F32] = { .eval = ref_f32 },
        [OCT_FORM_HYBRID] = { .eval = ref_hybrid },
        [OCT_FORM_S8] = { .eval = ref_s8 },
        [OCT_FORM_S16] = { .eval = ref_s16 } },
    .fast = { [OCT_FORM_F32] = { oct_fast_matmul_prepare, oct_fast_matmul_eval },
        [OCT_FORM_HYBRID] = { oct_fast_matmul_prepare, oct_fast_matmul_eval },
        [OCT_FORM_S8] = { oct_fast_matmul_prepare, oct_fast_matmul_eval } },
};
