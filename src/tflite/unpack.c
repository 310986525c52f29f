/*
 * One loop over a record's fields turns a verified table into a struct.
 */
#include "tflite/unpack.h"

#include "tflite/wire.h"

typedef struct unpacker {
    oct_arena *arena;
    bool failed; /* some allocation failed; asked once, at the end */
} unpacker;

static void *unpack_table(unpacker *u, const uint8_t *table, const oct_record *record);

void oct_fb_set_default(void *slot, const oct_field *field)
{
    int64_t value = (int64_t)field->fallback;
    float real = (float)field->fallback;
    if (field->kind == OCT_KIND_f32)
        memcpy(slot, &real, sizeof real);
    else if (oct_fb_shape_of(field->kind) == OCT_FB_SCALAR)
        memcpy(slot, &value, oct_fb_bytes_of(field->kind));
}

void *oct_fb_new(const oct_record *record, oct_arena *arena)
{
    uint8_t *result = oct_arena_alloc(arena, record->size);
    for (int i = 0; result != NULL && i < record->field_count; i++)
        oct_fb_set_default(result + record->fields[i].offset, &record->fields[i]);
    return result;
}

static void unpack_scalar(void *slot, const uint8_t *at, oct_field_kind kind)
{
    if (kind == OCT_KIND_bool)
        *(bool *)slot = *at != 0;
    else
        memcpy(slot, at, oct_fb_bytes_of(kind));
}

static void unpack_vector(unpacker *u, void *slot, const uint8_t *at, uint32_t element_bytes)
{
    oct_fb_vec vec = { at + 4, oct_fb_u32(at) };
    if ((uintptr_t)vec.data % element_bytes != 0) {
        vec.data = oct_arena_copy(u->arena, vec.data, (size_t)vec.count * element_bytes);
        u->failed |= vec.data == NULL;
    }
    memcpy(slot, &vec, sizeof vec);
}

static void unpack_tables(unpacker *u, void *slot, const uint8_t *at, const oct_record *record)
{
    uint32_t count = oct_fb_u32(at);
    void **items = oct_arena_array(u->arena, count, sizeof *items);
    u->failed |= items == NULL;
    for (uint32_t i = 0; i < count && !u->failed; i++)
        items[i] = unpack_table(u, oct_fb_follow(at + 4 + 4 * (size_t)i), record);
    *(oct_vec_table *)slot = (oct_vec_table){ items, count };
}

static void unpack_union(unpacker *u, oct_union *slot, const uint8_t *table, const uint8_t *at,
    const oct_field *field)
{
    const uint8_t *type = oct_fb_field(table, field->id - 1);
    if (type == NULL || *type == 0)
        return;
    slot->type = *type;
    slot->value = at != NULL ? unpack_table(u, oct_fb_follow(at), field->members[*type]) :
                               oct_fb_new(field->members[*type], u->arena);
    u->failed |= slot->value == NULL;
}

static void unpack_field(unpacker *u, uint8_t *slot, const uint8_t *table, const oct_field *field)
{
    const uint8_t *at = oct_fb_field(table, field->id);
    oct_fb_shape shape = oct_fb_shape_of(field->kind);
    if (shape == OCT_FB_UNION)
        unpack_union(u, (oct_union *)slot, table, at, field);
    else if (at == NULL)
        oct_fb_set_default(slot, field);
    else if (shape == OCT_FB_SCALAR)
        unpack_scalar(slot, at, field->kind);
    else if (shape == OCT_FB_STRING)
        *(const char **)slot = (const char *)oct_fb_follow(at) + 4;
    else if (shape == OCT_FB_VECTOR)
        unpack_vector(u, slot, oct_fb_follow(at), oct_fb_bytes_of(field->kind));
    else if (shape == OCT_FB_TABLE)
        *(void **)slot = unpack_table(u, oct_fb_follow(at), field->record);
    else
        unpack_tables(u, slot, oct_fb_follow(at), field->record);
}

static void *unpack_table(unpacker *u, const uint8_t *table, const oct_record *record)
{
    uint8_t *result = oct_arena_alloc(u->arena, record->size);
    u->failed |= result == NULL;
    for (int i = 0; i < record->field_count && !u->failed; i++)
        unpack_field(u, result + record->fields[i].offset, table, &record->fields[i]);
    return result;
}

void *oct_fb_unpack(const void *bytes, const oct_record *root, oct_arena *arena)
{
    unpacker u = { arena, false };
    void *result = unpack_table(&u, oct_fb_follow(bytes), root);
    return u.failed ? NULL : result;
}
