/*
 * Pieces of the descriptions in JSON.
 */
#ifndef OCT_MODEL_JSON_H
#define OCT_MODEL_JSON_H

#include <jansson.h>

#include "graph/record.h"

/**
 * A struct as an object: every field by its name, absent vectors and strings left out, enumerations
 * by their names in the schema ("SAME", "RELU6", "int8"). An empty object for a NULL struct.
 * A new reference; NULL when memory is short.
 */
json_t *oct_json_record(const oct_record *record, const void *value);

/** Arrays of numbers; infinities and NaN, which JSON lacks, are strings. New references. */
json_t *oct_json_i32(const int32_t *values, size_t count);
json_t *oct_json_u32(const uint32_t *values, size_t count);
json_t *oct_json_u16(const uint16_t *values, size_t count);
json_t *oct_json_u8(const uint8_t *values, size_t count);
json_t *oct_json_i64(const int64_t *values, size_t count);
json_t *oct_json_f32(const float *values, size_t count);

/** A string; text that is not UTF-8 has its bad bytes shown as \xNN. NULL gives null. */
json_t *oct_json_text(const char *text);

#endif
