/*
 * An Android phone as the place of measurement, reached through the program `adb`.
 *
 * The phone runs Octavo's own program for its ABI; models and prepared inputs go there, times and outputs
 * come back, and all statistics are made here, by the code that makes the host's.
 */
#ifndef OCTAVO_DEVICE_H
#define OCTAVO_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <octavo/bench.h>
#include <octavo/data.h>
#include <octavo/error.h>
#include <octavo/eval.h>
#include <octavo/model.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef struct oct_device oct_device;

typedef struct oct_device_options {
    const char *program; /* Octavo for the phone; NULL: octavo-ABI beside this program or near it */
    const char *cores;   /* "fast" (NULL), "all" or a list as "4-7": where it is measured */
    int32_t threads;     /* inside one timed inference, for which "fast" must have cores; 0: one */
    bool fixed_clocks; /* ask for Android's fixed performance mode (11 and later) while measuring */
    bool leave_nothing; /* remove also the files that the next run would find */
    /* SIGINT, SIGTERM and SIGHUP end a measurement in order: cleaned up, what was measured kept. */
    bool take_signals;
    void (*note)(void *user, const char *sentence); /* what the user should know; may be NULL */
    void *note_user;
} oct_device_options;

/**
 * Finds the device, asks what it is, sends the program and checks that it runs there.
 *
 * spec     "adb" or "adb:SERIAL"; without a serial ANDROID_SERIAL or the only device.
 * options  may be NULL; strings are copied.
 * out      owned by the caller, oct_device_close(); NULL after failure.
 * Errors: OCT_E_USAGE (spec, cores), OCT_E_SYSTEM with one sentence: adb, connection, authorisation,
 * storage, no program for the device's ABI; OCT_E_UNSUPPORTED (ABI).
 */
oct_status oct_device_open(
    const char *spec, const oct_device_options *options, oct_device **out, oct_error *err);

/** NULL is nothing. Removes what it left on the device if leave_nothing was asked. */
void oct_device_close(oct_device *device);

/** "Google Pixel 7"; lives as long as the device. */
const char *oct_device_name(const oct_device *device);

/**
 * What is known of the device and of the runs on it, as JSON: the object `device` of
 * docs/results.schema.json. *json is owned by the caller, free().
 */
oct_status oct_device_json(const oct_device *device, char **json, oct_error *err);

/**
 * oct_bench_run() on the device: the rounds in slices, the device's temperature read between them. A slice
 * waits while the device is throttled hard, and rounds during which its clock jumped are left out.
 *
 * options  engines must be NULL; seconds, rounds, threads, kernels, profile, seed and progress as there.
 * out      owned by the caller, oct_bench_free(). After a failure it holds the rounds measured until
 *          then, or is NULL when there are none.
 * Errors: OCT_E_SYSTEM (connection, storage, the program was killed, interrupted), those that the program
 * reports, OCT_E_MEMORY.
 */
oct_status oct_device_bench(oct_device *device, const oct_model *const *models, int32_t model_count,
    const oct_bench_options *options, oct_bench **out, oct_error *err);

/**
 * oct_evaluate() with the outputs that the device computes.
 *
 * options  engines must be NULL; threads are those inside one inference on the device, 0: one.
 * out      owned by the caller, oct_eval_free(). After a failure it holds the first samples if all models
 *          have seen them, or is NULL.
 * Errors: as oct_device_bench(), and those of oct_evaluate().
 */
oct_status oct_device_evaluate(oct_device *device, const oct_model *const *models,
    int32_t model_count, const oct_data *data, const oct_preprocess *preprocess,
    const oct_eval_options *options, oct_eval **out, oct_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
