/*
 * Which samples this process evaluates, what it knows of them already, and how all processes come
 * to know all of them.
 */
#ifndef OCT_EVAL_WORK_H
#define OCT_EVAL_WORK_H

#include "eval/evaluate.h"
#include "eval/journal.h"

typedef struct oct_work {
    const oct_group *group; /* NULL: this process alone */
    oct_journal *journal;   /* NULL: nothing is kept */
    bool keeps;             /* records hold outputs */
} oct_work;

/**
 * Prepares: with options->resume the journal is opened, one for each process.
 * Errors: those of oct_journal_open(), OCT_E_MEMORY.
 */
oct_status oct_work_begin(oct_work *work, const oct_eval *eval, const oct_model *const *models,
    const oct_data *data, const oct_preprocess *preprocess, const oct_eval_options *options,
    oct_error *err);

/** Samples of this process, and the i-th of them: they are dealt out like cards. */
int64_t oct_work_count(const oct_work *work, int64_t samples);
int64_t oct_work_sample(const oct_work *work, int64_t i);

/** Takes a sample's facts from the journal into eval; false when it has to be run. */
bool oct_work_known(const oct_work *work, oct_eval *eval, int64_t sample);

/** Writes a sample's facts into the journal. */
oct_status oct_work_note(
    const oct_work *work, const oct_eval *eval, int64_t sample, oct_error *err);

/**
 * Gives every process all outcomes and kept outputs. When any process failed all return the failure
 * of the lowest sample, and its sentence.
 * status, failed_at  how this process fared, and at which sample
 */
oct_status oct_work_exchange(
    const oct_work *work, oct_eval *eval, oct_status status, int64_t failed_at, oct_error *err);

/** done: the evaluation is complete, the journal is removed. */
void oct_work_end(oct_work *work, bool done);

#endif
