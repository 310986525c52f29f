/*
 * TFLite_Detection_PostProcess: the end of SSD models. Decodes boxes against anchors, then keeps the best
 * that do not overlap, each class for itself (regular) or all by their best class (fast).
 *
 * What the fast way leaves without a detection is zero here; LiteRT leaves there what the memory held.
 * Among equal scores the lower index wins.
 * Source: LiteRT tflite/kernels/detection_postprocess.cc.
 */
#include <math.h>
#include <string.h>

#include "ops/arith.h"
#include "ops/box.h"
#include "ops/flex.h"

enum { ENCODINGS, CLASS_SCORES, ANCHORS };
enum { OUT_BOXES, OUT_CLASSES, OUT_SCORES, OUT_COUNT };

typedef struct found {
    int32_t index;
    float score;
} found;

typedef struct params {
    int32_t max_detections, classes_per_detection, per_class, classes;
    bool regular;
    float least_score, most_overlap;
    double y_scale, x_scale, h_scale, w_scale;
    int32_t boxes, columns, offset; /* columns of scores; first column that is no background */
} params;

static int32_t whole(const oct_vec_u8 *options, const char *key, int32_t fallback)
{
    double number = oct_flex_number(options, key, fallback);
    return number > 1e6 ? 1000000 : number > -1e6 ? (int32_t)number : -1000000;
}

static double real_option(const oct_vec_u8 *options, const char *key)
{
    return (double)(float)oct_flex_number(options, key, 0);
}

static params read_params(const oct_op *op)
{
    const oct_vec_u8 *o = &op->node->custom_options;
    params p = { .max_detections = whole(o, "max_detections", 0),
        .classes_per_detection = whole(o, "max_classes_per_detection", 0),
        .per_class = whole(o, "detections_per_class", 100),
        .classes = whole(o, "num_classes", 0),
        .regular = oct_flex_number(o, "use_regular_nms", 0) != 0,
        .least_score = (float)real_option(o, "nms_score_threshold"),
        .most_overlap = (float)real_option(o, "nms_iou_threshold"),
        .y_scale = real_option(o, "y_scale"),
        .x_scale = real_option(o, "x_scale"),
        .h_scale = real_option(o, "h_scale"),
        .w_scale = real_option(o, "w_scale") };
    p.boxes = op->in[ENCODINGS]->dims[1];
    p.columns = op->in[CLASS_SCORES]->dims[2];
    p.offset = p.columns - p.classes;
    if (p.per_class > p.max_detections)
        p.per_class = p.max_detections;
    return p;
}

static oct_status check(const oct_op *op, oct_error *err)
{
    const oct_value *e = op->in[ENCODINGS], *s = op->in[CLASS_SCORES], *a = op->in[ANCHORS];
    if (e->rank != 3 || s->rank != 3 || a->rank != 2 || e->dims[0] != 1 || s->dims[0] != 1 ||
        e->dims[2] < 4 || s->dims[1] != e->dims[1] || a->dims[0] != e->dims[1] || a->dims[1] != 4)
        return oct_op_fail(op, OCT_E_INVALID, err,
            "needs box encodings [1,n,4], scores [1,n,classes] and anchors [n,4]");
    for (int32_t i = 0; i < 3; i++) {
        if (op->in[i]->type == OCT_UINT8)
            OCT_TRY(oct_op_need_quant(op, op->in[i], err));
        else if (op->in[i]->type != OCT_FLOAT32)
            return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "%s is %s, not float32 or uint8",
                op->in[i]->label, oct_type_name(op->in[i]->type));
    }
    if (a->type != e->type)
        return oct_op_fail(op, OCT_E_INVALID, err, "anchors and encodings differ in type");
    return OCT_OK;
}

static oct_status infer(oct_op *op, oct_error *err)
{
    OCT_TRY(check(op, err));
    params p = read_params(op);
    if (p.max_detections < 0 || p.classes_per_detection < 1 || p.classes < 1 || p.offset < 0 ||
        p.offset > 1 || (p.regular && p.per_class < 1) ||
        !(p.most_overlap > 0 && p.most_overlap <= 1) ||
        (int64_t)p.max_detections * p.classes_per_detection > INT32_MAX / 16 ||
        (int64_t)p.boxes * p.columns > INT32_MAX)
        return oct_op_fail(op, OCT_E_INVALID, err,
            "%d detections of %d classes each, %d classes in %d columns, overlap %g",
            (int)p.max_detections, (int)p.classes_per_detection, (int)p.classes, (int)p.columns,
            (double)p.most_overlap);
    int32_t dims[3] = { 1, p.max_detections * p.classes_per_detection, 4 }, one = 1;
    OCT_TRY(oct_op_set_shape(op, OUT_BOXES, OCT_FLOAT32, 3, dims, err));
    OCT_TRY(oct_op_set_shape(op, OUT_CLASSES, OCT_FLOAT32, 2, dims, err));
    OCT_TRY(oct_op_set_shape(op, OUT_SCORES, OCT_FLOAT32, 2, dims, err));
    return oct_op_set_shape(op, OUT_COUNT, OCT_FLOAT32, 1, &one, err);
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    params *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, op->out[0]->label);
    *p = read_params(op);
    op->prepared = p;
    size_t boxes = (size_t)p->boxes;
    op->scratch_bytes[0] = boxes * sizeof(oct_box) + 1;
    op->scratch_bytes[1] = boxes * (size_t)p->columns * sizeof(float) + 1;
    op->scratch_bytes[2] = 2 * boxes * sizeof(found) + boxes * sizeof(float) + 1;
    op->scratch_bytes[3] =
        ((size_t)p->max_detections + (size_t)p->per_class + (size_t)p->classes) * 2 * sizeof(found);
    return OCT_OK;
}

static float element(const oct_value *value, size_t index)
{
    if (value->type == OCT_FLOAT32)
        return ((const float *)value->data)[index];
    return ((float)((const uint8_t *)value->data)[index] - (float)oct_value_zero(value)) *
           oct_value_scale(value);
}

static void decode(const oct_op *op, oct_box *boxes)
{
    const params *p = op->prepared;
    size_t length = (size_t)op->in[ENCODINGS]->dims[2];
    for (size_t i = 0; i < (size_t)p->boxes; i++) {
        double e[4], a[4];
        for (size_t j = 0; j < 4; j++) {
            e[j] = (double)element(op->in[ENCODINGS], i * length + j);
            a[j] = (double)element(op->in[ANCHORS], 4 * i + j);
        }
        float y = (float)(e[0] / p->y_scale * a[2] + a[0]);
        float x = (float)(e[1] / p->x_scale * a[3] + a[1]);
        float half_h = (float)(0.5 * exp(e[2] / p->h_scale) * a[2]);
        float half_w = (float)(0.5 * exp(e[3] / p->w_scale) * a[3]);
        boxes[i] = (oct_box){ y - half_h, x - half_w, y + half_h, x + half_w };
    }
}

/* By falling score; equal ones keep their order. A merge sort, `spare` as long as the list. */
static void sort_found(found *list, size_t count, found *spare)
{
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t begin = 0; begin < count; begin += 2 * width) {
            size_t middle = begin + width < count ? begin + width : count;
            size_t end = middle + width < count ? middle + width : count;
            for (size_t i = begin, j = middle, k = begin; k < end; k++)
                spare[k] = j >= end || (i < middle && list[i].score >= list[j].score) ? list[i++]
                                                                                      : list[j++];
        }
        memcpy(list, spare, count * sizeof *list);
    }
}

/* Boxes picked by scores[boxes], best first, into `picked`; returns how many, `most` at most. */
static size_t pick(const oct_op *op, const float *scores, size_t most, found *picked)
{
    const params *p = op->prepared;
    const oct_box *boxes = op->scratch[0];
    found *list = op->scratch[2], *spare = list + p->boxes;
    size_t count = 0, taken = 0;
    for (int32_t i = 0; i < p->boxes; i++)
        if (scores[i] >= p->least_score)
            list[count++] = (found){ i, scores[i] };
    sort_found(list, count, spare);
    for (size_t i = 0; i < count && taken < most; i++) {
        bool apart = true;
        for (size_t j = 0; j < taken && apart; j++)
            apart =
                !(oct_box_overlap(boxes[picked[j].index], boxes[list[i].index]) > p->most_overlap);
        if (apart)
            picked[taken++] = list[i];
    }
    return taken;
}

static void put(const oct_op *op, size_t at, int32_t box, int32_t class, float score)
{
    ((oct_box *)op->out[OUT_BOXES]->data)[at] = ((const oct_box *)op->scratch[0])[box];
    ((float *)op->out[OUT_CLASSES]->data)[at] = (float)class;
    ((float *)op->out[OUT_SCORES]->data)[at] = score;
}

/* Each class by itself, then the best of all classes. */
static size_t regular(const oct_op *op, const float *scores)
{
    const params *p = op->prepared;
    float *class_scores = (float *)((found *)op->scratch[2] + 2 * p->boxes);
    size_t room = (size_t)p->max_detections + (size_t)p->per_class, count = 0;
    found *best = op->scratch[3], *spare = best + room;
    for (int32_t class = 0; class < p->classes; class ++) {
        for (int32_t i = 0; i < p->boxes; i++)
            class_scores[i] = scores[i * p->columns + p->offset + class];
        size_t taken = pick(op, class_scores, (size_t)p->per_class, best + count);
        for (size_t i = 0; i < taken; i++)
            best[count + i].index = best[count + i].index * p->columns + class;
        count += taken;
        sort_found(best, count, spare);
        if (count > (size_t)p->max_detections)
            count = (size_t)p->max_detections;
    }
    for (size_t i = 0; i < count; i++)
        put(op, i, best[i].index / p->columns, best[i].index % p->columns, best[i].score);
    return count;
}

/* All boxes by the score of their best class, then the best classes of each. */
static size_t fast(const oct_op *op, const float *scores)
{
    const params *p = op->prepared;
    float *top = (float *)((found *)op->scratch[2] + 2 * p->boxes);
    found *picked = op->scratch[3], *classes = picked + p->max_detections,
          *spare = classes + p->classes;
    for (int32_t i = 0; i < p->boxes; i++) {
        const float *row = scores + i * p->columns + p->offset;
        top[i] = row[0];
        for (int32_t c = 1; c < p->classes; c++)
            top[i] = row[c] > top[i] ? row[c] : top[i];
    }
    size_t count = pick(op, top, (size_t)p->max_detections, picked);
    int32_t kept = p->classes_per_detection < p->classes ? p->classes_per_detection : p->classes;
    for (size_t i = 0; i < count; i++) {
        const float *row = scores + picked[i].index * p->columns + p->offset;
        for (int32_t c = 0; c < p->classes; c++)
            classes[c] = (found){ c, row[c] };
        sort_found(classes, (size_t)p->classes, spare);
        for (int32_t c = 0; c < kept; c++)
            put(op, i * (size_t)p->classes_per_detection + (size_t)c, picked[i].index,
                classes[c].index, classes[c].score);
    }
    return count;
}

static oct_status eval(oct_op *op, oct_error *err)
{
    const params *p = op->prepared;
    oct_box *boxes = op->scratch[0];
    float *scores = op->scratch[1];
    decode(op, boxes);
    for (int32_t i = 0; i < p->boxes; i++)
        if (boxes[i].y1 > boxes[i].y2 || boxes[i].x1 > boxes[i].x2)
            return oct_op_fail(op, OCT_E_INVALID, err, "box %d has a negative size", (int)i);
    for (size_t i = 0; i < oct_value_count(op->in[CLASS_SCORES]); i++)
        scores[i] = element(op->in[CLASS_SCORES], i);
    for (int32_t i = 0; i < op->out_count; i++)
        memset(op->out[i]->data, 0, op->out[i]->size);
    size_t count = p->regular ? regular(op, scores) : fast(op, scores);
    *(float *)op->out[OUT_COUNT]->data = (float)count;
    return OCT_OK;
}

const oct_op_def oct_op_detection_postprocess = {
    .name = "TFLite_Detection_PostProcess",
    .code = OCT_OP_CUSTOM,
    .min_in = 3,
    .max_in = 3,
    .min_out = 4,
    .max_out = 4,
    .infer = infer,
    .prepare = prepare,
    .ref = { [OCT_FORM_F32] = { .eval = eval }, [OCT_FORM_U8] = { .eval = eval } },
};
