/*
 * Which array in the file is which variable of which layer.
 *
 * A .keras file numbers layers by class, in file order: layers/conv2d, layers/conv2d_1, ...; names play no
 * part. A legacy .h5 lists arrays by layer name, and all arrays of a nested model in one list: first those
 * that were trainable when it was saved, then the others.
 */
#include "keras/layer.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

typedef struct binder {
    oct_arena *arena;
    oct_h5 *h5;
    const char *container; /* "layers", or its name in Keras 2.12 and 2.13 */
    bool doubled;          /* those versions count layers with weights twice */
} binder;

char *oct_keras_snake_case(oct_arena *arena, const char *name)
{
    char *out = oct_arena_alloc(arena, 2 * strlen(name) + sizeof "private");
    size_t to = 0;
    if (out == NULL)
        return NULL;
    if (name[0] == '_')
        to = (size_t)sprintf(out, "private");
    for (size_t i = 0; name[i] != 0; i++) {
        unsigned char c = (unsigned char)name[i];
        if (!isalnum(c) && c != '_')
            continue;
        bool starts_word = isupper(c) && i > 0 &&
                           (islower((unsigned char)name[i + 1]) || islower((unsigned char)name[i - 1]));
        if (starts_word)
            out[to++] = '_';
        out[to++] = (char)tolower(c);
    }
    return out;
}

char *oct_keras_place_of_cell(oct_arena *arena, const json_t *cells, size_t index)
{
    const char *name = oct_keras_text(json_array_get(cells, index), "class_name", "");
    int number = 0;
    for (size_t i = 0; i < index; i++)
        number += strcmp(oct_keras_text(json_array_get(cells, i), "class_name", ""), name) == 0;
    char *snake = oct_keras_snake_case(arena, name);
    if (snake == NULL)
        return NULL;
    return number == 0 ? oct_arena_format(arena, "cell/cells/%s/", snake)
                       : oct_arena_format(arena, "cell/cells/%s_%d/", snake, number);
}

static bool has_weights(const oct_keras_layer *layer)
{
    return layer->nested != NULL || layer->variable_count > 0;
}

static oct_status open_variable(binder *b, const oct_keras_layer *layer, oct_keras_variable *variable,
    uint64_t object, const char *path, oct_error *err)
{
    OCT_TRY(oct_h5_dataset_open(b->h5, object, path, &variable->set, err));
    if (variable->set.type == OCT_H5_OTHER)
        return oct_fail(err, OCT_E_UNSUPPORTED, "layer '%s': %s holds numbers of an unknown type",
            layer->name, path);
    variable->path = path;
    variable->bound = true;
    return OCT_OK;
}

/* Newer files say whose variables these are. */
static oct_status check_owner(binder *b, const oct_keras_layer *layer, uint64_t group,
    const char *path, oct_error *err)
{
    uint64_t vars;
    bool found;
    oct_h5_strings owner;
    OCT_TRY(oct_h5_find(b->h5, group, "vars", &vars, &found, err));
    if (!found)
        return OCT_OK;
    OCT_TRY(oct_h5_strings_read(b->h5, vars, "name", &owner, &found, err));
    if (found && owner.count == 1 && strcmp(owner.text[0], layer->name) != 0)
        return oct_fail(err, OCT_E_INVALID,
            "layer '%s' (%s): the weights at %s belong to the layer '%s'; configuration and weights "
            "are not of the same model",
            layer->name, layer->class_name, path, owner.text[0]);
    return OCT_OK;
}

/* "cell/kernel": the length of "cell/". */
static int part_length(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash == NULL ? 0 : (int)(slash + 1 - name);
}

/* Each part of a layer numbers its own arrays. */
static int32_t number_in_part(const oct_keras_layer *layer, int32_t variable)
{
    const char *name = layer->variables[variable].name;
    int32_t number = 0, length = part_length(name);
    for (int32_t i = 0; i < variable; i++) {
        const char *other = layer->variables[i].name;
        number += part_length(other) == length && memcmp(other, name, (size_t)length) == 0;
    }
    return number;
}

static oct_status bind_layer(binder *b, oct_keras_layer *layer, const char *path, oct_error *err)
{
    uint64_t group, object;
    bool found;
    OCT_TRY(oct_h5_find(b->h5, oct_h5_root(b->h5), path, &group, &found, err));
    if (found)
        OCT_TRY(check_owner(b, layer, group, path, err));
    for (int32_t i = 0; i < layer->variable_count; i++) {
        oct_keras_variable *variable = &layer->variables[i];
        int part = part_length(variable->name);
        char *full = oct_arena_format(b->arena, "%s/%.*svars/%d", path, part, variable->name,
            number_in_part(layer, i));
        if (full == NULL)
            return oct_fail_memory(err, strlen(path), "a path");
        bool here = found;
        if (found)
            OCT_TRY(oct_h5_find(b->h5, group, full + strlen(path) + 1, &object, &here, err));
        if (found && !here && part > 0) { /* some write the attribute's name: _query_dense */
            char *hidden = oct_arena_format(b->arena, "_%s", full + strlen(path) + 1);
            if (hidden == NULL)
                return oct_fail_memory(err, strlen(path), "a path");
            OCT_TRY(oct_h5_find(b->h5, group, hidden, &object, &here, err));
        }
        if (!here)
            return oct_fail(err, OCT_E_INVALID, "layer '%s' (%s): its %s is missing: no array at %s",
                layer->name, layer->class_name, variable->name, full);
        OCT_TRY(open_variable(b, layer, variable, object, full, err));
    }
    return OCT_OK;
}

/* The number of a class's next layer; *counts maps class to it. */
static oct_status next_number(json_t *counts, const char *snake, int step, json_int_t *number,
    oct_error *err)
{
    *number = json_integer_value(json_object_get(counts, snake));
    if (json_object_set_new(counts, snake, json_integer(*number + step)) != 0)
        return oct_fail_memory(err, strlen(snake), "the layers of a model");
    return OCT_OK;
}

/* The arrays of a user's layer are those there are. */
static oct_status bind_user(binder *b, oct_keras_layer *layer, const char *path, oct_error *err)
{
    for (int32_t i = 0; i < OCT_KERAS_MAX_VARIABLES; i++) {
        uint64_t object;
        bool found;
        char *full = oct_arena_format(b->arena, "%s/vars/%d", path, i);
        if (full == NULL)
            return oct_fail_memory(err, strlen(path), "a path");
        OCT_TRY(oct_h5_find(b->h5, oct_h5_root(b->h5), full, &object, &found, err));
        if (!found)
            return OCT_OK;
        layer->variables[i] = (oct_keras_variable){ .name = full + strlen(path) + 1 };
        layer->variable_count = i + 1;
        OCT_TRY(open_variable(b, layer, &layer->variables[i], object, full, err));
    }
    return OCT_OK;
}

static oct_status bind_container(binder *b, oct_keras_model *model, const char *prefix,
    oct_error *err);

static oct_status bind_next(binder *b, const oct_keras_model *model, oct_keras_layer *layer,
    json_t *counts, const char *prefix, oct_error *err)
{
    if (layer->is_operation || (model->sequential && strcmp(layer->class_name, "InputLayer") == 0))
        return OCT_OK;
    /* The one class whose name in Python is not the one that .keras files give. */
    bool grouped = strcmp(layer->class_name, "GroupQueryAttention") == 0;
    char *snake = oct_keras_snake_case(b->arena, grouped ? "GroupedQueryAttention" : layer->class_name);
    if (snake == NULL)
        return oct_fail_memory(err, strlen(layer->class_name), "a path");
    json_int_t number;
    OCT_TRY(next_number(counts, snake, b->doubled && has_weights(layer) ? 2 : 1, &number, err));
    char *path = number == 0 ? oct_arena_format(b->arena, "%s%s/%s", prefix, b->container, snake)
                             : oct_arena_format(b->arena, "%s%s/%s_%lld", prefix, b->container, snake,
                                   (long long)number);
    if (path == NULL)
        return oct_fail_memory(err, strlen(snake), "a path");
    if (layer->user != NULL)
        return bind_user(b, layer, path, err);
    if (layer->nested == NULL)
        return layer->variable_count == 0 ? OCT_OK : bind_layer(b, layer, path, err);
    char *inner = oct_arena_format(b->arena, "%s/", path);
    if (inner == NULL)
        return oct_fail_memory(err, strlen(path), "a path");
    return bind_container(b, layer->nested, inner, err);
}

static oct_status bind_container(binder *b, oct_keras_model *model, const char *prefix,
    oct_error *err)
{
    json_t *counts = json_object();
    oct_status status = counts == NULL ? oct_fail_memory(err, 64, "the layers of a model") : OCT_OK;
    for (int32_t i = 0; status == OCT_OK && i < model->layer_count; i++)
        status = bind_next(b, model, &model->layers[i], counts, prefix, err);
    json_decref(counts);
    return status;
}

oct_status oct_keras_bind_paths(oct_arena *arena, oct_keras_model *model, oct_h5 *h5, oct_error *err)
{
    static const char *const older = "_layer_checkpoint_dependencies";
    binder b = { .arena = arena, .h5 = h5, .container = "layers" };
    uint64_t object;
    bool found;
    OCT_TRY(oct_h5_find(h5, oct_h5_root(h5), older, &object, &found, err));
    if (found) {
        b.container = older;
        b.doubled = true;
    }
    return bind_container(&b, model, "", err);
}

/* ---- legacy lists ---- */

/* Variables of a layer and everything in it, as pointers. */
typedef struct variable_list {
    struct { oct_keras_layer *layer; oct_keras_variable *variable; } *items;
    int64_t count, capacity;
} variable_list;

static int64_t count_variables(const oct_keras_layer *layer)
{
    if (layer->nested == NULL)
        return layer->variable_count;
    int64_t count = 0;
    for (int32_t i = 0; i < layer->nested->layer_count; i++)
        count += count_variables(&layer->nested->layers[i]);
    return count;
}

/* Appends, in layer order, the variables that were trainable (or were not) when the model was saved. */
static void collect(oct_keras_layer *layer, bool outer_trainable, bool wanted, variable_list *list)
{
    bool trainable = outer_trainable && layer->trainable;
    for (int32_t i = 0; i < layer->variable_count; i++)
        if ((trainable && layer->variables[i].trainable_kind) == wanted) {
            list->items[list->count].layer = layer;
            list->items[list->count++].variable = &layer->variables[i];
        }
    for (int32_t i = 0; layer->nested != NULL && i < layer->nested->layer_count; i++)
        collect(&layer->nested->layers[i], trainable, wanted, list);
}

/* The last component of "block/conv/kernel:0" without its ":0". */
static const char *last_component(const char *path, size_t *length)
{
    const char *slash = strrchr(path, '/');
    const char *last = slash == NULL ? path : slash + 1;
    *length = strcspn(last, ":");
    return last;
}

/* Keras 2 says depthwise_kernel where the role is kernel. */
static bool role_fits(const char *path, const char *role)
{
    role += part_length(role);
    size_t length, wanted = strlen(role);
    const char *last = last_component(path, &length);
    return length >= wanted && memcmp(last + length - wanted, role, wanted) == 0;
}

static bool all_roles_fit(const variable_list *list, const oct_h5_strings *names)
{
    if (names->count != list->count)
        return false;
    for (int64_t i = 0; i < list->count; i++)
        if (!role_fits(names->text[i], list->items[i].variable->name))
            return false;
    return true;
}

/* "layer/role" of an array's path; NULL: it has one component only, or no memory. */
static char *short_name(oct_arena *arena, const char *path)
{
    size_t length;
    const char *last = last_component(path, &length);
    if (last - path < 2)
        return NULL;
    const char *start = last - 1;
    while (start > path && start[-1] != '/')
        start--;
    return oct_arena_text(arena, start, (size_t)(last - start) + length);
}

static const json_t *find_by_name(oct_arena *arena, const json_t *index, const char *layer,
    const char *role)
{
    static const char *const prefixes[] = { "", "depthwise_" };
    role += part_length(role);
    for (int i = 0; i < 2; i++) {
        char *key = oct_arena_format(arena, "%s/%s%s", layer, prefixes[i], role);
        const json_t *position = key == NULL ? NULL : json_object_get(index, key);
        if (position != NULL)
            return position;
    }
    return NULL;
}

/* order[i] = position in names of the list's variable i. */
static oct_status order_by_name(binder *b, const oct_keras_layer *layer, const variable_list *list,
    const oct_h5_strings *names, int64_t *order, oct_error *err)
{
    json_t *index = json_object();
    oct_status status = OCT_OK;
    for (int64_t i = 0; status == OCT_OK && i < names->count; i++) {
        char *key = short_name(b->arena, names->text[i]);
        if (key != NULL && json_object_set_new(index, key, json_integer(i)) != 0)
            status = oct_fail_memory(err, strlen(key), "the names of arrays");
    }
    for (int64_t i = 0; status == OCT_OK && i < list->count; i++) {
        const char *inner = list->items[i].layer->name, *role = list->items[i].variable->name;
        const json_t *position = find_by_name(b->arena, index, inner, role);
        if (position == NULL)
            status = oct_fail(err, OCT_E_INVALID,
                "layer '%s' (%s): expected %lld arrays, found %lld, and none for %s/%s", layer->name,
                layer->class_name, (long long)list->count, (long long)names->count, inner, role);
        else
            order[i] = json_integer_value(position);
    }
    json_decref(index);
    return status;
}

static oct_status order_arrays(binder *b, const oct_keras_layer *layer, const variable_list *list,
    const oct_h5_strings *names, int64_t *order, oct_error *err)
{
    if (layer->nested != NULL && !all_roles_fit(list, names))
        return order_by_name(b, layer, list, names, order, err);
    if (names->count < list->count)
        return oct_fail(err, OCT_E_INVALID, "layer '%s' (%s): expected %lld arrays, found %lld",
            layer->name, layer->class_name, (long long)list->count, (long long)names->count);
    for (int64_t i = 0; i < list->count; i++)
        order[i] = i;
    return OCT_OK;
}

static oct_status bind_user_list(binder *b, oct_keras_layer *layer, uint64_t weights, oct_error *err)
{
    uint64_t group, object;
    bool found;
    oct_h5_strings names = { 0 };
    OCT_TRY(oct_h5_find(b->h5, weights, layer->name, &group, &found, err));
    if (found)
        OCT_TRY(oct_h5_strings_read(b->h5, group, "weight_names", &names, &found, err));
    for (int64_t i = 0; i < names.count && i < OCT_KERAS_MAX_VARIABLES; i++) {
        OCT_TRY(oct_h5_find(b->h5, group, names.text[i], &object, &found, err));
        if (!found)
            return oct_fail(err, OCT_E_INVALID, "layer '%s' (%s): the array %s is missing",
                layer->name, layer->class_name, names.text[i]);
        layer->variables[i] = (oct_keras_variable){ .name = names.text[i] };
        layer->variable_count = (int32_t)i + 1;
        OCT_TRY(open_variable(b, layer, &layer->variables[i], object, names.text[i], err));
    }
    return OCT_OK;
}

static oct_status bind_list(binder *b, oct_keras_layer *layer, uint64_t weights, oct_error *err)
{
    if (layer->user != NULL)
        return bind_user_list(b, layer, weights, err);
    size_t count = (size_t)count_variables(layer);
    if (count == 0)
        return OCT_OK;
    variable_list list = { .items = oct_arena_array(b->arena, count, sizeof *list.items) };
    int64_t *order = oct_arena_array(b->arena, count, sizeof *order);
    if (list.items == NULL || order == NULL)
        return oct_fail_memory(err, count * sizeof *list.items, "the variables of a layer");
    collect(layer, true, true, &list);
    collect(layer, true, false, &list);
    uint64_t group, object;
    bool found;
    oct_h5_strings names;
    OCT_TRY(oct_h5_find(b->h5, weights, layer->name, &group, &found, err));
    if (!found)
        return oct_fail(err, OCT_E_INVALID, "layer '%s' (%s): the file has no weights for it",
            layer->name, layer->class_name);
    OCT_TRY(oct_h5_strings_read(b->h5, group, "weight_names", &names, &found, err));
    OCT_TRY(order_arrays(b, layer, &list, &names, order, err));
    for (size_t i = 0; i < count; i++) {
        const char *path = names.text[order[i]];
        OCT_TRY(oct_h5_find(b->h5, group, path, &object, &found, err));
        if (!found)
            return oct_fail(err, OCT_E_INVALID, "layer '%s' (%s): the array %s is missing",
                layer->name, layer->class_name, path);
        OCT_TRY(open_variable(b, list.items[i].layer, list.items[i].variable, object, path, err));
    }
    return OCT_OK;
}

oct_status oct_keras_bind_lists(oct_arena *arena, oct_keras_model *model, oct_h5 *h5, oct_error *err)
{
    binder b = { .arena = arena, .h5 = h5 };
    uint64_t weights;
    bool found;
    OCT_TRY(oct_h5_find(h5, oct_h5_root(h5), "model_weights", &weights, &found, err));
    if (!found)
        return oct_fail(err, OCT_E_INVALID, "the file has a configuration but no weights");
    for (int32_t i = 0; i < model->layer_count; i++)
        OCT_TRY(bind_list(&b, &model->layers[i], weights, err));
    return OCT_OK;
}
