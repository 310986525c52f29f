/*
 * Filling and passing on errors inside the library.
 */
#ifndef OCT_BASE_ERROR_H
#define OCT_BASE_ERROR_H

#include <stddef.h>
#include <octavo/error.h>

/* Passes a failure on. For functions that own something, use one `fail:` label instead. */
#define OCT_TRY(call)                                                                              \
    do {                                                                                           \
        oct_status oct_try_status_ = (call);                                                       \
        if (oct_try_status_ != OCT_OK)                                                             \
            return oct_try_status_;                                                                \
    } while (0)

/** Fills err (may be NULL) with a formatted sentence, offset -1; returns status. */
oct_status oct_fail(oct_error *err, oct_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** The same with the byte offset of the fault; the text gets " (at byte N)" appended. */
oct_status oct_fail_at(oct_error *err, oct_status status, int64_t offset, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/** "out of memory (N bytes for WHAT)", status OCT_E_MEMORY. */
oct_status oct_fail_memory(oct_error *err, size_t bytes, const char *what);

/** Puts "PREFIX: " in front of the text of a filled error, e.g. the file or layer name; returns its status. */
oct_status oct_error_prefix(oct_error *err, oct_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
