/*
 * MEAN, SUM, REDUCE_MAX, REDUCE_MIN, REDUCE_PROD, REDUCE_ANY, REDUCE_ALL along any axes.
 *
 * Dimensions are merged until kept and reduced ones alternate; the input is then walked once, in
 * memory order, which is also the order in which TensorFlow Lite adds floats.
 */
#include <math.h>
#include <string.h>

#include "kernels/column_sums.h"
#include "kernels/row_sums.h"
#include "numeric/fixedpoint.h"
#include "ops/arith.h"
#include "ops/version.h"

enum { DATA, AXES, MAX_RANK = 8 };

typedef struct reduction {
    int32_t rank; /* after merging */
    size_t dims[MAX_RANK];
    size_t out_step[MAX_RANK]; /* distance in the output; 0 along reduced dimensions */
    size_t outputs, each;      /* outputs, and inputs that make one */
    oct_multiplier by;
    int32_t in_zero, out_zero, lo, hi;
} reduction;

static oct_status reduced_axes(const oct_op *op, uint32_t *mask, oct_error *err)
{
    const oct_value *in = op->in[DATA];
    OCT_TRY(oct_op_need_known(op, AXES, "axes", err));
    if (in->rank > MAX_RANK)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "%d dimensions", (int)in->rank);
    *mask = 0;
    for (size_t i = 0; in->rank > 0 && i < oct_value_count(op->in[AXES]); i++) {
        int32_t axis;
        OCT_TRY(oct_op_axis(op, oct_value_integer(op->in[AXES], i), in->rank, &axis, err));
        *mask |= UINT32_C(1) << axis;
    }
    return OCT_OK;
}

static oct_status infer(oct_op *op, oct_error *err)
{
    const oct_reducer_options *o = op->options;
    const oct_value *in = op->in[DATA];
    uint32_t mask;
    OCT_TRY(reduced_axes(op, &mask, err));
    int32_t dims[MAX_RANK], rank = 0;
    for (int32_t i = 0; i < in->rank; i++) {
        bool reduced = mask >> i & 1;
        if (!reduced || o->keep_dims)
            dims[rank++] = reduced ? 1 : in->dims[i];
    }
    return oct_op_set_shape(op, 0, in->type, rank, dims, err);
}

static void merge_dimensions(const oct_value *in, uint32_t mask, reduction *r)
{
    bool last_reduced = false;
    for (int32_t i = 0; i < in->rank; i++) {
        bool reduced = mask >> i & 1;
        size_t size = (size_t)in->dims[i];
        if (r->rank > 0 && reduced == last_reduced) {
            r->dims[r->rank - 1] *= size;
        } else {
            r->out_step[r->rank] = reduced ? 0 : 1; /* completed below */
            r->dims[r->rank++] = size;
        }
        last_reduced = reduced;
    }
    if (r->rank == 0)
        r->dims[r->rank++] = 1;
    r->outputs = r->each = 1;
    for (int32_t i = r->rank - 1; i >= 0; i--) {
        if (r->out_step[i] != 0) {
            r->out_step[i] = r->outputs;
            r->outputs *= r->dims[i];
        } else {
            r->each *= r->dims[i];
        }
    }
}

/*
 * MEAN divides by folding the count into the multiplier. REDUCE_PROD applies s_in / s_out^(1/N)
 * with each of its N factors.
 */
static void derive_multiplier(const oct_op *op, reduction *r)
{
    double s_in = (double)oct_value_scale(op->in[DATA]),
           s_out = (double)oct_value_scale(op->out[0]);
    if (op->node->op == OCT_OP_REDUCE_PROD) {
        r->by =
            oct_quantize_multiplier(s_in / pow(s_out, 1.0 / (double)(r->each > 0 ? r->each : 1)));
        return;
    }
    r->by = oct_quantize_multiplier(s_in / s_out);
    if (op->node->op != OCT_OP_MEAN || r->each == 0)
        return;
    int32_t shift = 63 - __builtin_clzll((unsigned long long)r->each);
    shift = shift < 32 ? shift : 32;
    shift = shift < 31 + r->by.e ? shift : 31 + r->by.e;
    r->by.m = (int32_t)(((int64_t)r->by.m << shift) / (int64_t)r->each);
    r->by.e -= shift;
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[DATA], *out = op->out[0];
    reduction *r = oct_op_alloc(op, sizeof *r);
    if (r == NULL)
        return oct_fail_memory(err, sizeof *r, "reduction");
    op->prepared = r;
    uint32_t mask;
    OCT_TRY(reduced_axes(op, &mask, err));
    merge_dimensions(in, mask, r);
    op->scratch_bytes[0] = r->outputs * 8;
    if (op->form != OCT_FORM_S8 && op->form != OCT_FORM_U8 && op->form != OCT_FORM_S16)
        return OCT_OK;
    OCT_TRY(oct_op_need_quant(op, in, err));
    OCT_TRY(oct_op_need_quant(op, out, err));
    if (op->node->op == OCT_OP_REDUCE_MAX || op->node->op == OCT_OP_REDUCE_MIN)
        return oct_op_need_same_quant(op, in, out, err);
    r->in_zero = oct_value_zero(in);
    r->out_zero = oct_value_zero(out);
    oct_type_range(out->type, &r->lo, &r->hi);
    derive_multiplier(op, r);
    if (op->node->op == OCT_OP_REDUCE_PROD && r->by.e > 7)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "scales %g and %g for a product of %zu",
            (double)oct_value_scale(in), (double)oct_value_scale(out), r->each);
    return OCT_OK;
}

/* Offset in the output of the innermost run that begins at position `index` of the outer
 * dimensions. */
static bool next_run(const reduction *r, size_t *index, size_t *offset)
{
    for (int32_t i = r->rank - 2; i >= 0; i--) {
        *offset += r->out_step[i];
        if (++index[i] < r->dims[i])
            return true;
        *offset -= r->out_step[i] * r->dims[i];
        index[i] = 0;
    }
    return false;
}

/* fold: what an input x does to its output s. The innermost run is either one output or one output
 * each. */
#define WALK(name, type, sum_t, fold)                                                              \
    static void walk_##name(const reduction *r, const type *x, sum_t *out)                         \
    {                                                                                              \
        size_t index[MAX_RANK] = { 0 }, offset = 0, run = r->dims[r->rank - 1];                    \
        size_t step = r->out_step[r->rank - 1];                                                    \
        if (r->outputs == 0 || r->each == 0)                                                       \
            return;                                                                                \
        do {                                                                                       \
            sum_t *s = out + offset;                                                               \
            for (size_t i = 0; i < run; i++, s += step) {                                          \
                sum_t v = (sum_t)*x++;                                                             \
                *s = fold;                                                                         \
            }                                                                                      \
        } while (next_run(r, index, &offset));                                                     \
    }

WALK(sum_f32, float, float, *s + v)

static oct_status sum_f32(oct_op *op, oct_error *err)
{
    (void)err;
    const reduction *r = op->prepared;
    float *y = op->out[0]->data;
    memset(y, 0, r->outputs * sizeof *y);
    walk_sum_f32(r, op->in[DATA]->data, y);
    return OCT_OK;
}

static oct_status mean_f32(oct_op *op, oct_error *err)
{
    const reduction *r = op->prepared;
    float *y = op->out[0]->data;
    OCT_TRY(sum_f32(op, err));
    for (size_t i = 0; r->each > 0 && i < r->outputs; i++)
        y[i] /= (float)r->each;
    return OCT_OK;
}

/* Sums of integers wrap; means are of 64-bit sums, truncated. */
#define SUM_INTEGER(name, type, sum_t)                                                             \
    WALK(sum_##name, type, sum_t, *s + v)                                                          \
    static oct_status sum_##name(oct_op *op, oct_error *err)                                       \
    {                                                                                              \
        (void)err;                                                                                 \
        const reduction *r = op->prepared;                                                         \
        memset(op->out[0]->data, 0, r->outputs * sizeof(type));                                    \
        walk_sum_##name(r, op->in[DATA]->data, op->out[0]->data);                                  \
        return OCT_OK;                                                                             \
    }                                                                                              \
    WALK(mean_##name, type, uint64_t, *s + v)                                                      \
    static oct_status mean_##name(oct_op *op, oct_error *err)                                      \
    {                                                                                              \
        (void)err;                                                                                 \
        const reduction *r = op->prepared;                                                         \
        uint64_t *sum = op->scratch[0];                                                            \
        memset(sum, 0, r->outputs * sizeof *sum);                                                  \
        walk_mean_##name(r, op->in[DATA]->data, sum);                                              \
        for (size_t i = 0; r->each > 0 && i < r->outputs; i++)                                     \
            ((type *)op->out[0]->data)[i] = (type)((int64_t)sum[i] / (int64_t)r->each);            \
        return OCT_OK;                                                                             \
    }
SUM_INTEGER(i32, int32_t, uint32_t)
SUM_INTEGER(i64, int64_t, uint64_t)

/* The same for MEAN and SUM: they differ in the multiplier. */
#define SUM_QUANTIZED(name, type)                                                                  \
    WALK(sum_##name, type, int64_t, *s + v)                                                        \
    static oct_status sum_##name(oct_op *op, oct_error *err)                                       \
    {                                                                                              \
        (void)err;                                                                                 \
        const reduction *r = op->prepared;                                                         \
        int64_t *sum = op->scratch[0];                                                             \
        type *y = op->out[0]->data;                                                                \
        memset(sum, 0, r->outputs * sizeof *sum);                                                  \
        walk_sum_##name(r, op->in[DATA]->data, sum);                                               \
        for (size_t i = 0; i < r->outputs; i++) {                                                  \
            int32_t centred = (int32_t)(sum[i] - (int64_t)r->in_zero * (int64_t)r->each);          \
            int64_t code = (int64_t)oct_mbqm(centred, r->by) + r->out_zero;                        \
            y[i] = (type)(code < r->lo ? r->lo : code > r->hi ? r->hi : code);                     \
        }                                                                                          \
        return OCT_OK;                                                                             \
    }
SUM_QUANTIZED(s8, int8_t)
SUM_QUANTIZED(u8, uint8_t)
SUM_QUANTIZED(s16, int16_t)

/*
 * SUM of int8 and int16 as TensorFlow Lite's other kernel computes it, in float: its reference kernel
 * reads them as uint8.
 */
#define SUM_REAL(name, type)                                                                       \
    static oct_status real_sum_##name(oct_op *op, oct_error *err)                                  \
    {                                                                                              \
        (void)err;                                                                                 \
        const reduction *r = op->prepared;                                                         \
        int64_t *sum = op->scratch[0];                                                             \
        type *y = op->out[0]->data;                                                                \
        float scale = oct_value_scale(op->in[DATA]) / oct_value_scale(op->out[0]);                 \
        float bias = (float)-r->in_zero * scale * (float)r->each;                                  \
        memset(sum, 0, r->outputs * sizeof *sum);                                                  \
        walk_sum_##name(r, op->in[DATA]->data, sum);                                               \
        for (size_t i = 0; i < r->outputs; i++) {                                                  \
            float code = roundf((float)(int32_t)sum[i] * scale + bias);                            \
            code = code > -1e6f ? code < 1e6f ? code : 1e6f : -1e6f; /* NaN too */                 \
            y[i] = (type)oct_clamp_i32((int32_t)code + r->out_zero, r->lo, r->hi);                 \
        }                                                                                          \
        return OCT_OK;                                                                             \
    }
SUM_REAL(s8, int8_t)
SUM_REAL(s16, int16_t)

#define EXTREMUM(kind, name, type, first, better)                                                  \
    WALK(kind##_##name, type, type, v better *s ? v : *s)                                          \
    static oct_status kind##_##name(oct_op *op, oct_error *err)                                    \
    {                                                                                              \
        (void)err;                                                                                 \
        const reduction *r = op->prepared;                                                         \
        type *y = op->out[0]->data;                                                                \
        for (size_t i = 0; i < r->outputs; i++)                                                    \
            y[i] = first;                                                                          \
        walk_##kind##_##name(r, op->in[DATA]->data, y);                                            \
        return OCT_OK;                                                                             \
    }
EXTREMUM(max, f32, float, -INFINITY, >)
EXTREMUM(max, s8, int8_t, INT8_MIN, >)
EXTREMUM(max, u8, uint8_t, 0, >)
EXTREMUM(max, s16, int16_t, INT16_MIN, >)
EXTREMUM(max, i32, int32_t, INT32_MIN, >)
EXTREMUM(max, i64, int64_t, INT64_MIN, >)
EXTREMUM(min, f32, float, INFINITY, <)
EXTREMUM(min, s8, int8_t, INT8_MAX, <)
EXTREMUM(min, u8, uint8_t, UINT8_MAX, <)
EXTREMUM(min, s16, int16_t, INT16_MAX, <)
EXTREMUM(min, i32, int32_t, INT32_MAX, <)
EXTREMUM(min, i64, int64_t, INT64_MAX, <)

#define PRODUCT(name, type, sum_t)                                                                 \
    WALK(product_##name, type, sum_t, *s *v)                                                       \
    static oct_status product_##name(oct_op *op, oct_error *err)                                   \
    {                                                                                              \
        (void)err;                                                                                 \
        const reduction *r = op->prepared;                                                         \
        sum_t *y = op->out[0]->data;                                                               \
        for (size_t i = 0; i < r->outputs; i++)                                                    \
            y[i] = 1;                                                                              \
        walk_product_##name(r, op->in[DATA]->data, y);                                             \
        return OCT_OK;                                                                             \
    }
PRODUCT(f32, float, float)
PRODUCT(i32, int32_t, uint32_t) /* integers wrap */
PRODUCT(i64, int64_t, uint64_t)

/* The first factor is taken as it is; each further one, and the result, is rescaled to int32. */
#define PRODUCT_QUANTIZED(name, type)                                                              \
    WALK(product_##name, type, int64_t,                                                            \
        *s == INT64_MIN ? v - r->in_zero : oct_mbqm64(*s * (v - r->in_zero), r->by))               \
    static oct_status product_##name(oct_op *op, oct_error *err)                                   \
    {                                                                                              \
        (void)err;                                                                                 \
        const reduction *r = op->prepared;                                                         \
        int64_t *product = op->scratch[0];                                                         \
        type *y = op->out[0]->data;                                                                \
        for (size_t i = 0; i < r->outputs; i++)                                                    \
            product[i] = INT64_MIN;                                                                \
        walk_product_##name(r, op->in[DATA]->data, product);                                       \
        for (size_t i = 0; i < r->outputs && r->each > 0; i++) {                                   \
            int64_t code = (int64_t)oct_mbqm64(product[i], r->by) + r->out_zero;                   \
            y[i] = (type)(code < r->lo ? r->lo : code > r->hi ? r->hi : code);                     \
        }                                                                                          \
        return OCT_OK;                                                                             \
    }
PRODUCT_QUANTIZED(s8, int8_t)
PRODUCT_QUANTIZED(s16, int16_t)

EXTREMUM(any, bool, uint8_t, 0, >)
EXTREMUM(all, bool, uint8_t, 1, <)

/*
 * The fast MEAN: sums of columns, as over height and width of an image, in pieces of columns and in
 * the order of the walk; and sums of rows, as over channels, in the order of row_sums.h.
 */
enum { PIECE = 64 };

static size_t images(const reduction *r)
{
    return r->rank == 3 ? r->dims[0] : 1;
}
static size_t pieces(const reduction *r)
{
    return (r->dims[r->rank - 1] + PIECE - 1) / PIECE;
}

static bool over_channels(const reduction *r)
{
    return r->rank <= 2 && r->out_step[r->rank - 1] == 0;
}

static oct_status prepare_fast_mean(oct_op *op, bool *usable, oct_error *err)
{
    (void)err;
    const reduction *r = op->prepared;
    *usable =
        (over_channels(r) || ((r->rank == 2 || r->rank == 3) && r->out_step[r->rank - 1] != 0)) &&
        r->each > 0 && r->each < 1 << 21;
    op->packed = over_channels(r) ? (void *)(uintptr_t)oct_row_sums_set_of(oct_cpu_level())
                                  : (void *)(uintptr_t)oct_column_sums_set_of(oct_cpu_level());
    return OCT_OK;
}

static void finish_s8(const reduction *r, const int32_t *sum, size_t n, int8_t *y)
{
    int32_t offset = r->in_zero * (int32_t)r->each;
    for (size_t i = 0; i < n; i++)
        y[i] = (int8_t)oct_offset_code(oct_mbqm(sum[i] - offset, r->by), r->out_zero, r->lo, r->hi);
}

static void mean_pieces(void *user, size_t begin, size_t end, int32_t worker)
{
    (void)worker;
    const oct_op *op = user;
    const reduction *r = op->prepared;
    const oct_column_sums_set *kernels = op->packed;
    size_t rows = r->dims[r->rank - 2], columns = r->dims[r->rank - 1], each = pieces(r);
    for (size_t next; begin < end; begin = next) {
        size_t image = begin / each, c = begin % each * PIECE;
        next = (image + 1) * each < end ? (image + 1) * each : end;
        size_t past = (next - image * each) * PIECE, n = (past < columns ? past : columns) - c;
        size_t from = image * rows * columns + c, to = image * columns + c;
        if (op->form == OCT_FORM_S8) {
            int32_t *sum = (int32_t *)op->scratch[0] + to;
            kernels->s8((const int8_t *)op->in[DATA]->data + from, rows, columns, n, sum);
            finish_s8(r, sum, n, (int8_t *)op->out[0]->data + to);
        } else {
            float *y = (float *)op->out[0]->data + to;
            kernels->f32((const float *)op->in[DATA]->data + from, rows, columns, n, y);
            for (size_t i = 0; i < n; i++)
                y[i] /= (float)r->each;
        }
    }
}

static void mean_rows(void *user, size_t begin, size_t end, int32_t worker)
{
    (void)worker;
    const oct_op *op = user;
    const reduction *r = op->prepared;
    const oct_row_sums_set *kernels = op->packed;
    size_t from = begin * r->each, n = end - begin;
    if (op->form == OCT_FORM_S8) {
        int32_t *sum = (int32_t *)op->scratch[0] + begin;
        kernels->s8((const int8_t *)op->in[DATA]->data + from, n, r->each, sum);
        finish_s8(r, sum, n, (int8_t *)op->out[0]->data + begin);
        return;
    }
    float *y = (float *)op->out[0]->data + begin;
    kernels->f32((const float *)op->in[DATA]->data + from, n, r->each, y);
    for (size_t i = 0; i < n; i++)
        y[i] /= (float)r->each;
}

static oct_status fast_mean(oct_op *op, oct_error *err)
{
    enum { GRAIN = 16384, ROWS = 8 };
    (void)err;
    const reduction *r = op->prepared;
    if (over_channels(r)) {
        oct_pool_for(op->pool, r->outputs, (GRAIN / r->each / ROWS + 1) * ROWS, mean_rows, op);
        return OCT_OK;
    }
    size_t grain = GRAIN / (PIECE * r->each);
    oct_pool_for(op->pool, images(r) * pieces(r), grain > 0 ? grain : 1, mean_pieces, op);
    return OCT_OK;
}

#define REDUCE_OP(builtin, version_rule, runtimes, link_rule, ...)                                 \
    {                                                                                              \
        .name = #builtin, .code = OCT_OP_##builtin, .min_in = 2, .max_in = 2, .min_out = 1,        \
        .max_out = 1, .options = OCT_OPTIONS_Reducer,                                              \
        .quant = { .in = { OCT_ROLE_ACT, OCT_ROLE_NONE },                                          \
            .in_slots = 2,                                                                         \
            .out = { OCT_ROLE_ACT },                                                               \
            .out_slots = 1,                                                                        \
            .weight_axis = -1,                                                                     \
            .link = link_rule,                                                                     \
            .s8 = true,                                                                            \
            .s16 = true },                                                                         \
        .version = version_rule, .runtime = runtimes, .infer = infer, .prepare = prepare,          \
        __VA_ARGS__,                                                                               \
    }
#define FORM(form, function) [OCT_FORM_##form] = { .eval = function }
#define EXTREMA(kind)                                                                              \
    FORM(F32, kind##_f32), FORM(S8, kind##_s8), FORM(U8, kind##_u8), FORM(S16, kind##_s16),        \
        FORM(I32, kind##_i32), FORM(I64, kind##_i64)

const oct_op_def oct_op_mean =
    REDUCE_OP(MEAN, oct_version_s8_2_s16_3, "1.6 1.14 2.4", OCT_LINK_FREE,
        .ref = { FORM(F32, mean_f32), FORM(S8, sum_s8), FORM(U8, sum_u8), FORM(S16, sum_s16),
            FORM(I32, mean_i32), FORM(I64, mean_i64) },
        .fast = { [OCT_FORM_F32] = { prepare_fast_mean, fast_mean },
            [OCT_FORM_S8] = { prepare_fast_mean, fast_mean } });
const oct_op_def oct_op_sum = REDUCE_OP(SUM, oct_version_s8_2, "1.10 1.15", OCT_LINK_FREE,
    .ref = { FORM(F32, sum_f32), FORM(S8, real_sum_s8), FORM(U8, sum_u8), FORM(S16, real_sum_s16),
        FORM(I32, sum_i32), FORM(I64, sum_i64) });
const oct_op_def oct_op_reduce_max = REDUCE_OP(
    REDUCE_MAX, oct_version_s8_2_s16_3, "1.11 1.14 2.5", OCT_LINK_SAME, .ref = { EXTREMA(max) });
const oct_op_def oct_op_reduce_min = REDUCE_OP(
    REDUCE_MIN, oct_version_s8_2_s16_3, "1.11 1.14 2.5", OCT_LINK_SAME, .ref = { EXTREMA(min) });
const oct_op_def oct_op_reduce_prod =
    REDUCE_OP(REDUCE_PROD, oct_version_s8_s16_2, "1.11 2.6", OCT_LINK_FREE,
        .ref = { FORM(F32, product_f32), FORM(S8, product_s8), FORM(S16, product_s16),
            FORM(I32, product_i32), FORM(I64, product_i64) });

#define LOGICAL_OP(builtin, kind, since)                                                           \
    {                                                                                              \
        .name = #builtin, .code = OCT_OP_##builtin, .min_in = 2, .max_in = 2, .min_out = 1,        \
        .max_out = 1, .options = OCT_OPTIONS_Reducer, .quant = { .weight_axis = -1 },              \
        .runtime = since, .infer = infer, .prepare = prepare, .ref = { FORM(BOOL, kind##_bool) },  \
    }
const oct_op_def oct_op_reduce_any = LOGICAL_OP(REDUCE_ANY, any, "1.11");
const oct_op_def oct_op_reduce_all = LOGICAL_OP(REDUCE_ALL, all, "2.6");
