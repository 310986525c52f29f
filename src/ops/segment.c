/*
 * SEGMENT_SUM and UNSORTED_SEGMENT_SUM, _PROD, _MAX, _MIN: slices combined by the segment they belong to.
 * Integers wrap around. Sources: LiteRT tflite/kernels/segment_sum.cc, unsorted_segment.cc.
 */
#include <float.h>
#include <string.h>

#include "ops/arith.h"

enum { MAX_RANK = 8 };

static oct_status check(const oct_op *op, oct_error *err)
{
    const oct_value *data = op->in[0], *ids = op->in[1];
    bool fits = ids->type == OCT_INT32 && ids->rank <= data->rank && data->rank <= MAX_RANK;
    for (int32_t i = 0; fits && i < ids->rank; i++)
        fits = ids->dims[i] == data->dims[i];
    return fits ? OCT_OK : oct_op_fail(op, OCT_E_INVALID, err, "segment ids do not fit the data");
}

static oct_status set_output(oct_op *op, int32_t segments, oct_error *err)
{
    const oct_value *data = op->in[0], *ids = op->in[1];
    int32_t dims[MAX_RANK + 1] = { segments }, rank = 1;
    for (int32_t i = ids->rank; i < data->rank; i++)
        dims[rank++] = data->dims[i];
    return oct_op_set_shape(op, 0, data->type, rank, dims, err);
}

/* Ids start at 0 and grow by one at most; the last one gives the output's length. */
static oct_status infer_sum(oct_op *op, oct_error *err)
{
    const oct_value *ids = op->in[1];
    OCT_TRY(check(op, err));
    if (ids->rank != 1)
        return oct_op_fail(
            op, OCT_E_INVALID, err, "segment ids with %d dimensions", (int)ids->rank);
    OCT_TRY(oct_op_need_known(op, 1, "segment ids", err));
    const int32_t *id = ids->data;
    for (int32_t i = 0; i < ids->dims[0]; i++)
        if (i == 0 ? id[0] != 0 : id[i] != id[i - 1] && id[i] != (int64_t)id[i - 1] + 1)
            return oct_op_fail(op, OCT_E_INVALID, err, "segment id %d at %d", (int)id[i], (int)i);
    return set_output(op, ids->dims[0] > 0 ? id[ids->dims[0] - 1] + 1 : 0, err);
}

static oct_status infer_unsorted(oct_op *op, oct_error *err)
{
    OCT_TRY(check(op, err));
    OCT_TRY(oct_op_need_known(op, 2, "number of segments", err));
    int64_t segments = oct_value_count(op->in[2]) == 1 ? oct_value_integer(op->in[2], 0) : -1;
    if (segments < 0 || segments > INT32_MAX)
        return oct_op_fail(op, OCT_E_INVALID, err, "%lld segments", (long long)segments);
    return set_output(op, (int32_t)segments, err);
}

#define SUM(type, sum_t, a, b) (type)((sum_t)(a) + (sum_t)(b))
#define PROD(type, sum_t, a, b) (type)((sum_t)(a) * (sum_t)(b))
#define MAX(type, sum_t, a, b) ((a) < (b) ? (b) : (a))
#define MIN(type, sum_t, a, b) ((b) < (a) ? (b) : (a))

/* Elements of negative segments are left out. */
#define EVAL(name, type, sum_t, combine, first)                                                    \
    static oct_status eval_##name(oct_op *op, oct_error *err)                                      \
    {                                                                                              \
        const int32_t *ids = op->in[1]->data;                                                      \
        const type *x = op->in[0]->data;                                                           \
        type *y = op->out[0]->data;                                                                \
        size_t count = oct_value_count(op->in[1]);                                                 \
        size_t length = oct_value_span(op->out[0], 1, op->out[0]->rank);                           \
        for (size_t i = 0; i < oct_value_count(op->out[0]); i++)                                   \
            y[i] = first;                                                                          \
        for (size_t i = 0; i < count; i++, x += length) {                                          \
            if (ids[i] >= op->out[0]->dims[0])                                                     \
                return oct_op_fail(op, OCT_E_INVALID, err, "segment %d of %d", (int)ids[i],        \
                    (int)op->out[0]->dims[0]);                                                     \
            for (size_t j = 0; ids[i] >= 0 && j < length; j++)                                     \
                y[(size_t)ids[i] * length + j] =                                                   \
                    combine(type, sum_t, y[(size_t)ids[i] * length + j], x[j]);                    \
        }                                                                                          \
        return OCT_OK;                                                                             \
    }
EVAL(sum_f32, float, float, SUM, 0.f)
EVAL(sum_i32, int32_t, uint32_t, SUM, 0)
EVAL(prod_f32, float, float, PROD, 1.f)
EVAL(prod_i32, int32_t, uint32_t, PROD, 1)
EVAL(max_f32, float, float, MAX, -FLT_MAX)
EVAL(max_i32, int32_t, int32_t, MAX, INT32_MIN)
EVAL(min_f32, float, float, MIN, FLT_MAX)
EVAL(min_i32, int32_t, int32_t, MIN, INT32_MAX)

const oct_op_def oct_op_segment_sum = {
    .name = "SEGMENT_SUM",
    .code = OCT_OP_SEGMENT_SUM,
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_SegmentSum,
    .runtime = "2.2",
    .infer = infer_sum,
    .ref = { [OCT_FORM_F32] = { .eval = eval_sum_f32 }, [OCT_FORM_I32] = { .eval = eval_sum_i32 } },
};

#define UNSORTED(NAME, Table, kind, since)                                                         \
    {                                                                                              \
        .name = "UNSORTED_SEGMENT_" #NAME, .code = OCT_OP_UNSORTED_SEGMENT_##NAME, .min_in = 3,    \
        .max_in = 3, .min_out = 1, .max_out = 1, .options = OCT_OPTIONS_UnsortedSegment##Table,    \
        .runtime = since, .infer = infer_unsorted,                                                 \
        .ref = { [OCT_FORM_F32] = { .eval = eval_##kind##_f32 },                                   \
            [OCT_FORM_I32] = { .eval = eval_##kind##_i32 } },                                      \
    }
const oct_op_def oct_op_unsorted_segment_sum = UNSORTED(SUM, Sum, sum, "2.10");
const oct_op_def oct_op_unsorted_segment_prod = UNSORTED(PROD, Prod, prod, "2.10");
const oct_op_def oct_op_unsorted_segment_max = UNSORTED(MAX, Max, max, "2.10");
const oct_op_def oct_op_unsorted_segment_min = UNSORTED(MIN, Min, min, "2.11");
