/*
 * A clone of the graph in which every input that a layer takes from another is an input of the graph.
 */
#include "eval/isolated.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Values that follow from constants and shapes alone stay where they are. */
static bool is_known(const oct_session *session, int32_t tensor)
{
    return tensor < 0 || oct_session_value(session, tensor)->known;
}

bool oct_can_isolate(const oct_graph *graph, const oct_session *session, int32_t node)
{
    const oct_node *n = graph->subgraphs[0]->nodes[node];
    const oct_op_def *def = oct_op_of(n);
    bool cut = false;
    if (def == NULL || (def->traits & OCT_TRAIT_STATEFUL) != 0)
        return false;
    for (int32_t i = 0; i < n->output_count; i++)
        if (n->outputs[i] < 0 || oct_session_value(session, n->outputs[i])->late)
            return false;
    for (int32_t i = 0; i < n->input_count; i++) {
        if (is_known(session, n->inputs[i]))
            continue;
        const oct_value *value = oct_session_value(session, n->inputs[i]);
        if (value->late || value->variable || value->type != OCT_FLOAT32)
            return false;
        cut = true;
    }
    return cut;
}

static bool makes_known_values(const oct_session *session, const oct_node *node)
{
    for (int32_t i = 0; i < node->output_count; i++)
        if (!is_known(session, node->outputs[i]))
            return false;
    return true;
}

static oct_status cut_input(oct_isolated *iso, const oct_session *session, const oct_node *node,
    int32_t at, int32_t slot, oct_error *err)
{
    const oct_value *value = oct_session_value(session, node->inputs[slot]);
    int32_t index;
    OCT_TRY(oct_graph_add_tensor(iso->graph, iso->graph->subgraphs[0], value->label, value->type,
        value->rank, value->dims, &index, err));
    node->inputs[slot] = index;
    iso->cuts[iso->cut_count++] = (oct_cut){ .node = at, .slot = slot };
    return OCT_OK;
}

/* Cuts inputs and removes the other nodes, last ones first so that positions stay good. */
static oct_status cut_all(
    oct_isolated *iso, const oct_session *session, const bool *wanted, oct_error *err)
{
    oct_subgraph *sub = iso->graph->subgraphs[0];
    for (int32_t i = sub->node_count - 1; i >= 0; i--) {
        const oct_node *node = sub->nodes[i];
        if (!wanted[i] && !makes_known_values(session, node)) {
            oct_graph_remove_node(sub, i);
            continue;
        }
        for (int32_t slot = 0; slot < node->input_count; slot++)
            if (!is_known(session, node->inputs[slot]))
                OCT_TRY(cut_input(iso, session, node, i, slot, err));
    }
    return OCT_OK;
}

/* The cuts become the graph's inputs; it needs no outputs, because taps see every value. */
static oct_status set_boundary(oct_isolated *iso, int32_t first, oct_error *err)
{
    oct_subgraph *sub = iso->graph->subgraphs[0];
    sub->inputs =
        oct_arena_array(&iso->graph->arena, (size_t)iso->cut_count + 1, sizeof *sub->inputs);
    if (sub->inputs == NULL)
        return oct_fail_memory(err, (size_t)iso->cut_count * sizeof *sub->inputs, "layers");
    for (int32_t i = 0; i < iso->cut_count; i++)
        sub->inputs[i] = first + i;
    sub->input_count = iso->cut_count;
    sub->output_count = 0;
    iso->graph->signature_count = 0;
    return OCT_OK;
}

oct_status oct_isolated_create(const oct_graph *graph, const oct_session *session,
    const bool *wanted, const oct_session_options *options, oct_isolated *out, oct_error *err)
{
    const oct_subgraph *sub = graph->subgraphs[0];
    size_t slots = 1;
    for (int32_t i = 0; i < sub->node_count; i++)
        slots += (size_t)sub->nodes[i]->input_count;
    out->cuts = calloc(slots, sizeof *out->cuts);
    if (out->cuts == NULL)
        return oct_fail_memory(err, slots * sizeof *out->cuts, "layers");
    OCT_TRY(oct_graph_clone(graph, &out->graph, err));
    OCT_TRY(cut_all(out, session, wanted, err));
    OCT_TRY(set_boundary(out, sub->tensor_count, err));
    oct_session_options fixed = *options;
    fixed.batch = 0; /* shapes are those of the session already */
    OCT_TRY(oct_session_create_graph(out->graph, &fixed, &out->session, err));
    for (int32_t i = 0; i < out->cut_count; i++) {
        size_t size;
        out->cuts[i].values = oct_session_input(out->session, i, &size);
        out->cuts[i].count = size / sizeof(float);
    }
    return OCT_OK;
}

void oct_isolated_free(oct_isolated *isolated)
{
    oct_session_free(isolated->session);
    oct_graph_free(isolated->graph);
    free(isolated->cuts);
    *isolated = (oct_isolated){ 0 };
}
