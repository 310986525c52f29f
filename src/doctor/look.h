/*
 * One look at every sample: what is remembered of it.
 */
#ifndef OCT_DOCTOR_LOOK_H
#define OCT_DOCTOR_LOOK_H

#include "base/pool.h"
#include "eval/source.h"

enum { OCT_THUMB = 16 };

typedef struct oct_look {
    uint64_t digest[2];   /* of type, shape and values as decoded, over all arrays of a sample */
    uint64_t differences; /* a bit for each pair of neighbours in a row of the thumbnail */
    unsigned char thumb[OCT_THUMB * OCT_THUMB]; /* grey means of a 16 x 16 grid */
    float low, high;                            /* over all arrays */
    bool broken, damaged, finite, constant;
    bool has_thumb; /* an image of at least 16 x 16 pixels that is not constant */
    bool colour;    /* an image with a pixel that is not grey */
    bool image;
} oct_look;

/** Folds bytes and their number into a digest that began as zeros. */
void oct_look_hash(uint64_t digest[2], const unsigned char *bytes, size_t size);

/** Where an image's or array's sample is in the source. */
int64_t oct_look_index(const oct_data *data, int64_t sample);

/**
 * Looks at every sample of a data set that is not random.
 *
 * out       [samples], owned by the caller, free().
 * progress  may be NULL; told of "looking".
 * Errors: OCT_E_MEMORY. Samples that cannot be read are `broken`.
 */
oct_status oct_look_at(const oct_data *data, oct_pool *pool,
    void (*progress)(void *user, const char *what, int64_t done, int64_t total), void *user,
    oct_look **out, oct_error *err);

#endif
