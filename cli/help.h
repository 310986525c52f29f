/*
 * Help texts printed from the command tables.
 */
#ifndef OCTAVO_CLI_HELP_H
#define OCTAVO_CLI_HELP_H

#include "command.h"

void help_overview(FILE *file);
void help_command(FILE *file, const cli_command *command);

#endif
