/*
 * Any bytes are a recipe or a sentence about why not, with a place. What is a recipe can be settled on a
 * model, and what it is printed as is a recipe that is printed the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "quant/recipe.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const int32_t dims[4] = { 1, 2, 2, 4 };

/* x -> ADD "a" -> FULLY_CONNECTED "b/c" -> SOFTMAX "d". */
static oct_graph *some_graph(void)
{
    static const struct {
        oct_builtin op;
        oct_options_type options;
        const char *name;
    } layers[] = { { OCT_OP_ADD, OCT_OPTIONS_Add, "a" }, { OCT_OP_FULLY_CONNECTED, OCT_OPTIONS_FullyConnected, "b/c" },
        { OCT_OP_SOFTMAX, OCT_OPTIONS_Softmax, "d" } };
    oct_graph *graph = oct_graph_create();
    oct_subgraph *sub;
    int32_t from, to;
    if (graph == NULL || oct_graph_add_subgraph(graph, "main", &sub, NULL) != OCT_OK ||
        oct_graph_add_tensor(graph, sub, "x", OCT_FLOAT32, 4, dims, &from, NULL) != OCT_OK)
        abort();
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        const int32_t inputs[2] = { from, from };
        if (oct_graph_add_tensor(graph, sub, layers[i].name, OCT_FLOAT32, 4, dims, &to, NULL) != OCT_OK ||
            oct_graph_insert_node(graph, sub, sub->node_count, layers[i].op, inputs, i == 2 ? 1 : 2, &to, 1,
                layers[i].options, NULL, NULL) != OCT_OK)
            abort();
        from = to;
    }
    return graph;
}

/* Printed by a recipe; NULL: it contradicts itself on this graph. */
static char *print(const oct_graph *graph, const oct_recipe *recipe)
{
    oct_quant_options options = { .mode = OCT_MODE_INT8, .recipe = recipe };
    oct_error err = { 0 };
    char *text, *unused = NULL;
    oct_status status = oct_recipe_resolve_graph(graph, &options, &text, &unused, &err);
    if (status != OCT_OK && err.text[0] == 0)
        abort();
    free(unused);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    oct_recipe *recipe, *again;
    oct_error err = { 0 };
    if (oct_recipe_parse((const char *)bytes, size, "r", &recipe, &err) != OCT_OK) {
        if (strncmp(err.text, "r:", 2) != 0)
            abort();
        return 0;
    }
    oct_graph *graph = some_graph();
    char *text = print(graph, recipe), *same;
    if (text != NULL) {
        if (oct_recipe_parse(text, strlen(text), "printed", &again, &err) != OCT_OK)
            abort();
        same = print(graph, again);
        if (same == NULL || strcmp(text, same) != 0)
            abort();
        oct_recipe_free(again);
        free(same);
    }
    free(text);
    oct_graph_free(graph);
    oct_recipe_free(recipe);
    return 0;
}
