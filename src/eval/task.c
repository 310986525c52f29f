/*
 * Choosing a task and passing its steps on.
 */
#include "eval/task.h"

#include <stdlib.h>

#include "base/error.h"
#include "eval/source.h"

oct_status oct_task_choose(oct_eval *eval, const oct_data *data, const oct_model *model,
    const oct_preprocess *preprocess, oct_error *err)
{
    oct_tensor_info input;
    oct_model_input(model, 0, &input);
    eval->preprocess = *preprocess;
    eval->input_h = input.rank == 4 ? input.dims[1] : 1;
    eval->input_w = input.rank == 4 ? input.dims[2] : 1;
    if (data->source->masks != NULL)
        return oct_segment_choose(eval, data, model, err);
    if (data->source->boxes != NULL)
        return oct_detect_choose(eval, data, model, err);
    bool classes = data->source->labels != NULL && eval->classes > 0;
    if (data->source->targets.bytes != NULL && !classes)
        return oct_regress_choose(eval, data, err);
    return OCT_OK;
}

size_t oct_task_truth_bytes(const oct_eval *eval)
{
    if (eval->task == OCT_TASK_REGRESSION)
        return eval->outputs[0].elements * sizeof(float);
    return eval->task == OCT_TASK_SEGMENTATION ? (size_t)eval->pixels.h * (size_t)eval->pixels.w
                                               : 0;
}

oct_status oct_task_allocate(oct_eval *eval, oct_error *err)
{
    size_t models = (size_t)eval->models;
    size_t facts = (size_t)eval->samples * models * (size_t)eval->pixels.classes;
    if (eval->task == OCT_TASK_REGRESSION) {
        eval->regression = calloc(models, sizeof *eval->regression);
        return eval->regression != NULL
                   ? OCT_OK
                   : oct_fail_memory(err, models * sizeof *eval->regression, "regression");
    }
    if (eval->task == OCT_TASK_DETECTION) {
        eval->detection = calloc(models, sizeof *eval->detection);
        eval->detection_compared = calloc(models, sizeof *eval->detection_compared);
        return eval->detection != NULL && eval->detection_compared != NULL
                   ? OCT_OK
                   : oct_fail_memory(err, models * sizeof *eval->detection, "detection");
    }
    if (eval->task != OCT_TASK_SEGMENTATION)
        return OCT_OK;
    eval->pixel_counts = calloc(facts, sizeof *eval->pixel_counts);
    eval->segmentation = calloc(models, sizeof *eval->segmentation);
    if (eval->pixel_counts == NULL || eval->segmentation == NULL)
        return oct_fail_memory(err, facts * sizeof *eval->pixel_counts, "segmentation");
    return OCT_OK;
}

oct_status oct_task_read(
    const oct_eval *eval, const oct_data *data, int64_t sample, void *truth, oct_error *err)
{
    if (eval->task == OCT_TASK_SEGMENTATION)
        return oct_segment_read(eval, data, sample, truth, err);
    if (eval->task == OCT_TASK_REGRESSION)
        return oct_regress_read(eval, data, sample, truth, err);
    return OCT_OK;
}

oct_status oct_task_score(oct_eval *eval, int64_t sample, int32_t model, const void *truth,
    const float *outputs, oct_error *err)
{
    if (eval->task == OCT_TASK_SEGMENTATION)
        return oct_segment_score(eval, sample, model, truth, outputs, err);
    if (eval->task == OCT_TASK_REGRESSION)
        oct_regress_score(eval, truth, outputs, &eval->outcomes[sample * eval->models + model]);
    return OCT_OK;
}

oct_status oct_task_fold(oct_eval *eval, const oct_data *data, uint64_t seed, oct_error *err)
{
    if (eval->task == OCT_TASK_SEGMENTATION)
        return oct_segment_fold(eval, seed, err);
    if (eval->task == OCT_TASK_DETECTION)
        return oct_detect_fold(eval, data, seed, err);
    if (eval->task == OCT_TASK_REGRESSION)
        return oct_regress_fold(eval, data, seed, err);
    return OCT_OK;
}

void oct_task_free(oct_eval *eval)
{
    free(eval->pixel_counts);
    free(eval->segmentation);
    free(eval->detection);
    free(eval->detection_compared);
    free(eval->regression);
}

oct_task oct_eval_task(const oct_eval *eval)
{
    return eval->task;
}

const oct_segmentation *oct_eval_segmentation(const oct_eval *eval, int32_t model)
{
    return eval->segmentation == NULL ? NULL : &eval->segmentation[model];
}

const oct_detection_metrics *oct_eval_detection(const oct_eval *eval, int32_t model)
{
    return eval->detection == NULL ? NULL : &eval->detection[model];
}

const oct_detection_compared *oct_eval_detection_compared(const oct_eval *eval, int32_t model)
{
    return eval->detection_compared == NULL ? NULL : &eval->detection_compared[model];
}

oct_class_numbers oct_eval_class_numbers(const oct_eval *eval)
{
    return eval->class_numbers;
}

const oct_regression *oct_eval_regression(const oct_eval *eval, int32_t model)
{
    return eval->regression == NULL ? NULL : &eval->regression[model];
}
