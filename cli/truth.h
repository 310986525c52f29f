/*
 * eval's cells and JSON for data that know more than a class: pixels, boxes, values.
 */
#ifndef OCTAVO_CLI_TRUTH_H
#define OCTAVO_CLI_TRUTH_H

#include "command.h"

#include <octavo/eval.h>

/** Prints the column titles of the task; several: there are differences to a first model. */
void cli_truth_header(const oct_eval *eval, bool several);

/** Prints a model's cells under them. */
void cli_truth_cells(const oct_eval *eval, int32_t model);

/** Adds a model's numbers to its object. */
void cli_truth_json(const oct_eval *eval, int32_t model, json_t *object);

/** Prints one line for each class, a column a model; nothing where classes are not measured so. */
void cli_truth_classes(const oct_eval *eval);

#endif
