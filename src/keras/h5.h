/*
 * A bounded reader for the part of HDF5 that h5py writes by default, straight from memory.
 *
 * Objects are named by the address of their object header. Nothing is copied but names and strings; data
 * sets are views into the bytes. Any byte string may be passed in: every access is checked, every walk
 * is charged to a budget, so that time and memory are bounded by the size of the file.
 * Source: HDF5 File Format Specification Version 2.0 (superblock 0 and 1, "old" groups).
 */
#ifndef OCT_KERAS_H5_H
#define OCT_KERAS_H5_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct oct_h5 oct_h5;

enum { OCT_H5_MAX_RANK = 8 };

typedef enum oct_h5_type {
    OCT_H5_FLOAT16,
    OCT_H5_FLOAT32,
    OCT_H5_FLOAT64,
    OCT_H5_BFLOAT16, /* 2-byte opaque, as Keras stores it */
    OCT_H5_INT,      /* two's complement of element_bytes bytes */
    OCT_H5_UINT,
    OCT_H5_OTHER,
} oct_h5_type;

/* A data set: little-endian elements in row-major order, not aligned. */
typedef struct oct_h5_dataset {
    oct_h5_type type;
    int32_t element_bytes;
    int32_t rank;
    int64_t dims[OCT_H5_MAX_RANK];
    int64_t elements;     /* product of dims; 1 for a scalar */
    const uint8_t *bytes; /* elements * element_bytes in the file; NULL: never written, all zeros */
} oct_h5_dataset;

/* Strings of an attribute; they live as long as the file. */
typedef struct oct_h5_strings {
    const char **text; /* [count], each ends with NUL */
    int64_t count;
} oct_h5_strings;

/** True when the bytes begin with the HDF5 signature. */
bool oct_h5_is(const void *bytes, size_t size);

/**
 * bytes  borrowed until oct_h5_close().
 * out    owned by the caller, oct_h5_close(); NULL after failure.
 * Errors: OCT_E_INVALID (no or damaged superblock), OCT_E_UNSUPPORTED (newer file format), OCT_E_MEMORY.
 */
oct_status oct_h5_open(const void *bytes, size_t size, oct_h5 **out, oct_error *err);

void oct_h5_close(oct_h5 *h5);

/** The root group. */
uint64_t oct_h5_root(const oct_h5 *h5);

/**
 * Follows `path` ("layers/conv2d/vars") from a group.
 *
 * found  false when a component does not exist; then *object is not set.
 * Errors: OCT_E_INVALID (damaged), OCT_E_UNSUPPORTED (soft link, new-style group), each with the path.
 */
oct_status oct_h5_find(oct_h5 *h5, uint64_t group, const char *path, uint64_t *object, bool *found,
    oct_error *err);

/**
 * Strings of an attribute, of variable or fixed length. A list that h5py split over NAME0, NAME1, ...
 * is put together. An attribute without elements gives count 0 whatever its type.
 *
 * found  false when the object has no such attribute; count is then 0.
 */
oct_status oct_h5_strings_read(oct_h5 *h5, uint64_t object, const char *name, oct_h5_strings *out,
    bool *found, oct_error *err);

/**
 * Describes a data set: contiguous or compact, no filters.
 * Errors: OCT_E_INVALID, OCT_E_UNSUPPORTED (chunks, filters, external files); `path` names it.
 */
oct_status oct_h5_dataset_open(oct_h5 *h5, uint64_t object, const char *path, oct_h5_dataset *out,
    oct_error *err);

/** dst[i] = element first + i for i < count as float32; integers and float64 are rounded to nearest. */
void oct_h5_dataset_floats(const oct_h5_dataset *set, int64_t first, int64_t count, float *dst);

#endif
