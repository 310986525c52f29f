/*
 * Reading: file structs become the graph. Nothing is interpreted that the graph only has to keep.
 *
 * Not kept, because no reader can tell the difference: buffers and operator codes that nothing
 * names, bytes of a constant behind those its shape needs, zero points without scales, the value of
 * a union without a type.
 */
#include "tflite/tflite.h"

#include <stdio.h>
#include <string.h>

#include "tflite/buffers.h"
#include "tflite/schema.h"
#include "tflite/unpack.h"
#include "tflite/verify.h"

enum { HEADER_BYTES = 8 };

typedef struct importer {
    oct_graph *graph;
    const oct_fb_model *model;
    oct_fb_spans spans;
    const char *place; /* "subgraph 1: ", or "" in the main one */
    oct_error *err;
} importer;

static void *make(importer *in, size_t count, size_t size)
{
    void *result = oct_arena_array(&in->graph->arena, count, size);
    if (result == NULL)
        oct_fail_memory(in->err, count * size, "graph");
    return result;
}

/* A writable copy of a vector of 32-bit integers; never NULL for success. */
static int32_t *copy_indices(importer *in, oct_vec_i32 vec)
{
    int32_t *copy = make(in, vec.count, sizeof *copy);
    if (copy != NULL && vec.count != 0)
        memcpy(copy, vec.data, vec.count * sizeof *copy);
    return copy;
}

static oct_status import_quant(importer *in, const oct_fb_tensor *from, oct_quant *to)
{
    const oct_fb_quantization_parameters *quant = from->quantization;
    if (quant == NULL)
        return OCT_OK;
    const char *name = from->name == NULL ? "a tensor" : from->name;
    if (quant->scale.count != 0 && quant->scale.count != quant->zero_point.count)
        return oct_fail(in->err, OCT_E_INVALID, "%s%s: %u scales, but %u zero points", in->place,
            name, (unsigned)quant->scale.count, (unsigned)quant->zero_point.count);
    to->count = (int32_t)quant->scale.count;
    to->axis = quant->quantized_dimension;
    to->scale = to->count == 0 ? NULL : quant->scale.data;
    to->zero_point = to->count == 0 ? NULL : quant->zero_point.data;
    to->min = quant->min;
    to->max = quant->max;
    to->details = quant->details;
    return OCT_OK;
}

static oct_status import_data(importer *in, const oct_fb_tensor *from, oct_tensor *to)
{
    if (from->buffer >= in->spans.count)
        return oct_fail(in->err, OCT_E_INVALID, "%s%s: buffer %u of %u", in->place,
            from->name == NULL ? "a tensor" : from->name, (unsigned)from->buffer,
            (unsigned)in->spans.count);
    const oct_fb_span *span = &in->spans.buffers[from->buffer];
    int64_t needed = oct_tensor_bytes(to);
    if (span->data == NULL || (span->size == 0 && needed != 0))
        return OCT_OK;
    bool plain = needed >= 0 && from->sparsity == NULL;
    to->data = span->data;
    to->size = plain && span->size > (size_t)needed ? (size_t)needed : span->size;
    return OCT_OK;
}

static oct_status import_tensor(importer *in, const oct_fb_tensor *from, oct_tensor *to)
{
    const char *name = from->name == NULL ? "a tensor" : from->name;
    if (from->type < 0 || from->type >= OCT_TYPE_COUNT)
        return oct_fail(in->err, OCT_E_UNSUPPORTED, "%s%s: element type %d", in->place, name,
            (int)from->type);
    to->name = from->name;
    to->type = (oct_type)from->type;
    to->rank = (int32_t)from->shape.count;
    to->dims = copy_indices(in, from->shape);
    if (to->dims == NULL)
        return OCT_E_MEMORY;
    if (from->shape_signature.count != 0) {
        if (from->shape_signature.count != from->shape.count)
            return oct_fail(in->err, OCT_E_INVALID,
                "%s%s: a shape of %u dimensions with a signature of %u", in->place, name,
                (unsigned)from->shape.count, (unsigned)from->shape_signature.count);
        to->signature = copy_indices(in, from->shape_signature);
        if (to->signature == NULL)
            return OCT_E_MEMORY;
    }
    to->has_rank = from->has_rank;
    to->is_variable = from->is_variable;
    to->sparsity = from->sparsity;
    to->variants = from->variant_tensors;
    to->external_buffer = from->external_buffer;
    OCT_TRY(import_quant(in, from, &to->quant));
    return import_data(in, from, to);
}

/* The newer field holds operators past 127; files older than it have only the other. */
static oct_status import_code(importer *in, const oct_fb_operator *from, int32_t at, oct_node *to)
{
    if (from->opcode_index >= in->model->operator_codes.count)
        return oct_fail(in->err, OCT_E_INVALID, "%soperator %d: operator code %u of %u", in->place,
            (int)at, (unsigned)from->opcode_index, (unsigned)in->model->operator_codes.count);
    const oct_fb_operator_code *code = in->model->operator_codes.data[from->opcode_index];
    int32_t value = code->builtin_code > code->deprecated_builtin_code ?
        code->builtin_code :
        code->deprecated_builtin_code;
    if (value < 0 || value >= OCT_OP_COUNT || oct_builtin_name((oct_builtin)value) == NULL)
        return oct_fail(in->err, OCT_E_UNSUPPORTED,
            "%soperator %d: builtin operator %d, newer than the schema known here", in->place,
            (int)at, (int)value);
    if (value == OCT_OP_CUSTOM && code->custom_code == NULL)
        return oct_fail(in->err, OCT_E_INVALID, "%soperator %d: a custom operator without a name",
            in->place, (int)at);
    to->op = (oct_builtin)value;
    to->custom_code = code->custom_code;
    to->version = code->version;
    return OCT_OK;
}

static oct_status import_options(importer *in, const oct_fb_operator *from, int32_t at,
    oct_node *to)
{
    const oct_union *options = &from->builtin_options, *options_2 = &from->builtin_options_2;
    if (options->type != 0 && options_2->type != 0)
        return oct_fail(in->err, OCT_E_UNSUPPORTED, "%soperator %d: options of both unions",
            in->place, (int)at);
    const oct_union *used = options->type != 0 ? options : options_2;
    if (used->type != 0) {
        to->options_type = (oct_options_type)OCT_OPTIONS_PACK(used == options ? 1 : 2, used->type);
        to->options = oct_options_record(to->options_type)->size == 0 ? NULL : used->value;
    }
    to->custom_options = from->custom_options;
    to->custom_options_format = from->custom_options_format;
    return OCT_OK;
}

static oct_status import_node(importer *in, const oct_fb_operator *from, int32_t at, oct_node *to)
{
    OCT_TRY(import_code(in, from, at, to));
    OCT_TRY(import_options(in, from, at, to));
    to->inputs = copy_indices(in, from->inputs);
    to->outputs = copy_indices(in, from->outputs);
    if (to->inputs == NULL || to->outputs == NULL)
        return OCT_E_MEMORY;
    to->input_count = (int32_t)from->inputs.count;
    to->output_count = (int32_t)from->outputs.count;
    to->mutating_inputs = from->mutating_variable_inputs;
    to->intermediates = from->intermediates;
    to->debug_metadata_index = from->debug_metadata_index;
    return OCT_OK;
}

static oct_status check_intermediates(importer *in, const oct_subgraph *sub, int32_t at)
{
    oct_vec_i32 vec = sub->nodes[at]->intermediates;
    for (uint32_t i = 0; i < vec.count; i++)
        if (vec.data[i] < -1 || vec.data[i] >= sub->tensor_count)
            return oct_fail(in->err, OCT_E_INVALID,
                "%soperator %d: intermediate %u is tensor %d of %d", in->place, (int)at,
                (unsigned)i, (int)vec.data[i], (int)sub->tensor_count);
    return OCT_OK;
}

static oct_status import_subgraph(importer *in, const oct_fb_sub_graph *from, oct_subgraph *to)
{
    uint32_t tensors = from->tensors.count, nodes = from->operators.count;
    oct_tensor *tensor = make(in, tensors, sizeof *tensor);
    oct_node *node = make(in, nodes, sizeof *node);
    to->tensors = make(in, tensors, sizeof *to->tensors);
    to->nodes = make(in, nodes, sizeof *to->nodes);
    to->inputs = copy_indices(in, from->inputs);
    to->outputs = copy_indices(in, from->outputs);
    if (tensor == NULL || node == NULL || to->tensors == NULL || to->nodes == NULL ||
        to->inputs == NULL || to->outputs == NULL)
        return OCT_E_MEMORY;
    to->name = from->name;
    to->debug_metadata_index = from->debug_metadata_index;
    to->tensor_count = to->tensor_capacity = (int32_t)tensors;
    to->node_count = to->node_capacity = (int32_t)nodes;
    to->input_count = (int32_t)from->inputs.count;
    to->output_count = (int32_t)from->outputs.count;
    for (uint32_t i = 0; i < tensors; i++) {
        to->tensors[i] = &tensor[i];
        OCT_TRY(import_tensor(in, from->tensors.data[i], &tensor[i]));
    }
    for (uint32_t i = 0; i < nodes; i++) {
        to->nodes[i] = &node[i];
        OCT_TRY(import_node(in, from->operators.data[i], (int32_t)i, &node[i]));
        OCT_TRY(check_intermediates(in, to, (int32_t)i));
    }
    return OCT_OK;
}

static oct_status import_subgraphs(importer *in)
{
    oct_graph *graph = in->graph;
    uint32_t count = in->model->subgraphs.count;
    oct_subgraph *sub = make(in, count, sizeof *sub);
    graph->subgraphs = make(in, count, sizeof *graph->subgraphs);
    if (sub == NULL || graph->subgraphs == NULL)
        return OCT_E_MEMORY;
    for (uint32_t i = 0; i < count; i++) {
        char place[32];
        snprintf(place, sizeof place, "subgraph %u: ", (unsigned)i);
        in->place = i == 0 ? "" : place;
        graph->subgraphs[i] = &sub[i];
        graph->subgraph_count = (int32_t)i + 1;
        OCT_TRY(import_subgraph(in, in->model->subgraphs.data[i], &sub[i]));
    }
    in->place = "";
    return OCT_OK;
}

static oct_status import_entries(importer *in, oct_vec_table maps, oct_signature_entry **entries,
    int32_t *count)
{
    *entries = make(in, maps.count, sizeof **entries);
    if (*entries == NULL)
        return OCT_E_MEMORY;
    *count = (int32_t)maps.count;
    for (uint32_t i = 0; i < maps.count; i++) {
        const oct_fb_tensor_map *map = maps.data[i];
        (*entries)[i] = (oct_signature_entry){ map->name, (int32_t)map->tensor_index };
    }
    return OCT_OK;
}

static oct_status import_signatures(importer *in)
{
    oct_vec_table defs = in->model->signature_defs;
    oct_signature *signatures = make(in, defs.count, sizeof *signatures);
    if (signatures == NULL)
        return OCT_E_MEMORY;
    in->graph->signatures = signatures;
    in->graph->signature_count = (int32_t)defs.count;
    for (uint32_t i = 0; i < defs.count; i++) {
        const oct_fb_signature_def *def = defs.data[i];
        oct_signature *signature = &signatures[i];
        signature->key = def->signature_key;
        signature->deprecated_tag = def->deprecated_tag;
        signature->subgraph = (int32_t)def->subgraph_index;
        OCT_TRY(import_entries(in, def->inputs, &signature->inputs, &signature->input_count));
        OCT_TRY(import_entries(in, def->outputs, &signature->outputs, &signature->output_count));
    }
    return OCT_OK;
}

static oct_status import_metadata_entry(importer *in, const char *name, uint32_t buffer,
    oct_metadata *to)
{
    if (buffer >= in->spans.count)
        return oct_fail(in->err, OCT_E_INVALID, "metadata %s: buffer %u of %u",
            name == NULL ? "without a name" : name, (unsigned)buffer, (unsigned)in->spans.count);
    *to = (oct_metadata){ name, in->spans.buffers[buffer].data, in->spans.buffers[buffer].size };
    return OCT_OK;
}

static oct_status import_metadata(importer *in)
{
    oct_graph *graph = in->graph;
    oct_vec_table entries = in->model->metadata;
    oct_vec_i32 old = in->model->metadata_buffer;
    graph->metadata = make(in, entries.count, sizeof *graph->metadata);
    graph->old_metadata = make(in, old.count, sizeof *graph->old_metadata);
    if (graph->metadata == NULL || graph->old_metadata == NULL)
        return OCT_E_MEMORY;
    graph->metadata_count = (int32_t)entries.count;
    graph->old_metadata_count = (int32_t)old.count;
    for (uint32_t i = 0; i < entries.count; i++) {
        const oct_fb_metadata *entry = entries.data[i];
        OCT_TRY(import_metadata_entry(in, entry->name, entry->buffer, &graph->metadata[i]));
    }
    for (uint32_t i = 0; i < old.count; i++)
        OCT_TRY(import_metadata_entry(in, NULL, (uint32_t)old.data[i], &graph->old_metadata[i]));
    return OCT_OK;
}

static oct_status import_model(importer *in, const oct_backing *backing)
{
    const uint8_t *bytes = oct_backing_bytes(backing);
    size_t size = oct_backing_size(backing);
    if (!oct_tflite_detect(bytes, size))
        return oct_fail_at(in->err, OCT_E_INVALID, 0,
            "not a TensorFlow Lite model (no identifier TFL3)");
    OCT_TRY(oct_fb_verify(bytes, size, &oct_fb_model_record, in->err));
    in->model = oct_fb_unpack(bytes, &oct_fb_model_record, &in->graph->arena);
    if (in->model == NULL)
        return oct_fail_memory(in->err, size, "model");
    if (in->model->version != OCT_FB_MODEL_VERSION)
        return oct_fail(in->err, OCT_E_UNSUPPORTED, "schema version %u; only 3 is known",
            (unsigned)in->model->version);
    OCT_TRY(oct_fb_resolve_buffers(in->model, bytes, size, in->graph, &in->spans, in->err));
    in->graph->description = in->model->description;
    in->graph->external_groups = in->model->external_buffer_groups;
    in->graph->external_buffers = in->model->external_buffers;
    OCT_TRY(import_subgraphs(in));
    OCT_TRY(import_signatures(in));
    OCT_TRY(import_metadata(in));
    return oct_graph_check(in->graph, in->err);
}

bool oct_tflite_detect(const void *bytes, size_t size)
{
    return size >= HEADER_BYTES && memcmp((const char *)bytes + 4, "TFL3", 4) == 0;
}

oct_status oct_tflite_read(oct_backing *backing, oct_graph **out, oct_error *err)
{
    *out = NULL;
    importer in = { .graph = oct_graph_create(), .place = "", .err = err };
    if (in.graph == NULL)
        return oct_fail_memory(err, sizeof *in.graph, "graph");
    oct_status status = oct_graph_adopt(in.graph, oct_backing_retain(backing), err);
    if (status == OCT_OK)
        status = import_model(&in, backing);
    if (status == OCT_OK)
        *out = in.graph;
    else
        oct_graph_free(in.graph);
    return status;
}
