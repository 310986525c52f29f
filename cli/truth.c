/*
 * Segmentation, detection and regression in eval's table and JSON.
 */
#include "truth.h"

#include <stdlib.h>
#include <string.h>

static json_t *interval_json(oct_interval interval)
{
    return json_pack("[f, f]", interval.low, interval.high);
}

static double share(int64_t part, int64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

static int64_t union_of(const oct_class_counts *c)
{
    return c->samples + c->answered - c->right;
}

static void segmentation_cells(const oct_segmentation *s, bool first)
{
    char text[64];
    snprintf(text, sizeof text, "%.2f %% [%.2f, %.2f]", 100 * s->mean_iou,
        100 * s->mean_iou_interval.low, 100 * s->mean_iou_interval.high);
    printf("  %-24s", text);
    snprintf(text, sizeof text, "%.2f %%", 100 * share(s->right, s->pixels));
    printf("  %-14s", text);
    if (first)
        return;
    snprintf(text, sizeof text, "%+.2f [%+.2f, %+.2f]", 100 * s->difference,
        100 * s->difference_interval.low, 100 * s->difference_interval.high);
    printf("  %-26s", text);
}

static json_t *segmentation_json(const oct_segmentation *s, const oct_class_counts *c, bool first)
{
    json_t *classes = json_array();
    for (int32_t k = 0; k < s->classes; k++)
        if (union_of(&c[k]) > 0)
            json_array_append_new(classes,
                json_pack("{s:i, s:f, s:I, s:I, s:I}", "class", (int)k, "iou",
                    share(c[k].right, union_of(&c[k])), "pixels", (json_int_t)c[k].samples,
                    "answered", (json_int_t)c[k].answered, "right", (json_int_t)c[k].right));
    json_t *object = json_pack("{s:f, s:o, s:f, s:I, s:o}", "mean_iou", s->mean_iou,
        "mean_iou_interval", interval_json(s->mean_iou_interval), "pixel_accuracy",
        share(s->right, s->pixels), "pixels", (json_int_t)s->pixels, "classes", classes);
    if (!first) {
        json_object_set_new(object, "difference", json_real(s->difference));
        json_object_set_new(object, "difference_interval", interval_json(s->difference_interval));
    }
    return object;
}

static void detection_cells(const oct_detection_compared *d, bool first)
{
    char text[64];
    if (d->ap.value < 0) {
        printf("  %-24s  %-24s", "none", "none");
        return;
    }
    for (int k = 0; k < 2; k++) {
        const oct_compared *c = k == 0 ? &d->ap : &d->ap50;
        snprintf(text, sizeof text, "%.2f [%.2f, %.2f]", 100 * c->value, 100 * c->interval.low,
            100 * c->interval.high);
        printf("  %-24s", text);
    }
    snprintf(text, sizeof text, "%+.2f [%+.2f, %+.2f]", 100 * d->ap.difference,
        100 * d->ap.difference_interval.low, 100 * d->ap.difference_interval.high);
    if (!first)
        printf("  %-26s", text);
}

/* Adds "map_interval", "map_difference" and so on. */
static void compared_json(json_t *object, const char *name, const oct_compared *c, bool first)
{
    char key[64];
    snprintf(key, sizeof key, "%s_interval", name);
    json_object_set_new(object, key, interval_json(c->interval));
    if (first)
        return;
    snprintf(key, sizeof key, "%s_difference", name);
    json_object_set_new(object, key, json_real(c->difference));
    snprintf(key, sizeof key, "%s_difference_interval", name);
    json_object_set_new(object, key, interval_json(c->difference_interval));
}

static json_t *detection_json(const oct_detection_metrics *d,
    const oct_detection_compared *compared, oct_class_numbers numbers, bool first)
{
    static const char *const readings[] = { "category id - 1", "category id", "place of the id" };
    json_t *object = json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:s}",
        "map", d->ap, "ap50", d->ap50, "ap75", d->ap75, "ap_small", d->ap_small, "ap_medium",
        d->ap_medium, "ap_large", d->ap_large, "ar1", d->ar1, "ar10", d->ar10, "ar100", d->ar100,
        "ar_small", d->ar_small, "ar_medium", d->ar_medium, "ar_large", d->ar_large, "classes_are",
        readings[numbers]);
    compared_json(object, "map", &compared->ap, first);
    compared_json(object, "ap50", &compared->ap50, first);
    return object;
}

static const struct {
    const char *title, *key;
} measures[] = { { "mean abs. error (95 %)", "mae" }, { "RMSE", "rmse" }, { "R2", "r2" } };

static const oct_compared *measure_of(const oct_regression *r, int k)
{
    const oct_compared *const all[] = { &r->mae, &r->rmse, &r->r2 };
    return all[k];
}

static void regression_cells(const oct_regression *r, bool first)
{
    char text[96];
    for (int k = 0; k < 3; k++) {
        const oct_compared *c = measure_of(r, k);
        snprintf(
            text, sizeof text, "%.4g [%.4g, %.4g]", c->value, c->interval.low, c->interval.high);
        printf("  %-28s", text);
    }
    const oct_compared *c = &r->mae;
    snprintf(text, sizeof text, "%+.3g [%+.3g, %+.3g]", c->difference, c->difference_interval.low,
        c->difference_interval.high);
    if (!first)
        printf("  %-32s", text);
}

static json_t *regression_json(const oct_regression *r, bool first)
{
    json_t *object = json_object();
    for (int k = 0; k < 3; k++) {
        const oct_compared *c = measure_of(r, k);
        json_t *one =
            json_pack("{s:f, s:o}", "value", c->value, "interval", interval_json(c->interval));
        if (!first) {
            json_object_set_new(one, "difference", json_real(c->difference));
            json_object_set_new(one, "difference_interval", interval_json(c->difference_interval));
        }
        json_object_set_new(object, measures[k].key, one);
    }
    return object;
}

void cli_truth_header(const oct_eval *eval, bool several)
{
    if (oct_eval_task(eval) == OCT_TASK_SEGMENTATION)
        printf("  %-24s  %-14s", "mean IoU (95 %)", "right pixels");
    if (oct_eval_task(eval) == OCT_TASK_SEGMENTATION && several)
        printf("  %-26s", "points lost or won (95 %)");
    if (oct_eval_task(eval) == OCT_TASK_DETECTION)
        printf("  %-24s  %-24s", "mAP (95 %)", "AP50 (95 %)");
    if (oct_eval_task(eval) == OCT_TASK_DETECTION && several)
        printf("  %-26s", "mAP lost or won (95 %)");
    for (int k = 0; k < 3 && oct_eval_task(eval) == OCT_TASK_REGRESSION; k++)
        printf("  %-28s", measures[k].title);
    if (oct_eval_task(eval) == OCT_TASK_REGRESSION && several)
        printf("  %-32s", "absolute error grows by (95 %)");
}

void cli_truth_cells(const oct_eval *eval, int32_t model)
{
    if (oct_eval_task(eval) == OCT_TASK_SEGMENTATION)
        segmentation_cells(oct_eval_segmentation(eval, model), model == 0);
    if (oct_eval_task(eval) == OCT_TASK_DETECTION)
        detection_cells(oct_eval_detection_compared(eval, model), model == 0);
    if (oct_eval_task(eval) == OCT_TASK_REGRESSION)
        regression_cells(oct_eval_regression(eval, model), model == 0);
}

void cli_truth_json(const oct_eval *eval, int32_t model, json_t *object)
{
    if (oct_eval_task(eval) == OCT_TASK_SEGMENTATION)
        json_object_set_new(object, "segmentation",
            segmentation_json(
                oct_eval_segmentation(eval, model), oct_eval_classes(eval, model), model == 0));
    if (oct_eval_task(eval) == OCT_TASK_DETECTION)
        json_object_set_new(object, "detection",
            detection_json(oct_eval_detection(eval, model),
                oct_eval_detection_compared(eval, model), oct_eval_class_numbers(eval),
                model == 0));
    if (oct_eval_task(eval) == OCT_TASK_REGRESSION)
        json_object_set_new(
            object, "regression", regression_json(oct_eval_regression(eval, model), model == 0));
}

void cli_truth_classes(const oct_eval *eval)
{
    if (oct_eval_task(eval) != OCT_TASK_SEGMENTATION)
        return;
    printf("\n%-8s %14s  IoU\n", "class", "pixels");
    for (int32_t k = 0; k < oct_eval_segmentation(eval, 0)->classes; k++) {
        int64_t occurs = 0;
        for (int32_t m = 0; m < oct_eval_model_count(eval); m++)
            occurs += union_of(&oct_eval_classes(eval, m)[k]);
        if (occurs == 0)
            continue;
        printf("%-8d %14lld", (int)k, (long long)oct_eval_classes(eval, 0)[k].samples);
        for (int32_t m = 0; m < oct_eval_model_count(eval); m++) {
            const oct_class_counts *c = &oct_eval_classes(eval, m)[k];
            printf("  %6.2f %%", 100 * share(c->right, union_of(c)));
        }
        putchar('\n');
    }
}
