/*
 * Reading values from the configuration, and JSON as Python writes it.
 */
#include "keras/layer.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The bare words of Python's json module; each becomes null: no limit, no value. */
static const char *const words[] = { "-Infinity", "Infinity", "NaN" };

static size_t word_at(const char *text, size_t left)
{
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t length = strlen(words[i]);
        if (left >= length && memcmp(text, words[i], length) == 0)
            return length;
    }
    return 0;
}

/* A copy with the words outside of strings replaced; "NaN" grows by one byte. */
static char *replace_words(const char *text, size_t size, size_t *out_size)
{
    char *out = malloc(size + size / 3 + 1);
    size_t at = 0, to = 0;
    bool quoted = false;
    while (out != NULL && at < size) {
        size_t word = quoted ? 0 : word_at(text + at, size - at);
        if (word > 0) {
            memcpy(out + to, "null", 4);
            at += word;
            to += 4;
            continue;
        }
        if (quoted && text[at] == '\\' && at + 1 < size)
            out[to++] = text[at++];
        else if (text[at] == '"')
            quoted = !quoted;
        out[to++] = text[at++];
    }
    *out_size = to;
    return out;
}

oct_status oct_keras_json(const char *text, size_t size, json_t **out, oct_error *err)
{
    json_error_t fault;
    size_t clean_size;
    char *clean = replace_words(text, size, &clean_size);
    *out = NULL;
    if (clean == NULL)
        return oct_fail_memory(err, size, "the configuration");
    *out = json_loadb(clean, clean_size, JSON_ALLOW_NUL, &fault);
    free(clean);
    /* jansson leaves no text when its allocations fail. */
    if (*out == NULL && (fault.text[0] == 0 || json_error_code(&fault) == json_error_out_of_memory))
        return oct_fail_memory(err, size, "the configuration");
    if (*out == NULL)
        return oct_fail(err, OCT_E_INVALID, "the configuration is not JSON: line %d, column %d: %s",
            fault.line, fault.column, fault.text);
    return OCT_OK;
}

bool oct_keras_has(const json_t *config, const char *key)
{
    const json_t *value = json_object_get(config, key);
    return value != NULL && !json_is_null(value);
}

bool oct_keras_flag(const json_t *config, const char *key, bool fallback)
{
    const json_t *value = json_object_get(config, key);
    return json_is_boolean(value) ? json_is_true(value) : fallback;
}

double oct_keras_number(const json_t *config, const char *key, double fallback)
{
    const json_t *value = json_object_get(config, key);
    return json_is_number(value) ? json_number_value(value) : fallback;
}

const char *oct_keras_text(const json_t *config, const char *key, const char *fallback)
{
    const char *text = json_string_value(json_object_get(config, key));
    return text != NULL ? text : fallback;
}

/* Python code may have written an integer as 2.0. */
static bool integer(const json_t *value, int32_t *out)
{
    double number = json_number_value(value);
    if (!json_is_number(value) || number != floor(number) || fabs(number) > INT32_MAX)
        return false;
    *out = (int32_t)number;
    return true;
}

oct_status oct_keras_int(const json_t *config, const char *key, int32_t fallback, int32_t low,
    int32_t *out, oct_error *err)
{
    return oct_keras_ints(config, key, 1, fallback, low, out, err);
}

oct_status oct_keras_ints(const json_t *config, const char *key, int32_t count, int32_t fallback,
    int32_t low, int32_t *out, oct_error *err)
{
    const json_t *value = json_object_get(config, key);
    bool is_list = json_is_array(value) && json_array_size(value) == (size_t)count;
    for (int32_t i = 0; i < count; i++) {
        const json_t *item = is_list ? json_array_get(value, (size_t)i) : value;
        if (value == NULL || json_is_null(value))
            out[i] = fallback;
        else if (!integer(item, &out[i]))
            return oct_fail(err, OCT_E_INVALID, "%s: expected %d whole number%s", key, count,
                count == 1 ? "" : "s");
        if (out[i] < low)
            return oct_fail(err, OCT_E_INVALID, "%s is %d; at least %d is possible", key, out[i], low);
    }
    return OCT_OK;
}

oct_status oct_keras_list(const json_t *value, const char *key, int32_t capacity, int32_t *out,
    int32_t *count, oct_error *err)
{
    *count = 0;
    if (json_is_number(value)) {
        if (!integer(value, &out[0]))
            return oct_fail(err, OCT_E_INVALID, "%s: not a whole number", key);
        *count = 1;
        return OCT_OK;
    }
    if (!json_is_array(value) || json_array_size(value) > (size_t)capacity)
        return oct_fail(err, OCT_E_INVALID, "%s: expected a list of at most %d numbers", key,
            capacity);
    for (size_t i = 0; i < json_array_size(value); i++)
        if (!integer(json_array_get(value, i), &out[i]))
            return oct_fail(err, OCT_E_INVALID, "%s: not a whole number", key);
    *count = (int32_t)json_array_size(value);
    return OCT_OK;
}

oct_status oct_keras_sides(const json_t *config, const char *key, int32_t count,
    int32_t out[][2], oct_error *err)
{
    const json_t *value = json_object_get(config, key);
    /* One axis: [before, after] itself is the pair. */
    bool is_pair = count == 1 && json_array_size(value) == 2;
    for (int32_t i = 0; i < count; i++) {
        const json_t *side = is_pair || !json_is_array(value) ? value
                                                              : json_array_get(value, (size_t)i);
        bool two = json_is_array(side) && json_array_size(side) == 2;
        if (value == NULL)
            out[i][0] = out[i][1] = 1;
        else if (!integer(two ? json_array_get(side, 0) : side, &out[i][0]) ||
                 !integer(two ? json_array_get(side, 1) : side, &out[i][1]) || out[i][0] < 0 ||
                 out[i][1] < 0)
            return oct_fail(err, OCT_E_INVALID, "%s: expected sizes before and after each axis", key);
    }
    return OCT_OK;
}

oct_status oct_keras_axis(int32_t axis, int32_t rank, int32_t *out, oct_error *err)
{
    *out = axis < 0 ? axis + rank : axis;
    if (*out < 0 || *out >= rank)
        return oct_fail(err, OCT_E_INVALID, "axis %d of a tensor of rank %d", axis, rank);
    return OCT_OK;
}
