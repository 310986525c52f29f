/*
 * Segmentation: masks against an output of classes, [1, h, w, C] scores or [1, h, w] class numbers.
 *
 * A mask takes the way of its image, crop and stretch, to the size of the output, by the nearest
 * pixel. A sample's fact is the count of pixels of each class; IoU is a ratio of sums of these
 * over all samples, as the benchmarks define it, so its intervals come from resampling samples.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "eval/mask.h"
#include "eval/metrics.h"
#include "eval/preprocess.h"
#include "eval/source.h"
#include "eval/stats.h"
#include "eval/task.h"

enum { NUMBERED_CLASSES = 256 };

oct_status oct_segment_choose(
    oct_eval *eval, const oct_data *data, const oct_model *model, oct_error *err)
{
    const int32_t *dims = eval->outputs[0].dims;
    int32_t rank = eval->outputs[0].rank;
    int32_t depth = rank == 4 ? dims[3] : 1;
    oct_tensor_info input, output;
    oct_model_input(model, 0, &input);
    oct_model_output(model, 0, &output);
    if (rank < 3 || rank > 4 || depth > NUMBERED_CLASSES || input.rank != 4)
        return oct_fail(err, OCT_E_INVALID,
            "%s: masks need an image model with an output [1, h, w, classes] or [1, h, w]; %s is "
            "none",
            oct_data_spec(data), output.name);
    eval->task = OCT_TASK_SEGMENTATION;
    eval->pixels.h = dims[1];
    eval->pixels.w = dims[2];
    eval->pixels.depth = depth;
    eval->pixels.classes = depth > 1 ? depth : eval->ends_in_sigmoid ? 2 : NUMBERED_CLASSES;
    return OCT_OK;
}

static oct_status check(
    const oct_eval *e, const unsigned char *truth, const char *path, oct_error *err)
{
    for (size_t i = 0; i < (size_t)e->pixels.h * (size_t)e->pixels.w; i++)
        if (truth[i] != OCT_MASK_IGNORED && truth[i] >= e->pixels.classes)
            return oct_fail(err, OCT_E_INVALID, "%s: a pixel of class %d, the model has %d classes",
                path, truth[i], (int)e->pixels.classes);
    return OCT_OK;
}

oct_status oct_segment_read(const oct_eval *eval, const oct_data *data, int64_t sample,
    unsigned char *truth, oct_error *err)
{
    const oct_source *source = data->source;
    int64_t at = data->chosen == NULL ? sample : data->chosen[sample];
    size_t size = strlen(source->root) + strlen(source->masks[at]) + 2;
    char *path = malloc(size);
    if (path == NULL)
        return oct_fail_memory(err, size, "file name");
    snprintf(path, size, "%s/%s", source->root, source->masks[at]);
    oct_image mask;
    oct_status status = oct_mask_read(path, &mask, err);
    if (status == OCT_OK) {
        oct_region region =
            oct_used_region(&eval->preprocess, mask.h, mask.w, eval->input_h, eval->input_w);
        oct_mask_resize(&mask, region, truth, eval->pixels.h, eval->pixels.w);
        free(mask.pixels);
        status = check(eval, truth, path, err);
    }
    free(path);
    return status;
}

/* The class that a model gives to a pixel; -1: what it gives is none. */
static int32_t class_of(const oct_eval *e, const float *y)
{
    if (e->pixels.depth == 1 && e->ends_in_sigmoid)
        return *y > 0.5f;
    if (e->pixels.depth == 1)
        return *y >= 0 && *y < NUMBERED_CLASSES && *y == floorf(*y) ? (int32_t)*y : -1;
    int32_t best = 0;
    for (int32_t k = 1; k < e->pixels.depth; k++)
        if (y[k] > y[best])
            best = k;
    return best;
}

oct_status oct_segment_score(oct_eval *eval, int64_t sample, int32_t model,
    const unsigned char *truth, const float *outputs, oct_error *err)
{
    oct_class_counts *counts =
        eval->pixel_counts + (sample * eval->models + model) * eval->pixels.classes;
    for (size_t i = 0; i < (size_t)eval->pixels.h * (size_t)eval->pixels.w; i++) {
        if (truth[i] == OCT_MASK_IGNORED)
            continue;
        const float *y = outputs + i * (size_t)eval->pixels.depth;
        int32_t answer = class_of(eval, y);
        if (answer < 0)
            return oct_fail(err, OCT_E_INVALID,
                "sample %lld: model %d gives %g for a pixel, which is no class number",
                (long long)sample, (int)model, (double)*y);
        counts[truth[i]].samples++;
        counts[answer].answered++;
        counts[answer].right += answer == truth[i];
    }
    return OCT_OK;
}

/* Rows of sums: for two models, each class's pixels, answers and right ones. */

static double iou_of(const void *user, const double *sums)
{
    int32_t classes = *(const int32_t *)user;
    oct_class_counts counts[NUMBERED_CLASSES];
    for (int32_t k = 0; k < classes; k++)
        counts[k] = (oct_class_counts){ (int64_t)sums[3 * k], (int64_t)sums[3 * k + 1],
            (int64_t)sums[3 * k + 2] };
    return oct_mean_iou(counts, classes);
}

static double iou_difference_of(const void *user, const double *sums)
{
    return iou_of(user, sums + 3 * *(const int32_t *)user) - iou_of(user, sums);
}

static void fill_row(const oct_eval *e, int64_t sample, int32_t model, double *row)
{
    int32_t classes = e->pixels.classes;
    const oct_class_counts *c = e->pixel_counts + (sample * e->models + model) * classes;
    for (int32_t k = 0; k < classes; k++) {
        row[3 * k] = (double)c[k].samples;
        row[3 * k + 1] = (double)c[k].answered;
        row[3 * k + 2] = (double)c[k].right;
    }
}

static void sum_counts(oct_eval *e, int32_t model)
{
    int32_t classes = e->pixels.classes;
    oct_class_counts *sums = e->counts + model * classes;
    oct_segmentation *s = &e->segmentation[model];
    for (int64_t i = 0; i < e->samples; i++) {
        const oct_class_counts *c = e->pixel_counts + (i * e->models + model) * classes;
        for (int32_t k = 0; k < classes; k++) {
            sums[k].samples += c[k].samples;
            sums[k].answered += c[k].answered;
            sums[k].right += c[k].right;
        }
    }
    s->classes = classes;
    for (int32_t k = 0; k < classes; k++) {
        s->pixels += sums[k].samples;
        s->right += sums[k].right;
    }
    s->mean_iou = oct_mean_iou(sums, classes);
    s->difference = s->mean_iou - e->segmentation[0].mean_iou;
}

/* rows  room for [samples][2][classes][3] */
static oct_status resample(oct_eval *e, int32_t model, uint64_t seed, double *rows, oct_error *err)
{
    oct_segmentation *s = &e->segmentation[model];
    int64_t width = 3 * (int64_t)e->pixels.classes;
    for (int64_t i = 0; i < e->samples; i++)
        fill_row(e, i, model, rows + i * width);
    OCT_TRY(oct_bootstrap_measure(
        rows, e->samples, width, iou_of, &e->pixels.classes, seed, &s->mean_iou_interval, err));
    if (model == 0)
        return OCT_OK;
    for (int64_t i = 0; i < e->samples; i++) {
        fill_row(e, i, 0, rows + 2 * i * width);
        fill_row(e, i, model, rows + (2 * i + 1) * width);
    }
    return oct_bootstrap_measure(rows, e->samples, 2 * width, iou_difference_of, &e->pixels.classes,
        seed, &s->difference_interval, err);
}

oct_status oct_segment_fold(oct_eval *eval, uint64_t seed, oct_error *err)
{
    size_t width = (size_t)eval->pixels.classes;
    size_t room = (size_t)eval->samples * 6 * width * sizeof(double);
    double *rows = malloc(room);
    eval->counts = calloc((size_t)eval->models * width, sizeof *eval->counts);
    oct_status status =
        rows == NULL || eval->counts == NULL ? oct_fail_memory(err, room, "segmentation") : OCT_OK;
    for (int32_t m = 0; m < eval->models && status == OCT_OK; m++) {
        sum_counts(eval, m);
        status = resample(eval, m, seed, rows, err);
    }
    free(rows);
    return status;
}
