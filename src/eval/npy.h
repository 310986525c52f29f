/*
 * NumPy's array files: .npy parsed in place, .npz as the zip archive it is.
 *
 * .npy: "\x93NUMPY", version, header length, a Python dict literal with descr, fortran_order and
 * shape, then the elements. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
#ifndef OCT_EVAL_NPY_H
#define OCT_EVAL_NPY_H

#include <octavo/data.h>
#include "base/error.h"
#include "graph/types.h"

enum { OCT_ARRAY_MAX_RANK = 8 };

/* An array in somebody's memory. */
typedef struct oct_array_view {
    oct_type type;
    int32_t rank;
    int64_t dims[OCT_ARRAY_MAX_RANK];
    const unsigned char *bytes;
    size_t size;
    bool big_endian, fortran; /* what has to be undone before use: oct_array_own() */
} oct_array_view;

/**
 * Checks and reads the header of a .npy image; bytes of the view point into it.
 *
 * name  for messages.
 * Errors: OCT_E_INVALID with byte offset, OCT_E_UNSUPPORTED (element type).
 */
oct_status oct_npy_parse(
    const void *bytes, size_t size, const char *name, oct_array_view *out, oct_error *err);

/** A C-ordered little-endian copy of a view; *out is the caller's, oct_array_free(). */
oct_status oct_array_own(const oct_array_view *view, oct_array *out, oct_error *err);

/** Header bytes of .npy 1.0, padded to a multiple of 64, written into text[OCT_NPY_HEADER]; its
 * length. */
enum { OCT_NPY_HEADER = 512 };
size_t oct_npy_header(oct_type type, int32_t rank, const int64_t *dims, char *text);

/** The type named as in oct_tensor_info, if .npy has it; OCT_E_USAGE otherwise. */
oct_status oct_npy_type(const char *name, oct_type *type, oct_error *err);

/** elements x bytes of one, checked; -1 on overflow or a negative dimension. */
int64_t oct_array_bytes(oct_type type, int32_t rank, const int64_t *dims);

/* An entry of a zip archive. */
typedef struct oct_zip_entry {
    const char *name; /* not terminated */
    size_t name_length;
    const unsigned char *stored; /* compressed bytes */
    size_t stored_size, size;
    uint32_t crc;
    bool deflated;
} oct_zip_entry;

/**
 * Calls visit for each entry of a zip archive in memory, in the order of its directory.
 * Errors: OCT_E_INVALID with byte offset, OCT_E_UNSUPPORTED (encryption, other methods, over 4
 * GiB), what visit returned.
 */
oct_status oct_zip_visit(const unsigned char *bytes, size_t size, const char *name,
    oct_status (*visit)(void *user, const oct_zip_entry *entry, oct_error *err), void *user,
    oct_error *err);

/**
 * The uncompressed bytes of an entry, checksum verified: *owned gets a heap block to free() when
 * the entry was deflated, else NULL and *bytes points into the archive.
 */
oct_status oct_zip_extract(const oct_zip_entry *entry, const char *name,
    const unsigned char **bytes, void **owned, oct_error *err);

#endif
