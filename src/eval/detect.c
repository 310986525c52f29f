/*
 * Detection: boxes of COCO's JSON against the four outputs that SSD models end in: boxes [1, N, 4]
 * (top, left, bottom, right as parts of the input), classes [1, N], scores [1, N], how many [1].
 *
 * A sample's fact is its outputs. Models number classes in three ways; which one is meant shows in
 * the average precision, so that of the first model decides.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "eval/metrics.h"
#include "eval/preprocess.h"
#include "eval/source.h"
#include "eval/stats.h"
#include "eval/task.h"
#include "model/model.h"

/* Which output is what. */
typedef struct roles {
    int32_t boxes, classes, scores, count;
} roles;

/* The outputs are those of the operator, whatever their names. */
static bool ask_operator(const oct_model *model, roles *r)
{
    const oct_subgraph *sub = model->graph->subgraphs[0];
    int32_t *const of[] = { &r->boxes, &r->classes, &r->scores, &r->count };
    for (int32_t i = 0; i < sub->node_count; i++) {
        const oct_node *node = sub->nodes[i];
        if (node->op != OCT_OP_CUSTOM || node->output_count != 4 || node->custom_code == NULL ||
            strcmp(node->custom_code, "TFLite_Detection_PostProcess") != 0)
            continue;
        int found = 0;
        for (int32_t k = 0; k < 4; k++)
            for (int32_t o = 0; o < sub->output_count; o++)
                if (sub->outputs[o] == node->outputs[k]) {
                    *of[k] = o;
                    found++;
                }
        return found == 4;
    }
    return false;
}

/* Boxes and their number by shape, classes and scores by name. */
static bool ask_names(const oct_eval *e, const oct_model *model, roles *r)
{
    *r = (roles){ -1, -1, -1, -1 };
    for (int32_t i = 0; i < e->output_count; i++) {
        oct_tensor_info info;
        oct_model_output(model, i, &info);
        if (info.rank == 3 && info.dims[2] == 4)
            r->boxes = i;
        else if (e->outputs[i].elements == 1 && r->count < 0)
            r->count = i;
        else if (strstr(info.name, "score") != NULL)
            r->scores = i;
        else if (strstr(info.name, "class") != NULL || strstr(info.name, "categor") != NULL)
            r->classes = i;
    }
    return r->boxes >= 0 && r->classes >= 0 && r->scores >= 0 && r->count >= 0;
}

oct_status oct_detect_choose(
    oct_eval *eval, const oct_data *data, const oct_model *model, oct_error *err)
{
    oct_tensor_info input;
    roles r;
    oct_model_input(model, 0, &input);
    if (eval->output_count != 4 || input.rank != 4 ||
        (!ask_operator(model, &r) && !ask_names(eval, model, &r)))
        return oct_fail(err, OCT_E_INVALID,
            "%s: boxes need an image model that ends in TFLite_Detection_PostProcess, or whose "
            "four "
            "outputs are boxes [1, N, 4], their number, and two that are called classes and scores",
            oct_data_spec(data));
    size_t count = eval->outputs[r.scores].elements;
    if (eval->outputs[r.boxes].elements != 4 * count || eval->outputs[r.classes].elements != count)
        return oct_fail(err, OCT_E_INVALID,
            "the outputs for boxes, classes and scores do not have "
            "the same number of boxes");
    eval->task = OCT_TASK_DETECTION;
    eval->found.boxes = eval->outputs[r.boxes].at;
    eval->found.classes = eval->outputs[r.classes].at;
    eval->found.scores = eval->outputs[r.scores].at;
    eval->found.count = eval->outputs[r.count].at;
    eval->found.room = (int64_t)count;
    return OCT_OK;
}

/* Truth and answers of all samples, image by image. */
typedef struct lists {
    oct_true_box *truths;
    oct_found_box *found; /* [samples * room] */
    int64_t truth_count;
} lists;

static int64_t source_index(const oct_data *data, int64_t sample)
{
    return data->chosen == NULL ? sample : data->chosen[sample];
}

static void list_truths(const oct_data *data, lists *l)
{
    const oct_source *s = data->source;
    for (int64_t i = 0; i < data->count; i++) {
        int64_t at = source_index(data, i);
        for (int64_t b = s->box_starts[at]; b < s->box_starts[at + 1]; b++) {
            l->truths[l->truth_count] = s->boxes[b];
            l->truths[l->truth_count++].image = i;
        }
    }
}

/* The category a class stands for; -1: none. */
static int32_t category_of(const oct_source *source, oct_class_numbers numbers, float class)
{
    if (!(class >= 0 && class < 1 << 20))
        return -1;
    int32_t k = (int32_t) class;
    if (numbers == OCT_CLASSES_FROM_ONE)
        return k + 1;
    if (numbers == OCT_CLASSES_AS_THEY_ARE)
        return k;
    return k < source->category_count ? source->categories[k] : -1;
}

static int64_t list_found(const oct_eval *e, const oct_data *data, int32_t model,
    oct_class_numbers numbers, oct_found_box *found)
{
    int64_t total = 0;
    for (int64_t i = 0; i < e->samples; i++) {
        const float *y = e->kept + ((size_t)model * (size_t)e->samples + (size_t)i) * e->elements;
        int64_t at = source_index(data, i);
        oct_region r = oct_used_region(&e->preprocess, data->source->sizes[at].h,
            data->source->sizes[at].w, e->input_h, e->input_w);
        float count = y[e->found.count];
        for (int64_t k = 0; k < e->found.room && (float)k < count; k++) {
            const float *box = y + e->found.boxes + 4 * k;
            found[total++] = (oct_found_box){ .image = i,
                .category = category_of(data->source, numbers, y[e->found.classes + (size_t)k]),
                .score = (double)y[e->found.scores + (size_t)k],
                .box = { r.x + (double)box[1] * r.w, r.y + (double)box[0] * r.h,
                    ((double)box[3] - (double)box[1]) * r.w,
                    ((double)box[2] - (double)box[0]) * r.h } };
        }
    }
    return total;
}

static oct_status score(oct_eval *e, const oct_data *data, int32_t model, oct_class_numbers numbers,
    lists *l, oct_detection_metrics *out, oct_matches *matches, oct_error *err)
{
    int64_t found = list_found(e, data, model, numbers, l->found);
    return oct_detection_score(l->truths, l->truth_count, l->found, found, out, matches, err);
}

/* The reading of class numbers under which the first model is best. */
static oct_status choose_numbers(oct_eval *e, const oct_data *data, lists *l, oct_error *err)
{
    double best = -2;
    for (int numbers = 0; numbers < OCT_CLASS_NUMBERS; numbers++) {
        oct_detection_metrics m;
        OCT_TRY(score(e, data, 0, (oct_class_numbers)numbers, l, &m, NULL, err));
        if (m.ap > best)
            e->class_numbers = (oct_class_numbers)numbers;
        best = fmax(best, m.ap);
    }
    return OCT_OK;
}

/* Resampling. The values of a draw: for each model both precisions, then how much more they are than
 * the first model's. */

typedef struct resampling {
    oct_matches *matches; /* [models] */
    int32_t models;
} resampling;

enum { VALUES = 4 };

static void measure(void *user, const int32_t *weights, double *values)
{
    const resampling *r = user;
    for (int32_t m = 0; m < r->models; m++) {
        double *v = values + VALUES * m;
        oct_matches_precision(&r->matches[m], weights, &v[0], &v[1]);
        v[2] = v[0] - values[0];
        v[3] = v[1] - values[1];
    }
}

static oct_compared compare(double value, double first, const oct_interval *intervals)
{
    bool known = value >= 0 && first >= 0; /* -1: no truth of any category */
    return (oct_compared){ .value = value,
        .interval = known ? intervals[0] : (oct_interval){ 0, 0 },
        .difference = known ? value - first : 0,
        .difference_interval = known ? intervals[2] : (oct_interval){ 0, 0 } };
}

static oct_status resample(oct_eval *e, oct_matches *matches, uint64_t seed, oct_error *err)
{
    resampling r = { matches, e->models };
    size_t count = (size_t)e->models * VALUES;
    oct_interval *intervals = malloc(count * sizeof *intervals);
    if (intervals == NULL)
        return oct_fail_memory(err, count * sizeof *intervals, "detections");
    oct_status status =
        oct_bootstrap_weights(e->samples, (int32_t)count, measure, &r, seed, intervals, err);
    for (int32_t m = 0; m < e->models && status == OCT_OK; m++) {
        const oct_detection_metrics *d = &e->detection[m], *first = &e->detection[0];
        const oct_interval *i = intervals + VALUES * m;
        e->detection_compared[m] = (oct_detection_compared){ compare(d->ap, first->ap, i),
            compare(d->ap50, first->ap50, i + 1) };
    }
    free(intervals);
    return status;
}

static oct_status score_all(
    oct_eval *e, const oct_data *data, lists *l, uint64_t seed, oct_error *err)
{
    oct_matches *matches = calloc((size_t)e->models, sizeof *matches);
    if (matches == NULL)
        return oct_fail_memory(err, (size_t)e->models * sizeof *matches, "detections");
    oct_status status = choose_numbers(e, data, l, err);
    for (int32_t m = 0; m < e->models && status == OCT_OK; m++)
        status = score(e, data, m, e->class_numbers, l, &e->detection[m], &matches[m], err);
    if (status == OCT_OK)
        status = resample(e, matches, seed, err);
    for (int32_t m = 0; m < e->models; m++)
        oct_matches_free(&matches[m]);
    free(matches);
    return status;
}

oct_status oct_detect_fold(oct_eval *eval, const oct_data *data, uint64_t seed, oct_error *err)
{
    size_t truths = 0, room = (size_t)eval->samples * (size_t)eval->found.room;
    for (int64_t i = 0; i < eval->samples; i++) {
        const int64_t *starts = data->source->box_starts + source_index(data, i);
        truths += (size_t)(starts[1] - starts[0]);
    }
    lists l = { .truths = malloc(truths * sizeof *l.truths + 1),
        .found = malloc(room * sizeof *l.found + 1) };
    oct_status status = OCT_OK;
    if (l.truths == NULL || l.found == NULL)
        status = oct_fail_memory(err, room * sizeof *l.found, "boxes");
    if (status == OCT_OK) {
        list_truths(data, &l);
        status = score_all(eval, data, &l, seed, err);
    }
    free(l.truths);
    free(l.found);
    return status;
}
