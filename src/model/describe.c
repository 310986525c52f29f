/*
 * A model as a JSON text: what `inspect` shows. Names, not numbers, wherever there are names.
 */
#include <stdlib.h>
#include <string.h>

#include "model/json.h"
#include "model/model.h"
#include "tflite/schema.h"
#include "tflite/tflite.h"

enum { NUMBER_LABEL = 32, SCALES_SHOWN = 4096 };

/* The tensor's name at its full length, or "tensor N". */
static json_t *label(const oct_subgraph *sub, int32_t index)
{
    char text[NUMBER_LABEL];
    if (index < 0)
        return json_null();
    const char *name = sub->tensors[index]->name;
    return oct_json_text(name != NULL && name[0] != '\0' ?
            name :
            oct_tensor_label(sub, index, text, sizeof text));
}

static json_t *labels(const oct_subgraph *sub, const int32_t *indices, int32_t count)
{
    json_t *array = json_array();
    for (int32_t i = 0; i < count; i++)
        json_array_append_new(array, label(sub, indices[i]));
    return array;
}

static json_t *port(const oct_graph *graph, bool output, int32_t index)
{
    const oct_subgraph *sub = graph->subgraphs[0];
    const oct_tensor *tensor = sub->tensors[index];
    const int32_t *dims = tensor->signature != NULL ? tensor->signature : tensor->dims;
    json_t *object = json_object();
    json_object_set_new(object, "name", oct_json_text(oct_graph_port_name(graph, output, index)));
    json_object_set_new(object, "tensor", label(sub, index));
    json_object_set_new(object, "type", json_string(oct_type_name(tensor->type)));
    json_object_set_new(object, "shape", oct_json_i32(dims, (size_t)tensor->rank));
    if (tensor->quant.count == 1) {
        json_object_set_new(object, "scale", json_real((double)tensor->quant.scale[0]));
        json_object_set_new(object, "zero_point", json_integer(tensor->quant.zero_point[0]));
    }
    return object;
}

static json_t *ports(const oct_graph *graph, bool output)
{
    const oct_subgraph *sub = graph->subgraphs[0];
    const int32_t *indices = output ? sub->outputs : sub->inputs;
    int32_t count = output ? sub->output_count : sub->input_count;
    json_t *array = json_array();
    for (int32_t i = 0; i < count; i++)
        json_array_append_new(array, port(graph, output, indices[i]));
    return array;
}

static json_t *entries(const oct_subgraph *sub, const oct_signature_entry *list, int32_t count)
{
    json_t *array = json_array();
    for (int32_t i = 0; i < count; i++) {
        json_t *object = json_object();
        json_object_set_new(object, "name", oct_json_text(list[i].name));
        json_object_set_new(object, "tensor", label(sub, list[i].tensor));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *signatures(const oct_graph *graph)
{
    json_t *array = json_array();
    for (int32_t i = 0; i < graph->signature_count; i++) {
        const oct_signature *signature = &graph->signatures[i];
        const oct_subgraph *sub = graph->subgraphs[signature->subgraph];
        json_t *object = json_object();
        json_object_set_new(object, "key", oct_json_text(signature->key));
        json_object_set_new(object, "subgraph", json_integer(signature->subgraph));
        json_object_set_new(object, "inputs",
            entries(sub, signature->inputs, signature->input_count));
        json_object_set_new(object, "outputs",
            entries(sub, signature->outputs, signature->output_count));
        json_array_append_new(array, object);
    }
    return array;
}

/* Details name the table they are; scales beyond what anyone reads are counted only. */
static json_t *quantization(const oct_quant *quant)
{
    static const oct_record *const details[] = { NULL, &oct_fb_custom_quantization_record,
        &oct_fb_blockwise_quantization_record, &oct_fb_multi_axis_quantization_record };
    json_t *object = json_object();
    json_object_set_new(object, "count", json_integer(quant->count));
    if (quant->count > 1)
        json_object_set_new(object, "axis", json_integer(quant->axis));
    if (quant->count != 0 && quant->count <= SCALES_SHOWN) {
        json_object_set_new(object, "scale", oct_json_f32(quant->scale, (size_t)quant->count));
        json_object_set_new(object, "zero_point",
            oct_json_i64(quant->zero_point, (size_t)quant->count));
    }
    if (quant->min.count != 0)
        json_object_set_new(object, "min", oct_json_f32(quant->min.data, quant->min.count));
    if (quant->max.count != 0)
        json_object_set_new(object, "max", oct_json_f32(quant->max.data, quant->max.count));
    if (quant->details.type != 0) {
        const oct_record *record = details[quant->details.type];
        json_object_set_new(object, record->name, oct_json_record(record, quant->details.value));
    }
    return object;
}

static json_t *tensor_object(const oct_subgraph *sub, int32_t index)
{
    const oct_tensor *tensor = sub->tensors[index];
    json_t *object = json_object();
    json_object_set_new(object, "index", json_integer(index));
    json_object_set_new(object, "name", label(sub, index));
    json_object_set_new(object, "type", json_string(oct_type_name(tensor->type)));
    json_object_set_new(object, "shape", oct_json_i32(tensor->dims, (size_t)tensor->rank));
    if (tensor->signature != NULL)
        json_object_set_new(object, "shape_signature",
            oct_json_i32(tensor->signature, (size_t)tensor->rank));
    if (tensor->data != NULL)
        json_object_set_new(object, "constant_bytes", json_integer((json_int_t)tensor->size));
    if (tensor->is_variable)
        json_object_set_new(object, "variable", json_true());
    if (tensor->quant.count != 0 || tensor->quant.details.type != 0)
        json_object_set_new(object, "quantization", quantization(&tensor->quant));
    if (tensor->sparsity != NULL)
        json_object_set_new(object, "sparsity",
            oct_json_record(&oct_fb_sparsity_parameters_record, tensor->sparsity));
    return object;
}

static json_t *node_object(const oct_subgraph *sub, int32_t index)
{
    const oct_node *node = sub->nodes[index];
    json_t *object = json_object();
    json_object_set_new(object, "index", json_integer(index));
    json_object_set_new(object, "name",
        node->op == OCT_OP_CUSTOM ? oct_json_text(node->custom_code) :
                                    json_string(oct_builtin_name(node->op)));
    if (node->op == OCT_OP_CUSTOM)
        json_object_set_new(object, "custom", json_true());
    json_object_set_new(object, "version", json_integer(node->version));
    json_object_set_new(object, "inputs", labels(sub, node->inputs, node->input_count));
    json_object_set_new(object, "outputs", labels(sub, node->outputs, node->output_count));
    if (node->options_type != OCT_OPTIONS_NONE)
        json_object_set_new(object, "options",
            oct_json_record(oct_options_record(node->options_type), node->options));
    if (node->custom_options.count != 0)
        json_object_set_new(object, "custom_options_bytes",
            json_integer(node->custom_options.count));
    return object;
}

static json_t *subgraph_object(const oct_subgraph *sub)
{
    json_t *object = json_object(), *nodes = json_array(), *tensors = json_array();
    for (int32_t i = 0; i < sub->node_count; i++)
        json_array_append_new(nodes, node_object(sub, i));
    for (int32_t i = 0; i < sub->tensor_count; i++)
        json_array_append_new(tensors, tensor_object(sub, i));
    json_object_set_new(object, "name", oct_json_text(sub->name));
    json_object_set_new(object, "inputs", labels(sub, sub->inputs, sub->input_count));
    json_object_set_new(object, "outputs", labels(sub, sub->outputs, sub->output_count));
    json_object_set_new(object, "operators", nodes);
    json_object_set_new(object, "tensors", tensors);
    return object;
}

static json_t *metadata(const oct_graph *graph)
{
    json_t *array = json_array();
    for (int32_t i = 0; i < graph->metadata_count; i++) {
        json_t *object = json_object();
        json_object_set_new(object, "name", oct_json_text(graph->metadata[i].name));
        json_object_set_new(object, "bytes", json_integer((json_int_t)graph->metadata[i].size));
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *ledger_object(const oct_tflite_ledger *ledger)
{
    json_t *object = json_object();
#define ENTRY(name) json_object_set_new(object, #name, json_integer((json_int_t)ledger->name))
    ENTRY(total);
    ENTRY(weights);
    ENTRY(biases);
    ENTRY(other_constants);
    ENTRY(quantization);
    ENTRY(names);
    ENTRY(structure);
    ENTRY(metadata);
#undef ENTRY
    return object;
}

static json_t *model_object(const oct_graph *graph, const char *source,
    const oct_tflite_ledger *ledger)
{
    json_t *object = json_object(), *subgraphs = json_array();
    for (int32_t i = 0; i < graph->subgraph_count; i++)
        json_array_append_new(subgraphs, subgraph_object(graph->subgraphs[i]));
    json_object_set_new(object, "source", json_string(source));
    json_object_set_new(object, "description", oct_json_text(graph->description));
    json_object_set_new(object, "inputs", ports(graph, false));
    json_object_set_new(object, "outputs", ports(graph, true));
    json_object_set_new(object, "signatures", signatures(graph));
    json_object_set_new(object, "subgraphs", subgraphs);
    json_object_set_new(object, "metadata", metadata(graph));
    json_object_set_new(object, "ledger", ledger_object(ledger));
    return object;
}

/* Described is what would be written. */
oct_status oct_model_describe(const oct_model *model, char **json, oct_error *err)
{
    oct_graph *graph;
    oct_tflite_ledger ledger;
    *json = NULL;
    OCT_TRY(oct_model_prepare(model, &graph, err));
    oct_status status = oct_tflite_measure(graph, &ledger, err);
    if (status == OCT_OK) {
        json_t *object = model_object(graph, model->source, &ledger);
        *json = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
        json_decref(object);
        if (*json == NULL)
            status = oct_fail_memory(err, 0, "description");
    }
    oct_graph_free(graph);
    return status;
}
