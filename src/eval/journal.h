/*
 * A journal keeps what was computed of each sample, so that an evaluation that was killed goes on
 * where it stopped. Records are appended as they come; a torn one at the end is dropped.
 */
#ifndef OCT_EVAL_JOURNAL_H
#define OCT_EVAL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <octavo/error.h>

typedef struct oct_journal oct_journal;

/**
 * Opens or begins a journal.
 *
 * key          64 characters that name the work: models, data, options
 * record_size  bytes of a sample's record
 * out          owned by the caller, oct_journal_close(); NULL after failure
 * Errors: OCT_E_USAGE when the file is a journal of other work, OCT_E_INVALID when it is none,
 * OCT_E_SYSTEM, OCT_E_MEMORY.
 */
oct_status oct_journal_open(const char *path, const char *key, size_t record_size, int64_t samples,
    oct_journal **out, oct_error *err);

/** Copies the record of a sample; false when the journal has none. */
bool oct_journal_take(const oct_journal *journal, int64_t sample, void *record);

/** Appends a record; may be called from several threads. Errors: OCT_E_SYSTEM. */
oct_status oct_journal_add(
    oct_journal *journal, int64_t sample, const void *record, oct_error *err);

/** Closes it; `done` removes the file. NULL is nothing. */
void oct_journal_close(oct_journal *journal, bool done);

#endif
