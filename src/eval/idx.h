/*
 * IDX files (MNIST's format), plain or gzipped.
 *
 * Two zero bytes, element type, rank, then rank big-endian 32-bit dimensions and the elements.
 * http://yann.lecun.com/exdb/mnist/
 */
#ifndef OCT_EVAL_IDX_H
#define OCT_EVAL_IDX_H

#include <octavo/data.h>

/** True when the file begins like an IDX file (gunzipped where needed); false also when it can't be
 * read. */
bool oct_idx_detect(const char *path);

/**
 * Reads a whole IDX file; out is the caller's, oct_array_free(). Bytes after the elements are
 * refused. Errors: OCT_E_INVALID with byte offset, OCT_E_SYSTEM, OCT_E_MEMORY.
 */
oct_status oct_idx_read(const char *path, oct_array *out, oct_error *err);

#endif
