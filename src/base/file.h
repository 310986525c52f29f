/*
 * Writing a file so that readers see the old one or the whole new one, never a part.
 */
#ifndef OCT_BASE_FILE_H
#define OCT_BASE_FILE_H

#include <stdio.h>
#include "base/error.h"

/* A file being written under a temporary name. Zero-initialise; oct_file_abandon() is fine on that.
 */
typedef struct oct_file {
    FILE *stream;    /* write here; NULL when not open */
    char *path;      /* final name */
    char *temporary; /* in the same folder; NULL where `path` is a device and written directly */
} oct_file;

/** Creates the temporary file. Errors: OCT_E_SYSTEM with the path and the reason, OCT_E_MEMORY. */
oct_status oct_file_begin(oct_file *file, const char *path, oct_error *err);

/** fwrite() of size bytes, checked. */
oct_status oct_file_write(oct_file *file, const void *bytes, size_t size, oct_error *err);

/** Hands all bytes to the system, so that `temporary` can be read back. */
oct_status oct_file_flush(oct_file *file, oct_error *err);

/** Flushes, syncs and renames; the file is closed whatever happens, and gone after a failure. */
oct_status oct_file_commit(oct_file *file, oct_error *err);

/** Closes and removes the temporary file; does nothing when it is not open. */
void oct_file_abandon(oct_file *file);

/** All of it in one call. */
oct_status oct_file_save(const char *path, const void *bytes, size_t size, oct_error *err);

#endif
