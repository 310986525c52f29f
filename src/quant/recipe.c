/*
 * Reading a recipe. Its form is docs/recipe.schema.json; what a schema cannot say is checked here as well:
 * names of operators, patterns, and settings that contradict each other within a rule.
 */
#include "quant/recipe.h"

#include <stdlib.h>
#include <string.h>

#include "base/backing.h"
#include "base/file.h"

/* What is being read: an object and where it begins. */
typedef struct reader {
    oct_recipe *recipe;
    json_t *object;
    size_t at;
    oct_rule *rule;
} reader;

static size_t place(const reader *r, const char *key)
{
    return oct_json_member(r->recipe->text, r->at, key);
}

/* One key of a rule. */

static oct_status expect(const reader *r, const char *key, bool holds, const char *what, oct_error *err)
{
    if (holds)
        return OCT_OK;
    return oct_recipe_fail(r->recipe, place(r, key), OCT_E_INVALID, err, "%s: %s is expected", key, what);
}

static oct_status read_text(reader *r, const char *key, const json_t *value, const char **out, oct_error *err)
{
    OCT_TRY(expect(r, key, json_is_string(value) && json_string_length(value) > 0, "a name", err));
    *out = oct_arena_text(&r->recipe->arena, json_string_value(value), json_string_length(value));
    return *out != NULL ? OCT_OK : oct_fail_memory(err, json_string_length(value), "a recipe");
}

static oct_status read_layer(reader *r, const json_t *value, oct_error *err)
{
    return read_text(r, "layer", value, &r->rule->layer, err);
}

static oct_status read_match(reader *r, const json_t *value, oct_error *err)
{
    OCT_TRY(read_text(r, "match", value, &r->rule->pattern, err));
    return oct_rule_compile(r->recipe, r->rule, place(r, "match"), err);
}

static oct_status read_subgraph(reader *r, const json_t *value, oct_error *err)
{
    return read_text(r, "subgraph", value, &r->rule->subgraph, err);
}

static oct_status read_signature(reader *r, const json_t *value, oct_error *err)
{
    return read_text(r, "signature", value, &r->rule->signature, err);
}

static oct_status add_op(reader *r, const json_t *value, size_t at, oct_error *err)
{
    const char *name = json_string_value(value);
    if (name == NULL)
        return oct_recipe_fail(r->recipe, at, OCT_E_INVALID, err, "op: the name of an operator is expected");
    for (int32_t i = 0; i < OCT_OP_COUNT; i++) {
        const char *known = oct_builtin_name((oct_builtin)i);
        if (known == NULL || strcmp(known, name) != 0)
            continue;
        r->rule->ops[r->rule->op_count++] = (oct_builtin)i;
        return OCT_OK;
    }
    return oct_recipe_fail(r->recipe, at, OCT_E_INVALID, err, "op: TensorFlow Lite has no operator '%s'", name);
}

static oct_status read_op(reader *r, const json_t *value, oct_error *err)
{
    size_t at = place(r, "op"), count = json_is_array(value) ? json_array_size(value) : 1;
    OCT_TRY(expect(r, "op", count > 0, "an operator", err));
    r->rule->ops = oct_arena_array(&r->recipe->arena, count, sizeof *r->rule->ops);
    if (r->rule->ops == NULL)
        return oct_fail_memory(err, count * sizeof *r->rule->ops, "a recipe");
    if (!json_is_array(value))
        return add_op(r, value, at, err);
    for (size_t i = 0; i < count; i++)
        OCT_TRY(add_op(r, json_array_get(value, i), oct_json_element(r->recipe->text, at, i), err));
    return OCT_OK;
}

static oct_status read_form(reader *r, const json_t *value, oct_error *err)
{
    const char *name = json_string_value(value);
    OCT_TRY(expect(r, "form", name != NULL && oct_mode_from_name(name, &r->rule->value.form),
        "float32, float16, dynamic, weight-only, int8 or int16x8", err));
    r->rule->sets |= OCT_SETS_FORM;
    return OCT_OK;
}

static oct_status read_bits(reader *r, const json_t *value, oct_error *err)
{
    json_int_t bits = json_is_integer(value) ? json_integer_value(value) : 0;
    OCT_TRY(expect(r, "bits", bits == 8 || bits == 4, "8 or 4", err));
    r->rule->value.bits = (int32_t)bits;
    r->rule->sets |= OCT_SETS_BITS;
    return OCT_OK;
}

static oct_status read_granularity(reader *r, const json_t *value, oct_error *err)
{
    const char *name = json_is_string(value) ? json_string_value(value) : "";
    r->rule->value.per_tensor = strcmp(name, "tensor") == 0;
    r->rule->sets |= OCT_SETS_GRANULARITY;
    return expect(r, "granularity", r->rule->value.per_tensor || strcmp(name, "channel") == 0,
        "tensor or channel", err);
}

/* "percentile:99.99" */
static oct_status read_range(reader *r, const json_t *value, oct_error *err)
{
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    size_t length = strcspn(text, ":");
    char name[32] = "", *end = NULL;
    if (length < sizeof name)
        memcpy(name, text, length);
    oct_setting *to = &r->rule->value;
    bool known = oct_range_method_from_name(name, &to->range);
    if (known && text[length] == ':') {
        to->range_argument = strtod(text + length + 1, &end);
        known = to->range == OCT_RANGE_PERCENTILE && end > text + length + 1 && *end == '\0' &&
                to->range_argument > 50 && to->range_argument <= 100;
    }
    r->rule->sets |= OCT_SETS_RANGE;
    return expect(r, "range", known, "minmax, moving-average, percentile[:99.999], mse or entropy", err);
}

static oct_status read_effort(reader *r, const json_t *value, oct_error *err)
{
    const char *name = json_string_value(value);
    r->rule->sets |= OCT_SETS_EFFORT;
    return expect(r, "effort", name != NULL && oct_effort_from_name(name, &r->rule->value.effort),
        "none, default or high", err);
}

static oct_status read_keep(reader *r, const json_t *value, oct_error *err)
{
    const char *name = json_is_string(value) ? json_string_value(value) : "";
    bool real = strcmp(name, "float") == 0;
    OCT_TRY(expect(r, "keep", real || strcmp(name, "16-bit") == 0, "float or 16-bit", err));
    if (json_object_get(r->object, "form") != NULL)
        return oct_recipe_fail(r->recipe, place(r, "keep"), OCT_E_INVALID, err,
            "keep says what the form is, and so does form in the same rule");
    r->rule->value.form = real ? OCT_MODE_FLOAT32 : OCT_MODE_INT16X8;
    r->rule->sets |= OCT_SETS_FORM | OCT_SETS_KEEP;
    return OCT_OK;
}

static oct_status read_min_elements(reader *r, const json_t *value, oct_error *err)
{
    json_int_t least = json_integer_value(value);
    OCT_TRY(expect(r, "min_elements", json_is_integer(value) && least >= 0 && least <= INT32_MAX,
        "a number of weights", err));
    r->rule->value.min_elements = (int32_t)least;
    r->rule->sets |= OCT_SETS_MIN_ELEMENTS;
    return OCT_OK;
}

static const struct {
    const char *key;
    oct_status (*read)(reader *r, const json_t *value, oct_error *err);
    bool selects; /* says which layers, not what becomes of them */
} keys[] = {
    { "layer", read_layer, true },
    { "match", read_match, true },
    { "op", read_op, true },
    { "subgraph", read_subgraph, true },
    { "signature", read_signature, true },
    { "form", read_form, false },
    { "bits", read_bits, false },
    { "granularity", read_granularity, false },
    { "range", read_range, false },
    { "effort", read_effort, false },
    { "keep", read_keep, false },
    { "min_elements", read_min_elements, false },
};

/* A rule. */

static bool has_ranges(oct_mode form)
{
    return oct_mode_needs_calibration(form);
}

static bool has_small_weights(oct_mode form)
{
    return form != OCT_MODE_FLOAT32 && form != OCT_MODE_FLOAT16;
}

/* Settings that the form of the same rule has no use for. */
static oct_status check_rule(const reader *r, oct_error *err)
{
    const oct_rule *rule = r->rule;
    const char *form = oct_mode_name(rule->value.form);
    if (rule->layer != NULL && rule->pattern != NULL)
        return oct_recipe_fail(r->recipe, place(r, "match"), OCT_E_INVALID, err,
            "a rule has a layer or a match, not both");
    if ((rule->sets & OCT_SETS_FORM) == 0)
        return OCT_OK;
    if ((rule->sets & OCT_SETS_RANGE) != 0 && !has_ranges(rule->value.form))
        return oct_recipe_fail(r->recipe, place(r, "range"), OCT_E_INVALID, err,
            "range: activations of %s layers have none", form);
    if ((rule->sets & OCT_SETS_GRANULARITY) != 0 && !has_small_weights(rule->value.form))
        return oct_recipe_fail(r->recipe, place(r, "granularity"), OCT_E_INVALID, err,
            "granularity: weights of %s layers have no scales", form);
    if ((rule->sets & OCT_SETS_BITS) != 0 && !has_small_weights(rule->value.form))
        return oct_recipe_fail(r->recipe, place(r, "bits"), OCT_E_INVALID, err,
            "bits: weights of %s layers are floats", form);
    return OCT_OK;
}

static oct_status read_rule(reader *r, bool is_default, oct_error *err)
{
    const char *key;
    json_t *value;
    if (!json_is_object(r->object))
        return oct_recipe_fail(r->recipe, r->at, OCT_E_INVALID, err, "an object with settings is expected");
    json_object_foreach(r->object, key, value)
    {
        size_t i = 0;
        while (i < sizeof keys / sizeof *keys && strcmp(keys[i].key, key) != 0)
            i++;
        if (i == sizeof keys / sizeof *keys || (is_default && keys[i].selects))
            return oct_recipe_fail(r->recipe, place(r, key), OCT_E_INVALID, err, "'%s' is no key of %s", key,
                is_default ? "the defaults" : "a rule");
        OCT_TRY(keys[i].read(r, value, err));
    }
    if (!is_default && r->rule->value.form == OCT_MODE_INT8_FULL)
        return oct_recipe_fail(r->recipe, place(r, "form"), OCT_E_INVALID, err,
            "int8-full is about the model's inputs and outputs: it belongs to the defaults; layers are int8");
    if (!is_default && r->rule->sets == 0)
        return oct_recipe_fail(r->recipe, r->at, OCT_E_INVALID, err, "the rule sets nothing");
    return check_rule(r, err);
}

static oct_status read_default(oct_recipe *recipe, json_t *object, size_t at, oct_error *err)
{
    oct_rule rule = { .at = at };
    reader r = { recipe, object, at, &rule };
    OCT_TRY(read_rule(&r, true, err));
    recipe->base = rule.value;
    recipe->sets = rule.sets;
    recipe->integer_io = rule.value.form == OCT_MODE_INT8_FULL;
    if (recipe->integer_io)
        recipe->base.form = OCT_MODE_INT8;
    return OCT_OK;
}

static oct_status read_rules(oct_recipe *recipe, const json_t *list, size_t at, oct_error *err)
{
    if (!json_is_array(list))
        return oct_recipe_fail(recipe, at, OCT_E_INVALID, err, "rules: a list is expected");
    size_t count = json_array_size(list);
    recipe->rules = oct_arena_array(&recipe->arena, count, sizeof *recipe->rules);
    if (recipe->rules == NULL)
        return oct_fail_memory(err, count * sizeof *recipe->rules, "a recipe");
    for (size_t i = 0; i < count; i++) {
        oct_rule *rule = &recipe->rules[recipe->count++];
        rule->at = oct_json_element(recipe->text, at, i);
        reader r = { recipe, json_array_get(list, i), rule->at, rule };
        OCT_TRY(read_rule(&r, false, err));
    }
    return OCT_OK;
}

static oct_status read_own(oct_recipe *recipe, json_t *root, size_t at, oct_error *err)
{
    const char *key;
    json_t *value;
    const json_t *version = json_object_get(root, "octavo_recipe");
    if (!json_is_integer(version) || json_integer_value(version) != 1)
        return oct_recipe_fail(recipe, oct_json_member(recipe->text, at, "octavo_recipe"),
            OCT_E_INVALID, err, "\"octavo_recipe\": 1 is expected");
    json_object_foreach(root, key, value)
    {
        size_t where = oct_json_member(recipe->text, at, key);
        if (strcmp(key, "default") == 0)
            OCT_TRY(read_default(recipe, value, where, err));
        else if (strcmp(key, "rules") == 0)
            OCT_TRY(read_rules(recipe, value, where, err));
        else if (strcmp(key, "octavo_recipe") != 0)
            return oct_recipe_fail(recipe, where, OCT_E_INVALID, err, "'%s' is no key of a recipe", key);
    }
    return OCT_OK;
}

/* The file. */

static oct_status read_root(oct_recipe *recipe, oct_error *err)
{
    json_error_t fault;
    size_t at = strspn(recipe->text, " \t\r\n");
    json_t *root = json_loadb(recipe->text, recipe->size, JSON_REJECT_DUPLICATES, &fault);
    if (root == NULL && (fault.text[0] == 0 || json_error_code(&fault) == json_error_out_of_memory))
        return oct_fail_memory(err, recipe->size, "a recipe");
    if (root == NULL)
        return oct_fail(err, OCT_E_INVALID, "%s:%d:%d: %s", recipe->name, fault.line, fault.column, fault.text);
    oct_status status = json_is_array(root) ? oct_recipe_read_foreign(recipe, root, at, err)
                                            : read_own(recipe, root, at, err);
    json_decref(root);
    return status;
}

oct_status oct_recipe_parse(
    const char *text, size_t size, const char *name, oct_recipe **out, oct_error *err)
{
    oct_recipe *recipe = calloc(1, sizeof *recipe);
    *out = NULL;
    if (recipe == NULL)
        return oct_fail_memory(err, sizeof *recipe, "a recipe");
    recipe->size = size;
    recipe->text = oct_arena_text(&recipe->arena, text, size);
    recipe->name = oct_arena_text(&recipe->arena, name, strlen(name));
    oct_status status = recipe->text == NULL || recipe->name == NULL
                            ? oct_fail_memory(err, size, "a recipe")
                            : read_root(recipe, err);
    if (status == OCT_OK)
        *out = recipe;
    else
        oct_recipe_free(recipe);
    return status;
}

oct_status oct_recipe_load(const char *path, oct_recipe **out, oct_error *err)
{
    oct_backing *file;
    *out = NULL;
    OCT_TRY(oct_backing_map(path, &file, err));
    oct_status status =
        oct_recipe_parse((const char *)oct_backing_bytes(file), oct_backing_size(file), path, out, err);
    oct_backing_release(file);
    return status;
}

oct_status oct_recipe_save(const char *text, const char *path, oct_error *err)
{
    return oct_file_save(path, text, strlen(text), err);
}

void oct_recipe_free(oct_recipe *recipe)
{
    if (recipe == NULL)
        return;
    for (int32_t i = 0; i < recipe->count; i++)
        if (recipe->rules[i].pattern != NULL)
            regfree(&recipe->rules[i].regex);
    oct_arena_free(&recipe->arena);
    free(recipe);
}

bool oct_recipe_mode(const oct_recipe *recipe, oct_mode *mode)
{
    if ((recipe->sets & OCT_SETS_FORM) == 0)
        return false;
    *mode = recipe->integer_io ? OCT_MODE_INT8_FULL : recipe->base.form;
    return true;
}
