/*
 * AI Edge Quantizer's recipes: a list of {"regex", "operation", "algorithm_key", "op_config"}.
 *
 * Read into rules where they say something Octavo does too; everything else is refused by name, so that
 * no file means less than it says. Entries of one regular expression belong together where the first of
 * them stands, and one for all operators replaces those before it. Source: recipe_manager.py, qtyping.py.
 */
#include <stdlib.h>
#include <string.h>

#include "quant/recipe.h"

typedef struct entry {
    oct_recipe *recipe;
    json_t *object;
    size_t at;
    oct_rule *rule;
} entry;

/* A value and where it stands, one level below another. */
typedef struct spot {
    json_t *value;
    size_t at;
} spot;

static spot below(const entry *e, spot from, const char *key)
{
    return (spot){ json_object_get(from.value, key), oct_json_member(e->recipe->text, from.at, key) };
}

static oct_status refuse(const entry *e, size_t at, const char *key, const json_t *value, oct_error *err)
{
    char *text = value == NULL ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    oct_status status = oct_recipe_fail(e->recipe, at, OCT_E_UNSUPPORTED, err,
        "%s: %.100s is something that Octavo does not do", key, text == NULL ? "what is missing" : text);
    free(text);
    return status;
}

static bool is_text(const json_t *value, const char *text)
{
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

/* Keys that an object may have, ending with NULL; the first other one is refused. */
static oct_status allow(const entry *e, spot s, const char *const *keys, oct_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(s.value, key, value)
    {
        size_t i = 0;
        while (keys[i] != NULL && strcmp(keys[i], key) != 0)
            i++;
        if (keys[i] == NULL)
            return refuse(e, oct_json_member(e->recipe->text, s.at, key), key, value, err);
    }
    return OCT_OK;
}

/* Tensors. */

static oct_status read_weights(entry *e, spot s, oct_error *err)
{
    static const char *const known[] = { "num_bits", "symmetric", "granularity", "dtype", "block_size",
        "algorithm_params", "channel_wise", NULL };
    spot bits = below(e, s, "num_bits"), symmetric = below(e, s, "symmetric");
    spot granularity = below(e, s, "granularity"), kind = below(e, s, "dtype");
    spot block = below(e, s, "block_size"), params = below(e, s, "algorithm_params");
    OCT_TRY(allow(e, s, known, err));
    bool real = is_text(kind.value, "FLOAT");
    json_int_t wide = json_integer_value(bits.value);
    if (real ? wide != 16 : wide != 8 && wide != 4)
        return refuse(e, bits.at, "num_bits", bits.value, err);
    if (!real && json_is_false(symmetric.value))
        return refuse(e, symmetric.at, "symmetric", symmetric.value, err);
    if (block.value != NULL && json_integer_value(block.value) != 0)
        return refuse(e, block.at, "block_size", block.value, err);
    if (params.value != NULL && json_object_size(params.value) > 0)
        return refuse(e, params.at, "algorithm_params", params.value, err);
    e->rule->value.per_tensor = !json_is_true(json_object_get(s.value, "channel_wise")) &&
                                (granularity.value == NULL || is_text(granularity.value, "TENSORWISE"));
    if (granularity.value != NULL && !e->rule->value.per_tensor && !is_text(granularity.value, "CHANNELWISE"))
        return refuse(e, granularity.at, "granularity", granularity.value, err);
    if (!real)
        e->rule->sets |= OCT_SETS_GRANULARITY | OCT_SETS_BITS;
    e->rule->value.bits = (int32_t)wide;
    return OCT_OK;
}

static oct_status read_activations(entry *e, spot s, oct_error *err)
{
    static const char *const known[] = { "num_bits", "symmetric", "granularity", "dtype", NULL };
    spot bits = below(e, s, "num_bits"), symmetric = below(e, s, "symmetric");
    spot granularity = below(e, s, "granularity"), kind = below(e, s, "dtype");
    OCT_TRY(allow(e, s, known, err));
    json_int_t wide = json_integer_value(bits.value);
    if (wide != 8 && wide != 16)
        return refuse(e, bits.at, "num_bits", bits.value, err);
    if (json_is_false(symmetric.value) != (wide == 8))
        return refuse(e, symmetric.at, "symmetric", symmetric.value, err);
    if (granularity.value != NULL && !is_text(granularity.value, "TENSORWISE"))
        return refuse(e, granularity.at, "granularity", granularity.value, err);
    if (kind.value != NULL && !is_text(kind.value, "INT"))
        return refuse(e, kind.at, "dtype", kind.value, err);
    e->rule->value.form = wide == 8 ? OCT_MODE_INT8 : OCT_MODE_INT16X8;
    return OCT_OK;
}

/* How an operator computes. */
static oct_status read_config(entry *e, spot config, oct_error *err)
{
    static const char *const known[] = { "activation_tensor_config", "weight_tensor_config",
        "compute_precision", "explicit_dequantize", "skip_checks", "min_weight_elements", NULL };
    spot activations = below(e, config, "activation_tensor_config");
    spot weights = below(e, config, "weight_tensor_config"), least = below(e, config, "min_weight_elements");
    spot precision = below(e, config, "compute_precision"), skip = below(e, config, "skip_checks");
    spot expands = below(e, config, "explicit_dequantize");
    OCT_TRY(allow(e, config, known, err));
    if (json_is_true(skip.value))
        return refuse(e, skip.at, "skip_checks", skip.value, err);
    if (!json_is_object(weights.value))
        return refuse(e, weights.at, "weight_tensor_config", weights.value, err);
    OCT_TRY(read_weights(e, weights, err));
    bool integer = is_text(precision.value, "INTEGER"), expanded = json_is_true(expands.value);
    if (activations.value != NULL && integer && !expanded)
        return read_activations(e, activations, err);
    if (activations.value != NULL || integer == expanded)
        return refuse(e, precision.at, "compute_precision", precision.value, err);
    e->rule->value.form = integer ? OCT_MODE_DYNAMIC : OCT_MODE_WEIGHT_ONLY;
    e->rule->value.min_elements = (int32_t)json_integer_value(least.value);
    e->rule->sets |= OCT_SETS_MIN_ELEMENTS;
    return OCT_OK;
}

static oct_status read_algorithm(entry *e, oct_error *err)
{
    const spot here = { e->object, e->at };
    spot algorithm = below(e, here, "algorithm_key"), config = below(e, here, "op_config");
    e->rule->sets |= OCT_SETS_FORM;
    e->rule->value.form = OCT_MODE_FLOAT32;
    if (is_text(algorithm.value, "no_quantize"))
        return OCT_OK;
    bool casts = is_text(algorithm.value, "float_casting");
    if (!casts && !is_text(algorithm.value, "min_max_uniform_quantize"))
        return refuse(e, algorithm.at, "algorithm_key", algorithm.value, err);
    OCT_TRY(read_config(e, config, err));
    spot kind = below(e, below(e, config, "weight_tensor_config"), "dtype");
    if (is_text(kind.value, "FLOAT") != casts)
        return refuse(e, kind.at, "dtype", kind.value, err);
    if (casts) {
        e->rule->value.form = OCT_MODE_FLOAT16;
        e->rule->sets = OCT_SETS_FORM;
    }
    return OCT_OK;
}

/* Which layers. */

static oct_status read_operation(entry *e, oct_error *err)
{
    const spot here = { e->object, e->at };
    spot operation = below(e, here, "operation");
    const char *name = json_is_string(operation.value) ? json_string_value(operation.value) : "";
    if (strcmp(name, "*") == 0)
        return OCT_OK;
    name = strcmp(name, "CONV_2D_TRANSPOSE") == 0 ? "TRANSPOSE_CONV" : name;
    e->rule->ops = oct_arena_array(&e->recipe->arena, 1, sizeof *e->rule->ops);
    if (e->rule->ops == NULL)
        return oct_fail_memory(err, sizeof *e->rule->ops, "a recipe");
    for (int32_t i = 0; i < OCT_OP_COUNT && e->rule->op_count == 0; i++)
        if (oct_builtin_name((oct_builtin)i) != NULL && strcmp(oct_builtin_name((oct_builtin)i), name) == 0)
            e->rule->ops[e->rule->op_count++] = (oct_builtin)i;
    return e->rule->op_count > 0 ? OCT_OK : refuse(e, operation.at, "operation", operation.value, err);
}

static oct_status read_regex(entry *e, oct_error *err)
{
    const spot here = { e->object, e->at };
    spot regex = below(e, here, "regex");
    if (!json_is_string(regex.value))
        return refuse(e, regex.at, "regex", regex.value, err);
    const char *text = json_string_value(regex.value);
    e->rule->pattern = oct_arena_text(&e->recipe->arena, text, strlen(text));
    if (e->rule->pattern == NULL)
        return oct_fail_memory(err, strlen(text), "a recipe");
    return oct_rule_compile(e->recipe, e->rule, regex.at, err);
}

static oct_status read_entry(entry *e, oct_error *err)
{
    static const char *const known[] = { "regex", "operation", "algorithm_key", "op_config", NULL };
    const spot here = { e->object, e->at };
    if (!json_is_object(e->object))
        return refuse(e, e->at, "recipe", e->object, err);
    OCT_TRY(allow(e, here, known, err));
    OCT_TRY(read_operation(e, err));
    OCT_TRY(read_algorithm(e, err));
    return read_regex(e, err);
}

/* Order. */

static void drop(oct_recipe *recipe, int32_t index)
{
    regfree(&recipe->rules[index].regex);
    for (int32_t i = index; i + 1 < recipe->count; i++)
        recipe->rules[i] = recipe->rules[i + 1];
    recipe->count--;
}

/* The last rule goes behind those of its expression; one for all operators replaces them. */
static void settle_last(oct_recipe *recipe)
{
    oct_rule last = recipe->rules[recipe->count - 1];
    int32_t to = recipe->count - 1;
    for (int32_t i = recipe->count - 2; i >= 0; i--) {
        if (strcmp(recipe->rules[i].pattern, last.pattern) != 0)
            continue;
        to = to == recipe->count - 1 ? i + 1 : to;
        if (last.op_count == 0) {
            drop(recipe, i);
            to = i;
        }
    }
    for (int32_t i = recipe->count - 1; i > to; i--)
        recipe->rules[i] = recipe->rules[i - 1];
    recipe->rules[to] = last;
}

/* All of the model in 8 bits says so of its inputs and outputs as well. */
static void look_at_ends(oct_recipe *recipe)
{
    for (int32_t i = 0; i < recipe->count; i++)
        if (recipe->rules[i].op_count == 0 && strcmp(recipe->rules[i].pattern, ".*") == 0)
            recipe->integer_io = recipe->rules[i].value.form == OCT_MODE_INT8;
}

oct_status oct_recipe_read_foreign(
    oct_recipe *recipe, const json_t *entries, size_t at, oct_error *err)
{
    size_t count = json_array_size(entries);
    recipe->foreign = true;
    recipe->base.form = OCT_MODE_FLOAT32;
    recipe->sets = OCT_SETS_FORM;
    recipe->rules = oct_arena_array(&recipe->arena, count, sizeof *recipe->rules);
    if (recipe->rules == NULL)
        return oct_fail_memory(err, count * sizeof *recipe->rules, "a recipe");
    for (size_t i = 0; i < count; i++) {
        oct_rule *rule = &recipe->rules[recipe->count++];
        rule->at = oct_json_element(recipe->text, at, i);
        entry e = { recipe, json_array_get(entries, i), rule->at, rule };
        OCT_TRY(read_entry(&e, err));
        settle_last(recipe);
    }
    look_at_ends(recipe);
    return OCT_OK;
}
