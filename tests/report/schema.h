/*
 * A checker for the part of JSON Schema that docs/results.schema.json uses: type, const, enum,
 * required, properties, items, minimum and $ref into $defs.
 */
#ifndef OCT_TESTS_REPORT_SCHEMA_H
#define OCT_TESTS_REPORT_SCHEMA_H

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static inline int schema_is(const json_t *value, const char *type)
{
    return (strcmp(type, "object") == 0 && json_is_object(value)) ||
           (strcmp(type, "array") == 0 && json_is_array(value)) ||
           (strcmp(type, "string") == 0 && json_is_string(value)) ||
           (strcmp(type, "number") == 0 && json_is_number(value)) ||
           (strcmp(type, "integer") == 0 && json_is_integer(value)) ||
           (strcmp(type, "boolean") == 0 && json_is_boolean(value)) ||
           (strcmp(type, "null") == 0 && json_is_null(value));
}

static inline int schema_any_type(const json_t *value, const json_t *type)
{
    if (json_is_string(type))
        return schema_is(value, json_string_value(type));
    for (size_t i = 0; i < json_array_size(type); i++)
        if (schema_is(value, json_string_value(json_array_get(type, i))))
            return 1;
    return type == NULL;
}

static inline int schema_in(const json_t *value, const json_t *choices)
{
    for (size_t i = 0; i < json_array_size(choices); i++)
        if (json_equal(value, json_array_get(choices, i)))
            return 1;
    return choices == NULL;
}

/*
 * 1 when value fits; else 0 with the place of the misfit in fault[256]. Every key has to be in the
 * schema.
 */
static inline int schema_fits(
    const json_t *root, const json_t *schema, const json_t *value, const char *place, char *fault)
{
    const char *reference = json_string_value(json_object_get(schema, "$ref"));
    if (reference != NULL)
        schema = json_object_get(json_object_get(root, "$defs"), reference + strlen("#/$defs/"));
    const json_t *constant = json_object_get(schema, "const"),
                 *minimum = json_object_get(schema, "minimum");
    snprintf(fault, 256, "%s", place);
    if (schema == NULL || !schema_any_type(value, json_object_get(schema, "type")) ||
        !schema_in(value, json_object_get(schema, "enum")) ||
        (constant != NULL && !json_equal(constant, value)) ||
        (minimum != NULL && json_number_value(value) < json_number_value(minimum)))
        return 0;
    const json_t *required = json_object_get(schema, "required");
    for (size_t i = 0; json_is_object(value) && i < json_array_size(required); i++) {
        const char *key = json_string_value(json_array_get(required, i));
        snprintf(fault, 256, "%.120s.%.60s is missing", place, key);
        if (json_object_get(value, key) == NULL)
            return 0;
    }
    const json_t *items = json_object_get(schema, "items"),
                 *properties = json_object_get(schema, "properties");
    char inner[256];
    for (size_t i = 0; items != NULL && i < json_array_size(value); i++) {
        snprintf(inner, sizeof inner, "%.120s[%d]", place, (int)i);
        if (!schema_fits(root, items, json_array_get(value, i), inner, fault))
            return 0;
    }
    for (void *at = json_object_iter((json_t *)(uintptr_t)value); properties != NULL && at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)value, at)) {
        const char *key = json_object_iter_key(at);
        snprintf(inner, sizeof inner, "%.120s.%.60s", place, key);
        if (!schema_fits(
                root, json_object_get(properties, key), json_object_iter_value(at), inner, fault))
            return 0;
    }
    return 1;
}

#endif
