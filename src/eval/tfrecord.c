/*
 * Records are found, and labels read, when the files are opened; that touches a few bytes of each
 * record. A record's checksum is compared when its sample is read.
 */
#include "eval/tfrecord.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "eval/image.h"

enum { HEADER = 12, FOOTER = 4, MAX_CLASSES = 1 << 24 };

/* Polynomial 0x1edc6f41 reflected, four bits at a time. */
static uint32_t masked_crc(const unsigned char *bytes, size_t size)
{
    static const uint32_t table[16] = {
        0x00000000,
        0x105ec76f,
        0x20bd8ede,
        0x30e349b1,
        0x417b1dbc,
        0x5125dad3,
        0x61c69362,
        0x7198540d,
        0x82f63b78,
        0x92a8fc17,
        0xa24bb5a6,
        0xb21572c9,
        0xc38d26c4,
        0xd3d3e1ab,
        0xe330a81a,
        0xf36e6f75,
    };
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    crc = ~crc;
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static uint64_t little(const unsigned char *bytes, int count)
{
    uint64_t value = 0;
    for (int i = 0; i < count; i++)
        value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

/* Protocol buffers: fields of a number and a wire type, in any order. */

typedef struct span {
    const unsigned char *at, *end;
} span;

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5 };

typedef struct field {
    uint64_t number;
    int wire;
    uint64_t value; /* of a varint */
    span bytes;     /* of WIRE_BYTES */
} field;

static bool take_varint(span *s, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; shift < 64 && s->at < s->end; shift += 7) {
        unsigned char byte = *s->at++;
        *value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return true;
    }
    return false;
}

/* False at the end of s, with s->at == s->end, and before what is no field. */
static bool take_field(span *s, field *f)
{
    span rest = *s;
    uint64_t key, size = 0;
    if (rest.at == rest.end || !take_varint(&rest, &key))
        return false;
    *f = (field){ .number = key >> 3, .wire = (int)(key & 7) };
    if (f->wire == WIRE_VARINT  ? !take_varint(&rest, &f->value)
        : f->wire == WIRE_BYTES ? !take_varint(&rest, &size)
                                : f->wire != WIRE_64 && f->wire != WIRE_32)
        return false;
    size = f->wire == WIRE_64 ? 8 : f->wire == WIRE_32 ? 4 : size;
    if (size > (uint64_t)(rest.end - rest.at))
        return false;
    f->bytes = (span){ rest.at, rest.at + size };
    s->at = rest.at + size;
    return true;
}

static bool is(span text, const char *word)
{
    return (size_t)(text.end - text.at) == strlen(word) && memcmp(text.at, word, strlen(word)) == 0;
}

/* What an Example says under two names each; at NULL: nothing. */
typedef struct example {
    span image, label; /* Feature messages */
} example;

/* An entry of the map: key 1, value 2. */
static bool take_entry(span entry, example *e)
{
    span key = { 0 }, value = { 0 };
    field f;
    while (take_field(&entry, &f)) {
        if (f.wire == WIRE_BYTES && f.number == 1)
            key = f.bytes;
        else if (f.wire == WIRE_BYTES && f.number == 2)
            value = f.bytes;
    }
    if (key.at != NULL && (is(key, "image/encoded") || is(key, "image")))
        e->image = value;
    if (key.at != NULL && (is(key, "image/class/label") || is(key, "label")))
        e->label = value;
    return entry.at == entry.end;
}

/* Example: features 1; Features: a map entry 1 for each. */
static bool take_example(span data, example *e)
{
    field features, entry;
    *e = (example){ 0 };
    while (take_field(&data, &features))
        while (features.wire == WIRE_BYTES && features.number == 1 &&
               take_field(&features.bytes, &entry))
            if (entry.wire == WIRE_BYTES && entry.number == 1 && !take_entry(entry.bytes, e))
                return false;
    return data.at == data.end;
}

/* Feature: bytes_list 1, int64_list 3, each a message of values 1. The first value of the list. */
static bool first_value(span feature, uint64_t list, field *value)
{
    field f;
    while (take_field(&feature, &f)) {
        if (f.wire != WIRE_BYTES || f.number != list)
            continue;
        while (take_field(&f.bytes, value))
            if (value->number == 1)
                return true;
    }
    return false;
}

static bool take_label(span feature, int64_t *label)
{
    field value;
    if (!first_value(feature, 3, &value))
        return false;
    if (value.wire == WIRE_BYTES) /* packed */
        return take_varint(&value.bytes, &value.value) && (*label = (int64_t)value.value, true);
    *label = (int64_t)value.value;
    return value.wire == WIRE_VARINT;
}

/* Files. */

bool oct_tfrecord_detect(const unsigned char *bytes, size_t size)
{
    return size >= HEADER + FOOTER && masked_crc(bytes, 8) == little(bytes + 8, 4);
}

bool oct_tfrecord_is_shard(const char *name)
{
    const char *of = strstr(name, "-of-");
    return of != NULL && of - name >= 6 && of[-6] == '-' && strspn(of - 5, "0123456789") == 5 &&
           strspn(of + 4, "0123456789") == 5;
}

/* A list of records and labels that grows. */
typedef struct list {
    oct_example_record *records;
    int32_t *labels;
    int64_t count, room, labelled;
} list;

static oct_status grow(list *l, oct_error *err)
{
    if (l->count < l->room)
        return OCT_OK;
    size_t room = l->room == 0 ? 1024 : (size_t)l->room * 2;
    oct_example_record *records = realloc(l->records, room * sizeof *records);
    if (records != NULL)
        l->records = records;
    int32_t *labels = realloc(l->labels, room * sizeof *labels);
    if (labels != NULL)
        l->labels = labels;
    if (records == NULL || labels == NULL)
        return oct_fail_memory(err, room * sizeof *records, "records");
    l->room = (int64_t)room;
    return OCT_OK;
}

static oct_status add(list *l, const oct_example_record *record, const char *path, oct_error *err)
{
    example e;
    int64_t label = 0;
    OCT_TRY(grow(l, err));
    if (!take_example((span){ record->data, record->data + record->size }, &e))
        return oct_fail_at(
            err, OCT_E_INVALID, record->offset, "%s: a record that is no tf.train.Example", path);
    if (e.image.at == NULL)
        return oct_fail_at(err, OCT_E_INVALID, record->offset,
            "%s: an Example without \"image/encoded\" or \"image\"", path);
    if (e.label.at != NULL && (!take_label(e.label, &label) || label < 0 || label >= MAX_CLASSES))
        return oct_fail_at(
            err, OCT_E_INVALID, record->offset, "%s: a label that is no class number", path);
    l->labelled += e.label.at != NULL;
    l->labels[l->count] = (int32_t)label;
    l->records[l->count++] = *record;
    return OCT_OK;
}

static oct_status scan(const oct_backing *backing, const char *path, list *l, oct_error *err)
{
    const unsigned char *bytes = oct_backing_bytes(backing);
    size_t size = oct_backing_size(backing);
    for (size_t at = 0; at < size;) {
        size_t rest = size - at;
        if (!oct_tfrecord_detect(bytes + at, rest))
            return oct_fail_at(err, OCT_E_INVALID, (int64_t)at,
                "%s: a record's length does not fit its checksum, or the file is cut off", path);
        uint64_t length = little(bytes + at, 8);
        if (length > rest - HEADER - FOOTER)
            return oct_fail_at(
                err, OCT_E_INVALID, (int64_t)at, "%s: the last record is cut off", path);
        OCT_TRY(add(l,
            &(oct_example_record){ .data = bytes + at + HEADER,
                .size = (size_t)length,
                .path = path,
                .offset = (int64_t)at },
            path, err));
        at += HEADER + (size_t)length + FOOTER;
    }
    return OCT_OK;
}

static oct_status keep(oct_source *source, const list *l, oct_error *err)
{
    oct_arena *arena = &source->arena;
    source->count = l->count;
    if (l->count == 0 || (l->labelled != 0 && l->labelled != l->count))
        return oct_fail(err, OCT_E_INVALID, "%lld of %lld records have a label",
            (long long)l->labelled, (long long)l->count);
    source->records = oct_arena_copy(arena, l->records, (size_t)l->count * sizeof *l->records);
    if (l->labelled != 0)
        source->labels = oct_arena_copy(arena, l->labels, (size_t)l->count * sizeof *l->labels);
    if (source->records == NULL || (l->labelled != 0 && source->labels == NULL))
        return oct_fail_memory(err, (size_t)l->count * sizeof *l->records, "records");
    for (int64_t i = 0; i < l->count && l->labelled != 0; i++)
        if (l->labels[i] >= source->class_count)
            source->class_count = l->labels[i] + 1;
    return OCT_OK;
}

oct_status oct_tfrecord_open(
    oct_source *source, const char *const *paths, int32_t count, oct_error *err)
{
    list l = { 0 };
    oct_status status = OCT_OK;
    source->shards = oct_arena_array(&source->arena, (size_t)count, sizeof *source->shards);
    if (source->shards == NULL)
        return oct_fail_memory(err, (size_t)count * sizeof *source->shards, "records");
    for (int32_t i = 0; i < count && status == OCT_OK; i++) {
        status = oct_backing_map(paths[i], &source->shards[i], err);
        source->shard_count += status == OCT_OK;
        if (status == OCT_OK)
            status = scan(source->shards[i], paths[i], &l, err);
    }
    if (status == OCT_OK)
        status = oct_error_prefix(err, keep(source, &l, err), "%s", paths[0]);
    free(l.records);
    free(l.labels);
    return status;
}

oct_status oct_tfrecord_open_shards(
    oct_source *source, const char *const *names, int32_t count, oct_error *err)
{
    size_t prefix = (size_t)(strstr(names[0], "-of-") - names[0]) - 5;
    long whole = strtol(names[0] + prefix + 9, NULL, 10);
    const char **paths = oct_arena_array(&source->arena, (size_t)count, sizeof *paths);
    if (paths == NULL)
        return oct_fail_memory(err, (size_t)count * sizeof *paths, "file names");
    for (int32_t i = 0; i < count; i++) {
        if (strncmp(names[i], names[0], prefix) != 0)
            return oct_fail(err, OCT_E_INVALID,
                "%s: %s and %s belong to different sets; each needs a folder of its own",
                source->root, names[0], names[i]);
        paths[i] = oct_arena_format(&source->arena, "%s/%s", source->root, names[i]);
        if (paths[i] == NULL)
            return oct_fail_memory(err, strlen(names[i]), "file names");
    }
    if (count != whole)
        return oct_fail(
            err, OCT_E_INVALID, "%s: %d of %ld shards are there", source->root, (int)count, whole);
    return oct_tfrecord_open(source, paths, count, err);
}

oct_status oct_tfrecord_read(
    const oct_source *source, int64_t index, oct_image *image, oct_error *err)
{
    const oct_example_record *r = &source->records[index];
    example e;
    field value;
    if (masked_crc(r->data, r->size) != little(r->data + r->size, FOOTER))
        return oct_fail_at(
            err, OCT_E_INVALID, r->offset, "%s: a record that does not fit its checksum", r->path);
    if (!take_example((span){ r->data, r->data + r->size }, &e) || e.image.at == NULL ||
        !first_value(e.image, 1, &value) || value.wire != WIRE_BYTES)
        return oct_fail_at(
            err, OCT_E_INVALID, r->offset, "%s: the image of a record is no bytes", r->path);
    return oct_error_prefix(err,
        oct_image_decode(
            value.bytes.at, (size_t)(value.bytes.end - value.bytes.at), r->path, image, err),
        "record at byte %lld", (long long)r->offset);
}
