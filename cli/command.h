/*
 * The command line as tables: one file a command, one line in commands.def.
 *
 * Help, man page, completions and parsing all read the same tables, so they cannot disagree.
 */
#ifndef OCTAVO_CLI_COMMAND_H
#define OCTAVO_CLI_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <jansson.h>
#include <octavo/octavo.h>

/* One option "--name VALUE" or, with value NULL, a flag "--name". */
typedef struct cli_option {
    const char *name;  /* without the dashes */
    char letter;       /* short form, or 0 */
    const char *value; /* what the value is called in the help; NULL: a flag */
    const char *help;
} cli_option;

enum { CLI_MAX_OPTIONS = 32 };

typedef struct cli_args {
    const struct cli_command *command;
    const char **words; /* positional arguments */
    int word_count;
    struct { const cli_option *option; const char *value; } given[CLI_MAX_OPTIONS];
    int given_count;
    bool json, quiet, verbose, progress;
    int32_t threads; /* 0: all cores */
    uint64_t seed;
    const oct_group *group; /* processes that share the work; NULL: this one alone */
} cli_args;

typedef struct cli_command {
    const char *name;
    const char *words;   /* positional arguments in the usage line: "MODEL" */
    int min_words, max_words; /* max -1: any number */
    const char *summary; /* one line */
    const char *text;    /* paragraphs of the help */
    const cli_option *options; /* ends with a NULL name */
    const char *examples;
    oct_status (*run)(const cli_args *args, oct_error *err);
    bool shared; /* may be run as several processes: mpirun -n N octavo NAME ... */
} cli_command;

#define CLI_COMMAND(name) extern const cli_command cli_##name;
#include "commands.def"
#undef CLI_COMMAND

/** All commands in the order of commands.def, ending with NULL. */
extern const cli_command *const cli_commands[];

/** Options that every command takes; ends with a NULL name. */
extern const cli_option cli_common_options[];

/** Parses argv[0..argc) (without program and command). args->words must hold argc entries. */
oct_status cli_parse(const cli_command *command, int argc, char **argv, cli_args *args, oct_error *err);

/** Value of an option, NULL when it was not given; "" for a flag that was. The last one given wins. */
const char *cli_get(const cli_args *args, const char *name);

/** Whole number in [low, high]; `fallback` when not given. Errors: OCT_E_USAGE naming the option. */
oct_status cli_get_int(const cli_args *args, const char *name, int64_t low, int64_t high,
    int64_t fallback, int64_t *value, oct_error *err);

/** Finite number; `fallback` when not given. */
oct_status cli_get_number(const cli_args *args, const char *name, double fallback, double *value,
    oct_error *err);

/** A usage error with the hint "see 'octavo help COMMAND'". */
oct_status cli_usage(const cli_args *args, oct_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Output: stdout holds the answer, stderr everything else. */

/** A progress line on stderr if that is a terminal and --quiet is not given; done == total ends it. */
void cli_progress(const cli_args *args, const char *what, int64_t done, int64_t total);

/**
 * Prints an object, or text ending with a newline, on stdout and flushes it: "" only flushes.
 * OCT_E_SYSTEM when stdout cannot be written.
 */
oct_status cli_print_json(json_t *object, oct_error *err);
oct_status cli_print_text(const char *text, oct_error *err);

/** A message on stderr unless --quiet. */
void cli_note(const cli_args *args, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** "13.99 MB", "98.5 kB", "512 B" into text[size]; returns text. */
const char *cli_bytes(uint64_t bytes, char *text, size_t size);

/** oct_data_open(), with the cache of --cache where that is given. */
oct_status cli_open_data(const cli_args *args, const char *spec, oct_data **out, oct_error *err);

/** oct_data_fit_length(), with a note when a length was open. */
oct_status cli_fit_length(
    const cli_args *args, const oct_data *data, oct_model *model, oct_error *err);

/** Parses "--input-shape NAME=1,224,224,3" values and "--batch N" into load options; borrowed from args. */
typedef struct cli_shapes {
    oct_load_options options;
    oct_input_shape shapes[16];
    char names[16][256];
} cli_shapes;
oct_status cli_get_shapes(const cli_args *args, cli_shapes *shapes, oct_error *err);

/* The two options above, for command tables. */
#define CLI_SHAPE_OPTIONS                                                                          \
    { "batch", 0, "N", "fix the batch to N (default: as the model says)" },                        \
    { "input-shape", 0, "NAME=D,D,…", "shape of an input with unknown sizes; may be repeated" }

#endif
