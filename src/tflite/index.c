/*
 * Open addressing with linear probing, at most half full.
 */
#include "tflite/index.h"

#include <stdlib.h>
#include <string.h>

uint64_t oct_fb_hash(uint64_t seed, const void *bytes, size_t size)
{
    const uint64_t multiplier = 0x9e3779b97f4a7c15u;
    const unsigned char *at = bytes;
    uint64_t hash = seed ^ (size * multiplier);
    for (; size >= 8; size -= 8, at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        hash = (hash ^ word) * multiplier;
        hash ^= hash >> 29;
    }
    uint64_t rest = 0;
    if (size != 0)
        memcpy(&rest, at, size);
    hash = (hash ^ rest) * multiplier;
    return hash ^ (hash >> 32);
}

uint32_t oct_fb_index_find(const oct_fb_index *index, uint64_t hash,
    bool (*equal)(const void *user, uint32_t id), const void *user)
{
    if (index->capacity == 0)
        return OCT_FB_NONE;
    uint32_t mask = index->capacity - 1;
    for (uint32_t i = (uint32_t)hash & mask; index->ids[i] != OCT_FB_NONE; i = (i + 1) & mask)
        if (index->hashes[i] == hash && equal(user, index->ids[i]))
            return index->ids[i];
    return OCT_FB_NONE;
}

static void put(oct_fb_index *index, uint64_t hash, uint32_t id)
{
    uint32_t mask = index->capacity - 1, i = (uint32_t)hash & mask;
    while (index->ids[i] != OCT_FB_NONE)
        i = (i + 1) & mask;
    index->hashes[i] = hash;
    index->ids[i] = id;
}

static bool grow(oct_fb_index *index)
{
    uint32_t capacity = index->capacity == 0 ? 64 : 2 * index->capacity;
    oct_fb_index larger = { malloc(capacity * sizeof *larger.hashes),
        malloc(capacity * sizeof *larger.ids), capacity, index->count };
    if (larger.hashes == NULL || larger.ids == NULL) {
        oct_fb_index_free(&larger);
        return false;
    }
    memset(larger.ids, 0xff, capacity * sizeof *larger.ids);
    for (uint32_t i = 0; i < index->capacity; i++)
        if (index->ids[i] != OCT_FB_NONE)
            put(&larger, index->hashes[i], index->ids[i]);
    oct_fb_index_free(index);
    *index = larger;
    return true;
}

bool oct_fb_index_add(oct_fb_index *index, uint64_t hash, uint32_t id)
{
    if (2 * (index->count + 1) > index->capacity && !grow(index))
        return false;
    put(index, hash, id);
    index->count++;
    return true;
}

void oct_fb_index_free(oct_fb_index *index)
{
    free(index->hashes);
    free(index->ids);
    *index = (oct_fb_index){ 0 };
}
