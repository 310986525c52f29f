/*
 * int8: a plan becomes a graph. Nodes of the plan compute in int8; QUANTIZE and DEQUANTIZE stand where
 * they meet float nodes and the model's inputs and outputs, and where readers need other parameters.
 */
#include <string.h>

#include "quant/boundary.h"
#include "quant/plan.h"

typedef struct rewriter {
    oct_work *work;
    oct_subgraph *sub;
    oct_plan plan;
    oct_node **nodes; /* those of the float graph */
    int32_t node_count;
    int32_t *encoded; /* [tensors]: the integer form of a constant, or -1 */
} rewriter;

/* Constants. */

static oct_status encode(rewriter *r, int32_t index, oct_error *err)
{
    const oct_state *state = &r->plan.states[index];
    const oct_tensor *tensor = r->sub->tensors[index];
    if (state->is_coefficient)
        return oct_weight_encode(r->work, tensor, &state->magnitudes, &state->scheme,
            OCT_WEIGHT_LEGACY, &r->encoded[index], err);
    return oct_constant_encode(r->work, tensor, &state->scheme, &r->encoded[index], err);
}

static oct_status encode_inputs(rewriter *r, int32_t at, oct_error *err)
{
    oct_node *node = r->nodes[at];
    oct_layer_note *note = &r->work->report->notes[at];
    for (int32_t i = 0; i < node->input_count; i++) {
        int32_t index = node->inputs[i];
        const oct_tensor *tensor = oct_work_input(r->work, node, i);
        if (tensor == NULL || !oct_tensor_is_constant(tensor) || !oct_tensor_is_float(tensor))
            continue;
        if (r->encoded[index] < 0)
            OCT_TRY(encode(r, index, err));
        node->inputs[i] = r->encoded[index];
        note->weight_bytes_after += (int64_t)r->sub->tensors[r->encoded[index]]->size -
            (int64_t)tensor->size;
    }
    return OCT_OK;
}

/* Activations. */

/* The readers of one tensor, and where its integer forms come from. */
typedef struct activation {
    int32_t tensor;
    oct_node *maker; /* NULL: an input of the model */
    bool made_integer, read_float, read_plainly;
    int32_t groups;  /* requantizations for some readers */
    int32_t integer; /* tensor with the planned parameters, or -1 */
} activation;

static bool is_output(const oct_subgraph *sub, int32_t tensor)
{
    for (int32_t i = 0; i < sub->output_count; i++)
        if (sub->outputs[i] == tensor)
            return true;
    return false;
}

static const oct_requant *requant_of(const oct_state *state, int32_t node, int32_t slot)
{
    for (const oct_requant *q = state->requants; q != NULL; q = q->next)
        for (int32_t i = 0; i < q->use_count && !q->at_producer; i++)
            if (q->uses[i].node == node && q->uses[i].slot == slot)
                return q;
    return NULL;
}

static const oct_requant *producer_requant(const oct_state *state)
{
    const oct_requant *q = state->requants;
    while (q != NULL && !q->at_producer)
        q = q->next;
    return q;
}

static bool serves_integer(const rewriter *r, const oct_requant *requant)
{
    for (int32_t i = 0; i < requant->use_count; i++)
        if (r->plan.integer[requant->uses[i].node])
            return !requant->at_producer;
    return false;
}

/* The first requantization that some integer reader needs. */
static const oct_requant *served_requant(const rewriter *r, const oct_state *state)
{
    const oct_requant *q = state->requants;
    while (q != NULL && !serves_integer(r, q))
        q = q->next;
    return q;
}

static activation look_at(const rewriter *r, int32_t tensor)
{
    activation a = { .tensor = tensor, .integer = -1, .read_float = is_output(r->sub, tensor) };
    for (int32_t i = 0; i < r->node_count; i++) {
        oct_node *node = r->nodes[i];
        for (int32_t j = 0; j < node->output_count; j++)
            if (node->outputs[j] == tensor) {
                a.maker = node;
                a.made_integer = r->plan.integer[i];
            }
        for (int32_t j = 0; j < node->input_count; j++) {
            if (node->inputs[j] != tensor)
                continue;
            a.read_float |= !r->plan.integer[i];
            a.read_plainly |= r->plan.integer[i] &&
                requant_of(&r->plan.states[tensor], i, j) == NULL;
        }
    }
    for (const oct_requant *q = r->plan.states[tensor].requants; q != NULL; q = q->next)
        a.groups += serves_integer(r, q);
    return a;
}

/* A new tensor in a scheme, quantized from another right behind where that is made. */
static oct_status quantize_from(rewriter *r, int32_t from, const oct_scheme *scheme, int32_t *index,
    oct_error *err)
{
    OCT_TRY(oct_work_new_tensor(r->work, r->sub->tensors[from], "tfl.quantize", OCT_INT8, index,
        err));
    OCT_TRY(oct_work_set_scheme(r->work, r->sub->tensors[*index], scheme, err));
    return oct_work_convert(r->work, oct_graph_producer(r->sub, from) + 1, OCT_OP_QUANTIZE, from,
        *index, err);
}

/* Float readers of a tensor that is made in int8 get it through one DEQUANTIZE. */
static oct_status serve_float_readers(rewriter *r, const activation *a, oct_error *err)
{
    if (!a->made_integer || !a->read_float)
        return OCT_OK;
    const oct_tensor *tensor = r->sub->tensors[a->tensor];
    bool output = is_output(r->sub, a->tensor);
    int32_t real;
    OCT_TRY(oct_work_new_tensor(r->work, tensor, output ? tensor->name : "tfl.dequantize",
        OCT_FLOAT32, &real, err));
    for (int32_t i = 0; i < r->node_count; i++)
        for (int32_t j = 0; j < r->nodes[i]->input_count && !r->plan.integer[i]; j++)
            if (r->nodes[i]->inputs[j] == a->tensor)
                r->nodes[i]->inputs[j] = real;
    if (output)
        oct_work_move_boundary(r->work, false, a->tensor, real);
    return oct_work_convert(r->work, oct_graph_producer(r->sub, a->tensor) + 1, OCT_OP_DEQUANTIZE,
        a->tensor, real, err);
}

/*
 * A single requantization of all that an operator makes is no node: the operator makes it so. Operators
 * that share or fix their parameters cannot. (FoldTrivalRequantizeOp, FuseQQToRequant)
 */
static bool absorbs_requant(const activation *a, const oct_state *state)
{
    if (a->groups != 1 || a->read_plainly || producer_requant(state) != NULL)
        return false;
    return !a->made_integer || (!a->read_float && oct_node_rule(a->maker)->link == OCT_LINK_FREE);
}

/* Makes the tensor with the planned parameters: the one the maker writes, or a quantized one. */
static oct_status make_integer(rewriter *r, activation *a, oct_error *err)
{
    const oct_state *state = &r->plan.states[a->tensor];
    const oct_requant *made_as = producer_requant(state);
    bool absorbed = absorbs_requant(a, state);
    const oct_scheme *scheme = absorbed ? &served_requant(r, state)->scheme : &state->scheme;
    bool wanted = a->read_plainly || a->groups > 0;
    if (!a->made_integer)
        return wanted ? quantize_from(r, a->tensor, scheme, &a->integer, err) : OCT_OK;
    oct_tensor *tensor = r->sub->tensors[a->tensor];
    OCT_TRY(oct_work_set_scheme(r->work, tensor, made_as != NULL ? &made_as->scheme : scheme, err));
    a->integer = a->tensor;
    if (made_as != NULL && wanted)
        return quantize_from(r, a->tensor, scheme, &a->integer, err);
    return OCT_OK;
}

static void point_plain_readers(rewriter *r, const activation *a, bool absorbed)
{
    for (int32_t i = 0; i < r->node_count; i++)
        for (int32_t j = 0; j < r->nodes[i]->input_count && r->plan.integer[i]; j++)
            if (r->nodes[i]->inputs[j] == a->tensor &&
                (absorbed || requant_of(&r->plan.states[a->tensor], i, j) == NULL))
                r->nodes[i]->inputs[j] = a->integer;
}

static oct_status point_other_readers(rewriter *r, const activation *a, oct_error *err)
{
    for (const oct_requant *q = r->plan.states[a->tensor].requants; q != NULL; q = q->next) {
        if (q->at_producer)
            continue;
        int32_t index = -1;
        for (int32_t i = 0; i < q->use_count; i++) {
            if (!r->plan.integer[q->uses[i].node])
                continue;
            if (index < 0)
                OCT_TRY(quantize_from(r, a->integer, &q->scheme, &index, err));
            r->nodes[q->uses[i].node]->inputs[q->uses[i].slot] = index;
        }
    }
    return OCT_OK;
}

static oct_status rewrite_activation(rewriter *r, int32_t tensor, oct_error *err)
{
    activation a = look_at(r, tensor);
    bool absorbed = absorbs_requant(&a, &r->plan.states[tensor]);
    OCT_TRY(serve_float_readers(r, &a, err));
    OCT_TRY(make_integer(r, &a, err));
    if (a.integer < 0)
        return OCT_OK;
    if (!absorbed)
        OCT_TRY(point_other_readers(r, &a, err));
    point_plain_readers(r, &a, absorbed);
    return OCT_OK;
}

/* Notes. */

static bool has_channels(const rewriter *r, const oct_node *node)
{
    for (int32_t i = 0; i < node->input_count; i++) {
        const oct_tensor *tensor = oct_work_input(r->work, node, i);
        if (tensor != NULL && oct_tensor_is_constant(tensor) && tensor->quant.count > 1)
            return true;
    }
    return false;
}

static oct_status note_float(rewriter *r, int32_t at, oct_error *err)
{
    const oct_node *node = r->nodes[at];
    const oct_op_def *def = oct_op_find(node->op);
    char label[160];
    if (def == NULL)
        return oct_report_set(r->work->report, at, "float32", err, "the operator is not known");
    if (def->quant.in_slots == 0 || !def->quant.s8)
        return oct_report_set(r->work->report, at, "float32", err,
            "TensorFlow Lite has no int8 form of %s", def->name);
    for (int32_t i = 0; i < node->input_count + node->output_count; i++) {
        int32_t t = i < node->input_count ? node->inputs[i] : node->outputs[i - node->input_count];
        if (t < 0 || !oct_tensor_is_float(r->sub->tensors[t]) || oct_plan_reaches(&r->plan, t))
            continue;
        return oct_report_set(r->work->report, at, "float32", err,
            r->plan.states[t].set ? "%s comes from a float operator, without a range of its own" :
                                    "no range is known of %s",
            oct_tensor_label(r->sub, t, label, sizeof label));
    }
    return oct_report_set(r->work->report, at, "unchanged", err, "no float operands");
}

static oct_status rewrite(rewriter *r, oct_error *err)
{
    int32_t tensors = r->sub->tensor_count;
    for (int32_t i = 0; i < r->node_count; i++)
        if (!r->plan.integer[i] && oct_work_takes(r->work, r->nodes[i]))
            OCT_TRY(note_float(r, i, err));
    for (int32_t i = 0; i < tensors; i++)
        if (r->plan.states[i].set && oct_tensor_is_float(r->sub->tensors[i]) &&
            !oct_tensor_is_constant(r->sub->tensors[i]))
            OCT_TRY(rewrite_activation(r, i, err));
    for (int32_t i = 0; i < r->node_count; i++) {
        if (!r->plan.integer[i])
            continue;
        OCT_TRY(encode_inputs(r, i, err));
        OCT_TRY(oct_report_set(r->work->report, i,
            has_channels(r, r->nodes[i]) ? "int8 per-channel" : "int8", err, "%s", ""));
    }
    return OCT_OK;
}

oct_status oct_quantize_int8(oct_work *work, oct_error *err)
{
    rewriter r = { .work = work, .sub = work->sub, .node_count = work->sub->node_count };
    OCT_TRY(oct_plan_make(work, &r.plan, err));
    size_t nodes = (size_t)r.node_count * sizeof *r.nodes;
    size_t tensors = (size_t)work->sub->tensor_count * sizeof *r.encoded;
    r.nodes = oct_arena_copy(&work->arena, work->sub->nodes, nodes);
    r.encoded = oct_arena_alloc(&work->arena, tensors);
    if (r.nodes == NULL || r.encoded == NULL)
        return oct_fail_memory(err, nodes + tensors, "quantization");
    memset(r.encoded, 0xff, tensors);
    OCT_TRY(rewrite(&r, err));
    if (work->options->mode == OCT_MODE_INT8_FULL && work->settings == NULL)
        return oct_boundary_to_integer(work, err);
    return OCT_OK;
}
