/*
 * TOPK_V2: the k largest elements of each row in falling order, equal ones by position.
 *
 * The k best so far form a heap with the worst on top, so a row costs n log k and no memory beyond the
 * outputs. Source: LiteRT tflite/kernels/topk_v2.cc.
 */
#include <string.h>

#include "ops/arith.h"
#include "ops/version.h"

enum { MAX_RANK = 8 };

static oct_status infer(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0];
    int32_t dims[MAX_RANK];
    OCT_TRY(oct_op_need_known(op, 1, "k", err));
    int64_t k = oct_value_count(op->in[1]) == 1 ? oct_value_integer(op->in[1], 0) : -1;
    if (in->rank < 1 || in->rank > MAX_RANK || k < 0 || k > in->dims[in->rank - 1])
        return oct_op_fail(op, OCT_E_INVALID, err, "the %lld largest of fewer", (long long)k);
    memcpy(dims, in->dims, (size_t)in->rank * sizeof *dims);
    dims[in->rank - 1] = (int32_t)k;
    OCT_TRY(oct_op_set_shape(op, 0, in->type, in->rank, dims, err));
    return oct_op_set_shape(op, 1, OCT_INT32, in->rank, dims, err);
}

/* Heap of positions in x: every parent comes after (is worse than) its children. */
#define EVAL(suffix, type)                                                                         \
    static bool before_##suffix(const type *x, int32_t a, int32_t b)                               \
    {                                                                                              \
        return x[a] > x[b] || (x[a] == x[b] && a < b);                                             \
    }                                                                                              \
    static void sink_##suffix(const type *x, int32_t *heap, int32_t count, int32_t at)             \
    {                                                                                              \
        for (;;) {                                                                                 \
            int32_t worst = at, left = 2 * at + 1;                                                 \
            for (int32_t child = left; child < left + 2 && child < count; child++)                 \
                if (before_##suffix(x, heap[worst], heap[child]))                                  \
                    worst = child;                                                                 \
            if (worst == at)                                                                       \
                return;                                                                            \
            int32_t swap = heap[at];                                                               \
            heap[at] = heap[worst];                                                                \
            heap[worst] = swap;                                                                    \
            at = worst;                                                                            \
        }                                                                                          \
    }                                                                                              \
    static void row_##suffix(const type *x, int32_t n, type *y, int32_t *heap, int32_t k)          \
    {                                                                                              \
        for (int32_t i = 0; i < k; i++)                                                            \
            heap[i] = i;                                                                           \
        for (int32_t i = k / 2 - 1; i >= 0; i--)                                                   \
            sink_##suffix(x, heap, k, i);                                                          \
        for (int32_t i = k; i < n && k > 0; i++)                                                   \
            if (before_##suffix(x, i, heap[0])) {                                                  \
                heap[0] = i;                                                                       \
                sink_##suffix(x, heap, k, 0);                                                      \
            }                                                                                      \
        for (int32_t i = k - 1; i > 0; i--) {                                                      \
            int32_t worst = heap[0];                                                               \
            heap[0] = heap[i];                                                                     \
            heap[i] = worst;                                                                       \
            sink_##suffix(x, heap, i, 0);                                                          \
        }                                                                                          \
        for (int32_t i = 0; i < k; i++)                                                            \
            y[i] = x[heap[i]];                                                                     \
    }                                                                                              \
    static oct_status eval_##suffix(oct_op *op, oct_error *err)                                    \
    {                                                                                              \
        (void)err;                                                                                 \
        const oct_value *in = op->in[0];                                                           \
        int32_t n = in->dims[in->rank - 1], k = op->out[0]->dims[in->rank - 1];                    \
        size_t rows = oct_value_span(in, 0, in->rank - 1);                                         \
        for (size_t i = 0; i < rows; i++)                                                          \
            row_##suffix((const type *)in->data + i * (size_t)n, n,                                \
                (type *)op->out[0]->data + i * (size_t)k,                                          \
                (int32_t *)op->out[1]->data + i * (size_t)k, k);                                   \
        return OCT_OK;                                                                             \
    }
EVAL(f32, float)
EVAL(s8, int8_t)
EVAL(u8, uint8_t)
EVAL(s16, int16_t)
EVAL(i32, int32_t)

const oct_op_def oct_op_topk_v2 = {
    .name = "TOPK_V2", .code = OCT_OP_TOPK_V2, .min_in = 2, .max_in = 2, .min_out = 2, .max_out = 2,
    .options = OCT_OPTIONS_TopKV2,
    .quant = { .in = { OCT_ROLE_ACT, OCT_ROLE_NONE }, .in_slots = 2,
        .out = { OCT_ROLE_ACT, OCT_ROLE_NONE }, .out_slots = 2, .weight_axis = -1,
        .link = OCT_LINK_SAME, .s8 = true },
    .version = oct_version_s8_2_s16_3, .runtime = "1.7 1.14 2.13", .infer = infer,
    .ref = { [OCT_FORM_F32] = { .eval = eval_f32 }, [OCT_FORM_S8] = { .eval = eval_s8 },
        [OCT_FORM_U8] = { .eval = eval_u8 }, [OCT_FORM_S16] = { .eval = eval_s16 },
        [OCT_FORM_I32] = { .eval = eval_i32 } },
};
