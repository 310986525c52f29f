/*
 * --cpus: which cores the process runs on.
 */
#ifndef OCTAVO_CLI_CPUS_H
#define OCTAVO_CLI_CPUS_H

#include "command.h"

#define CLI_CPUS_OPTION                                                                            \
    {                                                                                              \
        "cpus", 0, "LIST", "run on these cores alone: 4-7 or 0,2-3 (default: as the system likes)" \
    }

/**
 * Pins the process, before it makes threads; does nothing when --cpus is not given.
 * Errors: OCT_E_USAGE (not a list), OCT_E_SYSTEM (cores that the system does not give).
 */
oct_status cli_pin(const cli_args *args, oct_error *err);

/** The cores the process may use now, "4-7", as the kernel says, into text[size]; returns text. */
const char *cli_cpus(char *text, size_t size);

#endif
