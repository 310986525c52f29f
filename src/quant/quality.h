/*
 * How good a quantized graph is on samples that calibration saw, and on others.
 */
#ifndef OCT_QUANT_QUALITY_H
#define OCT_QUANT_QUALITY_H

#include "quant/evidence.h"

/**
 * Runs both graphs on up to 32 of the calibration samples and up to 64 of options->held, and fills the
 * quality.
 *
 * graph      the float graph, `made` what became of it with float or integer inputs and outputs.
 * evidence   of calibration: what part of a range half of the samples finds; NULL: not known.
 * ranges     [tensors of graph], as quantized; NULL: the form has none.
 * Errors: those of sessions and of reading samples; OCT_E_MEMORY.
 */
oct_status oct_quality_measure(const oct_graph *graph, const oct_graph *made,
    const oct_quant_options *options, const oct_evidence *evidence, const oct_range *ranges,
    oct_quant_quality *out, oct_error *err);

#endif
