/*
 * Building and editing graphs.
 *
 * Arrays of pointers grow by doubling inside the arena; the outgrown array stays behind unused, which
 * costs less than half of the final one.
 */
#include "graph/graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

oct_graph *oct_graph_create(void)
{
    oct_graph *graph = calloc(1, sizeof *graph);
    if (graph != NULL)
        atomic_init(&graph->references, 1);
    return graph;
}

void oct_graph_free(oct_graph *graph)
{
    if (graph == NULL || atomic_fetch_sub(&graph->references, 1) != 1)
        return;
    oct_graph *origin = graph->origin;
    for (int32_t i = 0; i < graph->backing_count; i++)
        oct_backing_release(graph->backings[i]);
    free(graph->backings);
    oct_arena_free(&graph->arena);
    free(graph);
    oct_graph_free(origin);
}

oct_status oct_graph_adopt(oct_graph *graph, oct_backing *backing, oct_error *err)
{
    if (graph->backing_count == graph->backing_capacity) {
        int32_t capacity = graph->backing_capacity == 0 ? 16 : 2 * graph->backing_capacity;
        oct_backing **grown = realloc(graph->backings, (size_t)capacity * sizeof *grown);
        if (grown == NULL) {
            oct_backing_release(backing);
            return oct_fail_memory(err, (size_t)capacity * sizeof *grown, "graph");
        }
        graph->backings = grown;
        graph->backing_capacity = capacity;
    }
    graph->backings[graph->backing_count++] = backing;
    return OCT_OK;
}

enum { HEAP_BYTES = 24 << 20, SPOOLED_BYTES = 1 << 16 };

/* Large graphs are made constant by constant: only the one in work need be in memory. */
void *oct_graph_new_bytes(oct_graph *graph, size_t size)
{
    bool spooled = size >= SPOOLED_BYTES && graph->heap_bytes + size > HEAP_BYTES;
    const oct_backing *before = graph->spooled;
    if (spooled && before != NULL)
        oct_backing_rest(before, oct_backing_bytes(before), oct_backing_size(before));
    oct_backing *backing = spooled ? oct_backing_create_spooled(size) : oct_backing_create(size);
    if (backing == NULL || oct_graph_adopt(graph, backing, NULL) != OCT_OK)
        return NULL;
    if (spooled)
        graph->spooled = backing;
    else
        graph->heap_bytes += size;
    return oct_backing_bytes(backing);
}

void oct_graph_rest(const oct_graph *graph, const void *data, size_t size)
{
    if (size < SPOOLED_BYTES)
        return;
    for (; graph != NULL; graph = graph->origin)
        for (int32_t i = 0; i < graph->backing_count; i++)
            if (oct_backing_rest(graph->backings[i], data, size))
                return;
}

/* Makes room for one more pointer in an arena array. */
static bool grow(oct_arena *arena, void ***array, int32_t count, int32_t *capacity)
{
    if (count < *capacity)
        return true;
    int32_t larger = *capacity == 0 ? 16 : 2 * *capacity;
    void **grown = oct_arena_array(arena, (size_t)larger, sizeof *grown);
    if (grown == NULL)
        return false;
    if (count != 0)
        memcpy(grown, *array, (size_t)count * sizeof *grown);
    *array = grown;
    *capacity = larger;
    return true;
}

oct_status oct_graph_add_subgraph(oct_graph *graph, const char *name, oct_subgraph **out,
    oct_error *err)
{
    size_t count = (size_t)graph->subgraph_count;
    oct_subgraph *sub = oct_arena_alloc(&graph->arena, sizeof *sub);
    oct_subgraph **list = oct_arena_array(&graph->arena, count + 1, sizeof *list);
    char *copy = name == NULL ? NULL : oct_arena_text(&graph->arena, name, strlen(name));
    if (sub == NULL || list == NULL || (name != NULL && copy == NULL))
        return oct_fail_memory(err, sizeof *sub, "subgraph");
    if (count != 0)
        memcpy(list, graph->subgraphs, count * sizeof *list);
    sub->name = copy;
    sub->debug_metadata_index = -1;
    list[count] = sub;
    graph->subgraphs = list;
    graph->subgraph_count++;
    *out = sub;
    return OCT_OK;
}

oct_status oct_graph_add_tensor(oct_graph *graph, oct_subgraph *sub, const char *name, oct_type type,
    int32_t rank, const int32_t *dims, int32_t *index, oct_error *err)
{
    oct_arena *arena = &graph->arena;
    void **list = (void **)sub->tensors;
    oct_tensor *tensor = oct_arena_alloc(arena, sizeof *tensor);
    if (tensor == NULL || !grow(arena, &list, sub->tensor_count, &sub->tensor_capacity))
        return oct_fail_memory(err, sizeof *tensor, "tensor");
    sub->tensors = (oct_tensor **)list;
    tensor->name = name == NULL ? NULL : oct_arena_text(arena, name, strlen(name));
    tensor->dims = oct_arena_copy(arena, dims, (size_t)rank * sizeof *dims);
    if (tensor->dims == NULL || (name != NULL && tensor->name == NULL))
        return oct_fail_memory(err, (size_t)rank * sizeof *dims, "tensor");
    tensor->type = type;
    tensor->rank = rank;
    tensor->has_rank = true;
    sub->tensors[sub->tensor_count] = tensor;
    *index = sub->tensor_count++;
    return OCT_OK;
}

oct_status oct_graph_add_constant(oct_graph *graph, oct_subgraph *sub, const char *name,
    oct_type type, int32_t rank, const int32_t *dims, const void *bytes, int32_t *index,
    oct_error *err)
{
    OCT_TRY(oct_graph_add_tensor(graph, sub, name, type, rank, dims, index, err));
    oct_tensor *tensor = sub->tensors[*index];
    int64_t size = oct_tensor_bytes(tensor);
    void *copy = size < 0 ? NULL : oct_graph_new_bytes(graph, (size_t)size);
    if (copy == NULL)
        return oct_fail_memory(err, size < 0 ? 0 : (size_t)size, name == NULL ? "constant" : name);
    if (size != 0)
        memcpy(copy, bytes, (size_t)size);
    tensor->data = copy;
    tensor->size = (size_t)size;
    return OCT_OK;
}

static void set_default(void *slot, const oct_field *field)
{
    switch (field->kind) {
    case OCT_KIND_bool:
        *(bool *)slot = field->fallback != 0;
        break;
    case OCT_KIND_i32:
        *(int32_t *)slot = (int32_t)field->fallback;
        break;
    case OCT_KIND_f32:
        *(float *)slot = (float)field->fallback;
        break;
    case OCT_KIND_type:
        *(int8_t *)slot = (int8_t)field->fallback;
        break;
    default: /* no other kind has a default other than zero in the schema */
        break;
    }
}

void *oct_graph_new_options(oct_graph *graph, oct_options_type type)
{
    const oct_record *record = type == OCT_OPTIONS_NONE ? NULL : oct_options_record(type);
    if (record == NULL || record->size == 0)
        return NULL;
    unsigned char *options = oct_arena_alloc(&graph->arena, record->size);
    for (int i = 0; options != NULL && i < record->field_count; i++)
        set_default(options + record->fields[i].offset, &record->fields[i]);
    return options;
}

static bool options_have_fields(oct_options_type type)
{
    const oct_record *record = type == OCT_OPTIONS_NONE ? NULL : oct_options_record(type);
    return record != NULL && record->size != 0;
}

oct_status oct_graph_insert_node(oct_graph *graph, oct_subgraph *sub, int32_t at, oct_builtin op,
    const int32_t *inputs, int32_t input_count, const int32_t *outputs, int32_t output_count,
    oct_options_type options_type, oct_node **out, oct_error *err)
{
    oct_arena *arena = &graph->arena;
    void **list = (void **)sub->nodes;
    oct_node *node = oct_arena_alloc(arena, sizeof *node);
    if (node == NULL || !grow(arena, &list, sub->node_count, &sub->node_capacity))
        return oct_fail_memory(err, sizeof *node, "node");
    sub->nodes = (oct_node **)list;
    node->op = op;
    node->version = 1;
    node->inputs = oct_arena_copy(arena, inputs, (size_t)input_count * sizeof *inputs);
    node->outputs = oct_arena_copy(arena, outputs, (size_t)output_count * sizeof *outputs);
    node->input_count = input_count;
    node->output_count = output_count;
    node->options_type = options_type;
    node->options = oct_graph_new_options(graph, options_type);
    node->debug_metadata_index = -1;
    if (node->inputs == NULL || node->outputs == NULL ||
        (node->options == NULL && options_have_fields(options_type)))
        return oct_fail_memory(err, sizeof *node, "node");
    memmove(sub->nodes + at + 1, sub->nodes + at,
        (size_t)(sub->node_count - at) * sizeof *sub->nodes);
    sub->nodes[at] = node;
    sub->node_count++;
    if (out != NULL)
        *out = node;
    return OCT_OK;
}

void oct_graph_remove_node(oct_subgraph *sub, int32_t at)
{
    sub->node_count--;
    memmove(sub->nodes + at, sub->nodes + at + 1,
        (size_t)(sub->node_count - at) * sizeof *sub->nodes);
}

oct_status oct_graph_set_quant(oct_graph *graph, oct_tensor *tensor, float scale, int64_t zero_point,
    oct_error *err)
{
    const float *scales = oct_arena_copy(&graph->arena, &scale, sizeof scale);
    const int64_t *zeros = oct_arena_copy(&graph->arena, &zero_point, sizeof zero_point);
    if (scales == NULL || zeros == NULL)
        return oct_fail_memory(err, sizeof zero_point, "quantization parameters");
    tensor->quant = (oct_quant){ .count = 1, .scale = scales, .zero_point = zeros };
    return OCT_OK;
}

oct_status oct_graph_set_channel_quant(oct_graph *graph, oct_tensor *tensor, int32_t axis,
    int32_t count, const float *scales, oct_error *err)
{
    const float *copy = oct_arena_copy(&graph->arena, scales, (size_t)count * sizeof *scales);
    const int64_t *zeros = oct_arena_array(&graph->arena, (size_t)count, sizeof *zeros);
    if (copy == NULL || zeros == NULL)
        return oct_fail_memory(err, (size_t)count * sizeof *zeros, "quantization parameters");
    tensor->quant =
        (oct_quant){ .count = count, .axis = axis, .scale = copy, .zero_point = zeros };
    return OCT_OK;
}

static void replace_in(int32_t *indices, int32_t count, int32_t from, int32_t to)
{
    for (int32_t i = 0; i < count; i++)
        if (indices[i] == from)
            indices[i] = to;
}

void oct_graph_replace_uses(oct_graph *graph, oct_subgraph *sub, int32_t from, int32_t to)
{
    for (int32_t i = 0; i < sub->node_count; i++)
        replace_in(sub->nodes[i]->inputs, sub->nodes[i]->input_count, from, to);
    replace_in(sub->outputs, sub->output_count, from, to);
    for (int32_t i = 0; i < graph->signature_count; i++) {
        oct_signature *signature = &graph->signatures[i];
        if (graph->subgraphs[signature->subgraph] != sub)
            continue;
        for (int32_t j = 0; j < signature->output_count; j++)
            if (signature->outputs[j].tensor == from)
                signature->outputs[j].tensor = to;
    }
}

int32_t oct_graph_use_count(const oct_subgraph *sub, int32_t tensor)
{
    int32_t uses = 0;
    for (int32_t i = 0; i < sub->node_count; i++)
        for (int32_t j = 0; j < sub->nodes[i]->input_count; j++)
            uses += sub->nodes[i]->inputs[j] == tensor;
    for (int32_t i = 0; i < sub->output_count; i++)
        uses += sub->outputs[i] == tensor;
    return uses;
}

/* A fixed batch comes out as it went in. */
static bool outputs_lead_with(const oct_subgraph *sub, int32_t batch)
{
    for (int32_t i = 0; i < sub->output_count; i++) {
        const oct_tensor *t = sub->tensors[sub->outputs[i]];
        bool open = t->rank > 0 && t->signature != NULL && t->signature[0] < 0;
        if (t->rank == 0 || (!open && t->dims[0] != batch))
            return false;
    }
    return true;
}

bool oct_input_has_batch(const oct_subgraph *sub, int32_t input)
{
    const oct_tensor *t = sub->tensors[sub->inputs[input]];
    if (t->rank == 0 || t->dims[0] <= 1 || (t->signature != NULL && t->signature[0] < 0))
        return t->rank > 0;
    if (t->rank > 1)
        return !sub->is_whole && outputs_lead_with(sub, t->dims[0]);
    for (int32_t i = 0; i < sub->input_count; i++) {
        const oct_tensor *other = sub->tensors[sub->inputs[i]];
        if (other->rank > 1 && other->dims[0] == t->dims[0])
            return true;
    }
    return false;
}

int32_t oct_graph_producer(const oct_subgraph *sub, int32_t tensor)
{
    for (int32_t i = 0; i < sub->node_count; i++)
        for (int32_t j = 0; j < sub->nodes[i]->output_count; j++)
            if (sub->nodes[i]->outputs[j] == tensor)
                return i;
    return -1;
}

int64_t oct_tensor_elements(const oct_tensor *tensor)
{
    int64_t count = 1;
    for (int32_t i = 0; i < tensor->rank; i++)
        if (tensor->dims[i] < 0 || __builtin_mul_overflow(count, (int64_t)tensor->dims[i], &count))
            return -1;
    return count;
}

int64_t oct_tensor_bytes(const oct_tensor *tensor)
{
    int64_t elements = oct_tensor_elements(tensor), bits;
    int32_t size = oct_type_bits(tensor->type);
    if (elements < 0 || size == 0 || __builtin_mul_overflow(elements, (int64_t)size, &bits) ||
        bits > INT64_MAX - 7)
        return -1;
    return (bits + 7) / 8;
}

const char *oct_tensor_label(const oct_subgraph *sub, int32_t index, char *text, size_t size)
{
    const char *name = index >= 0 && index < sub->tensor_count ? sub->tensors[index]->name : NULL;
    if (name != NULL && name[0] != '\0')
        snprintf(text, size, "%s", name);
    else
        snprintf(text, size, "tensor %d", (int)index);
    return text;
}
