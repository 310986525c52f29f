/*
 * Dynamic range and weight-only: large weights become int8, all else stays float.
 *
 * Where an operator has a hybrid kernel it takes the int8 weights themselves and quantizes its input
 * while running. Elsewhere, and everywhere in weight-only mode, a DEQUANTIZE stands in front. Of a
 * table that is only looked up, the rows are taken first and expanded afterwards.
 */
#include "quant/constants.h"

/* An int8 copy of a constant, made once for every axis it is asked for. */
typedef struct copy {
    int32_t from, axis, to, expanded; /* expanded: behind its DEQUANTIZE, or -1 */
    struct copy *next;
} copy;

typedef struct dynamic {
    oct_work *work;
    copy *copies;
} dynamic;

/* Fewer weights of a layer stay float. */
static int32_t min_elements(const dynamic *d, int32_t at)
{
    const oct_settings *settings = d->work->settings;
    return settings == NULL ? OCT_MIN_ELEMENTS : settings->of[at].min_elements;
}

static oct_status find_copy(dynamic *d, int32_t from, int32_t axis, copy **out, oct_error *err)
{
    for (copy *c = d->copies; c != NULL; c = c->next)
        if (c->from == from && c->axis == axis) {
            *out = c;
            return OCT_OK;
        }
    copy *c = oct_arena_alloc(&d->work->arena, sizeof *c);
    if (c == NULL)
        return oct_fail_memory(err, sizeof *c, "a weight copy");
    const oct_tensor *tensor = d->work->sub->tensors[from];
    oct_magnitudes magnitudes;
    oct_scheme scheme;
    *c = (copy){ from, axis, -1, -1, d->copies };
    OCT_TRY(oct_constant_magnitudes(d->work, tensor, axis, &magnitudes, err));
    OCT_TRY(oct_weight_scheme(d->work, &magnitudes, OCT_WEIGHT_DYNAMIC, &scheme, err));
    OCT_TRY(oct_weight_encode(d->work, tensor, &magnitudes, &scheme, OCT_WEIGHT_DYNAMIC, &c->to,
        err));
    *out = d->copies = c;
    return OCT_OK;
}

static oct_status expand(dynamic *d, copy *c, oct_error *err)
{
    if (c->expanded >= 0)
        return OCT_OK;
    const oct_tensor *tensor = d->work->sub->tensors[c->to];
    OCT_TRY(oct_work_new_tensor(d->work, tensor, tensor->name, OCT_FLOAT32, &c->expanded, err));
    return oct_work_convert(d->work, 0, OCT_OP_DEQUANTIZE, c->to, c->expanded, err);
}

/*
 * The operator only moves elements and gives fewer than it takes: it works on int8 and its result is
 * expanded. Source: PushDownDequantize in optimize_op_order.cc.
 */
static bool expands_result(const dynamic *d, const oct_node *node, int32_t slot)
{
    const oct_op_def *def = oct_op_find(node->op);
    const oct_subgraph *sub = d->work->sub;
    return def->quant.link == OCT_LINK_SAME && node->output_count == 1 &&
        oct_graph_use_count(sub, node->inputs[slot]) == 1 &&
        oct_tensor_elements(sub->tensors[node->inputs[slot]]) >
            oct_tensor_elements(sub->tensors[node->outputs[0]]);
}

static oct_status expand_result(dynamic *d, oct_node *node, int32_t slot, const copy *c,
    oct_error *err)
{
    oct_subgraph *sub = d->work->sub;
    int32_t out = node->outputs[0], moved;
    OCT_TRY(oct_work_new_tensor(d->work, sub->tensors[out], sub->tensors[out]->name, OCT_INT8,
        &moved, err));
    const oct_quant *quant = &sub->tensors[c->to]->quant;
    OCT_TRY(oct_graph_set_quant(d->work->graph, sub->tensors[moved], quant->scale[0],
        quant->zero_point[0], err));
    node->inputs[slot] = c->to;
    node->outputs[0] = moved;
    return oct_work_convert(d->work, oct_work_position(d->work, node) + 1, OCT_OP_DEQUANTIZE, moved, out, err);
}

static void ask_asymmetric(oct_node *node, const oct_quant_rule *rule)
{
    bool *field = rule->dynamic_asymmetric ?
        oct_node_option(node, "asymmetric_quantize_inputs") :
        NULL;
    if (field != NULL)
        *field = true;
}

/* Whether a weight is worth it; else why not, for the report. */
static bool is_candidate(const oct_tensor *weights, int32_t least, const char **why)
{
    if (!oct_tensor_is_constant(weights) || !oct_tensor_is_float(weights))
        *why = "its weights are not float constants";
    else if (oct_tensor_elements(weights) < least)
        *why = "some of its weights are too few";
    else
        return true;
    return false;
}

/* The other weights of a recurrent operator: its kernel takes all of them in int8 or none. */
static bool all_more(const dynamic *d, int32_t at, const oct_quant_rule *rule, const char **why)
{
    const oct_node *node = d->work->nodes[at];
    for (int32_t slot = 0; slot < node->input_count && slot < 64; slot++) {
        const oct_tensor *weights =
            rule->dynamic_more >> slot & 1 ? oct_work_input(d->work, node, slot) : NULL;
        if (weights != NULL && !is_candidate(weights, min_elements(d, at), why))
            return false;
    }
    return true;
}

static oct_status quantize_more(dynamic *d, int32_t at, const oct_quant_rule *rule, bool hybrid,
    oct_error *err)
{
    oct_node *node = d->work->nodes[at];
    int32_t axis = oct_work_weight_axis(d->work, node, rule->dynamic_axis);
    for (int32_t slot = 0; slot < node->input_count && slot < 64; slot++) {
        copy *c;
        const oct_tensor *weights =
            rule->dynamic_more >> slot & 1 ? oct_work_input(d->work, node, slot) : NULL;
        if (weights == NULL)
            continue;
        d->work->report->notes[at].weight_bytes_after -= (int64_t)weights->size / 4 * 3;
        OCT_TRY(find_copy(d, node->inputs[slot], axis, &c, err));
        if (!hybrid)
            OCT_TRY(expand(d, c, err));
        node->inputs[slot] = hybrid ? c->to : c->expanded;
    }
    return OCT_OK;
}

static oct_status quantize_weights(dynamic *d, int32_t at, const oct_quant_rule *rule, oct_error *err)
{
    oct_node *node = d->work->nodes[at];
    int32_t axis = oct_work_weight_axis(d->work, node, rule->dynamic_axis);
    int32_t slot = rule->dynamic_slot;
    const oct_tensor *weights = oct_work_input(d->work, node, slot);
    int64_t saved = (int64_t)weights->size / 4 * 3;
    bool hybrid = rule->dynamic == OCT_DYNAMIC_HYBRID &&
        d->work->form != OCT_MODE_WEIGHT_ONLY;
    bool result = !hybrid && expands_result(d, node, slot);
    copy *c;
    OCT_TRY(find_copy(d, node->inputs[slot], axis, &c, err));
    if (result) {
        OCT_TRY(expand_result(d, node, slot, c, err));
    } else if (hybrid) {
        node->inputs[slot] = c->to;
    } else {
        OCT_TRY(expand(d, c, err));
        node->inputs[slot] = c->expanded;
    }
    OCT_TRY(quantize_more(d, at, rule, hybrid, err));
    ask_asymmetric(node, rule);
    d->work->report->notes[at].weight_bytes_after -= saved;
    return oct_report_set(d->work->report, at,
        hybrid ? "int8 weights, hybrid" : "int8 weights, float32 arithmetic", err, "%s", "");
}

static oct_status visit(dynamic *d, int32_t at, oct_error *err)
{
    const oct_node *node = d->work->nodes[at];
    const oct_op_def *def = oct_op_find(node->op);
    oct_quant_report *report = d->work->report;
    if (def == NULL || def->quant.dynamic == OCT_DYNAMIC_NONE)
        return oct_report_set(report, at, "float32", err, "the operator has no weights of its own");
    const oct_quant_rule *rule = &def->quant;
    const oct_tensor *weights = oct_work_input(d->work, node, rule->dynamic_slot);
    if (weights == NULL || !oct_tensor_is_constant(weights) || !oct_tensor_is_float(weights))
        return oct_report_set(report, at, "float32", err, "its weights are not float constants");
    int64_t elements = oct_tensor_elements(weights);
    if (elements < min_elements(d, at))
        return oct_report_set(report, at, "float32", err, "%lld weights are fewer than %d",
            (long long)elements, (int)min_elements(d, at));
    if (rule->dynamic_axis >= weights->rank)
        return oct_report_set(report, at, "float32", err, "its weights have %d dimensions",
            (int)weights->rank);
    const char *why;
    if (!all_more(d, at, rule, &why))
        return oct_report_set(report, at, "float32", err, "%s", why);
    return quantize_weights(d, at, rule, err);
}

oct_status oct_quantize_dynamic(oct_work *work, oct_error *err)
{
    dynamic d = { work, NULL };
    for (int32_t i = 0; i < work->node_count; i++)
        if (oct_work_takes(work, work->nodes[i]))
            OCT_TRY(visit(&d, i, err));
    return OCT_OK;
}
