/*
 * Facts and states as JSON for results.json, and what is missing from them in words.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/facts.h"

static json_t *text_or_null(const char *text)
{
    json_t *json = *text != 0 ? json_string(text) : NULL;
    return json != NULL ? json : json_null();
}

static json_t *number_or_null(int64_t number)
{
    return number < 0 ? json_null() : json_integer(number);
}

static json_t *truth_or_null(int truth)
{
    return truth < 0 ? json_null() : json_boolean(truth);
}

static const char *const keys[] = {
#define OCT_DEVICE_KEY(name, key, property) key,
    OCT_DEVICE_PROPERTY_LIST(OCT_DEVICE_KEY)
#undef OCT_DEVICE_KEY
};

json_t *oct_device_facts_json(const oct_device_facts *facts)
{
    json_t *object = json_object(), *cores = json_array();
    for (int i = 0; i < OCT_DEVICE_PROPERTY_COUNT; i++) {
        const char *text = facts->properties[i];
        json_object_set_new(object, keys[i],
            i == OCT_DEVICE_SDK && *text != 0 ? json_integer(atoi(text)) : text_or_null(text));
    }
    for (int i = 0; i < facts->core_count; i++) {
        const oct_device_core *c = &facts->cores[i];
        json_array_append_new(
            cores, json_pack("{s:i, s:o, s:o, s:o, s:o}", "cpu", c->cpu, "part",
                       text_or_null(c->part), "max_khz", number_or_null(c->max_khz), "limit_khz",
                       number_or_null(c->limit_khz), "governor", text_or_null(c->governor)));
    }
    json_object_set_new(object, "cores", cores);
    json_object_set_new(object, "allowed", text_or_null(facts->allowed));
    return object;
}

json_t *oct_device_state_json(const oct_device_facts *facts, const oct_device_state *state)
{
    json_t *limits = json_array();
    for (int i = 0; i < facts->core_count; i++)
        json_array_append_new(limits, number_or_null(state->limit_khz_now[i]));
    return json_pack("{s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "seconds", state->seconds,
        "thermal_status", number_or_null(state->thermal), "battery_percent",
        number_or_null(state->battery_percent), "battery_celsius",
        isnan(state->battery_c) ? json_null() : json_real(state->battery_c), "powered",
        truth_or_null(state->powered), "screen_on", truth_or_null(state->awake), "locked",
        truth_or_null(state->locked), "limits_khz", limits);
}

static void append(char *text, size_t size, const char *what)
{
    size_t at = strlen(text);
    snprintf(text + at, size - at, "%s%s", at > 0 ? ", " : "", what);
}

void oct_device_unreadable(
    const oct_device_facts *facts, const oct_device_state *state, char *text, size_t size)
{
    bool clocks = facts->core_count == 0, governors = clocks, parts = clocks;
    for (int i = 0; i < facts->core_count; i++) {
        const oct_device_core *c = &facts->cores[i];
        clocks = clocks || c->max_khz < 0 || c->limit_khz < 0;
        governors = governors || *c->governor == 0;
        parts = parts || *c->part == 0;
    }
    const struct {
        bool missing;
        const char *what;
    } rest[] = { { clocks, "clocks of cores" }, { governors, "governors" },
        { parts, "part numbers of cores" }, { *facts->allowed == 0, "allowed cores" },
        { state->thermal < 0, "thermal status" }, { state->battery_percent < 0, "battery level" },
        { isnan(state->battery_c), "battery temperature" }, { state->powered < 0, "power supply" },
        { state->awake < 0, "screen" }, { state->locked < 0, "screen lock" } };
    *text = 0;
    for (int i = 0; i < OCT_DEVICE_PROPERTY_COUNT; i++)
        if (*facts->properties[i] == 0)
            append(text, size, keys[i]);
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        if (rest[i].missing)
            append(text, size, rest[i].what);
}
