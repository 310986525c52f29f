/*
 * Statistics as bytes: a magic word, numbers in the order of the struct, a SHA-256 of all before it.
 *
 * Little-endian as the machine; 64-bit counts, so that every size is checked against what is left before
 * anything is allocated.
 */
#include "quant/statistics.h"

#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"

static const char magic[8] = { 'O', 'C', 'T', 'S', 'T', 'A', 'T', '1' };
enum { DIGEST = 64, HAS_RANGES = 1, HAS_CHANNELS = 2, HAS_HISTOGRAMS = 4, HAS_EXTREMES = 8 };

/* Writing: the first of two equal passes counts, the second one copies. */

typedef struct sink {
    unsigned char *bytes; /* NULL: count only */
    size_t size;
} sink;

static void put(sink *s, const void *bytes, size_t size)
{
    if (s->bytes != NULL && size > 0)
        memcpy(s->bytes + s->size, bytes, size);
    s->size += size;
}

static void put_number(sink *s, uint64_t number)
{
    put(s, &number, sizeof number);
}

static void put_ranges(sink *s, const oct_range *ranges, int32_t count)
{
    for (int32_t i = 0; i < count; i++) {
        put(s, &ranges[i].min, sizeof ranges[i].min);
        put(s, &ranges[i].max, sizeof ranges[i].max);
        put(s, &(uint32_t){ ranges[i].seen }, sizeof(uint32_t));
    }
}

static void put_histogram(sink *s, const oct_histogram *histogram)
{
    uint64_t pages = 0;
    for (uint64_t i = 0; i < OCT_HISTOGRAM_PAGES; i++)
        pages += histogram->pages[i] != NULL;
    put_number(s, pages);
    for (uint64_t i = 0; i < OCT_HISTOGRAM_PAGES; i++)
        if (histogram->pages[i] != NULL) {
            put_number(s, i);
            put(s, histogram->pages[i], OCT_HISTOGRAM_BINS * sizeof *histogram->pages[i]);
        }
}

static size_t sample_bytes(const oct_statistics *t)
{
    size_t bytes = 0;
    for (int32_t i = 0; i < t->inputs; i++)
        bytes += t->input_bytes[i];
    return bytes;
}

static void put_all(sink *s, const oct_statistics *t)
{
    put(s, magic, sizeof magic);
    put(s, t->key, sizeof t->key);
    put_number(s, (uint64_t)t->samples);
    put_number(s, (uint64_t)t->tensors);
    put_number(s, (t->halves[0] ? HAS_RANGES : 0) | (t->channels ? HAS_CHANNELS : 0) |
                      (t->histograms ? HAS_HISTOGRAMS : 0) | (t->extremes ? HAS_EXTREMES : 0));
    put_number(s, (uint64_t)t->most);
    put_number(s, (uint64_t)t->kept);
    put_number(s, (uint64_t)t->inputs);
    for (int32_t i = 0; i < t->inputs; i++)
        put_number(s, t->input_bytes[i]);
    for (int half = 0; half < 2 && t->halves[0] != NULL; half++)
        put_ranges(s, t->halves[half], t->tensors);
    for (int32_t i = 0; t->channels != NULL && i < t->tensors; i++) {
        size_t count = (size_t)t->channels[i].count;
        put_number(s, count);
        put(s, t->channels[i].min, count * sizeof(float));
        put(s, t->channels[i].max, count * sizeof(float));
    }
    for (int32_t i = 0; t->histograms != NULL && i < t->tensors; i++)
        put_histogram(s, &t->histograms[i]);
    if (t->extremes != NULL)
        put(s, t->extremes, (size_t)t->samples * (size_t)t->tensors * 2 * sizeof(float));
    for (int64_t k = 0; k < t->kept; k++) {
        put_number(s, t->chosen[k].hash);
        put(s, t->chosen[k].bytes, sample_bytes(t));
    }
}

oct_status oct_statistics_encode(
    const oct_statistics *statistics, unsigned char **bytes, size_t *size, oct_error *err)
{
    sink s = { 0 };
    put_all(&s, statistics);
    *bytes = s.bytes = malloc(s.size + DIGEST + 1);
    if (s.bytes == NULL)
        return oct_fail_memory(err, s.size, "statistics");
    s.size = 0;
    put_all(&s, statistics);
    oct_sha256(s.bytes, s.size, (char *)s.bytes + s.size);
    *size = s.size + DIGEST;
    return OCT_OK;
}

/* Reading. */

typedef struct cursor {
    const unsigned char *bytes;
    size_t left;
    oct_arena *arena;
    bool bad;             /* there was less than was asked for, or a number that cannot be */
    bool short_of_memory;
} cursor;

static bool take(cursor *c, void *to, size_t size)
{
    c->bad = c->bad || size > c->left;
    if (c->bad)
        return false;
    memcpy(to, c->bytes, size);
    c->bytes += size;
    c->left -= size;
    return true;
}

static uint64_t take_number(cursor *c, uint64_t most)
{
    uint64_t number = 0;
    take(c, &number, sizeof number);
    c->bad = c->bad || number > most;
    return c->bad ? 0 : number;
}

/* count things of `size` bytes, which are all there; NULL when they are not. */
static void *take_array(cursor *c, size_t count, size_t size)
{
    c->bad = c->bad || (size > 0 && count > c->left / size);
    if (c->bad)
        return NULL;
    void *to = oct_arena_array(c->arena, count, size);
    c->short_of_memory = c->short_of_memory || to == NULL;
    if (to != NULL)
        take(c, to, count * size);
    return to;
}

static oct_range *take_ranges(cursor *c, size_t count)
{
    const size_t stored = 12;
    c->bad = c->bad || count > c->left / stored;
    oct_range *ranges = c->bad ? NULL : oct_arena_array(c->arena, count, sizeof *ranges);
    c->short_of_memory = c->short_of_memory || (!c->bad && ranges == NULL);
    for (size_t i = 0; ranges != NULL && i < count; i++) {
        uint32_t seen = 0;
        take(c, &ranges[i].min, sizeof ranges[i].min);
        take(c, &ranges[i].max, sizeof ranges[i].max);
        take(c, &seen, sizeof seen);
        ranges[i].seen = seen != 0;
    }
    return ranges;
}

static void take_channels(cursor *c, oct_statistics *t)
{
    t->channels = oct_arena_array(c->arena, (size_t)t->tensors, sizeof *t->channels);
    c->short_of_memory = c->short_of_memory || t->channels == NULL;
    for (int32_t i = 0; i < t->tensors && t->channels != NULL && !c->bad; i++) {
        oct_channels *to = &t->channels[i];
        to->count = (int32_t)take_number(c, INT32_MAX);
        to->min = take_array(c, (size_t)to->count, sizeof(float));
        to->max = take_array(c, (size_t)to->count, sizeof(float));
    }
}

static void take_histogram(cursor *c, oct_histogram *histogram)
{
    uint64_t pages = take_number(c, OCT_HISTOGRAM_PAGES);
    for (uint64_t i = 0; i < pages && !c->bad; i++) {
        uint64_t page = take_number(c, OCT_HISTOGRAM_PAGES - 1);
        if (histogram->pages[page] != NULL)
            c->bad = true;
        if (c->bad)
            return;
        histogram->pages[page] = malloc(OCT_HISTOGRAM_BINS * sizeof(uint64_t));
        if (histogram->pages[page] == NULL) {
            c->short_of_memory = true;
            return;
        }
        take(c, histogram->pages[page], OCT_HISTOGRAM_BINS * sizeof(uint64_t));
    }
}

static void take_samples(cursor *c, oct_statistics *t)
{
    t->chosen = oct_arena_array(c->arena, (size_t)t->kept, sizeof *t->chosen);
    c->short_of_memory = c->short_of_memory || t->chosen == NULL;
    for (int64_t k = 0; k < t->kept && t->chosen != NULL && !c->bad; k++) {
        t->chosen[k].hash = take_number(c, UINT64_MAX);
        t->chosen[k].bytes = take_array(c, sample_bytes(t), 1);
    }
}

static void take_all(cursor *c, oct_statistics *t)
{
    take(c, t->key, sizeof t->key);
    t->key[sizeof t->key - 1] = '\0';
    t->samples = (int64_t)take_number(c, INT64_MAX / 2);
    t->tensors = (int32_t)take_number(c, c->left / sizeof(uint64_t));
    uint64_t has = take_number(c, 15);
    t->most = (int64_t)take_number(c, c->left);
    t->kept = (int64_t)take_number(c, (uint64_t)t->most);
    t->inputs = (int32_t)take_number(c, OCT_STATISTICS_INPUTS);
    for (int32_t i = 0; i < t->inputs; i++)
        t->input_bytes[i] = take_number(c, c->left);
    size_t tensors = (size_t)t->tensors;
    for (int half = 0; half < 2 && (has & HAS_RANGES); half++)
        t->halves[half] = take_ranges(c, tensors);
    if ((has & HAS_CHANNELS) && !c->bad)
        take_channels(c, t);
    if ((has & HAS_HISTOGRAMS) && !c->bad) {
        t->histograms = oct_arena_array(c->arena, tensors, sizeof *t->histograms);
        c->short_of_memory = c->short_of_memory || t->histograms == NULL;
        for (size_t i = 0; t->histograms != NULL && i < tensors && !c->bad; i++)
            take_histogram(c, &t->histograms[i]);
    }
    if ((has & HAS_EXTREMES) && !c->bad) {
        c->bad = (uint64_t)t->samples > c->left;
        t->extremes = take_array(c, (size_t)t->samples * tensors * 2, sizeof(float));
    }
    if (!c->bad)
        take_samples(c, t);
    c->bad = c->bad || c->left != 0 || t->samples < 1;
}

oct_status oct_statistics_decode(const unsigned char *bytes, size_t size, const char *name,
    oct_statistics **out, oct_error *err)
{
    char digest[DIGEST + 1];
    *out = NULL;
    if (size < sizeof magic + DIGEST || memcmp(bytes, magic, sizeof magic) != 0)
        return oct_fail(err, OCT_E_INVALID, "%s: no file of statistics", name);
    oct_sha256(bytes, size - DIGEST, digest);
    if (memcmp(digest, bytes + size - DIGEST, DIGEST) != 0)
        return oct_fail(err, OCT_E_INVALID, "%s: damaged or cut off", name);
    *out = oct_statistics_create();
    if (*out == NULL)
        return oct_fail_memory(err, sizeof **out, "statistics");
    cursor c = { bytes + sizeof magic, size - sizeof magic - DIGEST, &(*out)->arena, false, false };
    take_all(&c, *out);
    if (!c.bad && !c.short_of_memory)
        return OCT_OK;
    oct_statistics_free(*out);
    *out = NULL;
    return c.short_of_memory ? oct_fail_memory(err, size, name)
                             : oct_fail(err, OCT_E_INVALID, "%s: not what statistics hold", name);
}
