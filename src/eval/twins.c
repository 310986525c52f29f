/*
 * Pairing by name, and the choice between looks from the last layer to the first, because whether a
 * factor is divided out again shows at those who read it.
 */
#include "eval/twins.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "ops/op.h"
#include "quant/estimate.h"

static const double percentile = 99.99;

/* Pairing. */

static bool contains(const int32_t *list, int32_t count, int32_t tensor)
{
    for (int32_t i = 0; i < count; i++)
        if (list[i] == tensor)
            return true;
    return false;
}

static bool has_trait(const oct_node *node, uint32_t traits)
{
    const oct_op_def *def = oct_op_of(node);
    return def != NULL && (def->traits & traits) != 0;
}

/* The node that computes a tensor of B: what stands before conversions between types. */
static int32_t computing_node(const oct_subgraph *sub, int32_t tensor)
{
    int32_t at = oct_graph_producer(sub, tensor);
    while (at >= 0 && has_trait(sub->nodes[at], OCT_TRAIT_QUANTIZES | OCT_TRAIT_DEQUANTIZES)) {
        int32_t before = oct_graph_producer(sub, sub->nodes[at]->inputs[0]);
        if (before < 0)
            return at;
        at = before;
    }
    return at;
}

static int32_t find_name(const oct_subgraph *sub, const char *name)
{
    for (int32_t i = 0; i < sub->tensor_count && name != NULL; i++)
        if (sub->tensors[i]->name != NULL && strcmp(sub->tensors[i]->name, name) == 0)
            return i;
    return -1;
}

bool oct_twins_pair(const oct_graph *a, const oct_graph *b, oct_twins *out)
{
    *out = (oct_twins){ .a = a->subgraphs[0], .b = b->subgraphs[0] };
    out->of_b = calloc((size_t)out->b->tensor_count + 1, sizeof *out->of_b);
    out->of_a = calloc((size_t)out->a->tensor_count + 1, sizeof *out->of_a);
    if (out->of_b == NULL || out->of_a == NULL)
        return false;
    for (int32_t i = 0; i < out->a->tensor_count; i++)
        out->of_a[i] = -1;
    for (int32_t i = 0; i < out->b->tensor_count; i++) {
        oct_twin *l = &out->of_b[i];
        l->partner = find_name(out->a, out->b->tensors[i]->name);
        l->maker_a = l->partner < 0 ? -1 : oct_graph_producer(out->a, l->partner);
        l->maker_b = computing_node(out->b, i);
        l->place = -1;
        l->boundary = contains(out->b->inputs, out->b->input_count, i) ||
                      contains(out->b->outputs, out->b->output_count, i);
        if (l->partner >= 0 && out->of_a[l->partner] < 0)
            out->of_a[l->partner] = i;
    }
    return true;
}

static size_t element_count(const oct_value *value)
{
    int32_t bits = oct_type_bits(value->type);
    return bits >= 8 ? value->size / ((size_t)bits / 8) : 0;
}

static bool match(
    const oct_twins *layers, const oct_twin *l, const oct_session *a, const oct_session *b)
{
    const oct_node *x = layers->a->nodes[l->maker_a], *y = layers->b->nodes[l->maker_b];
    if (x->op != y->op || x->input_count != y->input_count || x->output_count != y->output_count)
        return false;
    for (int32_t i = 0; i < x->input_count; i++) {
        if (x->inputs[i] < 0 || oct_session_value(a, x->inputs[i])->known)
            continue;
        if (y->inputs[i] < 0)
            return false;
        const oct_value *value = oct_session_value(b, y->inputs[i]);
        if (value->known || value->late ||
            element_count(value) != element_count(oct_session_value(a, x->inputs[i])))
            return false;
    }
    return true;
}

void oct_twins_match(oct_twins *layers, const oct_graph *graph_a, const oct_session *a,
    const oct_session *b, bool *wanted)
{
    for (int32_t i = 0; i < layers->b->tensor_count; i++) {
        oct_twin *l = &layers->of_b[i];
        if (l->maker_a < 0 || l->maker_b < 0 || layers->of_a[l->partner] != i)
            continue;
        l->alone = oct_session_value(a, l->partner)->type == OCT_FLOAT32 &&
                   oct_can_isolate(graph_a, a, l->maker_a) && match(layers, l, a, b);
        wanted[l->maker_a] |= l->alone;
    }
}

/* Deciding. */

/* Whether readers of a tensor give what they would from rescaled inputs rather than from raw ones. */
static bool is_explained(const oct_twins *layers, int32_t tensor)
{
    double error[OCT_LOOKS] = { 0 };
    bool any = false;
    for (int32_t i = 0; i < layers->b->tensor_count; i++) {
        const oct_twin *l = &layers->of_b[i];
        if (!l->alone || l->sums.signal == 0)
            continue;
        const oct_node *reader = layers->b->nodes[l->maker_b];
        if (!contains(reader->inputs, reader->input_count, tensor))
            continue;
        any = true;
        for (int look = 0; look < OCT_LOOKS; look++)
            error[look] += l->added[look][l->look] / l->sums.signal;
    }
    return any && error[OCT_LOOK_RESCALED] < error[OCT_LOOK_RAW];
}

void oct_twins_decide(oct_twins *layers)
{
    const oct_subgraph *b = layers->b;
    for (int32_t n = b->node_count - 1; n >= 0; n--)
        for (int32_t i = 0; i < b->nodes[n]->output_count; i++) {
            int32_t tensor = b->nodes[n]->outputs[i];
            if (tensor >= 0 && layers->of_b[tensor].sums.factors != NULL)
                layers->of_b[tensor].look =
                    is_explained(layers, tensor) ? OCT_LOOK_RESCALED : OCT_LOOK_RAW;
        }
    for (int32_t i = 0; i < b->tensor_count; i++) {
        oct_twin *l = &layers->of_b[i];
        const oct_node *maker = l->alone ? b->nodes[l->maker_b] : NULL;
        for (int32_t k = 0; maker != NULL && k < maker->input_count; k++)
            if (maker->inputs[k] >= 0 && layers->of_b[maker->inputs[k]].look == OCT_LOOK_RESCALED)
                l->look_at_inputs = OCT_LOOK_RESCALED;
    }
}

/* Describing. */

static double decibels(double signal, double noise)
{
    return noise == 0 ? INFINITY : 10 * log10(signal / noise);
}

/* The worst input of the operator that makes a tensor, in dB; inf when none was compared. */
static double worst_input(const oct_twins *layers, int32_t tensor)
{
    int32_t at = oct_graph_producer(layers->b, tensor);
    double worst = INFINITY;
    for (int32_t i = 0; at >= 0 && i < layers->b->nodes[at]->input_count; i++) {
        int32_t input = layers->b->nodes[at]->inputs[i];
        const oct_twin *l = input < 0 ? NULL : &layers->of_b[input];
        if (l != NULL && l->sums.count > 0)
            worst = fmin(worst, decibels(l->sums.signal, l->sums.noise[l->look]));
    }
    return worst;
}

static bool is_integer(oct_type type)
{
    return type == OCT_INT8 || type == OCT_UINT8 || type == OCT_INT16;
}

/* Bytes of the constants that a node reads, those behind a conversion as they are stored. */
static int64_t constant_bytes(const oct_subgraph *sub, const oct_node *node)
{
    int64_t bytes = 0;
    for (int32_t i = 0; i < node->input_count; i++) {
        int32_t tensor = node->inputs[i], at = tensor < 0 ? -1 : oct_graph_producer(sub, tensor);
        if (at >= 0 && has_trait(sub->nodes[at], OCT_TRAIT_DEQUANTIZES))
            tensor = sub->nodes[at]->inputs[0];
        if (tensor >= 0 && sub->tensors[tensor]->data != NULL)
            bytes += (int64_t)sub->tensors[tensor]->size;
    }
    return bytes;
}

static void describe_node(const oct_twins *layers, const oct_twin *l, oct_layer_error *out)
{
    const oct_node *a = layers->a->nodes[l->maker_a], *b = layers->b->nodes[l->maker_b];
    out->float_bytes = constant_bytes(layers->a, a);
    out->bytes = constant_bytes(layers->b, b);
    for (int32_t i = 0; i < b->input_count; i++) {
        int32_t tensor = b->inputs[i];
        if (tensor >= 0 && layers->b->tensors[tensor]->data == NULL &&
            is_integer(layers->b->tensors[tensor]->type))
            out->integer_inputs += oct_tensor_elements(layers->b->tensors[tensor]);
    }
    for (int32_t i = 0; i < b->output_count; i++)
        if (is_integer(layers->b->tensors[b->outputs[i]]->type))
            out->integer_outputs += oct_tensor_elements(layers->b->tensors[b->outputs[i]]);
}

/* What the codes of a tensor with one scale cover, and what most of A's values need of it. */
static oct_status describe_range(
    const oct_tensor *tensor, const oct_twin *l, oct_layer_error *out, oct_error *err)
{
    if (tensor->quant.count != 1 || !is_integer(tensor->type))
        return OCT_OK;
    double scale = (double)tensor->quant.scale[0], zero = (double)tensor->quant.zero_point[0];
    double low = tensor->type == OCT_INT8 ? INT8_MIN : tensor->type == OCT_INT16 ? INT16_MIN : 0;
    double codes = tensor->type == OCT_INT16 ? UINT16_MAX : UINT8_MAX;
    const oct_tensor_sums *s = &l->sums;
    oct_range most, all = { s->low[l->look], s->high[l->look], true };
    OCT_TRY(oct_estimate_percentile(&s->seen[l->look], all, percentile, &most, err));
    out->has_range = true;
    out->range_low = scale * (low - zero);
    out->range_high = scale * (low + codes - zero);
    out->most_low = (double)most.min;
    out->most_high = (double)most.max;
    return OCT_OK;
}

static const char *name_of(const oct_subgraph *sub, int32_t tensor)
{
    return sub->tensors[tensor]->name != NULL ? sub->tensors[tensor]->name : "";
}

oct_status oct_twins_describe(
    const oct_twins *layers, int32_t tensor, oct_layer_error *out, oct_error *err)
{
    const oct_twin *l = &layers->of_b[tensor];
    const oct_tensor *b = layers->b->tensors[tensor];
    const oct_tensor_sums *s = &l->sums;
    int32_t maker = l->alone ? l->maker_b : oct_graph_producer(layers->b, tensor);
    double sqnr = decibels(s->signal, s->noise[l->look]), before = worst_input(layers, tensor);
    *out = (oct_layer_error){ .layer = b->name,
        .computed = maker < 0 ? b->name : name_of(layers->b, layers->b->nodes[maker]->outputs[0]),
        .op = maker < 0 ? "input" : oct_builtin_name(layers->b->nodes[maker]->op),
        .type = oct_type_name(b->type),
        .sqnr_db = sqnr,
        .channels_rescaled = l->look == OCT_LOOK_RESCALED ? s->rescaled : 0,
        .loss_db = isfinite(before) && isfinite(sqnr) ? before - sqnr : 0,
        .largest_error = s->largest[l->look],
        .saturated = s->count == 0 ? 0 : (double)s->at_end / (double)s->count };
    if (out->op == NULL)
        out->op = "CUSTOM";
    for (int i = 0; i < 8; i++)
        out->codes_used += __builtin_popcount(s->codes[i]);
    if (l->alone) {
        out->alone = true;
        out->entering_db = decibels(s->signal, l->entering[l->look_at_inputs]);
        out->added_db = decibels(s->signal, l->added[l->look_at_inputs][l->look]);
        describe_node(layers, l, out);
    }
    return describe_range(b, l, out, err);
}

void oct_twins_free(oct_twins *layers)
{
    for (int32_t i = 0; layers->of_b != NULL && i < layers->b->tensor_count; i++)
        oct_sums_clear(&layers->of_b[i].sums);
    free(layers->of_b);
    free(layers->of_a);
    *layers = (oct_twins){ 0 };
}
