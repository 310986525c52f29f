/*
 * The options that `compare` and `advise` share: what the advice has to respect.
 */
#ifndef OCTAVO_CLI_CONSTRAINTS_H
#define OCTAVO_CLI_CONSTRAINTS_H

#include "command.h"

#define CLI_CONSTRAINT_OPTIONS                                                                     \
    { "max-drop", 0, "X", "accuracy that may be lost; 0.01 is one point (default 0.005)" },        \
    { "max-size", 0, "BYTES", "largest file: 500000, 500k or 4M" },                                \
    { "max-latency", 0, "MS", "largest latency in milliseconds" },                                 \
    { "for", 0, "TARGET", "cpu (default), gpu, int-only or mcu" }

/** Errors: OCT_E_USAGE naming the option. */
oct_status cli_get_constraints(const cli_args *args, oct_constraints *constraints, oct_error *err);

/**
 * The end of both commands: with --max-drop, --max-size or --max-latency given, OCT_E_CONDITION when no
 * form satisfies them.
 */
oct_status cli_condition(const cli_args *args, const oct_results *results);

#endif
