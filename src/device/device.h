/*
 * A device inside the module: how its measurements send files, start the program and clean up.
 *
 * On the device everything lies in one folder: files named by their content, which stay for the next run,
 * and the folder `run`, which exists while something is measured.
 */
#ifndef OCT_DEVICE_DEVICE_H
#define OCT_DEVICE_DEVICE_H

#include <signal.h>
#include <octavo/device.h>
#include "device/adb.h"
#include "device/facts.h"

#define OCT_DEVICE_FOLDER "/data/local/tmp/octavo"

enum { OCT_DEVICE_STATES = 512, OCT_DEVICE_NOTES = 16, OCT_DEVICE_NAME = 48 };

struct oct_device {
    oct_adb adb;
    oct_device_options options; /* without its strings */
    char name[2 * OCT_DEVICE_TEXT];
    char cores[64];                /* asked: "fast" */
    char cpus[64];                 /* chosen; "": not pinned */
    char given_cpus[64];           /* what the kernel gave the program; "": not known yet */
    char program[OCT_DEVICE_NAME]; /* its name on the device */
    char program_sha256[65];
    char *local; /* folder on this machine for files on their way */
    oct_device_facts facts;
    oct_device_state *states; /* [state_count] */
    int32_t state_count;
    char notes[OCT_DEVICE_NOTES][256];
    int32_t note_count;
    bool throttled; /* the thermal status rose while measuring */
    bool drifted;   /* first and last rounds disagree */
    int fixed;      /* 1: clocks were fixed while measuring, 0: the device refused, -1: not asked */
    bool busy;      /* between begin and end */
    char signal[16];  /* that ended a measurement; "": none */
    sigset_t blocked; /* mask before begin */
    double opened;    /* oct_seconds() */
    int64_t sent_bytes;
    int32_t sent_files, found_files;
};

/** Tells the user a sentence and keeps it for results.json. */
void oct_device_note(oct_device *d, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Reads the device's state and keeps it; *state (may be NULL) lives until the next call. */
oct_status oct_device_look(oct_device *d, const oct_device_state **state, oct_error *err);

/**
 * Begins a measurement: signals are taken, the folder `run` is made, clocks are fixed if asked.
 * Errors: OCT_E_SYSTEM (another run is going on, storage, connection, interrupted before).
 */
oct_status oct_device_begin(oct_device *d, oct_error *err);

/**
 * Ends what began: kills what still runs on the device, removes the folder, frees the clocks. Gives status
 * and err back, with the signal named where one ended the measurement.
 */
oct_status oct_device_end(oct_device *d, oct_status status, oct_error *err);

/**
 * Makes sure that the device has these bytes as a file; sends them only when it does not.
 *
 * suffix  of the name, ".npy" or "".
 * name    gets the file's name within the device's folder.
 * Errors: OCT_E_SYSTEM (storage is full, with what is needed and free; connection), OCT_E_MEMORY.
 */
oct_status oct_device_store(oct_device *d, const void *bytes, size_t size, const char *suffix,
    char name[OCT_DEVICE_NAME], oct_error *err);

/** The same for a model: the bytes of the file it was read from, else those it is written as. */
oct_status oct_device_store_model(
    oct_device *d, const oct_model *model, char name[OCT_DEVICE_NAME], oct_error *err);

/** Removes a file that oct_device_store() named. Errors: those of oct_adb_shell(). */
oct_status oct_device_remove(oct_device *d, const char *name, oct_error *err);

/**
 * Runs the program on the device with these words, in the device's folder; its answer goes to run/out.
 *
 * words  already quoted.
 * Errors: OCT_E_SYSTEM (connection, killed by a signal, cannot be executed), or the status and the
 * sentence of the program itself, with the device's name before it.
 */
oct_status oct_device_call(oct_device *d, const char *words, oct_error *err);

/** Fetches a file of the device's folder; path[size] gets where it lies here. */
oct_status oct_device_fetch(
    oct_device *d, const char *remote, char *path, size_t size, oct_error *err);

/** "'it'\''s'": a word for the device's shell, into text[size]; false when it does not fit. */
bool oct_device_quote(const char *word, char *text, size_t size);

#endif
