/*
 * Rules meet a model: the settings of each layer, and the recipe that says just these.
 *
 * Of several rules that set the same thing the last one counts, but for `keep`, which only another `keep`
 * undoes. A rule for a kind of layers passes over operators that lack its form; a rule that names a layer
 * must be possible, and no other may name it and say otherwise.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops/op.h"
#include "quant/recipe.h"

oct_quant_options oct_recipe_options(const oct_quant_options *options)
{
    oct_quant_options own = *options;
    const oct_recipe *recipe = options->recipe;
    if (recipe == NULL)
        return own;
    if ((recipe->sets & OCT_SETS_FORM) != 0)
        own.mode = recipe->integer_io ? OCT_MODE_INT8_FULL : recipe->base.form;
    if ((recipe->sets & OCT_SETS_RANGE) != 0) {
        own.range = recipe->base.range;
        own.range_argument = recipe->base.range_argument;
    }
    if ((recipe->sets & OCT_SETS_EFFORT) != 0)
        own.effort = recipe->base.effort;
    return own;
}

bool oct_node_has_form(const oct_node *node, oct_mode form)
{
    const oct_op_def *def = oct_op_find(node->op);
    const oct_quant_rule *rule = def == NULL ? NULL : &def->quant;
    switch (form) {
    case OCT_MODE_INT8:
    case OCT_MODE_INT8_FULL:
        return rule != NULL && rule->in_slots != 0 && (rule->s8 || rule->link == OCT_LINK_SAME);
    case OCT_MODE_INT16X8:
        return rule != NULL && rule->in_slots != 0 && rule->s16;
    case OCT_MODE_DYNAMIC:
    case OCT_MODE_WEIGHT_ONLY:
        return rule != NULL && rule->dynamic != OCT_DYNAMIC_NONE;
    default:
        return true;
    }
}

/* Whether a rule is for a layer. */

typedef struct settling {
    const oct_recipe *recipe;
    const oct_graph *graph;
    oct_settings *out;
    bool *used;
    int32_t *named; /* [nodes]: the rule that named a node and set its form, or -1 */
    bool *kept;     /* [nodes] */
    char label[512];
} settling;

static const char *name_of(settling *s, int32_t index)
{
    const oct_subgraph *sub = s->graph->subgraphs[0];
    const oct_node *node = sub->nodes[index];
    return node->output_count > 0 ? oct_tensor_label(sub, node->outputs[0], s->label, sizeof s->label) : "";
}

/* Of an operator with several results AI Edge Quantizer sees all names, each with ';' behind. */
static bool finds_foreign(settling *s, const oct_rule *rule, int32_t index)
{
    const oct_subgraph *sub = s->graph->subgraphs[0];
    const oct_node *node = sub->nodes[index];
    char scope[1024];
    size_t length = 0;
    for (int32_t i = 0; i < node->output_count && length + sizeof s->label + 2 < sizeof scope; i++) {
        const char *name = node->outputs[i] < 0 ? NULL : sub->tensors[node->outputs[i]]->name;
        size_t more = name == NULL ? 0 : strnlen(name, sizeof s->label);
        if (more == 0)
            continue;
        memcpy(scope + length, name, more);
        scope[length + more] = ';';
        length += more + 1;
    }
    scope[length] = '\0';
    return regexec(&rule->regex, scope, 0, NULL, 0) == 0;
}

/* 1: the rule is about the main subgraph; 0: about another; -1: about none that exists. */
static int about_main(const settling *s, const oct_rule *rule)
{
    int about = 1;
    for (int32_t i = 0; rule->subgraph != NULL && i < s->graph->subgraph_count; i++) {
        const char *name = s->graph->subgraphs[i]->name;
        about = i == 0 ? -1 : about;
        if (name != NULL && strcmp(name, rule->subgraph) == 0)
            return i == 0;
    }
    for (int32_t i = 0; rule->signature != NULL && i < s->graph->signature_count; i++)
        if (s->graph->signatures[i].key != NULL && strcmp(s->graph->signatures[i].key, rule->signature) == 0)
            return s->graph->signatures[i].subgraph == 0;
    return rule->signature != NULL ? -1 : about;
}

static bool selects(settling *s, const oct_rule *rule, int32_t index)
{
    const oct_node *node = s->graph->subgraphs[0]->nodes[index];
    bool of_op = rule->op_count == 0;
    for (int32_t i = 0; i < rule->op_count; i++)
        of_op = of_op || rule->ops[i] == node->op;
    if (!of_op)
        return false;
    if (s->recipe->foreign)
        return finds_foreign(s, rule, index);
    if (rule->layer != NULL)
        return strcmp(rule->layer, name_of(s, index)) == 0;
    return rule->pattern == NULL || regexec(&rule->regex, name_of(s, index), 0, NULL, 0) == 0;
}

/* Applying one. */

static void take(oct_setting *to, const oct_setting *from, unsigned sets)
{
    if ((sets & OCT_SETS_FORM) != 0)
        to->form = from->form;
    if ((sets & OCT_SETS_GRANULARITY) != 0)
        to->per_tensor = from->per_tensor;
    if ((sets & OCT_SETS_BITS) != 0)
        to->bits = from->bits;
    if ((sets & OCT_SETS_EFFORT) != 0)
        to->effort = from->effort;
    if ((sets & OCT_SETS_MIN_ELEMENTS) != 0)
        to->min_elements = from->min_elements;
    if ((sets & OCT_SETS_RANGE) != 0) {
        to->range = from->range;
        to->range_argument = from->range_argument;
    }
}

static oct_status check_named(settling *s, const oct_rule *rule, int32_t index, oct_error *err)
{
    const oct_node *node = s->graph->subgraphs[0]->nodes[index];
    const oct_rule *before = s->named[index] < 0 ? NULL : &s->recipe->rules[s->named[index]];
    if (!oct_node_has_form(node, rule->value.form))
        return oct_recipe_fail(s->recipe, rule->at, OCT_E_INVALID, err, "%s: %s has no %s form",
            rule->layer, oct_builtin_name(node->op), oct_mode_name(rule->value.form));
    if (before != NULL && before->value.form != rule->value.form)
        return oct_recipe_fail(s->recipe, rule->at, OCT_E_INVALID, err,
            "%s: %s here, %s by the rule in line %d", rule->layer, oct_mode_name(rule->value.form),
            oct_mode_name(before->value.form), (int)oct_recipe_line(s->recipe, before->at));
    s->named[index] = (int32_t)(rule - s->recipe->rules);
    return OCT_OK;
}

static oct_status apply(settling *s, int32_t number, int32_t index, oct_error *err)
{
    const oct_rule *rule = &s->recipe->rules[number];
    const oct_node *node = s->graph->subgraphs[0]->nodes[index];
    unsigned sets = rule->sets;
    if (!selects(s, rule, index))
        return OCT_OK;
    if (rule->layer != NULL && (sets & OCT_SETS_FORM) != 0)
        OCT_TRY(check_named(s, rule, index, err));
    if ((sets & OCT_SETS_FORM) != 0 && !oct_node_has_form(node, rule->value.form))
        return OCT_OK;
    if (s->used != NULL)
        s->used[number] = true;
    if (s->kept[index] && (sets & OCT_SETS_KEEP) == 0)
        sets &= ~(unsigned)OCT_SETS_FORM;
    s->kept[index] = s->kept[index] || (sets & OCT_SETS_KEEP) != 0;
    take(&s->out->of[index], &rule->value, sets);
    return OCT_OK;
}

static oct_status apply_all(settling *s, oct_error *err)
{
    for (int32_t i = 0; i < s->recipe->count; i++) {
        const oct_rule *rule = &s->recipe->rules[i];
        int about = about_main(s, rule);
        if (about == 0 && (rule->sets & OCT_SETS_FORM) != 0 && rule->value.form != OCT_MODE_FLOAT32)
            return oct_recipe_fail(s->recipe, rule->at, OCT_E_INVALID, err,
                "layers of %s are not quantized: only those of the main subgraph are",
                rule->subgraph != NULL ? rule->subgraph : rule->signature);
        if (about == 0 && s->used != NULL)
            s->used[i] = true;
        for (int32_t k = 0; about == 1 && k < s->out->count; k++)
            OCT_TRY(apply(s, i, k, err));
    }
    return OCT_OK;
}

oct_status oct_recipe_settle(const oct_recipe *recipe, const oct_graph *graph,
    const oct_quant_options *options, oct_arena *arena, oct_settings *out, bool *used, oct_error *err)
{
    size_t nodes = (size_t)graph->subgraphs[0]->node_count;
    settling s = { .recipe = recipe, .graph = graph, .out = out, .used = used,
        .named = oct_arena_array(arena, nodes, sizeof *s.named),
        .kept = oct_arena_array(arena, nodes, sizeof *s.kept) };
    *out = (oct_settings){ oct_setting_of_options(options), (int32_t)nodes,
        oct_arena_array(arena, nodes, sizeof *out->of) };
    if (s.named == NULL || s.kept == NULL || out->of == NULL)
        return oct_fail_memory(err, nodes * sizeof *out->of, "settings");
    take(&out->base, &recipe->base, recipe->sets);
    for (size_t i = 0; i < nodes; i++) {
        out->of[i] = out->base;
        s.named[i] = -1;
    }
    return apply_all(&s, err);
}
