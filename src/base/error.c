/*
 * The error record: filled once where the fault is seen, prefixed with places on the way up.
 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *oct_status_text(oct_status status)
{
    switch (status) {
#define OCT_STATUS_CASE(name, exit_code, text)                                                     \
    case name:                                                                                     \
        return text;
        OCT_STATUS_LIST(OCT_STATUS_CASE)
#undef OCT_STATUS_CASE
    }
    return "unknown status";
}

int oct_status_exit_code(oct_status status)
{
    switch (status) {
#define OCT_STATUS_CASE(name, exit_code, text)                                                     \
    case name:                                                                                     \
        return exit_code;
        OCT_STATUS_LIST(OCT_STATUS_CASE)
#undef OCT_STATUS_CASE
    }
    return 5;
}

oct_status oct_fail(oct_error *err, oct_status status, const char *format, ...)
{
    if (err == NULL)
        return status;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    err->status = status;
    err->offset = -1;
    return status;
}

oct_status oct_fail_at(oct_error *err, oct_status status, int64_t offset, const char *format, ...)
{
    if (err == NULL)
        return status;
    va_list args;
    va_start(args, format);
    int written = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    if (written >= 0 && (size_t)written < sizeof err->text)
        snprintf(err->text + written, sizeof err->text - (size_t)written, " (at byte %lld)",
            (long long)offset);
    err->status = status;
    err->offset = offset;
    return status;
}

oct_status oct_fail_memory(oct_error *err, size_t bytes, const char *what)
{
    return oct_fail(err, OCT_E_MEMORY, "out of memory (%zu bytes for %s)", bytes, what);
}

oct_status oct_error_prefix(oct_error *err, oct_status status, const char *format, ...)
{
    if (err == NULL || status == OCT_OK)
        return status;
    char text[sizeof err->text];
    va_list args;
    va_start(args, format);
    int written = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (written < 0 || (size_t)written >= sizeof text)
        return status;
    /* The tail of a text that no longer fits is cut. */
    int room = (int)(sizeof text - (size_t)written) - 3;
    snprintf(text + written, sizeof text - (size_t)written, ": %.*s", room < 0 ? 0 : room,
        err->text);
    memcpy(err->text, text, sizeof text);
    return status;
}
