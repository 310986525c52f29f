/*
 * Whether statistics are those of a model.
 */
#ifndef OCT_MODEL_STATISTICS_H
#define OCT_MODEL_STATISTICS_H

#include <octavo/statistics.h>

/** Errors: OCT_E_INVALID when options->statistics are of another model, mode, effort or range. */
oct_status oct_statistics_fit(
    const oct_model *model, const oct_quant_options *options, oct_error *err);

#endif
