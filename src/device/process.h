/*
 * Programs run from an argument vector, watched until they end: no shell, no handlers, no hanging.
 */
#ifndef OCT_DEVICE_PROCESS_H
#define OCT_DEVICE_PROCESS_H

#include <stdbool.h>
#include "base/error.h"

/* How long a program may run and who may end it earlier. */
typedef struct oct_process_watch {
    double seconds;                /* most; measured by the monotonic clock */
    bool (*cancelled)(void *user); /* asked some 50 times a second; may be NULL */
    bool (*alive)(void *user); /* asked every few seconds: false ends the program; may be NULL */
    void *user;
} oct_process_watch;

/* What became of it. */
typedef struct oct_process_result {
    int code;        /* exit code, or 128 + the signal that ended it */
    char *out, *err; /* what it wrote, NUL-terminated; owned: oct_process_result_clear() */
    bool timed_out, cancelled, dead; /* ended by the watch: time, cancelled(), alive() */
} oct_process_result;

/**
 * Runs argv[0], looked for on PATH, with nothing on its standard input, in a process group of its own
 * (Ctrl-C reaches the caller alone), and waits for its end. A program that the watch ends is killed.
 * Children it leaves behind may keep its pipes open; they are not waited for.
 *
 * argv    ends with NULL.
 * result  filled also when it returns a failure; clear it in any case.
 * Errors: OCT_E_SYSTEM (cannot be started; the sentence names it), OCT_E_MEMORY.
 */
oct_status oct_process_run(const char *const *argv, const oct_process_watch *watch,
    oct_process_result *result, oct_error *err);

void oct_process_result_clear(oct_process_result *result);

/** Seconds of the monotonic clock. */
double oct_seconds(void);

#endif
