/*
 * Verification of FlatBuffers, driven by the records of the schema.
 *
 * The schema has no recursive table, so the depth is bounded by the records. Offsets may share
 * tables, which makes reachable trees larger than the file: budgets bound that.
 */
#include "tflite/verify.h"

#include "tflite/schema.h"
#include "tflite/wire.h"

enum { MAX_TABLES = 1000000, FREE_VECTOR_BYTES = 64 << 20 };

typedef struct verifier {
    const uint8_t *bytes;
    size_t size;
    uint32_t tables_left;
    uint64_t vector_bytes_left;
    oct_error *err;
} verifier;

/* What is being looked at, for messages: "Tensor.shape", or the table itself when field is NULL. */
typedef struct place {
    const oct_record *record;
    const oct_field *field;
} place;

static oct_status verify_table(verifier *v, size_t at, const oct_record *record);

static oct_status fail(verifier *v, oct_status status, size_t at, place where, const char *what)
{
    bool has_field = where.field != NULL;
    return oct_fail_at(v->err, status, (int64_t)at, "%s%s%s %s", where.record->name,
        has_field ? "." : "", has_field ? where.field->name : "", what);
}

static oct_status invalid(verifier *v, size_t at, place where, const char *what)
{
    return fail(v, OCT_E_INVALID, at, where, what);
}

/* [at, at + bytes) lies inside and begins at a multiple of align. */
static oct_status need(verifier *v, size_t at, uint64_t bytes, size_t align, place where)
{
    if (at > v->size || bytes > v->size - at)
        return invalid(v, at, where, "reaches past the end of the file");
    if (at % align != 0)
        return invalid(v, at, where, "is not aligned");
    return OCT_OK;
}

static oct_status follow(verifier *v, size_t at, size_t *target, place where)
{
    OCT_TRY(need(v, at, 4, 4, where));
    uint32_t offset = oct_fb_u32(v->bytes + at);
    if (offset == 0 || offset > INT32_MAX)
        return invalid(v, at, where, "has a bad offset");
    *target = at + offset;
    return OCT_OK;
}

static oct_status spend_bytes(verifier *v, size_t at, uint64_t bytes, place where)
{
    if (bytes > v->vector_bytes_left)
        return invalid(v, at, where, "is shared without limit");
    v->vector_bytes_left -= bytes;
    return OCT_OK;
}

/* A vector at the field's offset; *first is the position of its first element. */
static oct_status verify_vector(verifier *v, size_t field, uint32_t element_bytes, place where,
    size_t *first, uint32_t *count)
{
    size_t at;
    OCT_TRY(follow(v, field, &at, where));
    OCT_TRY(need(v, at, 4, 4, where));
    *count = oct_fb_u32(v->bytes + at);
    *first = at + 4;
    return need(v, at + 4, (uint64_t)*count * element_bytes, 1, where);
}

static oct_status verify_scalars(verifier *v, size_t field, place where)
{
    size_t first;
    uint32_t count, bytes = oct_fb_bytes_of(where.field->kind);
    OCT_TRY(verify_vector(v, field, bytes, where, &first, &count));
    if (where.record == &oct_fb_buffer_record)
        return OCT_OK;
    return spend_bytes(v, first, (uint64_t)count * bytes, where);
}

static oct_status verify_string(verifier *v, size_t field, place where)
{
    size_t first;
    uint32_t count;
    OCT_TRY(verify_vector(v, field, 1, where, &first, &count));
    OCT_TRY(need(v, first, (uint64_t)count + 1, 1, where));
    OCT_TRY(spend_bytes(v, first, count, where));
    if (v->bytes[first + count] != 0)
        return invalid(v, first + count, where, "is not terminated by a zero");
    if (memchr(v->bytes + first, 0, count) != NULL)
        return fail(v, OCT_E_UNSUPPORTED, first, where, "has a zero inside");
    return OCT_OK;
}

static oct_status verify_tables(verifier *v, size_t field, place where)
{
    size_t first, target;
    uint32_t count;
    OCT_TRY(verify_vector(v, field, 4, where, &first, &count));
    for (uint32_t i = 0; i < count; i++) {
        OCT_TRY(follow(v, first + 4 * (size_t)i, &target, where));
        OCT_TRY(verify_table(v, target, where.field->record));
    }
    return OCT_OK;
}

static oct_status verify_union_type(verifier *v, size_t at, place where)
{
    OCT_TRY(need(v, at, 1, 1, where));
    uint8_t type = v->bytes[at];
    if (type >= where.field->member_count)
        return oct_fail_at(v->err, OCT_E_UNSUPPORTED, (int64_t)at,
            "%s.%s is of type %d, newer than the schema known here", where.record->name,
            where.field->name, (int)type);
    return OCT_OK;
}

/* The type byte has a smaller id and is verified. Without it the value has no meaning to any
 * reader. */
static oct_status verify_union(verifier *v, size_t table, size_t field, place where)
{
    const uint8_t *type = oct_fb_field(v->bytes + table, where.field->id - 1);
    if (type == NULL || *type == 0)
        return OCT_OK;
    size_t target;
    OCT_TRY(follow(v, field, &target, where));
    return verify_table(v, target, where.field->members[*type]);
}

static oct_status verify_field(verifier *v, size_t table, size_t at, place where)
{
    uint32_t bytes = oct_fb_bytes_of(where.field->kind);
    size_t target;
    switch (oct_fb_shape_of(where.field->kind)) {
    case OCT_FB_SCALAR:
        return need(v, at, bytes, bytes, where);
    case OCT_FB_STRING:
        return verify_string(v, at, where);
    case OCT_FB_VECTOR:
        return verify_scalars(v, at, where);
    case OCT_FB_TABLE:
        OCT_TRY(follow(v, at, &target, where));
        return verify_table(v, target, where.field->record);
    case OCT_FB_TABLES:
        return verify_tables(v, at, where);
    case OCT_FB_UNION:
        return verify_union(v, table, at, where);
    }
    return OCT_OK;
}

/* The field with this id, the type byte of a union standing for itself; NULL when the schema has
 * none. */
static const oct_field *find_field(const oct_record *record, uint32_t id, bool *is_type)
{
    for (int i = 0; i < record->field_count; i++) {
        const oct_field *field = &record->fields[i];
        *is_type = field->kind == OCT_KIND_union && field->id == id + 1;
        if (field->id == id || *is_type)
            return field;
    }
    return NULL;
}

static oct_status verify_fields(verifier *v, size_t table, size_t vtable, uint32_t vtable_bytes,
    const oct_record *record)
{
    for (uint32_t id = 0; 4 + 2 * id < vtable_bytes; id++) {
        uint16_t offset = oct_fb_u16(v->bytes + vtable + 4 + 2 * id);
        if (offset == 0)
            continue;
        bool is_type;
        const oct_field *field = find_field(record, id, &is_type);
        if (field == NULL)
            return oct_fail_at(v->err, OCT_E_UNSUPPORTED, (int64_t)table,
                "%s has field %u, newer than the schema known here", record->name, (unsigned)id);
        place where = { record, field };
        OCT_TRY(is_type ? verify_union_type(v, table + offset, where) :
                          verify_field(v, table, table + offset, where));
    }
    return OCT_OK;
}

static oct_status verify_table(verifier *v, size_t at, const oct_record *record)
{
    place where = { record, NULL };
    if (v->tables_left == 0)
        return invalid(v, at, where, "is one of more than a million tables");
    v->tables_left--;
    OCT_TRY(need(v, at, 4, 4, where));
    int64_t vtable = (int64_t)at - (int32_t)oct_fb_u32(v->bytes + at);
    if (vtable < 0)
        return invalid(v, at, where, "has its vtable before the file");
    OCT_TRY(need(v, (size_t)vtable, 4, 2, where));
    uint32_t bytes = oct_fb_u16(v->bytes + vtable);
    if (bytes < 4 || bytes % 2 != 0)
        return invalid(v, (size_t)vtable, where, "has a vtable of impossible size");
    OCT_TRY(need(v, (size_t)vtable, bytes, 2, where));
    return verify_fields(v, at, (size_t)vtable, bytes, record);
}

oct_status oct_fb_verify(const void *bytes, size_t size, const oct_record *root, oct_error *err)
{
    verifier v = { bytes, size, MAX_TABLES, FREE_VECTOR_BYTES, err };
    v.vector_bytes_left += size > UINT64_MAX / 32 ? 0 : 16 * (uint64_t)size;
    size_t at;
    OCT_TRY(follow(&v, 0, &at, (place){ root, NULL }));
    return verify_table(&v, at, root);
}
