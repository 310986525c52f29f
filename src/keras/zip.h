/*
 * Members of a zip archive in memory.
 *
 * Keras stores members uncompressed, so the weights are a view into the mapped file and never copied. A
 * large member that was deflated is inflated piece by piece into a spooled backing.
 * Source: PKWARE APPNOTE.TXT 6.3.
 */
#ifndef OCT_KERAS_ZIP_H
#define OCT_KERAS_ZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/backing.h"
#include "base/error.h"

typedef struct oct_zip_member {
    const uint8_t *bytes; /* not aligned */
    size_t size;
    oct_backing *owned; /* where a deflated member was inflated to; NULL: a view of a stored one */
} oct_zip_member;

/** True when the bytes begin like a zip archive. */
bool oct_zip_is(const void *bytes, size_t size);

/**
 * Finds a member by its whole name and checks its CRC.
 *
 * bytes  borrowed as long as *out is used; give *out back with oct_zip_member_free().
 * found  false when the archive has no such member.
 * Errors: OCT_E_INVALID (damaged, truncated, expands more than 1000 times beyond 16 MiB),
 * OCT_E_UNSUPPORTED (encrypted, other methods), OCT_E_MEMORY.
 */
oct_status oct_zip_find(const void *bytes, size_t size, const char *name, oct_zip_member *out,
    bool *found, oct_error *err);

/** A zeroed member is fine. */
void oct_zip_member_free(oct_zip_member *member);

#endif
