/*
 * What a data set's truth asks of a model besides a class: the class of every pixel, boxes, or
 * values.
 *
 * As for classes, every sample leaves a small fact behind, and facts are folded in sample order.
 */
#ifndef OCT_EVAL_TASK_H
#define OCT_EVAL_TASK_H

#include "eval/evaluate.h"

/**
 * Decides by the data's truth and the first model's outputs what is measured: eval->task and what
 * it needs to know. Called when eval->outputs and eval->classes are known.
 * Errors: OCT_E_INVALID when the truth does not fit the outputs.
 */
oct_status oct_task_choose(oct_eval *eval, const oct_data *data, const oct_model *model,
    const oct_preprocess *preprocess, oct_error *err);

/** Bytes of a sample's truth as oct_task_read() makes it ready. */
size_t oct_task_truth_bytes(const oct_eval *eval);

/** Makes the arrays of facts and metrics. Errors: OCT_E_MEMORY. */
oct_status oct_task_allocate(oct_eval *eval, oct_error *err);

/** The truth of a sample, once for all models. Errors: of reading it; OCT_E_INVALID. */
oct_status oct_task_read(
    const oct_eval *eval, const oct_data *data, int64_t sample, void *truth, oct_error *err);

/** Scores a model's outputs [elements] of a sample: writes its facts. Errors: OCT_E_INVALID. */
oct_status oct_task_score(oct_eval *eval, int64_t sample, int32_t model, const void *truth,
    const float *outputs, oct_error *err);

/** Facts to metrics. Errors: OCT_E_MEMORY. */
oct_status oct_task_fold(oct_eval *eval, const oct_data *data, uint64_t seed, oct_error *err);

void oct_task_free(oct_eval *eval);

/* Each task's part of the above. */

oct_status oct_segment_choose(
    oct_eval *eval, const oct_data *data, const oct_model *model, oct_error *err);
oct_status oct_segment_read(const oct_eval *eval, const oct_data *data, int64_t sample,
    unsigned char *truth, oct_error *err);
oct_status oct_segment_score(oct_eval *eval, int64_t sample, int32_t model,
    const unsigned char *truth, const float *outputs, oct_error *err);
oct_status oct_segment_fold(oct_eval *eval, uint64_t seed, oct_error *err);

oct_status oct_detect_choose(
    oct_eval *eval, const oct_data *data, const oct_model *model, oct_error *err);
oct_status oct_detect_fold(oct_eval *eval, const oct_data *data, uint64_t seed, oct_error *err);

oct_status oct_regress_choose(oct_eval *eval, const oct_data *data, oct_error *err);
oct_status oct_regress_read(
    const oct_eval *eval, const oct_data *data, int64_t sample, float *truth, oct_error *err);
void oct_regress_score(
    const oct_eval *eval, const float *truth, const float *outputs, oct_outcome *outcome);
oct_status oct_regress_fold(oct_eval *eval, const oct_data *data, uint64_t seed, oct_error *err);

#endif
