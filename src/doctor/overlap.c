/*
 * A quick look for samples of one set in another: by their bytes as stored, so that nothing is decoded.
 */
#include <octavo/doctor.h>

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "doctor/look.h"

typedef struct stored {
    uint64_t digest[2];
    int64_t sample;
} stored;

static uint64_t kind_of(const oct_source *source)
{
    return source->files != NULL ? 1 : source->records != NULL ? 2 : 3;
}

/* False when it cannot be read. */
static bool hash_sample(const oct_source *source, int64_t at, uint64_t digest[2])
{
    const unsigned char *bytes;
    size_t size;
    oct_backing *held;
    if (oct_source_stored(source, at, &bytes, &size, &held)) {
        oct_look_hash(digest, bytes, size);
        oct_backing_release(held);
        return true;
    }
    for (int32_t i = 0; i < source->array_count; i++) {
        const oct_named_array *a = &source->arrays[i];
        oct_look_hash(digest, a->view.bytes + (size_t)at * a->sample_bytes, a->sample_bytes);
    }
    return source->array_count > 0;
}

static int by_digest(const void *a, const void *b)
{
    const stored *x = a, *y = b;
    return memcmp(x->digest, y->digest, sizeof x->digest);
}

static oct_status hash_all(const oct_data *data, stored **out, size_t *count, oct_error *err)
{
    *count = 0;
    *out = malloc((size_t)data->count * sizeof **out + 1);
    if (*out == NULL)
        return oct_fail_memory(err, (size_t)data->count * sizeof **out, "hashes");
    for (int64_t i = 0; i < data->count; i++) {
        stored one = { .sample = i };
        if (hash_sample(data->source, oct_look_index(data, i), one.digest))
            (*out)[(*count)++] = one;
    }
    return OCT_OK;
}

oct_status oct_data_overlap(const oct_data *a, const oct_data *b, int64_t *count, char *name,
    size_t size, oct_error *err)
{
    stored *in_a = NULL, *in_b = NULL;
    size_t count_a, count_b = 0;
    *count = 0;
    if (a->source->random || b->source->random || kind_of(a->source) != kind_of(b->source))
        return OCT_OK;
    oct_status status = hash_all(a, &in_a, &count_a, err);
    if (status == OCT_OK)
        status = hash_all(b, &in_b, &count_b, err);
    if (status == OCT_OK)
        qsort(in_a, count_a, sizeof *in_a, by_digest);
    for (size_t i = 0; i < count_b && status == OCT_OK; i++)
        if (bsearch(&in_b[i], in_a, count_a, sizeof *in_a, by_digest) != NULL && (*count)++ == 0)
            oct_data_sample_name(b, in_b[i].sample, name, size);
    free(in_a);
    free(in_b);
    return status;
}
