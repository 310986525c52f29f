/*
 * One Android device through the program `adb`: found, asked, sent to and fetched from.
 *
 * Whether a command on the device was reached and ended is read off a mark it prints last, not off
 * adb's exit code: adb answers 1 for a pulled cable and for a program that answered 1 alike.
 */
#ifndef OCT_DEVICE_ADB_H
#define OCT_DEVICE_ADB_H

#include <stdbool.h>
#include <stddef.h>
#include "base/error.h"

typedef struct oct_adb {
    char serial[128];
    bool (*cancelled)(void *user); /* may be NULL */
    void *user;
} oct_adb;

/**
 * Finds the device and fills in adb->serial.
 *
 * serial  the one wanted; NULL: the environment's ANDROID_SERIAL, else the only one connected.
 * Errors: OCT_E_SYSTEM, one sentence: adb is missing or cannot start its server, no device, several,
 * not this one; unauthorised, offline, without permission or in another state than started.
 */
oct_status oct_adb_find(oct_adb *adb, const char *serial, oct_error *err);

/* What a script on the device did. */
typedef struct oct_adb_reply {
    int code;  /* its exit code; > 128: ended by signal code - 128 */
    char *out; /* standard output without carriage returns; owned, free() */
} oct_adb_reply;

/**
 * Runs a script in the device's shell and waits.
 *
 * seconds  most it may take; a connection that is lost is noticed earlier.
 * reply    may be NULL; out is NULL after failure.
 * Errors: OCT_E_SYSTEM: connection lost, time over, cancelled. A failing script is no error.
 */
oct_status oct_adb_shell(
    const oct_adb *adb, const char *script, double seconds, oct_adb_reply *reply, oct_error *err);

/**
 * Copies a file to the device, or from it.
 *
 * refused  set when the device answered and did not take or give the file: then the sentence is its
 *          reason, "No space left on device".
 * Errors: OCT_E_SYSTEM.
 */
oct_status oct_adb_push(
    const oct_adb *adb, const char *local, const char *remote, bool *refused, oct_error *err);
oct_status oct_adb_pull(
    const oct_adb *adb, const char *remote, const char *local, bool *refused, oct_error *err);

/** "SIGKILL" for a code > 128 of a reply, NULL for others; static storage. */
const char *oct_adb_signal(int code);

#endif
