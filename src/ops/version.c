/*
 * Operator versions of a graph, and the runtime they need.
 *
 * The exporter keeps one operator code a kind, so a version is the maximum over all uses. The metadata
 * entry min_runtime_version is the newest of the runtimes in which those versions appeared: 16 bytes of
 * NUL-padded text. Source: LiteRT tflite/converter/tools/versioning/runtime_version.cc.
 */
#include "ops/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION_BYTES = 16 };
static const char metadata_name[] = "min_runtime_version";

bool oct_broadcasts_above_rank_4(const oct_subgraph *sub, const oct_node *node)
{
    const oct_tensor *a = oct_node_input(sub, node, 0), *b = oct_node_input(sub, node, 1);
    if (a == NULL || b == NULL)
        return false;
    bool same = a->rank == b->rank
        && (a->rank == 0 || memcmp(a->dims, b->dims, (size_t)a->rank * sizeof *a->dims) == 0);
    return !same && (a->rank > 4 || b->rank > 4);
}

int32_t oct_version_s8_2(const oct_subgraph *sub, const oct_node *node)
{
    return oct_node_type(sub, node, 0) == OCT_INT8 ? 2 : 1;
}

int32_t oct_version_s8_2_s16_3(const oct_subgraph *sub, const oct_node *node)
{
    oct_type type = oct_node_type(sub, node, 0);
    return type == OCT_INT16 ? 3 : type == OCT_INT8 ? 2 : 1;
}

int32_t oct_version_s8_s16_2(const oct_subgraph *sub, const oct_node *node)
{
    oct_type type = oct_node_type(sub, node, 0);
    return type == OCT_INT16 || type == OCT_INT8 ? 2 : 1;
}

typedef struct release { int32_t part[3]; } release;

static release parse_release(const char *text)
{
    release r = { { 0, 0, 0 } };
    sscanf(text, "%d.%d.%d", &r.part[0], &r.part[1], &r.part[2]);
    return r;
}

static bool newer(release a, release b)
{
    for (int i = 0; i < 3; i++)
        if (a.part[i] != b.part[i])
            return a.part[i] > b.part[i];
    return false;
}

/* Word number `version` of the descriptor's list; {0} where the list ends or has "-". */
static release runtime_of(const oct_op_def *def, int32_t version)
{
    const char *word = def->runtime ? def->runtime : "";
    for (int32_t i = 1; i < version && *word != 0; i++) {
        word += strcspn(word, " ");
        word += strspn(word, " ");
    }
    return parse_release(word);
}

static int32_t node_version(const oct_subgraph *sub, const oct_node *node, const oct_op_def *def)
{
    return def->version != NULL ? def->version(sub, node) : 1;
}

static oct_metadata *find_metadata(const oct_graph *graph)
{
    for (int32_t i = 0; i < graph->metadata_count; i++)
        if (graph->metadata[i].name != NULL && strcmp(graph->metadata[i].name, metadata_name) == 0)
            return &graph->metadata[i];
    return NULL;
}

static oct_metadata *add_metadata(oct_graph *graph)
{
    size_t count = (size_t)graph->metadata_count;
    oct_metadata *list = oct_arena_array(&graph->arena, count + 1, sizeof *list);
    if (list == NULL)
        return NULL;
    if (count > 0)
        memcpy(list, graph->metadata, count * sizeof *list);
    graph->metadata = list;
    graph->metadata_count++;
    list[count].name = metadata_name;
    return &list[count];
}

static oct_status store_release(oct_graph *graph, release r, oct_error *err)
{
    char *text = oct_arena_alloc(&graph->arena, VERSION_BYTES);
    oct_metadata *entry = find_metadata(graph);
    if (entry == NULL)
        entry = add_metadata(graph);
    if (text == NULL || entry == NULL)
        return oct_fail_memory(err, VERSION_BYTES, metadata_name);
    if (r.part[0] > 0)
        snprintf(text, VERSION_BYTES, "%d.%d.%d", (int)r.part[0] % 1000, (int)r.part[1] % 1000,
            (int)r.part[2] % 1000);
    entry->data = text;
    entry->size = VERSION_BYTES;
    return OCT_OK;
}

/* The release a graph already names; operators not known here may be the reason for it. */
static release stored_release(const oct_graph *graph)
{
    char text[VERSION_BYTES + 1] = { 0 };
    const oct_metadata *entry = find_metadata(graph);
    if (entry != NULL && entry->data != NULL)
        memcpy(text, entry->data, entry->size < VERSION_BYTES ? entry->size : VERSION_BYTES);
    return parse_release(text);
}

oct_status oct_ops_assign_versions(oct_graph *graph, oct_error *err)
{
    int32_t highest[OCT_OP_COUNT] = { 0 };
    bool all_known = true;
    for (int32_t s = 0; s < graph->subgraph_count; s++)
        for (int32_t i = 0; i < graph->subgraphs[s]->node_count; i++) {
            const oct_node *node = graph->subgraphs[s]->nodes[i];
            const oct_op_def *def = oct_op_find(node->op);
            all_known = all_known && def != NULL;
            if (def == NULL)
                continue;
            int32_t version = node_version(graph->subgraphs[s], node, def);
            if (version > highest[node->op])
                highest[node->op] = version;
        }
    release latest = { { 0, 0, 0 } };
    if (!all_known)
        latest = stored_release(graph);
    for (int32_t op = 0; op < OCT_OP_COUNT; op++)
        if (highest[op] > 0) {
            release r = runtime_of(oct_op_find((oct_builtin)op), highest[op]);
            if (newer(r, latest))
                latest = r;
        }
    for (int32_t s = 0; s < graph->subgraph_count; s++)
        for (int32_t i = 0; i < graph->subgraphs[s]->node_count; i++) {
            oct_node *node = graph->subgraphs[s]->nodes[i];
            if (oct_op_find(node->op) != NULL)
                node->version = highest[node->op];
        }
    return store_release(graph, latest, err);
}
