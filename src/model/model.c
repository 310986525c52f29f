/*
 * The model object: ownership and what its users ask about inputs and outputs.
 */
#include "model/model.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

enum { INFO_RANK = 8 };

oct_status oct_model_create(oct_graph *graph, const char *source, oct_model **out, oct_error *err)
{
    *out = NULL;
    oct_model *model = malloc(sizeof *model);
    if (model == NULL) {
        oct_graph_free(graph);
        return oct_fail_memory(err, sizeof *model, "model");
    }
    *model = (oct_model){ .graph = graph, .source = source };
    *out = model;
    return OCT_OK;
}

void oct_model_free(oct_model *model)
{
    if (model == NULL)
        return;
    oct_graph_free(model->graph);
    free(model);
}

const char *oct_model_source(const oct_model *model)
{
    return model->source;
}

int32_t oct_model_input_count(const oct_model *model)
{
    return model->graph->subgraphs[0]->input_count;
}

int32_t oct_model_output_count(const oct_model *model)
{
    return model->graph->subgraphs[0]->output_count;
}

bool oct_model_has_open_length(const oct_model *model)
{
    oct_tensor_info info;
    if (oct_model_input_count(model) != 1)
        return false;
    oct_model_input(model, 0, &info);
    return info.rank == 1 && info.dims[0] < 0;
}

oct_status oct_model_fix_length(oct_model *model, int32_t length, oct_error *err)
{
    if (!oct_model_has_open_length(model))
        return oct_fail(err, OCT_E_USAGE, "the model has no input of open length");
    const oct_input_shape shape = { .rank = 1, .dims = { length } };
    const oct_load_options options = { .shapes = &shape, .shape_count = 1 };
    model->as_read = false;
    return oct_graph_reshape(model->graph, &options, err);
}

const char *oct_graph_port_name(const oct_graph *graph, bool output, int32_t tensor)
{
    for (int32_t i = 0; i < graph->signature_count; i++) {
        const oct_signature *signature = &graph->signatures[i];
        const oct_signature_entry *entries = output ? signature->outputs : signature->inputs;
        int32_t count = output ? signature->output_count : signature->input_count;
        for (int32_t j = 0; signature->subgraph == 0 && j < count; j++)
            if (entries[j].tensor == tensor && entries[j].name != NULL)
                return entries[j].name;
    }
    const char *name = graph->subgraphs[0]->tensors[tensor]->name;
    return name == NULL ? "" : name;
}

static void describe_port(const oct_graph *graph, bool output, int32_t index, oct_tensor_info *info)
{
    const oct_tensor *tensor = graph->subgraphs[0]->tensors[index];
    *info = (oct_tensor_info){
        .name = oct_graph_port_name(graph, output, index),
        .type = oct_type_name(tensor->type),
        .rank = tensor->rank < INFO_RANK ? tensor->rank : INFO_RANK,
    };
    const int32_t *dims = tensor->signature != NULL ? tensor->signature : tensor->dims;
    memcpy(info->dims, dims, (size_t)info->rank * sizeof *dims);
    if (tensor->quant.count == 1) {
        info->scale = tensor->quant.scale[0];
        info->zero_point = tensor->quant.zero_point[0];
    }
}

void oct_model_input(const oct_model *model, int32_t index, oct_tensor_info *info)
{
    describe_port(model->graph, false, model->graph->subgraphs[0]->inputs[index], info);
}

void oct_model_output(const oct_model *model, int32_t index, oct_tensor_info *info)
{
    describe_port(model->graph, true, model->graph->subgraphs[0]->outputs[index], info);
}
