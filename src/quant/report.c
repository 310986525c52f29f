/*
 * The notes of a quantization.
 */
#include "quant/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *node_name(const oct_node *node)
{
    const char *name = node->op == OCT_OP_CUSTOM ? node->custom_code : oct_builtin_name(node->op);
    return name == NULL ? "unknown operator" : name;
}

static int64_t constant_bytes(const oct_subgraph *sub, const oct_node *node)
{
    int64_t bytes = 0;
    for (int32_t i = 0; i < node->input_count; i++)
        if (node->inputs[i] >= 0 && sub->tensors[node->inputs[i]]->data != NULL)
            bytes += (int64_t)sub->tensors[node->inputs[i]]->size;
    return bytes;
}

static bool fill(oct_quant_report *report, const oct_subgraph *sub)
{
    char label[512];
    report->notes = oct_arena_array(&report->arena, (size_t)sub->node_count, sizeof *report->notes);
    for (int32_t i = 0; report->notes != NULL && i < sub->node_count; i++) {
        const oct_node *node = sub->nodes[i];
        const char *name = node->output_count == 0 ?
            node_name(node) :
            oct_tensor_label(sub, node->outputs[0], label, sizeof label);
        const char *op = node_name(node);
        oct_layer_note *note = &report->notes[i];
        note->layer = oct_arena_text(&report->arena, name, strlen(name));
        note->op = oct_arena_text(&report->arena, op, strlen(op));
        note->result = "float32";
        note->reason = "";
        note->weight_bytes_before = note->weight_bytes_after = constant_bytes(sub, node);
        if (note->layer == NULL || note->op == NULL)
            return false;
        report->count++;
    }
    return report->notes != NULL;
}

oct_status oct_report_create(
    const oct_graph *graph, int32_t subgraph, oct_quant_report **out, oct_error *err)
{
    const oct_subgraph *sub = graph->subgraphs[subgraph];
    oct_quant_report *report = calloc(1, sizeof *report);
    *out = report;
    if (report != NULL && fill(report, sub))
        return OCT_OK;
    oct_quant_report_free(report);
    *out = NULL;
    return oct_fail_memory(err, (size_t)sub->node_count * sizeof *report->notes, "report");
}

oct_status oct_report_set(oct_quant_report *report, int32_t index, const char *result,
    oct_error *err, const char *reason, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, reason);
    vsnprintf(text, sizeof text, reason, arguments);
    va_end(arguments);
    oct_layer_note *note = &report->notes[index];
    char *copy = oct_arena_text(&report->arena, text, strlen(text));
    if (copy == NULL)
        return oct_fail_memory(err, strlen(text), "report");
    note->result = result;
    note->reason = copy;
    return OCT_OK;
}

int32_t oct_quant_report_count(const oct_quant_report *report)
{
    return report == NULL ? 0 : report->count + oct_quant_report_count(report->next);
}

const oct_layer_note *oct_quant_report_note(const oct_quant_report *report, int32_t index)
{
    if (report == NULL || index < 0)
        return NULL;
    return index < report->count ? &report->notes[index]
                                 : oct_quant_report_note(report->next, index - report->count);
}

const oct_quant_quality *oct_quant_report_quality(const oct_quant_report *report)
{
    return report->has_quality ? &report->quality : NULL;
}

void oct_quant_report_free(oct_quant_report *report)
{
    if (report == NULL)
        return;
    oct_quant_report_free(report->next);
    oct_arena_free(&report->arena);
    free(report);
}
