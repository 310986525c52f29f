/*
 * int16x8: int16 activations, int8 weights, 64-bit biases, float32 input and output.
 *
 * This is another program than the int8 quantizer: nodes are visited once, in order, and results that
 * share their parameters take those of their first input. Source: LiteRT tflite/tools/optimize/
 * quantize_model.cc and the rules of operator_property.cc.
 */
#include <math.h>
#include <string.h>

#include "numeric/qparams.h"
#include "quant/constants.h"

typedef struct sixteen {
    oct_work *work;
    oct_subgraph *sub;
    int32_t *twin; /* [tensors]: the other form of a tensor (int16 of a float or int8, float of an
                      int16), or -1 */
} sixteen;

static bool is_supported(const oct_node *node)
{
    const oct_quant_rule *rule = oct_node_rule(node);
    return rule->in_slots != 0 && rule->s16;
}

static bool is_quantized(const oct_tensor *tensor)
{
    return tensor->quant.count != 0;
}

/* Operators with several inputs of one scale (concatenation) are made to fit afterwards. */
static bool shares_first_input(const sixteen *s, const oct_node *node)
{
    int32_t activations = 0;
    for (int32_t i = 0; i < node->input_count; i++) {
        const oct_tensor *tensor = oct_work_input(s->work, node, i);
        activations += tensor != NULL && oct_work_role(node, i) == OCT_ROLE_ACT &&
            (oct_tensor_is_float(tensor) || tensor->type == OCT_INT16);
    }
    return oct_node_rule(node)->link == OCT_LINK_SAME && activations <= 1;
}

static oct_status set_activation(sixteen *s, oct_tensor *tensor, float scale, oct_error *err)
{
    tensor->type = OCT_INT16;
    return oct_graph_set_quant(s->work->graph, tensor, scale, 0, err);
}

/* What a tensor was made from: beside int8 layers a float tensor may be the expansion of codes. */
static int32_t origin(const sixteen *s, int32_t index)
{
    int32_t maker = index < s->work->float_tensors ? -1 : oct_graph_producer(s->sub, index);
    return maker < 0 ? index : s->sub->nodes[maker]->inputs[0];
}

static bool has_range(const sixteen *s, int32_t index)
{
    index = origin(s, index);
    return index < s->work->float_tensors && s->work->ranges[index].seen;
}

/* A tensor that was always zero has an empty range; a scale of its own keeps the model valid. */
static float scale_of_range(const sixteen *s, int32_t index)
{
    float scale = oct_scale_s16(s->work->ranges[index].min, s->work->ranges[index].max);
    return scale > 0.f ? scale : 1.f / 32768.f;
}

/* Inputs. */

static bool is_model_input(const sixteen *s, int32_t tensor)
{
    for (int32_t i = 0; i < s->sub->input_count; i++)
        if (s->sub->inputs[i] == tensor)
            return true;
    return false;
}

static const char *suffixed(sixteen *s, const char *name, const char *suffix)
{
    return oct_arena_format(&s->work->graph->arena, "%s%s", name == NULL ? "tensor" : name, suffix);
}

/* The result of a float or int8 node, quantized in front of the node that wants it. */
static oct_status quantize_float(sixteen *s, oct_node *node, int32_t slot, oct_error *err)
{
    int32_t index = origin(s, node->inputs[slot]);
    const oct_tensor *tensor = s->sub->tensors[index];
    if (s->twin[index] < 0) {
        const char *name = suffixed(s, tensor->name, "_int16");
        if (name == NULL)
            return oct_fail_memory(err, 1, "a name");
        OCT_TRY(oct_work_new_tensor(s->work, tensor, name, OCT_INT16, &s->twin[index], err));
        OCT_TRY(set_activation(s, s->sub->tensors[s->twin[index]], scale_of_range(s, index), err));
        OCT_TRY(oct_work_convert(s->work, oct_work_position(s->work, node), OCT_OP_QUANTIZE, index,
            s->twin[index], err));
    }
    node->inputs[slot] = s->twin[index];
    return OCT_OK;
}

static oct_status quantize_constant_activation(sixteen *s, oct_node *node, int32_t slot,
    oct_error *err)
{
    const oct_tensor *tensor = oct_work_input(s->work, node, slot);
    float min, max;
    oct_constant_range(tensor, &min, &max);
    float scale = fmaxf(fabsf(min), fabsf(max)) / 32767.f;
    oct_scheme scheme = oct_scheme_single(s->work, OCT_INT16, scale > 0.f ? scale : 1.f, 0);
    if (scheme.count == 0)
        return oct_fail_memory(err, sizeof scale, "a scale");
    return oct_constant_encode(s->work, tensor, &scheme, &node->inputs[slot], err);
}

/* Weights whose bias would not fit 32 bits get a wider range. (AdjustWeightsForBiasScale) */
static void make_room(oct_magnitudes *weights, const oct_tensor *bias, float input_scale)
{
    const float *values = bias->data;
    int64_t elements = oct_tensor_elements(bias);
    for (int32_t c = 0; c < weights->count; c++) {
        float largest = 0;
        for (int64_t i = c; i < elements; i += weights->count)
            largest = fmaxf(largest, fabsf(values[i]));
        double scale = (double)oct_scale_weight_plain(weights->values[c]);
        if (largest > 0.f && (double)largest >= 0.5 * (double)input_scale * scale * INT32_MAX)
            weights->values[c] = (float)(2.0 * (double)largest / (double)(float)INT32_MAX *
                (double)(127.f / input_scale));
    }
}

static oct_status quantize_weights(sixteen *s, oct_node *node, int32_t slot, oct_error *err)
{
    const oct_tensor *tensor = oct_work_input(s->work, node, slot);
    int32_t axis = oct_work_role(node, slot) == OCT_ROLE_WEIGHT
                       ? oct_work_weight_axis(s->work, node, oct_node_rule(node)->weight_axis)
                       : -1;
    int32_t data = oct_node_slot_with(node, OCT_ROLE_ACT), bias_slot = oct_node_slot_with(node, OCT_ROLE_BIAS);
    oct_magnitudes magnitudes;
    oct_scheme scheme;
    OCT_TRY(oct_constant_magnitudes(s->work, tensor, axis, &magnitudes, err));
    const oct_tensor *bias = oct_work_input(s->work, node, bias_slot < 0 ? INT32_MAX : bias_slot);
    const oct_tensor *input = oct_work_input(s->work, node, data < 0 ? INT32_MAX : data);
    if (bias != NULL && oct_tensor_is_constant(bias) && input != NULL && is_quantized(input))
        make_room(&magnitudes, bias, input->quant.scale[0]);
    OCT_TRY(oct_weight_scheme(s->work, &magnitudes, OCT_WEIGHT_PLAIN, &scheme, err));
    return oct_weight_encode(s->work, tensor, &magnitudes, &scheme, OCT_WEIGHT_PLAIN,
        &node->inputs[slot], err);
}

static oct_status quantize_input(sixteen *s, oct_node *node, int32_t slot, oct_error *err)
{
    int32_t index = node->inputs[slot];
    oct_role role = oct_work_role(node, slot);
    if (index < 0 || role == OCT_ROLE_NONE || role == OCT_ROLE_BIAS)
        return OCT_OK;
    oct_tensor *tensor = s->sub->tensors[index];
    if (!oct_tensor_is_float(tensor))
        return OCT_OK;
    const oct_quant_rule *rule = oct_node_rule(node);
    if (!oct_tensor_is_constant(tensor)) {
        if (is_model_input(s, index) && s->work->settings == NULL)
            return set_activation(s, tensor, scale_of_range(s, index), err);
        return quantize_float(s, node, slot, err);
    }
    if (role == OCT_ROLE_ACT && (rule->link == OCT_LINK_SAME || rule->s16_constants_as_activations))
        return quantize_constant_activation(s, node, slot, err);
    return quantize_weights(s, node, slot, err);
}

/* Outputs. */

static oct_status quantize_output(sixteen *s, const oct_node *node, int32_t index, oct_error *err)
{
    oct_tensor *tensor = index < 0 ? NULL : s->sub->tensors[index];
    const oct_quant_rule *rule = oct_node_rule(node);
    if (tensor == NULL || !oct_tensor_is_float(tensor))
        return OCT_OK;
    if (shares_first_input(s, node)) {
        const oct_tensor *input = oct_work_input(s->work, node, oct_node_slot_with(node, OCT_ROLE_ACT));
        return set_activation(s, tensor, input->quant.scale[0], err);
    }
    if (rule->link == OCT_LINK_FIXED)
        return set_activation(s, tensor, rule->fixed[OCT_FIXED_S16].scale, err);
    return set_activation(s, tensor, scale_of_range(s, index), err);
}

/* Biases. */

static oct_status quantize_bias(sixteen *s, oct_node *node, oct_error *err)
{
    int32_t slot = oct_node_slot_with(node, OCT_ROLE_BIAS), data = oct_node_slot_with(node, OCT_ROLE_ACT),
            weight = oct_node_slot_with(node, OCT_ROLE_WEIGHT);
    if (slot < 0 || data < 0 || weight < 0)
        return OCT_OK;
    const oct_tensor *bias = oct_work_input(s->work, node, slot);
    const oct_tensor *weights = oct_work_input(s->work, node, weight);
    if (!oct_tensor_is_float(bias) || !oct_tensor_is_constant(bias) || !is_quantized(weights))
        return OCT_OK;
    const oct_scheme planned = { .type = OCT_INT8, .axis = weights->quant.count > 1 ? 0 : -1,
        .count = weights->quant.count, .scales = weights->quant.scale };
    oct_scheme scheme;
    OCT_TRY(oct_bias_scheme(s->work, OCT_INT64,
        oct_work_input(s->work, node, data)->quant.scale[0], &planned, 0, &scheme, err));
    return oct_constant_encode(s->work, bias, &scheme, &node->inputs[slot], err);
}

static void set_options(oct_node *node)
{
    int8_t *bias_type = oct_node_option(node, "quantized_bias_type");
    bool *power_of_two = oct_node_option(node, "pot_scale_int16");
    if (bias_type != NULL)
        *bias_type = OCT_INT64;
    if (power_of_two != NULL)
        *power_of_two = false;
}

/* Concatenation and its like: inputs of another scale than the result's. (ApplyConstraints) */

static oct_status reencode(sixteen *s, oct_node *node, int32_t slot, float scale, oct_error *err)
{
    const oct_tensor *old = oct_work_input(s->work, node, slot);
    int64_t count = oct_tensor_elements(old);
    float *values = oct_arena_array(&s->work->arena, (size_t)count, sizeof *values);
    oct_scheme scheme = oct_scheme_single(s->work, OCT_INT16, scale, 0);
    if (values == NULL || scheme.count == 0)
        return oct_fail_memory(err, (size_t)count * sizeof *values, "a constant");
    const int16_t *codes = old->data;
    for (int64_t i = 0; i < count; i++)
        values[i] = old->quant.scale[0] * (float)codes[i];
    oct_tensor real = *old;
    real.type = OCT_FLOAT32;
    real.data = values;
    return oct_constant_encode(s->work, &real, &scheme, &node->inputs[slot], err);
}

static oct_status fit_input(sixteen *s, oct_node *node, int32_t slot, oct_error *err)
{
    int32_t index = node->inputs[slot], fitted;
    float scale = s->sub->tensors[node->outputs[0]]->quant.scale[0];
    oct_tensor *tensor = oct_work_input(s->work, node, slot);
    if (tensor == NULL || tensor->type != OCT_INT16 || !is_quantized(tensor) ||
        tensor->quant.scale[0] == scale)
        return OCT_OK;
    if (oct_tensor_is_constant(tensor))
        return reencode(s, node, slot, scale, err);
    const char *name = suffixed(s, tensor->name, "_requantized");
    if (name == NULL)
        return oct_fail_memory(err, 1, "a name");
    OCT_TRY(oct_work_new_tensor(s->work, tensor, name, OCT_INT16, &fitted, err));
    OCT_TRY(set_activation(s, s->sub->tensors[fitted], scale, err));
    node->inputs[slot] = fitted;
    return oct_work_convert(s->work, oct_work_position(s->work, node), OCT_OP_QUANTIZE, index, fitted, err);
}

static oct_status fit_inputs(sixteen *s, oct_node *node, oct_error *err)
{
    if (oct_node_rule(node)->link != OCT_LINK_SAME || shares_first_input(s, node) ||
        node->output_count == 0 || !is_quantized(s->sub->tensors[node->outputs[0]]))
        return OCT_OK;
    for (int32_t i = 0; i < node->input_count; i++)
        OCT_TRY(fit_input(s, node, i, err));
    return OCT_OK;
}

/* A tensor that has become int16 here: not one that had codes in the float graph. */
static bool became_int16(const sixteen *s, int32_t index)
{
    const oct_tensor *tensor = s->sub->tensors[index];
    bool given = s->work->given != NULL && index < s->work->float_tensors && s->work->given[index];
    return tensor->type == OCT_INT16 && is_quantized(tensor) && !given;
}

/* Float nodes get what int16 nodes made through a DEQUANTIZE. */
static oct_status serve_float_node(sixteen *s, oct_node *node, oct_error *err)
{
    for (int32_t i = 0; i < node->input_count; i++) {
        int32_t index = node->inputs[i];
        const oct_tensor *tensor = oct_work_input(s->work, node, i);
        if (tensor == NULL || !became_int16(s, index))
            continue;
        if (s->twin[index] < 0) {
            const char *name = suffixed(s, tensor->name, "_float");
            if (name == NULL)
                return oct_fail_memory(err, 1, "a name");
            OCT_TRY(oct_work_new_tensor(s->work, tensor, name, OCT_FLOAT32, &s->twin[index], err));
            OCT_TRY(oct_work_convert(s->work, oct_work_position(s->work, node), OCT_OP_DEQUANTIZE, index,
                s->twin[index], err));
        }
        node->inputs[i] = s->twin[index];
    }
    return OCT_OK;
}

/* The tensor whose missing range keeps a node from being quantized, or -1. */
static int32_t without_range(const sixteen *s, const oct_node *node)
{
    for (int32_t i = 0; i < node->input_count; i++) {
        const oct_tensor *tensor = oct_work_input(s->work, node, i);
        if (tensor != NULL && oct_work_role(node, i) != OCT_ROLE_NONE &&
            oct_tensor_is_float(tensor) && !oct_tensor_is_constant(tensor) &&
            !has_range(s, node->inputs[i]))
            return node->inputs[i];
    }
    for (int32_t i = 0; i < node->output_count; i++)
        if (node->outputs[i] >= 0 && oct_tensor_is_float(s->sub->tensors[node->outputs[i]]) &&
            !has_range(s, node->outputs[i]))
            return node->outputs[i];
    return -1;
}

static bool has_float_operand(const sixteen *s, const oct_node *node)
{
    for (int32_t i = 0; i < node->input_count; i++) {
        const oct_tensor *tensor = oct_work_input(s->work, node, i);
        if (tensor != NULL && (oct_tensor_is_float(tensor) || is_quantized(tensor)))
            return true;
    }
    for (int32_t i = 0; i < node->output_count; i++)
        if (node->outputs[i] >= 0 && oct_tensor_is_float(s->sub->tensors[node->outputs[i]]))
            return true;
    return false;
}

static int64_t weight_bytes(const sixteen *s, const oct_node *node)
{
    int64_t bytes = 0;
    for (int32_t i = 0; i < node->input_count; i++) {
        const oct_tensor *tensor = oct_work_input(s->work, node, i);
        bytes += tensor != NULL && oct_tensor_is_constant(tensor) ? (int64_t)tensor->size : 0;
    }
    return bytes;
}

static oct_status leave_float(sixteen *s, int32_t at, oct_error *err)
{
    oct_node *node = s->work->nodes[at];
    const char *name = oct_builtin_name(node->op);
    char label[160];
    if (!has_float_operand(s, node))
        return oct_report_set(s->work->report, at, "unchanged", err, "no float operands");
    if (is_supported(node))
        OCT_TRY(oct_report_set(s->work->report, at, "float32", err, "no range is known of %s",
            oct_tensor_label(s->sub, without_range(s, node), label, sizeof label)));
    else
        OCT_TRY(oct_report_set(s->work->report, at, "float32", err,
            "TensorFlow Lite has no 16x8 form of %s", name == NULL ? "the operator" : name));
    return serve_float_node(s, node, err);
}

static oct_status visit(sixteen *s, int32_t at, oct_error *err)
{
    oct_node *node = s->work->nodes[at];
    if (!oct_work_takes(s->work, node))
        return serve_float_node(s, node, err);
    if (!is_supported(node) || !has_float_operand(s, node) || without_range(s, node) >= 0)
        return leave_float(s, at, err);
    for (int32_t i = 0; i < node->input_count; i++)
        OCT_TRY(quantize_input(s, node, i, err));
    for (int32_t i = 0; i < node->output_count; i++)
        OCT_TRY(quantize_output(s, node, node->outputs[i], err));
    OCT_TRY(fit_inputs(s, node, err));
    OCT_TRY(quantize_bias(s, node, err));
    set_options(node);
    s->work->report->notes[at].weight_bytes_after = weight_bytes(s, node);
    return oct_report_set(s->work->report, at, "int16 activations, int8 weights", err, "%s", "");
}

/* The model keeps float inputs and outputs under their names. (SetInputAndOutputTypes) */

static oct_status float_boundary(sixteen *s, bool input, int32_t index, oct_error *err)
{
    oct_tensor *tensor = s->sub->tensors[index];
    if (!became_int16(s, index))
        return OCT_OK;
    int32_t real;
    const char *name = suffixed(s, tensor->name, "_int16");
    if (name == NULL)
        return oct_fail_memory(err, 1, "a name");
    OCT_TRY(oct_work_new_tensor(s->work, tensor, name, OCT_FLOAT32, &real, err));
    oct_work_move_boundary(s->work, input, index, real);
    return input ? oct_work_convert(s->work, 0, OCT_OP_QUANTIZE, real, index, err) :
                   oct_work_convert(s->work, s->sub->node_count, OCT_OP_DEQUANTIZE, index, real,
                       err);
}

oct_status oct_quantize_int16x8(oct_work *work, oct_error *err)
{
    oct_subgraph *sub = work->sub;
    /* Twins are asked for of float tensors and of what stands in their place: never of new ones. */
    size_t twins = (size_t)sub->tensor_count * sizeof(int32_t);
    sixteen s = { work, sub, oct_arena_alloc(&work->arena, twins) };
    if (s.twin == NULL)
        return oct_fail_memory(err, twins, "quantization");
    memset(s.twin, 0xff, twins);
    for (int32_t i = 0; i < work->node_count; i++)
        OCT_TRY(visit(&s, i, err));
    for (int32_t i = 0; i < sub->input_count; i++)
        OCT_TRY(float_boundary(&s, true, sub->inputs[i], err));
    for (int32_t i = 0; i < sub->output_count; i++)
        OCT_TRY(float_boundary(&s, false, sub->outputs[i], err));
    return OCT_OK;
}
