/*
 * Writing, first half: the graph as file structs.
 */
#include "tflite/export.h"

#include <stdlib.h>
#include <string.h>

#include "tflite/contents.h"
#include "tflite/unpack.h"

enum { OUTSIDE_ALIGN = 16, OUTSIDE_TAIL = 16, SMALL_BYTES = 1024 };

static const char outside_name[] = "buffer_location", outside_text[] = "outside flatbuffers";

typedef struct exporter {
    const oct_graph *graph;
    oct_fb_export *out;
    oct_fb_contents contents;
    oct_fb_operator_code *codes; /* growing; in the arena */
    uint32_t code_count, code_capacity;
    oct_fb_index code_index;
    oct_error *err;
} exporter;

/* Vectors that are always there get an address also when they are empty. */
static const int32_t nothing[1];

static void *make(exporter *ex, size_t count, size_t size)
{
    void *result = oct_arena_array(&ex->out->arena, count, size);
    if (result == NULL)
        oct_fail_memory(ex->err, count * size, "file structure");
    return result;
}

static oct_vec_i32 indices(const int32_t *data, int32_t count)
{
    return (oct_vec_i32){ count == 0 ? nothing : data, (uint32_t)count };
}

/* Room for `count` structs and a vector that names them. */
static void *make_tables(exporter *ex, size_t count, size_t size, oct_vec_table *vec)
{
    uint8_t *structs = make(ex, count, size);
    void **items = make(ex, count, sizeof *items);
    if (structs == NULL || items == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        items[i] = structs + i * size;
    *vec = (oct_vec_table){ items, (uint32_t)count };
    return structs;
}

static oct_status export_quant(exporter *ex, const oct_quant *quant, oct_fb_tensor *to)
{
    if (quant->count == 0 && quant->min.data == NULL && quant->max.data == NULL &&
        quant->details.type == 0 && quant->axis == 0)
        return OCT_OK;
    oct_fb_quantization_parameters *result = make(ex, 1, sizeof *result);
    if (result == NULL)
        return OCT_E_MEMORY;
    result->min = quant->min;
    result->max = quant->max;
    if (quant->count != 0) {
        result->scale = (oct_vec_f32){ quant->scale, (uint32_t)quant->count };
        result->zero_point = (oct_vec_i64){ quant->zero_point, (uint32_t)quant->count };
    }
    result->details = quant->details;
    result->quantized_dimension = quant->axis;
    to->quantization = result;
    return OCT_OK;
}

static oct_status export_tensor(exporter *ex, const oct_tensor *from, oct_fb_cause cause,
    oct_fb_tensor *to)
{
    to->shape = indices(from->dims, from->rank);
    to->type = (int8_t)from->type;
    to->buffer = oct_fb_contents_add(&ex->contents, from->data, from->size, cause);
    if (to->buffer == OCT_FB_NONE)
        return oct_fail_memory(ex->err, from->size, "buffers");
    oct_graph_rest(ex->graph, from->data, from->size);
    to->name = from->name;
    to->is_variable = from->is_variable;
    to->sparsity = from->sparsity;
    if (from->signature != NULL)
        to->shape_signature = indices(from->signature, from->rank);
    to->has_rank = from->has_rank;
    to->variant_tensors = from->variants;
    to->external_buffer = from->external_buffer;
    return export_quant(ex, &from->quant, to);
}

static bool same_code(const void *user, uint32_t id)
{
    const oct_fb_operator_code *const *pair = user;
    const oct_fb_operator_code *a = pair[0], *b = &pair[1][id];
    bool same_name = a->custom_code == NULL ?
        b->custom_code == NULL :
        b->custom_code != NULL && strcmp(a->custom_code, b->custom_code) == 0;
    return a->builtin_code == b->builtin_code && a->version == b->version && same_name;
}

/* Index of the operator code of a node. Readers older than the wide field see the placeholder. */
static oct_status export_code(exporter *ex, const oct_node *node, uint32_t *index)
{
    int32_t value = (int32_t)node->op;
    oct_fb_operator_code code = {
        .deprecated_builtin_code =
            (int8_t)(value < OCT_FB_PLACEHOLDER_CODE ? value : OCT_FB_PLACEHOLDER_CODE),
        .custom_code = node->custom_code,
        .version = node->version,
        .builtin_code = value,
    };
    const oct_fb_operator_code *pair[] = { &code, ex->codes };
    uint64_t hash = oct_fb_hash((uint64_t)code.builtin_code, &code.version, sizeof code.version);
    if (code.custom_code != NULL)
        hash = oct_fb_hash(hash, code.custom_code, strlen(code.custom_code));
    *index = oct_fb_index_find(&ex->code_index, hash, same_code, pair);
    if (*index != OCT_FB_NONE)
        return OCT_OK;
    if (ex->code_count == ex->code_capacity) {
        uint32_t capacity = ex->code_capacity == 0 ? 32 : 2 * ex->code_capacity;
        oct_fb_operator_code *grown = make(ex, capacity, sizeof *grown);
        if (grown == NULL)
            return OCT_E_MEMORY;
        if (ex->code_count != 0)
            memcpy(grown, ex->codes, ex->code_count * sizeof *grown);
        ex->codes = grown;
        ex->code_capacity = capacity;
    }
    *index = ex->code_count;
    ex->codes[ex->code_count++] = code;
    return oct_fb_index_add(&ex->code_index, hash, *index) ?
        OCT_OK :
        oct_fail_memory(ex->err, sizeof code, "operator codes");
}

static oct_status export_options(exporter *ex, const oct_node *node, oct_fb_operator *to)
{
    if (node->options_type == OCT_OPTIONS_NONE)
        return OCT_OK;
    const oct_record *record = oct_options_record(node->options_type);
    if (record == NULL)
        return oct_fail(ex->err, OCT_E_INVALID, "options of unknown type %d",
            (int)node->options_type);
    oct_union value = { (uint8_t)(node->options_type % OCT_OPTIONS_SET_SIZE), node->options };
    if (value.value == NULL && record->size != 0) {
        value.value = oct_fb_new(record, &ex->out->arena);
        if (value.value == NULL)
            return oct_fail_memory(ex->err, record->size, "options");
    }
    *(node->options_type < OCT_OPTIONS_PACK(2, 0) ? &to->builtin_options : &to->builtin_options_2) = value;
    return OCT_OK;
}

static oct_status export_node(exporter *ex, const oct_node *node, oct_fb_operator *to)
{
    OCT_TRY(export_code(ex, node, &to->opcode_index));
    OCT_TRY(export_options(ex, node, to));
    to->inputs = indices(node->inputs, node->input_count);
    to->outputs = indices(node->outputs, node->output_count);
    to->custom_options = node->custom_options;
    to->custom_options_format = node->custom_options_format;
    to->mutating_variable_inputs = node->mutating_inputs;
    to->intermediates = node->intermediates;
    to->debug_metadata_index = node->debug_metadata_index;
    return OCT_OK;
}

static oct_status export_tensors(exporter *ex, const oct_subgraph *sub, oct_fb_sub_graph *to)
{
    size_t count = (size_t)sub->tensor_count;
    oct_fb_tensor *tensors = make_tables(ex, count, sizeof *tensors, &to->tensors);
    uint8_t *causes = malloc(count + 1);
    int32_t *origins = malloc((count + 1) * sizeof *origins);
    oct_status status = OCT_OK;
    if (causes == NULL || origins == NULL)
        status = oct_fail_memory(ex->err, count * sizeof *origins, "file structure");
    else if (tensors == NULL)
        status = OCT_E_MEMORY;
    else
        oct_fb_classify(sub, causes, origins);
    for (size_t i = 0; i < count && status == OCT_OK; i++)
        status = export_tensor(ex, sub->tensors[i], (oct_fb_cause)causes[i], &tensors[i]);
    free(causes);
    free(origins);
    return status;
}

static oct_status export_subgraph(exporter *ex, const oct_subgraph *sub, oct_fb_sub_graph *to)
{
    OCT_TRY(export_tensors(ex, sub, to));
    oct_fb_operator *operators =
        make_tables(ex, (size_t)sub->node_count, sizeof *operators, &to->operators);
    if (operators == NULL)
        return OCT_E_MEMORY;
    for (int32_t i = 0; i < sub->node_count; i++)
        OCT_TRY(export_node(ex, sub->nodes[i], &operators[i]));
    to->inputs = indices(sub->inputs, sub->input_count);
    to->outputs = indices(sub->outputs, sub->output_count);
    to->name = sub->name;
    to->debug_metadata_index = sub->debug_metadata_index;
    return OCT_OK;
}

static oct_status export_entries(exporter *ex, const oct_signature_entry *entries, int32_t count,
    oct_vec_table *vec)
{
    oct_fb_tensor_map *maps = make_tables(ex, (size_t)count, sizeof *maps, vec);
    if (maps == NULL)
        return OCT_E_MEMORY;
    for (int32_t i = 0; i < count; i++)
        maps[i] = (oct_fb_tensor_map){ entries[i].name, (uint32_t)entries[i].tensor };
    return OCT_OK;
}

static oct_status export_signatures(exporter *ex)
{
    const oct_graph *graph = ex->graph;
    if (graph->signature_count == 0)
        return OCT_OK;
    oct_fb_signature_def *defs = make_tables(ex, (size_t)graph->signature_count, sizeof *defs,
        &ex->out->model.signature_defs);
    if (defs == NULL)
        return OCT_E_MEMORY;
    for (int32_t i = 0; i < graph->signature_count; i++) {
        const oct_signature *from = &graph->signatures[i];
        defs[i].signature_key = from->key;
        defs[i].deprecated_tag = from->deprecated_tag;
        defs[i].subgraph_index = (uint32_t)from->subgraph;
        OCT_TRY(export_entries(ex, from->inputs, from->input_count, &defs[i].inputs));
        OCT_TRY(export_entries(ex, from->outputs, from->output_count, &defs[i].outputs));
    }
    return OCT_OK;
}

static oct_status export_metadata_entry(exporter *ex, const char *name, const void *data,
    size_t size, oct_fb_metadata *to)
{
    to->name = name;
    to->buffer = oct_fb_contents_add(&ex->contents, data, size, OCT_FB_METADATA);
    return to->buffer == OCT_FB_NONE ? oct_fail_memory(ex->err, size, "buffers") : OCT_OK;
}

static bool says_outside(const oct_graph *graph)
{
    for (int32_t i = 0; i < graph->metadata_count; i++)
        if (graph->metadata[i].name != NULL && strcmp(graph->metadata[i].name, outside_name) == 0)
            return true;
    return false;
}

static oct_status export_metadata(exporter *ex, bool outside)
{
    const oct_graph *graph = ex->graph;
    bool added = outside && !says_outside(graph);
    size_t count = (size_t)graph->metadata_count + added, old = (size_t)graph->old_metadata_count;
    oct_vec_table list;
    oct_fb_metadata *entries = make_tables(ex, count, sizeof *entries, &list);
    int32_t *old_buffers = make(ex, old, sizeof *old_buffers);
    if (entries == NULL || old_buffers == NULL)
        return OCT_E_MEMORY;
    if (count != 0)
        ex->out->model.metadata = list;
    for (int32_t i = 0; i < graph->metadata_count; i++) {
        const oct_metadata *from = &graph->metadata[i];
        OCT_TRY(export_metadata_entry(ex, from->name, from->data, from->size, &entries[i]));
    }
    if (added)
        OCT_TRY(export_metadata_entry(ex, outside_name, outside_text, sizeof outside_text - 1,
            &entries[count - 1]));
    for (size_t i = 0; i < old; i++) {
        oct_fb_metadata entry;
        OCT_TRY(export_metadata_entry(ex, NULL, graph->old_metadata[i].data,
            graph->old_metadata[i].size, &entry));
        old_buffers[i] = (int32_t)entry.buffer;
    }
    if (old != 0)
        ex->out->model.metadata_buffer = indices(old_buffers, (int32_t)old);
    return OCT_OK;
}

static oct_status export_buffers(exporter *ex, bool outside)
{
    oct_fb_export *out = ex->out;
    out->count = ex->contents.count;
    out->contents = ex->contents.list;
    out->causes = make(ex, out->count, 1);
    out->buffers = make_tables(ex, out->count, sizeof *out->buffers, &out->model.buffers);
    if (out->causes == NULL || out->buffers == NULL)
        return OCT_E_MEMORY;
    for (uint32_t i = 0; i < out->count; i++) {
        oct_fb_content *content = &out->contents[i];
        out->causes[i] = content->cause;
        content->outside = outside && content->size >= SMALL_BYTES;
        if (content->data != NULL && !content->outside)
            out->buffers[i].data = (oct_vec_u8){ content->data, (uint32_t)content->size };
    }
    return OCT_OK;
}

static oct_status export_codes(exporter *ex)
{
    oct_fb_operator_code *codes =
        make_tables(ex, ex->code_count, sizeof *codes, &ex->out->model.operator_codes);
    if (codes == NULL)
        return OCT_E_MEMORY;
    if (ex->code_count != 0)
        memcpy(codes, ex->codes, ex->code_count * sizeof *codes);
    return OCT_OK;
}

static oct_status export_model(exporter *ex, bool outside)
{
    const oct_graph *graph = ex->graph;
    oct_fb_model *model = &ex->out->model;
    model->version = OCT_FB_MODEL_VERSION;
    model->description = graph->description;
    model->external_buffer_groups = graph->external_groups;
    model->external_buffers = graph->external_buffers;
    oct_fb_sub_graph *subs =
        make_tables(ex, (size_t)graph->subgraph_count, sizeof *subs, &model->subgraphs);
    if (subs == NULL || oct_fb_contents_add(&ex->contents, NULL, 0, OCT_FB_STRUCTURE) != 0)
        return oct_fail_memory(ex->err, 0, "file structure");
    for (int32_t i = 0; i < graph->subgraph_count; i++)
        OCT_TRY(export_subgraph(ex, graph->subgraphs[i], &subs[i]));
    OCT_TRY(export_signatures(ex));
    OCT_TRY(export_metadata(ex, outside));
    OCT_TRY(export_codes(ex));
    return export_buffers(ex, outside);
}

oct_status oct_fb_export_graph(const oct_graph *graph, bool outside, oct_fb_export *out,
    oct_error *err)
{
    *out = (oct_fb_export){ 0 };
    exporter ex = { .graph = graph, .out = out, .contents = { .arena = &out->arena }, .err = err };
    oct_status status = export_model(&ex, outside);
    oct_fb_contents_deinit(&ex.contents);
    oct_fb_index_free(&ex.code_index);
    /* Different numbers, so that buffers stay distinct while their places are unknown. */
    if (status == OCT_OK)
        oct_fb_place_outside(out, OUTSIDE_ALIGN);
    return status;
}

uint64_t oct_fb_place_outside(oct_fb_export *export, uint64_t bytes)
{
    bool any = false;
    uint64_t at = (bytes + OUTSIDE_ALIGN) / OUTSIDE_ALIGN * OUTSIDE_ALIGN, end = bytes;
    for (uint32_t i = 0; i < export->count; i++) {
        const oct_fb_content *content = &export->contents[i];
        if (!content->outside)
            continue;
        export->buffers[i].offset = at;
        export->buffers[i].size = content->size;
        end = at + content->size;
        at = (end + OUTSIDE_ALIGN - 1) / OUTSIDE_ALIGN * OUTSIDE_ALIGN;
        any = true;
    }
    return any ? end + OUTSIDE_TAIL : bytes;
}

void oct_fb_export_deinit(oct_fb_export *export)
{
    oct_arena_free(&export->arena);
    *export = (oct_fb_export){ 0 };
}
