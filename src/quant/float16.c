/*
 * float16: every float constant that an operator reads is stored in half the bytes, and one DEQUANTIZE
 * for each makes it float32 again when the model is loaded.
 *
 * Values are clamped to +-65504 before the conversion, as the converter does.
 */
#include <math.h>
#include <string.h>

#include "numeric/half.h"
#include "quant/rewrite.h"

static const float largest_half = 65504.f;

static oct_status store_halves(oct_work *work, oct_tensor *tensor, int64_t *clamped, oct_error *err)
{
    int64_t count = oct_tensor_elements(tensor);
    const float *from = tensor->data;
    uint16_t *to = oct_graph_new_bytes(work->graph, (size_t)count * sizeof *to);
    if (to == NULL)
        return oct_fail_memory(err, (size_t)count * sizeof *to, "float16 constants");
    *clamped = 0;
    for (int64_t i = 0; i < count; i++) {
        *clamped += fabsf(from[i]) > largest_half;
        to[i] = oct_float_to_half(fminf(fmaxf(from[i], -largest_half), largest_half));
    }
    tensor->type = OCT_FLOAT16;
    tensor->data = to;
    tensor->size = (size_t)count * sizeof *to;
    return OCT_OK;
}

/* Nodes of this form read the expansion; what others read and an output of the model stays what it was. */
static oct_status expand(oct_work *work, int32_t index, int64_t *clamped, oct_error *err)
{
    const oct_tensor like = *work->sub->tensors[index];
    int32_t expanded;
    OCT_TRY(oct_work_new_tensor(work, &like, like.name, OCT_FLOAT32, &expanded, err));
    for (int32_t i = 0; i < work->node_count; i++)
        for (int32_t j = 0; j < work->nodes[i]->input_count; j++)
            if (work->nodes[i]->inputs[j] == index && oct_work_takes(work, work->nodes[i]))
                work->nodes[i]->inputs[j] = expanded;
    if (oct_graph_use_count(work->sub, index) != 0) {
        int32_t copy;
        OCT_TRY(oct_work_new_constant(work, &like, OCT_FLOAT32, like.data, like.size, &copy, err));
        oct_graph_replace_uses(work->graph, work->sub, index, copy);
    }
    OCT_TRY(store_halves(work, work->sub->tensors[index], clamped, err));
    return oct_work_convert(work, 0, OCT_OP_DEQUANTIZE, index, expanded, err);
}

static oct_status note(oct_work *work, int32_t at, const int64_t *clamped, oct_error *err)
{
    const oct_node *node = work->nodes[at];
    int64_t halves = 0, lost = 0;
    for (int32_t i = 0; i < node->input_count; i++) {
        const oct_tensor *tensor = oct_work_input(work, node, i);
        if (tensor == NULL || !oct_tensor_is_constant(tensor) || !oct_tensor_is_float(tensor))
            continue;
        halves += (int64_t)tensor->size / 2;
        lost += clamped[node->inputs[i]];
    }
    if (halves == 0)
        return oct_report_set(work->report, at, "float32", err, "no float constants");
    work->report->notes[at].weight_bytes_after -= halves;
    if (lost != 0)
        return oct_report_set(work->report, at, "float16 constants", err,
            "%lld values beyond 65504 were clamped", (long long)lost);
    return oct_report_set(work->report, at, "float16 constants", err, "%s", "");
}

static bool is_read(const oct_work *work, int32_t index)
{
    for (int32_t i = 0; i < work->node_count; i++)
        for (int32_t j = 0; j < work->nodes[i]->input_count; j++)
            if (work->nodes[i]->inputs[j] == index && oct_work_takes(work, work->nodes[i]))
                return true;
    return false;
}

static int64_t count_clamped(const oct_tensor *tensor)
{
    const float *values = tensor->data;
    int64_t count = oct_tensor_elements(tensor), clamped = 0;
    for (int64_t i = 0; i < count; i++)
        clamped += fabsf(values[i]) > largest_half;
    return clamped;
}

static bool to_be_halved(const oct_tensor *tensor)
{
    return oct_tensor_is_float(tensor) && oct_tensor_is_constant(tensor);
}

/* Tells delegates that half precision was meant. Source: LiteRT reduced_precision_support.h. */
static oct_status mark_reduced_precision(oct_graph *graph, oct_error *err)
{
    static const char name[] = "reduced_precision_support", value[] = "fp16accfp32";
    size_t count = (size_t)graph->metadata_count;
    for (size_t i = 0; i < count; i++)
        if (graph->metadata[i].name != NULL && strcmp(graph->metadata[i].name, name) == 0)
            return OCT_OK;
    oct_metadata *list = oct_arena_array(&graph->arena, count + 1, sizeof *list);
    if (list == NULL)
        return oct_fail_memory(err, (count + 1) * sizeof *list, "metadata");
    if (count != 0)
        memcpy(list, graph->metadata, count * sizeof *list);
    list[count] = (oct_metadata){ name, value, sizeof value - 1 };
    graph->metadata = list;
    graph->metadata_count++;
    return OCT_OK;
}

oct_status oct_quantize_float16(oct_work *work, oct_error *err)
{
    int32_t tensors = work->sub->tensor_count;
    int64_t *clamped = oct_arena_array(&work->arena, (size_t)tensors, sizeof *clamped);
    if (clamped == NULL)
        return oct_fail_memory(err, (size_t)tensors * sizeof *clamped, "notes");
    for (int32_t i = 0; i < tensors; i++)
        if (to_be_halved(work->sub->tensors[i]))
            clamped[i] = count_clamped(work->sub->tensors[i]);
    for (int32_t i = 0; i < work->node_count; i++)
        if (oct_work_takes(work, work->nodes[i]))
            OCT_TRY(note(work, i, clamped, err));
    for (int32_t i = 0; i < tensors; i++)
        if (to_be_halved(work->sub->tensors[i]) && is_read(work, i))
            OCT_TRY(expand(work, i, &clamped[i], err));
    return work->settings == NULL ? mark_reduced_precision(work->graph, err) : OCT_OK;
}
