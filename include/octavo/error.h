/*
 * Status codes and the error record that every fallible function of Octavo fills.
 *
 * One list gives the code, the process exit code and the text, so that they cannot drift apart.
 */
#ifndef OCTAVO_ERROR_H
#define OCTAVO_ERROR_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* X(name, exit code of the command, short text) */
#define OCT_STATUS_LIST(X)                                                                         \
    X(OCT_OK, 0, "done")                                                                           \
    X(OCT_E_CONDITION, 1, "the asked condition does not hold")                                     \
    X(OCT_E_USAGE, 2, "wrong usage")                                                               \
    X(OCT_E_INVALID, 3, "bad model or data")                                                       \
    X(OCT_E_UNSUPPORTED, 4, "valid, but not supported")                                            \
    X(OCT_E_MEMORY, 5, "out of memory")                                                            \
    X(OCT_E_SYSTEM, 5, "the system failed")

typedef enum oct_status {
#define OCT_STATUS_ENUM(name, exit_code, text) name,
    OCT_STATUS_LIST(OCT_STATUS_ENUM)
#undef OCT_STATUS_ENUM
} oct_status;

/** What went wrong: one sentence for the user, with its place. Zeroed before the first use. */
typedef struct oct_error {
    oct_status status; /* OCT_OK while nothing failed */
    int64_t offset;    /* byte offset in the input where the fault was seen, or -1 */
    char text[512];    /* "m.tflite: conv1/weights: per-channel axis 3, but the tensor has 1 ..." */
} oct_error;

/** Short text of a status; static storage. */
const char *oct_status_text(oct_status status);

/** Exit code of the command for a status: 0, 1, 2, 3, 4 or 5. */
int oct_status_exit_code(oct_status status);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
