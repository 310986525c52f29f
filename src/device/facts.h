/*
 * What a device is and how it is doing, as far as it tells.
 *
 * What a phone hides from the shell user differs from phone to phone: every value may be missing, and a
 * missing one stays missing (NULL, -1), never 0.
 */
#ifndef OCT_DEVICE_FACTS_H
#define OCT_DEVICE_FACTS_H

#include <stdint.h>
#include <jansson.h>
#include "device/adb.h"

enum {
    OCT_DEVICE_CORES = 64,
    OCT_DEVICE_CPUS = 1024, /* numbers below */
    OCT_DEVICE_PROPERTIES = 12,
    OCT_DEVICE_TEXT = 160
};

/* X(key in results.json, Android's property) */
#define OCT_DEVICE_PROPERTY_LIST(X)                                                                \
    X(MANUFACTURER, "manufacturer", "ro.product.manufacturer")                                     \
    X(MODEL, "model", "ro.product.model")                                                          \
    X(ANDROID, "android", "ro.build.version.release")                                              \
    X(SDK, "sdk", "ro.build.version.sdk")                                                          \
    X(FINGERPRINT, "fingerprint", "ro.build.fingerprint")                                          \
    X(ABI, "abi", "ro.product.cpu.abi")                                                            \
    X(SOC_MANUFACTURER, "soc_manufacturer", "ro.soc.manufacturer")                                 \
    X(SOC_MODEL, "soc_model", "ro.soc.model")                                                      \
    X(PLATFORM, "platform", "ro.board.platform")                                                   \
    X(HARDWARE, "hardware", "ro.hardware")

typedef enum oct_device_property {
#define OCT_DEVICE_PROPERTY_ENUM(name, key, property) OCT_DEVICE_##name,
    OCT_DEVICE_PROPERTY_LIST(OCT_DEVICE_PROPERTY_ENUM)
#undef OCT_DEVICE_PROPERTY_ENUM
        OCT_DEVICE_PROPERTY_COUNT
} oct_device_property;

/* One core; -1 and "" where the device does not tell. */
typedef struct oct_device_core {
    int cpu;
    int64_t max_khz;   /* what the hardware can do */
    int64_t limit_khz; /* what it may do now; lower: limited */
    char governor[32];
    char part[16]; /* "0xd46", from /proc/cpuinfo */
} oct_device_core;

typedef struct oct_device_facts {
    char properties[OCT_DEVICE_PROPERTY_COUNT][OCT_DEVICE_TEXT]; /* "": not told */
    oct_device_core cores[OCT_DEVICE_CORES];
    int core_count;
    char allowed[64]; /* cores the shell may use, "0-7"; "": not told */
} oct_device_facts;

/* The device at one moment; -1 where it does not tell. */
typedef struct oct_device_state {
    double seconds; /* since the device was opened, by the host's monotonic clock */
    int thermal;    /* 0 none, 1 light, 2 moderate, 3 severe … 6 shutdown */
    int battery_percent;
    double battery_c;                        /* NaN: not told */
    int powered;                             /* 0, 1 */
    int awake;                               /* 0: the screen is off */
    int locked;                              /* 0, 1 */
    double clock;                            /* seconds since 1970 by its clock */
    double uptime;                           /* seconds since it started */
    int64_t limit_khz_now[OCT_DEVICE_CORES]; /* of each core of the facts */
} oct_device_state;

/** Asks for everything that stays as it is. Errors: those of oct_adb_shell(). */
oct_status oct_device_read_facts(const oct_adb *adb, oct_device_facts *facts, oct_error *err);

/** Asks how it is doing now; facts gives the cores. */
oct_status oct_device_read_state(
    const oct_adb *adb, const oct_device_facts *facts, oct_device_state *state, oct_error *err);

/** The parsers behind these, for tests: the script's output into the structs. */
void oct_device_parse_facts(const char *text, oct_device_facts *facts);
void oct_device_parse_state(
    const char *text, const oct_device_facts *facts, oct_device_state *state);

/**
 * The cores to measure on, as a list "6-7".
 *
 * asked    "fast", "all" or a list. fast: of the cores with the highest cpuinfo_max_freq that are
 *          enough for the threads; where the device hides it, all.
 * Errors: OCT_E_USAGE (not a list; a core that the device does not have or allow).
 */
oct_status oct_device_choose_cores(const oct_device_facts *facts, const char *asked,
    int32_t threads, char *list, size_t size, oct_error *err);

/** Facts and state as JSON, null where not told. */
json_t *oct_device_facts_json(const oct_device_facts *facts);
json_t *oct_device_state_json(const oct_device_facts *facts, const oct_device_state *state);

/** What the device did not tell, "soc_model, thermal status"; "" when nothing. */
void oct_device_unreadable(
    const oct_device_facts *facts, const oct_device_state *state, char *text, size_t size);

/** "Google Pixel 7": manufacturer and model, or the serial where it tells neither. */
void oct_device_facts_name(
    const oct_device_facts *facts, const char *serial, char *text, size_t size);

#endif
