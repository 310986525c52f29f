/*
 * Packing by records, with hash-consing.
 */
#include "tflite/pack.h"

#include <assert.h>
#include <stdlib.h>

#include "tflite/wire.h"

enum { MAX_FIELDS = 40 };

typedef struct packer {
    oct_fb_pack *pack;
    const uint8_t *buffer_causes;
    bool failed; /* memory ran out; asked once, at the end */
} packer;

/* One field that will be in the table. */
typedef struct slot {
    uint16_t id;
    uint8_t bytes;
    uint32_t target;      /* object, or OCT_FB_NONE for a scalar */
    const void *scalar;
    uint16_t at;          /* in the table */
} slot;

typedef struct slots {
    slot list[MAX_FIELDS];
    int count;
} slots;

static uint32_t pack_table(packer *p, const oct_record *record, const void *value,
    oct_fb_cause cause, oct_fb_cause data_cause);

size_t oct_fb_object_bytes(const oct_fb_object *object)
{
    switch ((oct_fb_kind)object->kind) {
    case OCT_FB_KIND_VTABLE:
    case OCT_FB_KIND_TABLE:
        return object->body_bytes;
    case OCT_FB_KIND_STRING:
        return 4 + object->body_bytes + 1;
    case OCT_FB_KIND_SCALARS:
        return 4 + object->body_bytes;
    case OCT_FB_KIND_OFFSETS:
        return 4 + 4 * (size_t)object->count;
    }
    return 0;
}

static uint64_t hash_object(const oct_fb_object *object)
{
    uint64_t seed = object->kind ^ ((uint64_t)object->vtable << 32) ^ object->count;
    seed = oct_fb_hash(seed, object->refs, object->ref_count * sizeof *object->refs);
    return oct_fb_hash(seed, object->body, object->body_bytes);
}

typedef struct search {
    const oct_fb_object *objects, *wanted;
} search;

static bool same_object(const void *user, uint32_t id)
{
    const search *s = user;
    const oct_fb_object *a = s->wanted, *b = &s->objects[id];
    return a->kind == b->kind && a->vtable == b->vtable && a->count == b->count &&
        a->ref_count == b->ref_count && a->body_bytes == b->body_bytes &&
        (a->ref_count == 0 || memcmp(a->refs, b->refs, a->ref_count * sizeof *a->refs) == 0) &&
        (a->body_bytes == 0 || memcmp(a->body, b->body, a->body_bytes) == 0);
}

static uint32_t append(packer *p, const oct_fb_object *object)
{
    oct_fb_pack *pack = p->pack;
    if (pack->count == pack->capacity) {
        uint32_t capacity = pack->capacity == 0 ? 256 : 2 * pack->capacity;
        oct_fb_object *grown = realloc(pack->objects, capacity * sizeof *grown);
        if (grown == NULL) {
            p->failed = true;
            return OCT_FB_NONE;
        }
        pack->objects = grown;
        pack->capacity = capacity;
    }
    pack->objects[pack->count] = *object;
    return pack->count++;
}

/* The equal object that is there already, now aligned for both uses, or this one. */
static uint32_t intern(packer *p, const oct_fb_object *object)
{
    uint64_t hash = hash_object(object);
    search s = { p->pack->objects, object };
    uint32_t id = oct_fb_index_find(&p->pack->index, hash, same_object, &s);
    if (id != OCT_FB_NONE) {
        oct_fb_object *found = &p->pack->objects[id];
        if (found->align < object->align)
            found->align = object->align;
        return id;
    }
    id = append(p, object);
    if (id != OCT_FB_NONE && !oct_fb_index_add(&p->pack->index, hash, id))
        p->failed = true;
    return id;
}

static uint32_t pack_string(packer *p, const char *text, oct_fb_cause cause)
{
    size_t length = strlen(text);
    oct_fb_object object = { .kind = OCT_FB_KIND_STRING,
        .cause = cause == OCT_FB_METADATA ? OCT_FB_METADATA : OCT_FB_NAMES,
        .align = 4,
        .vtable = OCT_FB_NONE,
        .count = (uint32_t)length,
        .body = text,
        .body_bytes = length };
    return intern(p, &object);
}

/* Buffers are distinct already: their bytes need no look-up. */
static uint32_t pack_scalars(packer *p, const oct_field *field, oct_fb_vec vec, oct_fb_cause cause,
    bool distinct)
{
    uint32_t bytes = oct_fb_bytes_of(field->kind);
    uint32_t align = field->force_align > bytes ? field->force_align : bytes;
    oct_fb_object object = { .kind = OCT_FB_KIND_SCALARS,
        .cause = (uint8_t)cause,
        .align = (uint8_t)(align < 4 ? 4 : align),
        .aligned_at = 4,
        .vtable = OCT_FB_NONE,
        .count = vec.count,
        .body = vec.data,
        .body_bytes = (size_t)vec.count * bytes };
    return distinct ? append(p, &object) : intern(p, &object);
}

static uint32_t pack_tables(packer *p, const oct_record *record, oct_vec_table vec,
    oct_fb_cause cause)
{
    oct_fb_ref *refs = oct_arena_array(&p->pack->arena, vec.count, sizeof *refs);
    p->failed |= refs == NULL;
    for (uint32_t i = 0; i < vec.count && !p->failed; i++) {
        oct_fb_cause data =
            record == &oct_fb_buffer_record ? (oct_fb_cause)p->buffer_causes[i] : cause;
        refs[i] = (oct_fb_ref){ 4 + 4 * i, pack_table(p, record, vec.data[i], cause, data) };
    }
    oct_fb_object object = { .kind = OCT_FB_KIND_OFFSETS,
        .cause = (uint8_t)cause,
        .align = 4,
        .vtable = OCT_FB_NONE,
        .count = vec.count,
        .refs = refs,
        .ref_count = vec.count };
    return p->failed ? OCT_FB_NONE : intern(p, &object);
}

static void add_slot(slots *s, uint16_t id, uint32_t bytes, const void *scalar, uint32_t target)
{
    assert(s->count < MAX_FIELDS);
    s->list[s->count++] =
        (slot){ .id = id, .bytes = (uint8_t)bytes, .target = target, .scalar = scalar };
}

static void pack_union(packer *p, const oct_field *field, const oct_union *value,
    oct_fb_cause cause, slots *s)
{
    if (value->type == 0)
        return;
    add_slot(s, field->id - 1, 1, &value->type, OCT_FB_NONE);
    add_slot(s, field->id, 4, NULL,
        pack_table(p, field->members[value->type], value->value, cause, cause));
}

static bool is_default(const void *value, const oct_field *field)
{
    int64_t integer = (int64_t)field->fallback;
    float real = (float)field->fallback;
    const void *fallback = field->kind == OCT_KIND_f32 ? (const void *)&real : &integer;
    return memcmp(value, fallback, oct_fb_bytes_of(field->kind)) == 0;
}

static void pack_field(packer *p, const oct_record *record, const oct_field *field,
    const uint8_t *value, oct_fb_cause cause, oct_fb_cause data_cause, slots *s)
{
    bool is_buffer = record == &oct_fb_buffer_record;
    oct_fb_vec vec;
    switch (oct_fb_shape_of(field->kind)) {
    case OCT_FB_SCALAR:
        if (!is_default(value, field))
            add_slot(s, field->id, oct_fb_bytes_of(field->kind), value, OCT_FB_NONE);
        break;
    case OCT_FB_STRING:
        if (*(const char *const *)value != NULL)
            add_slot(s, field->id, 4, NULL, pack_string(p, *(const char *const *)value, cause));
        break;
    case OCT_FB_VECTOR:
        memcpy(&vec, value, sizeof vec);
        if (vec.data != NULL)
            add_slot(s, field->id, 4, NULL, pack_scalars(p, field, vec, data_cause, is_buffer));
        break;
    case OCT_FB_TABLE:
        if (*(const void *const *)value != NULL)
            add_slot(s, field->id, 4, NULL,
                pack_table(p, field->record, *(const void *const *)value, cause, cause));
        break;
    case OCT_FB_TABLES:
        if (((const oct_vec_table *)value)->data != NULL)
            add_slot(s, field->id, 4, NULL,
                pack_tables(p, field->record, *(const oct_vec_table *)value, cause));
        break;
    case OCT_FB_UNION:
        pack_union(p, field, (const oct_union *)value, cause, s);
        break;
    }
}

/* Large fields first leave no holes. An 8-byte field comes right behind the vtable's offset: such a
 * table begins 4 bytes off a multiple of 8. Returns the bytes of the table. */
static uint32_t place_slots(slots *s)
{
    uint32_t at = 4;
    for (uint32_t bytes = 8; bytes != 0; bytes /= 2)
        for (int i = 0; i < s->count; i++)
            if (s->list[i].bytes == bytes) {
                s->list[i].at = (uint16_t)at;
                at += bytes;
            }
    return at;
}

static uint32_t pack_vtable(packer *p, const slots *s, uint32_t table_bytes)
{
    uint32_t entries = 0;
    for (int i = 0; i < s->count; i++)
        if (s->list[i].id >= entries)
            entries = s->list[i].id + 1u;
    size_t bytes = 4 + 2 * (size_t)entries;
    uint16_t *vtable = oct_arena_alloc(&p->pack->arena, bytes);
    if (vtable == NULL) {
        p->failed = true;
        return OCT_FB_NONE;
    }
    vtable[0] = (uint16_t)bytes;
    vtable[1] = (uint16_t)table_bytes;
    for (int i = 0; i < s->count; i++)
        vtable[2 + s->list[i].id] = s->list[i].at;
    oct_fb_object object = { .kind = OCT_FB_KIND_VTABLE,
        .align = 2,
        .vtable = OCT_FB_NONE,
        .body = vtable,
        .body_bytes = bytes };
    return intern(p, &object);
}

static uint32_t finish_table(packer *p, slots *s, oct_fb_cause cause, bool shared)
{
    uint32_t bytes = place_slots(s);
    uint8_t *image = oct_arena_alloc(&p->pack->arena, bytes);
    oct_fb_ref *refs = oct_arena_array(&p->pack->arena, (size_t)s->count, sizeof *refs);
    oct_fb_object object = { .kind = OCT_FB_KIND_TABLE,
        .cause = (uint8_t)cause,
        .align = 4,
        .vtable = pack_vtable(p, s, bytes),
        .refs = refs,
        .body = image,
        .body_bytes = bytes };
    p->failed |= image == NULL || refs == NULL;
    for (int i = 0; i < s->count && !p->failed; i++) {
        const slot *field = &s->list[i];
        if (field->target != OCT_FB_NONE)
            refs[object.ref_count++] = (oct_fb_ref){ field->at, field->target };
        else
            memcpy(image + field->at, field->scalar, field->bytes);
        if (field->bytes == 8) {
            object.align = 8;
            object.aligned_at = 4;
        }
    }
    if (p->failed)
        return OCT_FB_NONE;
    return shared ? intern(p, &object) : append(p, &object);
}

static oct_fb_cause cause_of(const oct_record *record, oct_fb_cause parent)
{
    return record == &oct_fb_quantization_parameters_record ? OCT_FB_QUANTIZATION :
        record == &oct_fb_metadata_record                   ? OCT_FB_METADATA :
                                                              parent;
}

/* value may be NULL for a table without fields; data_cause is for the vectors of a Buffer. */
static uint32_t pack_table(packer *p, const oct_record *record, const void *value,
    oct_fb_cause cause, oct_fb_cause data_cause)
{
    slots s = { .count = 0 };
    oct_fb_cause own = cause_of(record, cause);
    for (int i = 0; i < record->field_count && !p->failed; i++) {
        const oct_field *field = &record->fields[i];
        pack_field(p, record, field, (const uint8_t *)value + field->offset, own,
            record == &oct_fb_buffer_record ? data_cause : own, &s);
    }
    return p->failed ? OCT_FB_NONE : finish_table(p, &s, own, record != &oct_fb_sub_graph_record);
}

oct_status oct_fb_pack_model(const oct_fb_model *model, const uint8_t *buffer_causes,
    oct_fb_pack *pack, oct_error *err)
{
    *pack = (oct_fb_pack){ 0 };
    packer p = { pack, buffer_causes, false };
    pack->root = pack_table(&p, &oct_fb_model_record, model, OCT_FB_STRUCTURE, OCT_FB_STRUCTURE);
    return p.failed ? oct_fail_memory(err, pack->count * sizeof *pack->objects, "file structure") :
                      OCT_OK;
}

void oct_fb_pack_deinit(oct_fb_pack *pack)
{
    oct_arena_free(&pack->arena);
    oct_fb_index_free(&pack->index);
    free(pack->objects);
    *pack = (oct_fb_pack){ 0 };
}
