/*
 * A hash index over objects that live elsewhere: hash -> id, equality asked of the owner.
 */
#ifndef OCT_TFLITE_INDEX_H
#define OCT_TFLITE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OCT_FB_NONE UINT32_MAX

/** Zero-initialise before use. */
typedef struct oct_fb_index {
    uint64_t *hashes;
    uint32_t *ids; /* OCT_FB_NONE: free slot */
    uint32_t capacity, count;
} oct_fb_index;

/** A hash of bytes that continues from `seed`. Not for adversaries; equal on all machines. */
uint64_t oct_fb_hash(uint64_t seed, const void *bytes, size_t size);

/** The id under a hash for which equal(user, id) holds, or OCT_FB_NONE. */
uint32_t oct_fb_index_find(const oct_fb_index *index, uint64_t hash,
    bool (*equal)(const void *user, uint32_t id), const void *user);

/** Adds an id; false when memory is short. */
bool oct_fb_index_add(oct_fb_index *index, uint64_t hash, uint32_t id);

void oct_fb_index_free(oct_fb_index *index);

#endif
