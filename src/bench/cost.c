/*
 * Prices of layers. The conversions around a layer are measured in a model of nothing else: for each
 * layer a DEQUANTIZE of as many integers as it reads and a QUANTIZE to as many as it writes.
 */
#include <octavo/cost.h>

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "graph/graph.h"
#include "model/model.h"

static const oct_op_time *find_op(const oct_bench *bench, int32_t model, const char *tensor)
{
    int32_t count;
    const oct_op_time *ops = oct_bench_profile(bench, model, &count);
    for (int32_t i = 0; i < count; i++)
        if (strcmp(ops[i].tensor, tensor) == 0)
            return &ops[i];
    return NULL;
}

/* The conversions. */

static void name_conversion(char name[32], bool write, int32_t layer)
{
    snprintf(name, 32, "%s %d", write ? "write" : "read", (int)layer);
}

static oct_status add_conversion(
    oct_graph *graph, bool write, int32_t layer, int64_t values, oct_error *err)
{
    oct_subgraph *sub = graph->subgraphs[0];
    const int32_t dims[] = { (int32_t)values };
    int32_t from, to;
    char name[32];
    if (values < 1 || values > INT32_MAX)
        return OCT_OK;
    OCT_TRY(oct_graph_add_tensor(
        graph, sub, "from", write ? OCT_FLOAT32 : OCT_INT8, 1, dims, &from, err));
    name_conversion(name, write, layer);
    OCT_TRY(
        oct_graph_add_tensor(graph, sub, name, write ? OCT_INT8 : OCT_FLOAT32, 1, dims, &to, err));
    OCT_TRY(oct_graph_set_quant(graph, sub->tensors[write ? to : from], 1.0f / 128, 0, err));
    sub->inputs[sub->input_count++] = from;
    sub->outputs[sub->output_count++] = to;
    return oct_graph_insert_node(graph, sub, sub->node_count,
        write ? OCT_OP_QUANTIZE : OCT_OP_DEQUANTIZE, &from, 1, &to, 1, OCT_OPTIONS_NONE, NULL, err);
}

static oct_status add_conversions(
    oct_graph *graph, const oct_layer_error *const *layers, int32_t count, oct_error *err)
{
    oct_subgraph *sub;
    OCT_TRY(oct_graph_add_subgraph(graph, "main", &sub, err));
    size_t room = 2 * (size_t)count;
    sub->inputs = oct_arena_array(&graph->arena, room, sizeof *sub->inputs);
    sub->outputs = oct_arena_array(&graph->arena, room, sizeof *sub->outputs);
    if (sub->inputs == NULL || sub->outputs == NULL)
        return oct_fail_memory(err, room * sizeof *sub->inputs, "conversions");
    for (int32_t i = 0; i < count; i++) {
        OCT_TRY(add_conversion(graph, false, i, layers[i]->integer_inputs, err));
        OCT_TRY(add_conversion(graph, true, i, layers[i]->integer_outputs, err));
    }
    return OCT_OK;
}

/* *out NULL: there is nothing to convert. */
static oct_status measure_conversions(const oct_layer_error *const *layers, int32_t count,
    int32_t threads, oct_bench **out, oct_error *err)
{
    *out = NULL;
    oct_graph *graph = oct_graph_create();
    if (graph == NULL)
        return oct_fail_memory(err, sizeof *graph, "conversions");
    oct_status status = add_conversions(graph, layers, count, err);
    if (status != OCT_OK || graph->subgraphs[0]->node_count == 0) {
        oct_graph_free(graph);
        return status;
    }
    oct_model *model;
    OCT_TRY(oct_model_create(graph, "tflite", &model, err));
    const oct_model *const models[] = { model };
    const oct_bench_options options = { .threads = threads, .rounds = 1, .profile = true };
    status = oct_bench_run(models, 1, &options, out, err);
    oct_model_free(model);
    return status;
}

static double conversion_ns(const oct_bench *conversions, bool write, int32_t layer)
{
    char name[32];
    name_conversion(name, write, layer);
    const oct_op_time *op = conversions == NULL ? NULL : find_op(conversions, 0, name);
    return op == NULL ? 0 : op->median_ns;
}

oct_status oct_layer_costs(const oct_bench *bench, int32_t float_model, int32_t model,
    const oct_layer_error *const *layers, int32_t count, oct_layer_cost *out, oct_error *err)
{
    oct_bench *conversions = NULL;
    for (int32_t i = 0; i < count; i++)
        out[i] = (oct_layer_cost){ .bytes = layers[i]->float_bytes - layers[i]->bytes };
    if (bench == NULL || count == 0)
        return OCT_OK;
    OCT_TRY(measure_conversions(layers, count, oct_bench_threads(bench), &conversions, err));
    for (int32_t i = 0; i < count; i++) {
        const oct_op_time *before = find_op(bench, float_model, layers[i]->layer),
                          *after = find_op(bench, model, layers[i]->computed);
        out[i].timed = before != NULL && after != NULL;
        if (!out[i].timed)
            continue;
        out[i].float_ns = before->median_ns;
        out[i].ns = after->median_ns;
        out[i].convert_ns =
            conversion_ns(conversions, false, i) + conversion_ns(conversions, true, i);
    }
    oct_bench_free(conversions);
    return OCT_OK;
}
