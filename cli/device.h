/*
 * --device: the options with which bench, eval and compare measure on a phone.
 */
#ifndef OCTAVO_CLI_DEVICE_H
#define OCTAVO_CLI_DEVICE_H

#include "command.h"

#define CLI_DEVICE_OPTIONS                                                                         \
    { "device", 0, "adb[:SERIAL]", "measure on an Android phone (docs/android.md)" },              \
        { "device-program", 0, "FILE",                                                             \
            "Octavo for the phone (default: octavo-arm64 beside octavo)" },                        \
        { "cores", 0, "WHICH", "of the phone: fast (default), all or a list as 4-7" },             \
        { "fixed-clocks", 0, NULL, "Android's fixed performance mode while measuring" },           \
    {                                                                                              \
        "leave-nothing", 0, NULL, "remove also the files that the next run would find there"       \
    }

/**
 * Opens the device that --device names; *out is NULL when it is not given.
 *
 * threads  inside one timed inference.
 * out      owned by the caller, oct_device_close().
 * Errors: OCT_E_USAGE (an engine other than Octavo's, cores), those of oct_device_open().
 */
oct_status cli_device_open(const cli_args *args, int32_t threads, oct_device **out, oct_error *err);

/** The device as a JSON object, or NULL where there is none. */
json_t *cli_device_json(const oct_device *device);

#endif
