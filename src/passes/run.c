/*
 * The passes, run over every subgraph until a whole round changes nothing.
 *
 * Each rewrite removes a node, a tensor or an activation, so the rounds end; the limit only catches a
 * pass that undoes another's work.
 */
#include "passes/list.h"

static const oct_pass passes[] = {
#define OCT_PASS(stem, text) { .name = text, .run = oct_pass_##stem },
#include "passes/passes.def"
#undef OCT_PASS
};

static oct_status run_one(const oct_pass *pass, oct_graph *graph, int32_t *changed, oct_error *err)
{
    int32_t count = 0;
    for (int32_t i = 0; i < graph->subgraph_count; i++)
        OCT_TRY(oct_error_prefix(err, pass->run(graph, graph->subgraphs[i], &count, err), "pass %s",
            pass->name));
    *changed += count;
    if (count == 0)
        return OCT_OK;
    return oct_error_prefix(err, oct_graph_check(graph, err), "after pass %s", pass->name);
}

static int32_t total_nodes(const oct_graph *graph)
{
    int32_t count = 0;
    for (int32_t i = 0; i < graph->subgraph_count; i++)
        count += graph->subgraphs[i]->node_count;
    return count;
}

oct_status oct_passes_run(oct_graph *graph, oct_error *err)
{
    for (int32_t round = 0, limit = 4 * total_nodes(graph) + 16; round < limit; round++) {
        int32_t changed = 0;
        for (size_t i = 0; i < sizeof passes / sizeof *passes; i++)
            OCT_TRY(run_one(&passes[i], graph, &changed, err));
        if (changed == 0)
            return OCT_OK;
    }
    return oct_fail(err, OCT_E_INVALID, "the graph passes do not come to an end");
}
