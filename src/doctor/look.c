/*
 * Looking at samples, in parallel: a sample is decoded, hashed and let go.
 */
#include "doctor/look.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Hashing: two lanes of a 64-bit multiply and shift, with different multipliers. */

static void hash_word(uint64_t digest[2], uint64_t word)
{
    digest[0] = (digest[0] ^ word) * 0x9e3779b97f4a7c15u;
    digest[1] = (digest[1] + word) * 0xd6e8feb86659fd93u;
    digest[0] ^= digest[0] >> 29;
    digest[1] ^= digest[1] >> 32;
}

void oct_look_hash(uint64_t digest[2], const unsigned char *bytes, size_t size)
{
    size_t i = 0;
    uint64_t word;
    for (; i + sizeof word <= size; i += sizeof word) {
        memcpy(&word, bytes + i, sizeof word);
        hash_word(digest, word);
    }
    word = 0;
    memcpy(&word, bytes + i, size - i);
    hash_word(digest, word);
    hash_word(digest, size);
}

static size_t elements_of(const oct_sample_value *field)
{
    size_t count = 1;
    for (int32_t i = 0; i < field->rank; i++)
        count *= (size_t)field->dims[i];
    return count;
}

static void hash_field(uint64_t digest[2], const oct_sample_value *field)
{
    hash_word(digest, (uint64_t)field->type);
    for (int32_t i = 0; i < field->rank; i++)
        hash_word(digest, (uint64_t)field->dims[i]);
    size_t size = elements_of(field) * (size_t)oct_type_bits(field->type) / 8;
    oct_look_hash(digest, field->bytes, size);
}

/* Values. */

static void fold_bytes(oct_look *look, const unsigned char *bytes, size_t count)
{
    unsigned char low = 255, high = 0;
    for (size_t i = 0; i < count; i++) {
        low = bytes[i] < low ? bytes[i] : low;
        high = bytes[i] > high ? bytes[i] : high;
    }
    look->low = fminf(look->low, low);
    look->high = fmaxf(look->high, high);
}

static void fold_floats(oct_look *look, const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        look->finite = look->finite && isfinite(values[i]);
        look->low = values[i] < look->low ? values[i] : look->low;
        look->high = values[i] > look->high ? values[i] : look->high;
    }
}

/* Images. */

typedef struct picture {
    int32_t h, w, c;
    const unsigned char *bytes; /* or */
    const float *values;
    float low, gain; /* of values, to 0..255 */
} picture;

static bool is_picture(const oct_sample_value *f)
{
    int64_t c = f->rank == 3 ? f->dims[2] : 1;
    return !f->sound && f->rank >= 2 && f->rank <= 3 && (c == 1 || c == 3 || c == 4) &&
           f->dims[0] <= 1 << 20 && f->dims[1] <= 1 << 20;
}

/* (r + 2 g + b) / 4; *colour when they differ. */
static float grey_of(const picture *p, size_t at, bool *colour)
{
    if (p->bytes != NULL) {
        const unsigned char *b = p->bytes + at;
        if (p->c == 1)
            return b[0];
        *colour |= b[0] != b[1] || b[1] != b[2];
        return (float)(b[0] + 2 * b[1] + b[2]) / 4;
    }
    const float *v = p->values + at;
    float grey = p->c == 1 ? v[0] : (v[0] + 2 * v[1] + v[2]) / 4;
    *colour |= p->c != 1 && (v[0] != v[1] || v[1] != v[2]);
    return (grey - p->low) * p->gain;
}

/* Adds a row of pixels to the sums of a row of cells. */
static void add_row(const picture *p, int32_t y, double sums[OCT_THUMB], bool *colour)
{
    int32_t x = 0;
    for (int32_t cell = 0; cell < OCT_THUMB; cell++) {
        int32_t end = (int32_t)((int64_t)p->w * (cell + 1) / OCT_THUMB);
        for (; x < end; x++)
            sums[cell] += (double)grey_of(p, ((size_t)y * (size_t)p->w + (size_t)x) * (size_t)p->c, colour);
    }
}

static void make_thumb(const picture *p, oct_look *look)
{
    int32_t y = 0;
    for (int32_t row = 0; row < OCT_THUMB; row++) {
        double sums[OCT_THUMB] = { 0 };
        int32_t first = y, end = (int32_t)((int64_t)p->h * (row + 1) / OCT_THUMB);
        for (; y < end; y++)
            add_row(p, y, sums, &look->colour);
        for (int32_t cell = 0, left = 0; cell < OCT_THUMB; cell++) {
            int32_t right = (int32_t)((int64_t)p->w * (cell + 1) / OCT_THUMB);
            double mean = sums[cell] / fmax((double)(right - left) * (end - first), 1);
            look->thumb[row * OCT_THUMB + cell] = (unsigned char)(fmin(fmax(mean, 0), 255) + 0.5);
            left = right;
        }
    }
    look->has_thumb = p->h >= OCT_THUMB && p->w >= OCT_THUMB && !look->constant;
}

/* Cells differ by more than what encoding does to flat areas. Two rows at a time, eight pairs each. */
static uint64_t differences_of(const unsigned char thumb[OCT_THUMB * OCT_THUMB])
{
    enum { CLEARLY = 6 };
    uint64_t bits = 0;
    for (int32_t row = 0; row < OCT_THUMB; row += 2)
        for (int32_t cell = 0; cell < OCT_THUMB; cell += 2) {
            const unsigned char *t = thumb + row * OCT_THUMB + cell;
            int32_t left = t[0] + t[OCT_THUMB], right = t[1] + t[OCT_THUMB + 1];
            bits = bits << 1 | (right > left + CLEARLY);
        }
    return bits;
}

static void look_at_picture(const oct_sample_value *f, const float *values, oct_look *look)
{
    const picture p = { .h = (int32_t)f->dims[0], .w = (int32_t)f->dims[1],
        .c = f->rank == 3 ? (int32_t)f->dims[2] : 1,
        .bytes = f->type == OCT_UINT8 ? f->bytes : NULL, .values = values,
        .low = look->low, .gain = look->constant ? 0 : 255 / (look->high - look->low) };
    look->image = true;
    make_thumb(&p, look);
    look->differences = differences_of(look->thumb);
}

/* Samples. */

static bool look_at_field(const oct_sample_value *field, bool only, oct_look *look)
{
    size_t count = elements_of(field);
    float *values = NULL;
    hash_field(look->digest, field);
    look->damaged |= field->damaged;
    if (field->type == OCT_UINT8) {
        fold_bytes(look, field->bytes, count);
    } else {
        values = malloc(count * sizeof *values + 1);
        if (values == NULL)
            return false;
        if (!oct_to_float(field->type, field->bytes, count, values))
            memset(values, 0, count * sizeof *values);
        fold_floats(look, values, count);
    }
    look->constant = count > 1 && !(look->low < look->high);
    if (only && look->finite && is_picture(field))
        look_at_picture(field, values, look);
    free(values);
    return true;
}

static bool look_at_sample(const oct_data *data, int64_t sample, oct_look *look)
{
    const oct_source *source = data->source;
    int32_t fields = source->array_count > 0 ? source->array_count : 1;
    *look = (oct_look){ .low = FLT_MAX, .high = -FLT_MAX, .finite = true };
    for (int32_t i = 0; i < fields; i++) {
        oct_sample_value field = { 0 };
        const char *name = source->array_count > 0 ? source->arrays[i].name : NULL;
        oct_status status =
            oct_source_read(source, oct_look_index(data, sample), name, &field, NULL);
        if (status == OCT_E_MEMORY)
            return false;
        if (status != OCT_OK) {
            look->broken = true;
            return true;
        }
        bool fine = look_at_field(&field, fields == 1, look);
        free(field.owned);
        if (!fine)
            return false;
    }
    return true;
}

typedef struct looking {
    const oct_data *data;
    oct_look *looks;
    void (*progress)(void *user, const char *what, int64_t done, int64_t total);
    void *user;
    int64_t done;         /* atomic */
    bool short_of_memory; /* atomic */
} looking;

static void look_at_range(void *user, size_t begin, size_t end, int32_t worker)
{
    looking *l = user;
    for (size_t i = begin; i < end; i++) {
        if (!look_at_sample(l->data, (int64_t)i, &l->looks[i]))
            __atomic_store_n(&l->short_of_memory, true, __ATOMIC_RELAXED);
        int64_t done = __atomic_add_fetch(&l->done, 1, __ATOMIC_RELAXED);
        if (worker == 0 && l->progress != NULL)
            l->progress(l->user, "looking", done, l->data->count);
    }
}

int64_t oct_look_index(const oct_data *data, int64_t sample)
{
    return data->chosen == NULL ? sample : data->chosen[sample];
}

oct_status oct_look_at(const oct_data *data, oct_pool *pool,
    void (*progress)(void *user, const char *what, int64_t done, int64_t total), void *user,
    oct_look **out, oct_error *err)
{
    size_t count = (size_t)data->count;
    looking l = { .data = data, .progress = progress, .user = user };
    l.looks = *out = malloc(count * sizeof *l.looks + 1);
    if (l.looks == NULL)
        return oct_fail_memory(err, count * sizeof *l.looks, "a look at the samples");
    oct_pool_for(pool, count, 1, look_at_range, &l);
    if (progress != NULL)
        progress(user, "looking", data->count, data->count);
    return l.short_of_memory ? oct_fail_memory(err, count, "a sample") : OCT_OK;
}
