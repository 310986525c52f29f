/*
 * Choosing layers for 4-bit weights, their scales and codes.
 */
#include "quant/narrow.h"

#include <math.h>
#include <string.h>

#include "numeric/qparams.h"
#include "quant/constants.h"

/*
 * Outputs of fewer weights keep 8 bits: their rounding errors do not average out, and they are few.
 * Tensors of fewer elements would hardly save anything.
 */
enum { LEAST_AN_OUTPUT = 32, LEAST_WEIGHTS = 1024 };

oct_tensor *oct_codes_of(const oct_subgraph *sub, const oct_node *node, int32_t slot)
{
    int32_t tensor = node->inputs[slot], maker = oct_graph_producer(sub, tensor);
    const oct_op_def *def = maker < 0 ? NULL : oct_op_find(sub->nodes[maker]->op);
    if (oct_graph_use_count(sub, tensor) != 1)
        return NULL;
    if (def != NULL && (def->traits & OCT_TRAIT_DEQUANTIZES) != 0)
        tensor = sub->nodes[maker]->inputs[0];
    oct_tensor *codes = sub->tensors[tensor];
    return codes->type == OCT_INT8 && codes->data != NULL && codes->quant.count > 0 &&
                   oct_graph_use_count(sub, tensor) == 1
               ? codes
               : NULL;
}

/* Which layers. */

/* A node's weights, before and after rounding, and where its operands are. */
typedef struct layer {
    int32_t index, slot, bias; /* slots; bias -1: none */
    const oct_node *node;      /* in the rewritten graph */
    const oct_tensor *weights; /* float */
    oct_tensor *codes;         /* NULL: not the node's alone */
    bool expanded;             /* a DEQUANTIZE stands in front of the node */
} layer;

static oct_setting setting_of(const oct_rewritten *made, int32_t index)
{
    const oct_settings *settings = made->work.settings;
    return settings != NULL ? settings->of[index] : oct_setting_of_options(made->work.options);
}

static int32_t weight_slot(const oct_node *node)
{
    const oct_quant_rule *rule = oct_node_rule(node);
    int32_t slot = oct_node_slot_with(node, OCT_ROLE_WEIGHT);
    return slot >= 0 ? slot : rule->dynamic != OCT_DYNAMIC_NONE ? rule->dynamic_slot : -1;
}

/* False: the node has no weights that the mode's quantizer rounded. */
static bool look_at(const oct_subgraph *floats, const oct_rewritten *made, int32_t index, layer *l)
{
    const oct_subgraph *sub = made->work.sub;
    const oct_node *node = made->nodes[index];
    *l = (layer){ .index = index, .slot = weight_slot(floats->nodes[index]), .node = node,
        .bias = oct_node_slot_with(floats->nodes[index], OCT_ROLE_BIAS) };
    if (l->slot < 0 || l->slot >= node->input_count || node->inputs[l->slot] < 0)
        return false;
    l->weights = floats->tensors[floats->nodes[index]->inputs[l->slot]];
    int32_t now = node->inputs[l->slot], maker = oct_graph_producer(sub, now);
    l->expanded = maker >= 0 && oct_tensor_is_float(sub->tensors[now]);
    const oct_tensor *stored = sub->tensors[l->expanded ? sub->nodes[maker]->inputs[0] : now];
    l->codes = oct_codes_of(sub, node, l->slot);
    return oct_tensor_is_float(l->weights) && oct_tensor_is_constant(l->weights) &&
           stored->type == OCT_INT8 && stored->data != NULL;
}

static bool kernel_takes(const oct_subgraph *sub, const layer *l)
{
    const oct_quant_rule *rule = oct_node_rule(l->node);
    int32_t data = oct_node_slot_with(l->node, OCT_ROLE_ACT);
    oct_type type = data < 0 ? OCT_FLOAT32 : sub->tensors[l->node->inputs[data]]->type;
    if (l->expanded)
        return rule->dynamic_more == 0; /* DEQUANTIZE takes them for any operator */
    return (rule->narrow & (type == OCT_INT8    ? OCT_NARROW_S8
                            : type == OCT_INT16 ? OCT_NARROW_S16
                                                : OCT_NARROW_HYBRID)) != 0;
}

/* Why a layer stays at 8 bits; NULL: it does not. */
static const char *reason_for_bytes(const oct_subgraph *sub, const layer *l)
{
    int64_t elements = oct_tensor_elements(l->weights);
    if (!kernel_takes(sub, l))
        return "LiteRT has no kernel of this form with 4-bit weights";
    if (l->codes == NULL)
        return "another operator reads its weights too";
    if (elements < LEAST_WEIGHTS)
        return "it has fewer than 1024 weights";
    if (elements / l->codes->quant.count < LEAST_AN_OUTPUT)
        return "an output has fewer than 32 weights, whose errors do not average out";
    return NULL;
}

static const char *result_of(const oct_subgraph *sub, const layer *l)
{
    int32_t data = oct_node_slot_with(l->node, OCT_ROLE_ACT);
    oct_type type = data < 0 ? OCT_FLOAT32 : sub->tensors[l->node->inputs[data]]->type;
    return type == OCT_INT8    ? "int8, int4 weights"
           : type == OCT_INT16 ? "int16 activations, int4 weights"
           : l->expanded       ? "int4 weights, float32 arithmetic"
                               : "int4 weights, hybrid";
}

/* Scales and codes. */

/* Elements of channel c of a constant: `inner` in a row, every `inner` * count. */
typedef struct channel {
    const float *values;
    int64_t elements, inner, stride, first;
} channel;

static channel channel_of(const layer *l, int32_t c)
{
    const oct_quant *quant = &l->codes->quant;
    channel ch = { l->weights->data, oct_tensor_elements(l->weights), 1, 1, 0 };
    if (quant->count == 1)
        return ch.inner = ch.stride = ch.elements, ch;
    for (int32_t i = quant->axis + 1; i < l->weights->rank; i++)
        ch.inner *= l->weights->dims[i];
    ch.stride = ch.inner * quant->count;
    ch.first = ch.inner * c;
    return ch;
}

static float largest_of(const channel *ch)
{
    float largest = 0;
    for (int64_t i = ch->first; i < ch->elements; i += ch->stride)
        for (int64_t j = 0; j < ch->inner; j++)
            largest = fmaxf(largest, fabsf(ch->values[i + j]));
    return largest;
}

static double error_with(const channel *ch, float scale)
{
    double error = 0;
    float inverse = 1 / scale;
    for (int64_t i = ch->first; i < ch->elements; i += ch->stride) {
        float sum = 0;
        for (int64_t j = 0; j < ch->inner; j++) {
            float value = ch->values[i + j] * inverse;
            float magnitude = fminf(fabsf(value), OCT_NARROW_LIMIT);
            float rounded = (float)(int32_t)(magnitude + 0.5f), gap = fabsf(value) - rounded;
            sum += gap * gap;
        }
        error += (double)sum;
    }
    return error * (double)scale * (double)scale;
}

/* A scale of 0.4 to 1 times the one that covers all. Never finer than 8 bits, whose bias has room. */
static float scale_of(const channel *ch, float least, bool search)
{
    enum { TRIES = 25 };
    float full = largest_of(ch) / OCT_NARROW_LIMIT, best = fmaxf(full, least);
    if (!search || full <= least)
        return best;
    double error = error_with(ch, best);
    for (int i = 1; i < TRIES; i++) {
        float scale = fmaxf(full * (1 - (float)i * 0.025f), least);
        double other = error_with(ch, scale);
        if (other < error) {
            error = other;
            best = scale;
        }
    }
    return best;
}

static oct_status round_weights(oct_rewritten *made, const layer *l, bool search, oct_error *err)
{
    oct_graph *graph = made->work.graph;
    const oct_quant old = l->codes->quant;
    float *scales = oct_arena_array(&made->work.arena, (size_t)old.count, sizeof *scales);
    int8_t *codes = oct_graph_new_bytes(graph, l->codes->size);
    if (scales == NULL || codes == NULL)
        return oct_fail_memory(err, l->codes->size, "4-bit weights");
    for (int32_t c = 0; c < old.count; c++) {
        channel ch = channel_of(l, c);
        scales[c] = scale_of(&ch, old.scale[c], search);
        for (int64_t i = ch.first; i < ch.elements; i += ch.stride)
            for (int64_t j = 0; j < ch.inner; j++)
                codes[i + j] = (int8_t)oct_quantize_affine(
                    ch.values[i + j], (double)scales[c], 0, -OCT_NARROW_LIMIT, OCT_NARROW_LIMIT);
    }
    l->codes->data = codes;
    return old.count == 1 ? oct_graph_set_quant(graph, l->codes, scales[0], 0, err)
                          : oct_graph_set_channel_quant(graph, l->codes, old.axis, old.count, scales, err);
}

/* An integer bias has the product of scales: new ones make a new bias. */
static oct_status round_bias(
    const oct_subgraph *floats, oct_rewritten *made, const layer *l, oct_error *err)
{
    oct_node *node = made->nodes[l->index];
    oct_subgraph *sub = made->work.sub;
    const oct_tensor *old = oct_work_input(&made->work, node, l->bias < 0 ? INT32_MAX : l->bias);
    if (old == NULL || (old->type != OCT_INT32 && old->type != OCT_INT64))
        return OCT_OK;
    const oct_tensor *real = floats->tensors[floats->nodes[l->index]->inputs[l->bias]];
    const oct_tensor *data = sub->tensors[node->inputs[oct_node_slot_with(node, OCT_ROLE_ACT)]];
    oct_scheme weights = { .count = l->codes->quant.count, .scales = l->codes->quant.scale }, scheme;
    OCT_TRY(oct_bias_scheme(&made->work, old->type, data->quant.scale[0], &weights, 0, &scheme, err));
    OCT_TRY(oct_constant_encode(&made->work, real, &scheme, &node->inputs[l->bias], err));
    sub->tensors[node->inputs[l->bias]]->name = old->name;
    return OCT_OK;
}

static oct_status narrow_layer(
    const oct_subgraph *floats, oct_rewritten *made, const layer *l, oct_error *err)
{
    oct_quant_report *report = made->work.report;
    const char *why = reason_for_bytes(made->work.sub, l);
    if (why != NULL)
        return oct_report_set(report, l->index, report->notes[l->index].result, err,
            "its weights stay at 8 bits: %s", why);
    bool search = setting_of(made, l->index).effort != OCT_EFFORT_NONE;
    OCT_TRY(round_weights(made, l, search, err));
    OCT_TRY(round_bias(floats, made, l, err));
    made->narrow[l->index] = l->codes;
    report->notes[l->index].weight_bytes_after -= (int64_t)(l->codes->size / 2);
    return oct_report_set(report, l->index, result_of(made->work.sub, l), err, "%s", "");
}

oct_status oct_narrow_weights(const oct_graph *graph, oct_rewritten *made, oct_error *err)
{
    const oct_subgraph *floats = graph->subgraphs[0];
    size_t count = (size_t)floats->node_count;
    layer l;
    made->narrow = oct_arena_array(&made->work.arena, count, sizeof *made->narrow);
    if (made->narrow == NULL)
        return oct_fail_memory(err, count * sizeof *made->narrow, "layers");
    for (int32_t i = 0; i < floats->node_count; i++)
        if (setting_of(made, i).bits == 4 && look_at(floats, made, i, &l))
            OCT_TRY(narrow_layer(floats, made, &l, err));
    return OCT_OK;
}

oct_status oct_narrow_like(const oct_rewritten *made, oct_rewritten *other, oct_error *err)
{
    oct_subgraph *sub = other->work.sub;
    other->narrow = made->narrow;
    for (int32_t i = 0; i < made->work.report->count; i++) {
        if (made->narrow[i] == NULL)
            continue;
        oct_node *node = other->nodes[i];
        oct_tensor *codes = oct_codes_of(sub, node, weight_slot(node));
        int32_t slot = oct_node_slot_with(node, OCT_ROLE_BIAS);
        codes->data = made->narrow[i]->data;
        codes->quant = made->narrow[i]->quant;
        if (slot < 0)
            continue;
        const oct_tensor *bias = made->work.sub->tensors[made->nodes[i]->inputs[slot]];
        if (oct_tensor_is_float(bias))
            continue;
        OCT_TRY(oct_work_new_constant(&other->work, bias, bias->type, bias->data, bias->size,
            &node->inputs[slot], err));
        sub->tensors[node->inputs[slot]]->quant = bias->quant;
    }
    return OCT_OK;
}

oct_status oct_narrow_pack(oct_rewritten *made, oct_error *err)
{
    for (int32_t i = 0; i < made->work.report->count; i++) {
        oct_tensor *tensor = made->narrow[i];
        if (tensor == NULL)
            continue;
        const int8_t *codes = tensor->data;
        size_t count = tensor->size, size = (count + 1) / 2;
        uint8_t *bytes = oct_graph_new_bytes(made->work.graph, size);
        if (bytes == NULL)
            return oct_fail_memory(err, size, "4-bit weights");
        for (size_t k = 0; k < count; k++)
            bytes[k / 2] |= (uint8_t)((codes[k] & 15) << (k % 2 * 4));
        tensor->type = OCT_INT4;
        tensor->data = bytes;
        tensor->size = size;
    }
    return OCT_OK;
}
