/*
 * Which variables a layer has: the words of layers.def, as its configuration has it, and those of what it
 * holds, a wrapped layer or stacked cells, in places of their own.
 */
#include "keras/layer.h"

#include <string.h>

/* A list of variables under way: of a layer, or of the layer that it wraps. */
typedef struct declaration {
    oct_arena *arena;
    oct_keras_layer *layer;
    const json_t *config; /* of the layer whose variables these are */
    const char *prefix;   /* "forward_layer/" */
} declaration;

/* One word of a variable list; see layers.def for its grammar. */
static oct_status add_variable(const declaration *d, const char *word, size_t length, oct_error *err)
{
    oct_arena *arena = d->arena;
    oct_keras_layer *layer = d->layer;
    bool trainable_kind = word[0] != '-';
    word += !trainable_kind;
    length -= !trainable_kind;
    const char *colon = memchr(word, ':', length);
    size_t name_length = colon == NULL ? length : (size_t)(colon - word);
    char *name = oct_arena_format(arena, "%s%.*s", d->prefix, (int)name_length, word);
    if (name == NULL)
        return oct_fail_memory(err, name_length, "a variable");
    if (colon != NULL) {
        bool given = colon[1] == '?', absent = colon[1] == '!';
        size_t skip = name_length + 1 + (given || absent);
        char *key = oct_arena_text(arena, word + skip, length - skip);
        if (key == NULL)
            return oct_fail_memory(err, length, "a variable");
        bool has = oct_keras_has(d->config, key);
        char *wanted = strchr(key, '=');
        if (wanted != NULL) {
            *wanted++ = 0;
            if (strcmp(oct_keras_text(d->config, key, ""), wanted) != 0)
                return OCT_OK;
        } else if (given || absent ? has != given : !oct_keras_flag(d->config, key, true))
            return OCT_OK;
    }
    if (layer->variable_count == OCT_KERAS_MAX_VARIABLES)
        return oct_fail(err, OCT_E_UNSUPPORTED, "layer '%s' has more than %d variables", layer->name,
            OCT_KERAS_MAX_VARIABLES);
    layer->variables[layer->variable_count++] =
        (oct_keras_variable){ .name = name, .trainable_kind = trainable_kind };
    return OCT_OK;
}

static oct_status declare_all(const declaration *d, const char *words, oct_error *err)
{
    for (const char *word = words; *word != 0;) {
        size_t length = strcspn(word, " ");
        OCT_TRY(add_variable(d, word, length, err));
        word += length + (word[length] == ' ');
    }
    return OCT_OK;
}

const json_t *oct_keras_held_entry(const json_t *config)
{
    const json_t *layer = json_object_get(config, "layer");
    return layer != NULL ? layer : json_object_get(config, "cell");
}

static oct_status declare_held(const declaration *outer, const oct_keras_def *def, const json_t *entry,
    const char *place, oct_error *err);

/* The cells of a stack, each in a place of its own. */
static oct_status declare_cells(const declaration *outer, const json_t *cells, oct_error *err)
{
    for (size_t i = 0; i < json_array_size(cells); i++) {
        const json_t *entry = json_array_get(cells, i);
        const oct_keras_def *def =
            oct_keras_def_find(OCT_KERAS_LAYER, oct_keras_text(entry, "class_name", ""));
        const char *place = oct_keras_place_of_cell(outer->arena, cells, i);
        if (place == NULL)
            return oct_fail_memory(err, 64, "a variable");
        if (def != NULL && !oct_keras_def_wraps(def)) /* others are refused when they are lowered */
            OCT_TRY(declare_held(outer, def, entry, place + strlen("cell/"), err));
    }
    return OCT_OK;
}

/* The variables of a layer held by another, in a place of the outer one. */
static oct_status declare_held(const declaration *outer, const oct_keras_def *def, const json_t *entry,
    const char *place, oct_error *err)
{
    const json_t *config = json_object_get(entry, "config");
    declaration d = { outer->arena, outer->layer, config,
        oct_arena_format(outer->arena, "%s%s", outer->prefix, place) };
    if (d.prefix == NULL)
        return oct_fail_memory(err, strlen(place), "a variable");
    if (def->lower == oct_keras_lower_cell && def->variant == 0)
        return declare_cells(&d, json_object_get(config, "cells"), err);
    if (!oct_keras_def_wraps(def))
        return declare_all(&d, def->variables, err);
    const json_t *inner = oct_keras_held_entry(config);
    const oct_keras_def *held =
        oct_keras_def_find(OCT_KERAS_LAYER, oct_keras_text(inner, "class_name", ""));
    if (held == NULL || oct_keras_def_wraps(held)) /* refused when it is lowered */
        return OCT_OK;
    return declare_held(&d, held, inner, def->variables, err);
}

/* "forward_layer/ backward_layer/": the variables of the wrapped layer, under each of these. */
static oct_status declare_wrapped(oct_arena *arena, oct_keras_layer *layer, oct_error *err)
{
    const json_t *entry = oct_keras_held_entry(layer->config);
    for (const char *word = layer->def->variables; *word != 0;) {
        size_t length = strcspn(word, " ");
        declaration own = { arena, layer, layer->config, "" };
        char *place = oct_arena_text(arena, word, length);
        if (place == NULL)
            return oct_fail_memory(err, length, "a variable");
        OCT_TRY(declare_held(&own, layer->inner, entry, place, err));
        word += length + (word[length] == ' ');
    }
    return OCT_OK;
}

oct_status oct_keras_declare(oct_arena *arena, oct_keras_layer *layer, oct_error *err)
{
    declaration own = { arena, layer, layer->config, "" };
    if (layer->inner != NULL)
        return declare_wrapped(arena, layer, err);
    return oct_keras_def_wraps(layer->def) ? OCT_OK : declare_all(&own, layer->def->variables, err);
}
