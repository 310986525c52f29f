/*
 * Records as JSON: one loop over the fields.
 */
#include "model/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/types.h"

typedef struct names {
    const char *const *list;
    size_t count;
} names;

static const char *const padding[] = { "SAME", "VALID" };
static const char *const activation[] = { "NONE", "RELU", "RELU_N1_TO_1", "RELU6", "TANH",
    "SIGN_BIT" };
static const char *const weights_format[] = { "DEFAULT", "SHUFFLED4x16INT8" };
static const char *const lstm_kernel[] = { "FULL", "BASIC" };
static const char *const lsh_projection[] = { "UNKNOWN", "SPARSE", "DENSE" };
static const char *const combiner[] = { "SUM", "MEAN", "SQRTN" };
static const char *const mirror_pad[] = { "REFLECT", "SYMMETRIC" };
static const char *const custom_format[] = { "FLEXBUFFERS" };
static const char *const rng_algorithm[] = { "DEFAULT", "PHILOX", "THREEFRY" };
static const char *const comparison_direction[] = { "EQ", "NE", "GE", "GT", "LE", "LT" };
static const char *const comparison_type[] = { "NOTYPE", "FLOAT", "FLOAT_TOTAL_ORDER", "SIGNED",
    "UNSIGNED" };

#define NAMES(kind) [OCT_KIND_##kind] = { kind, sizeof kind / sizeof *kind }
static const names enumerations[] = { NAMES(padding), NAMES(activation), NAMES(weights_format),
    NAMES(lstm_kernel), NAMES(lsh_projection), NAMES(combiner), NAMES(mirror_pad),
    NAMES(custom_format), NAMES(rng_algorithm), NAMES(comparison_direction),
    NAMES(comparison_type) };
enum { ENUMERATIONS = sizeof enumerations / sizeof *enumerations };

json_t *oct_json_text(const char *text)
{
    if (text == NULL)
        return json_null();
    json_t *plain = json_string(text);
    if (plain != NULL)
        return plain;
    size_t length = strlen(text);
    char *shown = malloc(4 * length + 1), *to = shown;
    for (size_t i = 0; shown != NULL && i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        to += c < 0x80 ? sprintf(to, "%c", c) : sprintf(to, "\\x%02x", c);
    }
    json_t *result = shown == NULL ? NULL : json_string(shown);
    free(shown);
    return result;
}

static json_t *real(double value)
{
    if (isfinite(value))
        return json_real(value);
    return json_string(isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
}

#define ARRAY(suffix, type, make)                                                                  \
    json_t *oct_json_##suffix(const type *values, size_t count)                                    \
    {                                                                                              \
        json_t *array = json_array();                                                              \
        for (size_t i = 0; i < count; i++)                                                         \
            json_array_append_new(array, make);                                                    \
        return array;                                                                              \
    }
ARRAY(i32, int32_t, json_integer(values[i]))
ARRAY(i64, int64_t, json_integer(values[i]))
ARRAY(u32, uint32_t, json_integer(values[i]))
ARRAY(u16, uint16_t, json_integer(values[i]))
ARRAY(u8, uint8_t, json_integer(values[i]))
ARRAY(f32, float, real((double)values[i]))
#undef ARRAY

/* A vector field; every oct_vec_… has this layout. NULL when absent. */
static json_t *vector(oct_field_kind kind, const void *slot)
{
    struct {
        const void *data;
        uint32_t count;
    } vec;
    memcpy(&vec, slot, sizeof vec);
    if (vec.data == NULL)
        return NULL;
    switch (kind) {
    case OCT_KIND_vec_i32:
        return oct_json_i32(vec.data, vec.count);
    case OCT_KIND_vec_u32:
        return oct_json_u32(vec.data, vec.count);
    case OCT_KIND_vec_i64:
        return oct_json_i64(vec.data, vec.count);
    case OCT_KIND_vec_f32:
        return oct_json_f32(vec.data, vec.count);
    case OCT_KIND_vec_u16:
        return oct_json_u16(vec.data, vec.count);
    default:
        return oct_json_u8(vec.data, vec.count);
    }
}

static json_t *enumerated(oct_field_kind kind, int64_t value)
{
    const names *known = (int)kind < ENUMERATIONS ? &enumerations[kind] : NULL;
    if (known != NULL && known->list != NULL && value >= 0 && (size_t)value < known->count)
        return json_string(known->list[value]);
    return json_integer(value);
}

static json_t *tables(const oct_record *record, const oct_vec_table *vec)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < vec->count; i++)
        json_array_append_new(array, oct_json_record(record, vec->data[i]));
    return array;
}

static json_t *union_value(const oct_field *field, const oct_union *value)
{
    if (value->type == 0 || value->type >= field->member_count)
        return NULL;
    json_t *object = oct_json_record(field->members[value->type], value->value);
    json_object_set_new(object, "table", json_string(field->members[value->type]->name));
    return object;
}

/* NULL for what is absent. */
static json_t *field_value(const oct_field *field, const void *slot)
{
    switch (field->kind) {
    case OCT_KIND_bool:
        return json_boolean(*(const bool *)slot);
    case OCT_KIND_u8:
        return json_integer(*(const uint8_t *)slot);
    case OCT_KIND_i32:
        return json_integer(*(const int32_t *)slot);
    case OCT_KIND_u32:
        return json_integer(*(const uint32_t *)slot);
    case OCT_KIND_i64:
        return json_integer(*(const int64_t *)slot);
    case OCT_KIND_u64:
        return json_integer((json_int_t)(*(const uint64_t *)slot));
    case OCT_KIND_f32:
        return real((double)*(const float *)slot);
    case OCT_KIND_str:
        return *(const char *const *)slot == NULL ?
            NULL :
            oct_json_text(*(const char *const *)slot);
    case OCT_KIND_vec_i32:
    case OCT_KIND_vec_u32:
    case OCT_KIND_vec_i64:
    case OCT_KIND_vec_f32:
    case OCT_KIND_vec_u8:
    case OCT_KIND_vec_u16:
    case OCT_KIND_vec_bool:
        return vector(field->kind, slot);
    case OCT_KIND_type: {
        const char *name = oct_type_name((oct_type) * (const int8_t *)slot);
        return name != NULL ? json_string(name) : json_integer(*(const int8_t *)slot);
    }
    case OCT_KIND_comparison_direction:
    case OCT_KIND_comparison_type:
        return enumerated(field->kind, *(const uint32_t *)slot);
    case OCT_KIND_table:
        return *(const void *const *)slot == NULL ?
            NULL :
            oct_json_record(field->record, *(const void *const *)slot);
    case OCT_KIND_vec_table:
        return ((const oct_vec_table *)slot)->data == NULL ? NULL : tables(field->record, slot);
    case OCT_KIND_union:
        return union_value(field, slot);
    default: /* enumerations of one byte */
        return enumerated(field->kind, *(const int8_t *)slot);
    }
}

json_t *oct_json_record(const oct_record *record, const void *value)
{
    json_t *object = json_object();
    for (int i = 0; value != NULL && i < record->field_count; i++) {
        const oct_field *field = &record->fields[i];
        json_t *shown = field_value(field, (const char *)value + field->offset);
        if (shown != NULL)
            json_object_set_new(object, field->name, shown);
    }
    return object;
}
