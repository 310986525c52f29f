/*
 * Edits of a graph that quantizers of all modes make.
 */
#include "quant/rewrite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct oct_node_place {
    const oct_node *node;
    int32_t index;
} oct_node_place;

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t)((const oct_node_place *)a)->node;
    uintptr_t y = (uintptr_t)((const oct_node_place *)b)->node;
    return (x > y) - (x < y);
}

oct_status oct_work_know_nodes(oct_work *work, oct_error *err)
{
    size_t count = (size_t)work->sub->node_count;
    oct_node_place *places = oct_arena_array(&work->arena, count, sizeof *places);
    work->node_count = work->sub->node_count;
    work->nodes = oct_arena_copy(&work->arena, work->sub->nodes, count * sizeof *work->nodes);
    if (places == NULL || work->nodes == NULL)
        return oct_fail_memory(err, count * sizeof *places, "nodes");
    for (size_t i = 0; i < count; i++)
        places[i] = (oct_node_place){ work->nodes[i], (int32_t)i };
    qsort(places, count, sizeof *places, by_address);
    work->places = places;
    return OCT_OK;
}

int32_t oct_work_index(const oct_work *work, const oct_node *node)
{
    const oct_node_place key = { node, 0 };
    const oct_node_place *found =
        bsearch(&key, work->places, (size_t)work->node_count, sizeof key, by_address);
    return found == NULL ? -1 : found->index;
}

bool oct_work_takes(const oct_work *work, const oct_node *node)
{
    if (work->settings == NULL && work->kept == NULL)
        return true;
    int32_t index = oct_work_index(work, node);
    if (index >= 0 && work->kept != NULL && work->kept[index])
        return false;
    return work->settings == NULL || (index >= 0 && work->settings->of[index].form == work->form);
}

int32_t oct_work_weight_axis(const oct_work *work, const oct_node *node, int32_t axis)
{
    int32_t index = work->settings == NULL ? -1 : oct_work_index(work, node);
    return index >= 0 && work->settings->of[index].per_tensor ? -1 : axis;
}

oct_scheme oct_scheme_single(oct_work *work, oct_type type, float scale, int32_t zero_point)
{
    const float *scales = oct_arena_copy(&work->arena, &scale, sizeof scale);
    return (oct_scheme){ .type = type, .axis = -1, .count = scales != NULL, .scales = scales,
        .zero_point = zero_point };
}

bool oct_scheme_equal(const oct_scheme *a, const oct_scheme *b)
{
    return a->type == b->type && a->narrow == b->narrow && a->axis == b->axis &&
        a->count == b->count && a->zero_point == b->zero_point &&
        memcmp(a->scales, b->scales, (size_t)a->count * sizeof *a->scales) == 0;
}

oct_status oct_work_set_scheme(oct_work *work, oct_tensor *tensor, const oct_scheme *scheme,
    oct_error *err)
{
    tensor->type = scheme->type;
    if (scheme->axis >= 0)
        return oct_graph_set_channel_quant(work->graph, tensor, scheme->axis, scheme->count,
            scheme->scales, err);
    return oct_graph_set_quant(work->graph, tensor, scheme->scales[0], scheme->zero_point, err);
}

static bool name_taken(const oct_subgraph *sub, const char *name)
{
    for (int32_t i = 0; i < sub->tensor_count; i++)
        if (sub->tensors[i]->name != NULL && strcmp(sub->tensors[i]->name, name) == 0)
            return true;
    return false;
}

/* name, name1, name2, ...: the first that no tensor has. */
static const char *unique_name(oct_work *work, const char *name, oct_error *err)
{
    if (name == NULL || !name_taken(work->sub, name))
        return name;
    for (int32_t i = 1;; i++) {
        const char *candidate = oct_arena_format(&work->graph->arena, "%s%d", name, (int)i);
        if (candidate == NULL)
            oct_fail_memory(err, strlen(name), "a name");
        if (candidate == NULL || !name_taken(work->sub, candidate))
            return candidate;
    }
}

oct_status oct_work_new_tensor(oct_work *work, const oct_tensor *like, const char *name,
    oct_type type, int32_t *index, oct_error *err)
{
    const char *unique = unique_name(work, name, err);
    if (name != NULL && unique == NULL)
        return OCT_E_MEMORY;
    OCT_TRY(oct_graph_add_tensor(work->graph, work->sub, unique, type, like->rank, like->dims, index,
        err));
    oct_tensor *tensor = work->sub->tensors[*index];
    tensor->has_rank = like->has_rank;
    if (like->signature == NULL)
        return OCT_OK;
    size_t bytes = (size_t)like->rank * sizeof *like->signature;
    tensor->signature = oct_arena_copy(&work->graph->arena, like->signature, bytes);
    return tensor->signature == NULL ? oct_fail_memory(err, bytes, "a tensor") : OCT_OK;
}

oct_status oct_work_convert(oct_work *work, int32_t at, oct_builtin op, int32_t from, int32_t to,
    oct_error *err)
{
    return oct_graph_insert_node(work->graph, work->sub, at, op, &from, 1, &to, 1,
        op == OCT_OP_QUANTIZE ? OCT_OPTIONS_Quantize : OCT_OPTIONS_Dequantize, NULL, err);
}

oct_status oct_work_new_constant(oct_work *work, const oct_tensor *like, oct_type type,
    const void *bytes, size_t size, int32_t *index, oct_error *err)
{
    OCT_TRY(oct_graph_add_tensor(work->graph, work->sub, like->name, type, like->rank, like->dims,
        index, err));
    oct_tensor *tensor = work->sub->tensors[*index];
    tensor->has_rank = like->has_rank;
    tensor->data = bytes;
    tensor->size = size;
    return OCT_OK;
}

static void replace(int32_t *list, int32_t count, int32_t from, int32_t to)
{
    for (int32_t i = 0; i < count; i++)
        if (list[i] == from)
            list[i] = to;
}

void oct_work_move_boundary(oct_work *work, bool input, int32_t from, int32_t to)
{
    oct_subgraph *sub = work->sub;
    replace(input ? sub->inputs : sub->outputs, input ? sub->input_count : sub->output_count, from,
        to);
    for (int32_t i = 0; i < work->graph->signature_count; i++) {
        oct_signature *signature = &work->graph->signatures[i];
        oct_signature_entry *entries = input ? signature->inputs : signature->outputs;
        int32_t count = input ? signature->input_count : signature->output_count;
        for (int32_t j = 0; signature->subgraph == 0 && j < count; j++)
            if (entries[j].tensor == from)
                entries[j].tensor = to;
    }
    const char *name = sub->tensors[from]->name;
    sub->tensors[from]->name = sub->tensors[to]->name;
    sub->tensors[to]->name = name;
}

bool oct_tensor_is_float(const oct_tensor *tensor)
{
    return tensor->type == OCT_FLOAT32;
}

bool oct_tensor_is_constant(const oct_tensor *tensor)
{
    return tensor->data != NULL;
}

oct_tensor *oct_work_input(const oct_work *work, const oct_node *node, int32_t slot)
{
    return slot >= node->input_count || node->inputs[slot] < 0 ?
        NULL :
        work->sub->tensors[node->inputs[slot]];
}

oct_role oct_work_role(const oct_node *node, int32_t slot)
{
    const oct_op_def *def = oct_op_find(node->op);
    return def == NULL ? OCT_ROLE_NONE : oct_op_input_role(def, slot);
}

static const oct_quant_rule none = { .in_slots = 0 };

const oct_quant_rule *oct_work_rule(const oct_work *work, const oct_node *node)
{
    return oct_work_takes(work, node) ? oct_node_rule(node) : &none;
}

const oct_quant_rule *oct_node_rule(const oct_node *node)
{
    const oct_op_def *def = oct_op_find(node->op);
    return def == NULL ? &none : &def->quant;
}

int32_t oct_node_slot_with(const oct_node *node, oct_role role)
{
    for (int32_t i = 0; i < node->input_count; i++)
        if (node->inputs[i] >= 0 && oct_work_role(node, i) == role)
            return i;
    return -1;
}

int32_t oct_work_position(const oct_work *work, const oct_node *node)
{
    int32_t at = 0;
    while (work->sub->nodes[at] != node)
        at++;
    return at;
}

void *oct_node_option(oct_node *node, const char *name)
{
    const oct_record *record =
        node->options == NULL ? NULL : oct_options_record(node->options_type);
    for (int32_t i = 0; record != NULL && i < record->field_count; i++)
        if (strcmp(record->fields[i].name, name) == 0)
            return (unsigned char *)node->options + record->fields[i].offset;
    return NULL;
}
