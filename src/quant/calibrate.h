/*
 * Calibration with everything that was seen, for those who look at more than ranges.
 */
#ifndef OCT_QUANT_CALIBRATE_H
#define OCT_QUANT_CALIBRATE_H

#include "quant/evidence.h"
#include "quant/rewrite.h"

/** As oct_calibrate(); `evidence` is filled, its ranges by the options' estimator. Errors: the same. */
oct_status oct_calibrate_evidence(const oct_graph *graph, const oct_quant_options *options,
    oct_evidence *evidence, oct_error *err);

#endif
