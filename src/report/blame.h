/*
 * Errors of layers in a comparison: which to blame, at what price, and how both are written.
 */
#ifndef OCT_REPORT_BLAME_H
#define OCT_REPORT_BLAME_H

#include "report/comparison.h"

/**
 * Finds the layers to blame of every form that was compared layer by layer, and what keeping them in
 * float would cost: time only where the comparison has a benchmark. Errors: those of
 * oct_layer_costs().
 */
oct_status oct_comparison_blame(oct_comparison *c, oct_error *err);

/** The lists "errors" and "blamed" of a form; empty without a comparison of layers. */
json_t *oct_errors_json(const oct_made *made);
json_t *oct_blamed_json(const oct_made *made);

#endif
