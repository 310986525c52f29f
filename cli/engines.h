/*
 * The options that choose what runs the models: the engine and, in Octavo's own, the kernels.
 */
#ifndef OCTAVO_CLI_ENGINES_H
#define OCTAVO_CLI_ENGINES_H

#include "command.h"

#define CLI_ENGINE_OPTIONS                                                                         \
    { "engine", 0, "A,B,…", "octavo (default), litert (XNNPACK), litert-builtin" },                \
        { "litert-library", 0, "FILE", "libLiteRt.so (default: $OCT_LITERT_LIBRARY)" },            \
    {                                                                                              \
        "kernels", 0, "KIND",                                                                      \
            "Octavo's: fast (default) or ref, TensorFlow Lite's reference arithmetic"              \
    }

enum { CLI_MAX_ENGINES = 4, CLI_MAX_SUBJECTS = 64 };

/* The given models in each of the chosen engines: model 0 in all of them, model 1 in all, ... */
typedef struct cli_engines {
    oct_engine *engines[CLI_MAX_ENGINES]; /* owned */
    int32_t engine_count;
    oct_model *models[CLI_MAX_SUBJECTS]; /* owned, args->word_count of them */
    /* What evaluation and benchmark take, entry by entry: subject_count of each. */
    const oct_model *subjects[CLI_MAX_SUBJECTS];
    const oct_engine *subject_engines[CLI_MAX_SUBJECTS];
    const char *subject_names[CLI_MAX_SUBJECTS]; /* the file; borrowed from args */
    int32_t subject_count;
    oct_kernels kernels;
} cli_engines;

/**
 * Opens the engines asked for and loads all models of the command line.
 * Errors: OCT_E_USAGE naming the option, those of oct_engine_open() and oct_model_load().
 * cli_engines_close() also after a failure.
 */
oct_status cli_engines_open(const cli_args *args, cli_engines *engines, oct_error *err);

void cli_engines_close(cli_engines *engines);

/** "model.tflite", or "model.tflite in litert" when there are several engines, into text[size]. */
const char *cli_subject_label(const cli_engines *engines, int32_t subject, char *text, size_t size);

/** --kernels: ref or fast. */
oct_status cli_get_kernels(const cli_args *args, oct_kernels *kernels, oct_error *err);

#endif
