/*
 * Tensors of decoded, resized and normalised pictures, kept in a folder.
 *
 * An entry is named by SHA-256 of the file's bytes, the preprocessing and the input's shape, so that
 * neither names nor times matter, and carries a hash of its own, so that a damaged one is made anew.
 * Entries appear whole by renaming; any number of processes may share a folder, or be killed.
 */
#ifndef OCT_EVAL_CACHE_H
#define OCT_EVAL_CACHE_H

#include <octavo/data.h>

typedef struct oct_cache oct_cache;

/** Makes the folder where it is not there. Errors: OCT_E_SYSTEM, OCT_E_MEMORY. */
oct_status oct_cache_open(const char *folder, oct_cache **out, oct_error *err);

void oct_cache_close(oct_cache *cache);

/** Name of the entry for a picture as stored, which becomes an input [h][w][c]. */
void oct_cache_name(const unsigned char *bytes, size_t size, const oct_preprocess *preprocess,
    int32_t h, int32_t w, int32_t c, char name[65]);

/** Reads an entry of `count` values; false when it is not there or damaged. */
bool oct_cache_get(const oct_cache *cache, const char name[65], float *values, size_t count);

/** Keeps an entry. A folder that cannot be written is no failure: the next run works again. */
void oct_cache_put(const oct_cache *cache, const char name[65], const float *values, size_t count);

#endif
