/*
 * Whether two graphs say the same, field by field through the schema's records.
 */
#ifndef OCT_TESTS_TFLITE_COMPARE_H
#define OCT_TESTS_TFLITE_COMPARE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tflite/export.h"
#include "tflite/tflite.h"
#include "tflite/wire.h"

typedef struct memory {
    unsigned char *bytes;
    size_t size, capacity;
} memory;

static inline oct_status to_memory(void *user, const void *bytes, size_t size, oct_error *err)
{
    memory *m = user;
    if (m->size + size > m->capacity) {
        m->capacity = 2 * m->capacity + size;
        m->bytes = realloc(m->bytes, m->capacity);
        if (m->bytes == NULL)
            return oct_fail_memory(err, m->capacity, "test");
    }
    if (size != 0)
        memcpy(m->bytes + m->size, bytes, size);
    m->size += size;
    return OCT_OK;
}

/** Reads a copy of the bytes; the graph keeps it. */
static inline oct_status read_bytes(const void *bytes, size_t size, oct_graph **out, oct_error *err)
{
    oct_backing *backing = oct_backing_create(size);
    if (backing == NULL)
        return oct_fail_memory(err, size, "test");
    if (size != 0)
        memcpy(oct_backing_bytes(backing), bytes, size);
    oct_status status = oct_tflite_read(backing, out, err);
    oct_backing_release(backing);
    return status;
}

static inline bool same_record(const oct_record *record, const void *a, const void *b, char *why,
    size_t size);

static inline bool differ(const oct_record *record, const oct_field *field, char *why, size_t size)
{
    char deeper[400];
    snprintf(deeper, sizeof deeper, "%s", why);
    snprintf(why, size, "%s.%s %s", record->name, field->name, deeper);
    return false;
}

static inline bool same_tables(const oct_record *record, const oct_vec_table *a,
    const oct_vec_table *b, char *why, size_t size)
{
    bool same = (a->data == NULL) == (b->data == NULL) && a->count == b->count;
    for (uint32_t i = 0; same && i < a->count; i++) {
        same = same_record(record, a->data[i], b->data[i], why, size);
        if (!same) {
            char deeper[400];
            snprintf(deeper, sizeof deeper, "%s", why);
            snprintf(why, size, "[%u] %s", (unsigned)i, deeper);
        }
    }
    return same;
}

static inline bool same_vectors(const void *a, const void *b, uint32_t element_bytes)
{
    oct_fb_vec x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x.data == NULL) == (y.data == NULL) && x.count == y.count &&
        (x.count == 0 || memcmp(x.data, y.data, (size_t)x.count * element_bytes) == 0);
}

static inline bool same_field(const oct_field *field, const void *a, const void *b, char *why,
    size_t size)
{
    const char *s, *t;
    const oct_union *u = a, *v = b;
    switch (oct_fb_shape_of(field->kind)) {
    case OCT_FB_SCALAR:
        return memcmp(a, b, oct_fb_bytes_of(field->kind)) == 0;
    case OCT_FB_STRING:
        s = *(const char *const *)a;
        t = *(const char *const *)b;
        return s == NULL || t == NULL ? s == t : strcmp(s, t) == 0;
    case OCT_FB_VECTOR:
        return same_vectors(a, b, oct_fb_bytes_of(field->kind));
    case OCT_FB_TABLE:
        return same_record(field->record, *(const void *const *)a, *(const void *const *)b, why,
            size);
    case OCT_FB_TABLES:
        return same_tables(field->record, a, b, why, size);
    case OCT_FB_UNION:
        return u->type == v->type &&
            (u->type == 0 || same_record(field->members[u->type], u->value, v->value, why, size));
    }
    return false;
}

/** False with the path of the first difference in why. */
static inline bool same_record(const oct_record *record, const void *a, const void *b, char *why,
    size_t size)
{
    if (record->size == 0 || a == b)
        return true;
    if (a == NULL || b == NULL)
        return false;
    for (int i = 0; i < record->field_count; i++) {
        const oct_field *field = &record->fields[i];
        why[0] = '\0';
        if (!same_field(field, (const char *)a + field->offset, (const char *)b + field->offset,
                why, size))
            return differ(record, field, why, size);
    }
    return true;
}

/** The same for graphs, as they would be written. */
static inline bool same_graph(const oct_graph *a, const oct_graph *b, char *why, size_t size)
{
    oct_fb_export x, y;
    oct_error err = { 0 };
    bool same = oct_fb_export_graph(a, false, &x, &err) == OCT_OK;
    same = oct_fb_export_graph(b, false, &y, &err) == OCT_OK && same;
    if (!same)
        snprintf(why, size, "%s", err.text);
    else
        same = same_record(&oct_fb_model_record, &x.model, &y.model, why, size);
    oct_fb_export_deinit(&x);
    oct_fb_export_deinit(&y);
    return same;
}

#endif
