/*
 * Reference-counted memory that constants live in: a file mapping, a heap block, or a nameless file.
 *
 * Graphs, clones of graphs and sessions may share one backing; counting is atomic.
 */
#ifndef OCT_BASE_BACKING_H
#define OCT_BASE_BACKING_H

#include <stdbool.h>
#include <stddef.h>
#include "base/error.h"

typedef struct oct_backing oct_backing;

/** size zeroed, 64-byte aligned heap bytes; one reference. NULL when memory is short. */
oct_backing *oct_backing_create(size_t size);

/**
 * Maps a regular file read-only (a file that cannot be mapped is read); one reference.
 * Errors: OCT_E_SYSTEM with the path and the reason.
 */
oct_status oct_backing_map(const char *path, oct_backing **out, oct_error *err);

/**
 * size zeroed bytes for a constant that may be too much for memory: a nameless file in $TMPDIR, /var/tmp or
 * /tmp, whose pages the system can put out of memory. Where none of these is on a disk with that much room
 * it is oct_backing_create(). NULL when memory is short.
 */
oct_backing *oct_backing_create_spooled(size_t size);

/**
 * Lets go of the memory under `size` bytes at `bytes`, which come back from their file when they are
 * touched again. Returns false when they do not lie in this backing; a heap block stays as it is.
 */
bool oct_backing_rest(const oct_backing *backing, const void *bytes, size_t size);

oct_backing *oct_backing_retain(oct_backing *backing);

/** Gives one reference back; NULL is fine. */
void oct_backing_release(oct_backing *backing);

/** Writable only for a backing made by oct_backing_create(). */
unsigned char *oct_backing_bytes(const oct_backing *backing);
size_t oct_backing_size(const oct_backing *backing);

#endif
