/*
 * NON_MAX_SUPPRESSION_V4 (hard) and _V5 (soft): picks the boxes with the best scores, leaving out (V5: also
 * scoring down) those that overlap a box picked before.
 *
 * Equal scores go by index; LiteRT's order there is that of its C++ library's heap.
 * Sources: LiteRT tflite/kernels/non_max_suppression.cc, internal/reference/non_max_suppression.h.
 */
#include <math.h>
#include <string.h>

#include "ops/arith.h"
#include "ops/box.h"

enum { BOXES, SCORES, MAX_SIZE, OVERLAP, LEAST_SCORE, SIGMA };

typedef struct candidate {
    int32_t index;
    float score;
    int32_t seen; /* picked boxes that it has been compared with */
} candidate;

static float real(const oct_op *op, int32_t slot)
{
    return *(const float *)op->in[slot]->data;
}

static oct_status check(const oct_op *op, oct_error *err)
{
    const oct_value *boxes = op->in[BOXES], *scores = op->in[SCORES], *size = op->in[MAX_SIZE];
    bool good = boxes->type == OCT_FLOAT32 && boxes->rank == 2 && boxes->dims[1] == 4 &&
                scores->type == OCT_FLOAT32 && scores->rank == 1 &&
                scores->dims[0] == boxes->dims[0] && size->type == OCT_INT32 &&
                oct_value_count(size) == 1;
    for (int32_t i = OVERLAP; i < op->in_count && good; i++)
        good = op->in[i]->type == OCT_FLOAT32 && oct_value_count(op->in[i]) == 1;
    if (!good)
        return oct_op_fail(
            op, OCT_E_INVALID, err, "needs float32 boxes [n,4], scores [n], and single numbers");
    return OCT_OK;
}

static oct_status infer(oct_op *op, oct_error *err)
{
    OCT_TRY(check(op, err));
    OCT_TRY(oct_op_need_known(op, MAX_SIZE, "output size", err));
    int32_t most = *(const int32_t *)op->in[MAX_SIZE]->data;
    if (most < 0)
        return oct_op_fail(op, OCT_E_INVALID, err, "output size %d", (int)most);
    OCT_TRY(oct_op_set_shape(op, 0, OCT_INT32, 1, &most, err));
    if (op->out_count == 3)
        OCT_TRY(oct_op_set_shape(op, 1, OCT_FLOAT32, 1, &most, err));
    return oct_op_set_shape(op, op->out_count - 1, OCT_INT32, 0, NULL, err);
}

/* A heap of the candidates. */
static oct_status prepare(oct_op *op, oct_error *err)
{
    (void)err;
    op->scratch_bytes[0] = ((size_t)op->in[BOXES]->dims[0] + 1) * sizeof(candidate);
    return OCT_OK;
}

static bool better(const candidate *a, const candidate *b)
{
    return a->score != b->score ? a->score > b->score : a->index < b->index;
}

static void push(candidate *heap, int32_t *count, candidate c)
{
    int32_t at = (*count)++;
    for (; at > 0 && better(&c, &heap[(at - 1) / 2]); at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = c;
}

static candidate pop(candidate *heap, int32_t *count)
{
    candidate top = heap[0], last = heap[--*count];
    int32_t at = 0;
    for (int32_t child; (child = 2 * at + 1) < *count; at = child) {
        if (child + 1 < *count && better(&heap[child + 1], &heap[child]))
            child++;
        if (!better(&heap[child], &last))
            break;
        heap[at] = heap[child];
    }
    heap[at] = last;
    return top;
}

/* Scores a candidate down by the boxes picked since; false when it is left out. */
static bool survives(
    const oct_op *op, candidate *c, const int32_t *picked, int32_t count, float sigma)
{
    const oct_box *boxes = op->in[BOXES]->data;
    float scale = sigma > 0 ? -0.5f / sigma : 0;
    oct_box box = oct_box_ordered(boxes[c->index]);
    for (int32_t j = count - 1; j >= c->seen; j--) {
        float overlap = oct_box_overlap(box, oct_box_ordered(boxes[picked[j]]));
        if (overlap >= real(op, OVERLAP))
            return false;
        if (sigma > 0)
            c->score = c->score * expf(scale * overlap * overlap);
        if (c->score <= real(op, LEAST_SCORE))
            break;
    }
    c->seen = count;
    return true;
}

static int32_t select_boxes(const oct_op *op, float sigma, int32_t *picked, float *kept)
{
    const float *scores = op->in[SCORES]->data;
    candidate *heap = op->scratch[0];
    int32_t waiting = 0, count = 0, most = op->out[0]->dims[0];
    for (int32_t i = 0; i < op->in[BOXES]->dims[0]; i++)
        if (scores[i] > real(op, LEAST_SCORE))
            push(heap, &waiting, (candidate){ i, scores[i], 0 });
    if (waiting < most)
        most = waiting;
    while (count < most && waiting > 0) {
        candidate c = pop(heap, &waiting);
        float before = c.score;
        if (!survives(op, &c, picked, count, sigma))
            continue;
        if (c.score != before) {
            if (c.score > real(op, LEAST_SCORE))
                push(heap, &waiting, c);
            continue;
        }
        picked[count] = c.index;
        if (kept != NULL)
            kept[count] = c.score;
        count++;
    }
    return count;
}

static oct_status eval(oct_op *op, oct_error *err)
{
    float sigma = op->in_count > SIGMA ? real(op, SIGMA) : 0;
    if (sigma < 0)
        return oct_op_fail(op, OCT_E_INVALID, err, "sigma %g", (double)sigma);
    for (int32_t i = 0; i < op->out_count; i++)
        if (op->out[i]->size > 0)
            memset(op->out[i]->data, 0, op->out[i]->size);
    int32_t count =
        select_boxes(op, sigma, op->out[0]->data, op->out_count == 3 ? op->out[1]->data : NULL);
    *(int32_t *)op->out[op->out_count - 1]->data = count;
    return OCT_OK;
}

#define NMS(number, inputs, outputs)                                                               \
    .name = "NON_MAX_SUPPRESSION_V" #number, .code = OCT_OP_NON_MAX_SUPPRESSION_V##number,         \
    .min_in = inputs, .max_in = inputs, .min_out = outputs, .max_out = outputs,                    \
    .options = OCT_OPTIONS_NonMaxSuppressionV##number, .runtime = "2.1", .infer = infer,           \
    .prepare = prepare, .ref = { [OCT_FORM_F32] = { .eval = eval } }

const oct_op_def oct_op_non_max_suppression_v4 = { NMS(4, 5, 2) };
const oct_op_def oct_op_non_max_suppression_v5 = { NMS(5, 6, 3) };
