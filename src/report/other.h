/*
 * The forms of a comparison in another engine: the runtime that users ship.
 */
#ifndef OCT_REPORT_OTHER_H
#define OCT_REPORT_OTHER_H

#include <octavo/engine.h>
#include "report/comparison.h"

typedef struct oct_other oct_other;

/**
 * Evaluates the forms in `engine` on the samples of c->eval_data and, with `bench`, measures both
 * engines in turns. A form that the engine refuses is noted with its words.
 *
 * eval, bench  the options of the own engine; bench NULL: no latency
 * out          owned by the caller, oct_other_free(); NULL after failure
 * Errors: those of evaluation and benchmark of the forms that are not refused, OCT_E_MEMORY.
 */
oct_status oct_other_measure(const oct_comparison *c, const oct_engine *engine,
    const oct_eval_options *eval, const oct_bench_options *bench, oct_other **out, oct_error *err);

void oct_other_free(oct_other *other);

/** What it found of c->made[index], for the form's "engines". */
json_t *oct_other_json(const oct_other *other, const oct_comparison *c, int32_t index);

/** The table's lines about other engines in a document; nothing when there are none. */
void oct_other_table(FILE *out, const oct_results *results);

#endif
