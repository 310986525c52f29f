/*
 * A recipe printed back: what became of each layer, as rules that say just that; and rules of no effect.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/op.h"
#include "quant/recipe.h"
#include "quant/report.h"

/* "percentile:99.99" */
static json_t *range_json(const oct_setting *setting)
{
    if (setting->range != OCT_RANGE_PERCENTILE)
        return json_string(oct_range_method_name(setting->range));
    return json_sprintf("percentile:%.9g", setting->range_argument > 0 ? setting->range_argument : 99.999);
}

/* What a form has no use for is left out. */
static json_t *setting_json(const oct_setting *setting, oct_mode form)
{
    json_t *object = json_object();
    json_object_set_new(object, "form", json_string(oct_mode_name(form)));
    if (form == OCT_MODE_FLOAT32 || form == OCT_MODE_FLOAT16)
        return object;
    json_object_set_new(object, "bits", json_integer(setting->bits));
    json_object_set_new(object, "granularity", json_string(setting->per_tensor ? "tensor" : "channel"));
    if (oct_mode_needs_calibration(form))
        json_object_set_new(object, "range", range_json(setting));
    else
        json_object_set_new(object, "min_elements", json_integer(setting->min_elements));
    return object;
}

static json_t *layer_json(const oct_subgraph *sub, int32_t index, const oct_setting *setting)
{
    const oct_node *node = sub->nodes[index];
    char label[512];
    const char *name = oct_tensor_label(sub, node->outputs[0], label, sizeof label);
    /* An operator without the form is left float by each of them. */
    oct_mode form = oct_node_has_form(node, setting->form) ? setting->form : OCT_MODE_FLOAT32;
    json_t *rule = json_object(), *rest = setting_json(setting, form);
    json_object_set_new(rule, "layer", json_string(name));
    if (oct_builtin_name(node->op) != NULL)
        json_object_set_new(rule, "op", json_string(oct_builtin_name(node->op)));
    json_object_update(rule, rest);
    json_decref(rest);
    /* Float layers beside quantized ones have biases to correct, too. */
    json_object_set_new(rule, "effort", json_string(oct_effort_name(setting->effort)));
    return rule;
}

static oct_status print(const oct_graph *graph, const oct_settings *settings, oct_mode mode, char **text,
    oct_error *err)
{
    const oct_subgraph *sub = graph->subgraphs[0];
    bool integer_io = mode == OCT_MODE_INT8_FULL;
    json_t *rules = json_array(),
           *base = setting_json(&settings->base, integer_io ? OCT_MODE_INT8 : settings->base.form);
    json_object_set_new(base, "effort", json_string(oct_effort_name(settings->base.effort)));
    if (integer_io)
        json_object_set_new(base, "form", json_string(oct_mode_name(mode)));
    for (int32_t i = 0; i < settings->count; i++)
        if (sub->nodes[i]->output_count > 0)
            json_array_append_new(rules, layer_json(sub, i, &settings->of[i]));
    size_t count = json_array_size(rules);
    json_t *root = json_pack("{s:i, s:o, s:o}", "octavo_recipe", 1, "default", base, "rules", rules);
    char *line = root == NULL ? NULL : json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    *text = line == NULL ? NULL : realloc(line, strlen(line) + 2);
    if (*text == NULL) {
        free(line);
        return oct_fail_memory(err, count * sizeof *settings->of, "a recipe");
    }
    strcat(*text, "\n");
    return OCT_OK;
}

/* The first line of a rule's text. */
static oct_status list_unused(const oct_recipe *recipe, const bool *used, char **out, oct_error *err)
{
    size_t size = 0;
    FILE *stream = open_memstream(out, &size);
    if (stream == NULL)
        return oct_fail_memory(err, 1, "a list of rules");
    for (int32_t i = 0; i < recipe->count; i++) {
        const char *text = recipe->text + recipe->rules[i].at;
        if (!used[i])
            fprintf(stream, "line %d: %.*s\n", (int)oct_recipe_line(recipe, recipe->rules[i].at),
                (int)strcspn(text, "\n"), text);
    }
    if (fclose(stream) != 0)
        return oct_fail_memory(err, size, "a list of rules");
    return OCT_OK;
}

oct_status oct_recipe_resolve_graph(const oct_graph *graph, const oct_quant_options *asked,
    char **text, char **unused, oct_error *err)
{
    const oct_quant_options options = oct_recipe_options(asked);
    oct_settings settings;
    oct_arena arena = { 0 };
    bool *used = oct_arena_array(&arena, (size_t)options.recipe->count, sizeof *used);
    *text = NULL;
    oct_status status = used == NULL ? oct_fail_memory(err, (size_t)options.recipe->count, "rules")
                                     : oct_recipe_settle(options.recipe, graph, &options, &arena,
                                           &settings, used, err);
    if (status == OCT_OK)
        status = print(graph, &settings, options.mode, text, err);
    if (status == OCT_OK && unused != NULL)
        status = list_unused(options.recipe, used, unused, err);
    if (status != OCT_OK) {
        free(*text);
        *text = NULL;
    }
    oct_arena_free(&arena);
    return status;
}
