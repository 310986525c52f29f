/*
 * LSTM, UNIDIRECTIONAL_SEQUENCE_LSTM, BIDIRECTIONAL_SEQUENCE_LSTM: cells (lstm.h) along sequences.
 * The old "basic" kernel of LSTM (five inputs, uint8) is not here: no converter has made it since 2018.
 * Sources: LiteRT tflite/kernels/lstm.cc, unidirectional_sequence_lstm.cc, bidirectional_sequence_lstm.cc.
 */
#include "ops/lstm.h"

#include <string.h>

#include "ops/arith.h"
#include "ops/recurrent.h"
#include "ops/version.h"

enum {
    WEIGHTS = 0,
    RECURRENT = 4,
    PEEPHOLES = 8,
    BIASES = 11,
    PROJECTION = 15,
    PROJECTION_BIAS = 16
};
enum { BIDI_AUX = 39 };

static const oct_lstm_slots forward_slots = { 1, 18, 19, 20, -1 };
static const oct_lstm_slots bidi_slots[2] = { { 1, 35, 36, -1, 40 }, { 18, 37, 38, -1, 44 } };

static const oct_value *slot(const oct_op *op, int32_t first, int32_t index)
{
    return first < 0 || first + index >= op->in_count ? NULL : op->in[first + index];
}

static void find_values(const oct_op *op, const oct_lstm_slots *s, oct_lstm *l)
{
    static const int8_t peephole[OCT_GATES] = { 0, 1, -1, 2 };
    for (int g = 0; g < OCT_GATES; g++) {
        l->input[g] = slot(op, s->first, WEIGHTS + g);
        l->recurrent[g] = slot(op, s->first, RECURRENT + g);
        l->bias[g] = slot(op, s->first, BIASES + g);
        l->norm[g] = slot(op, s->norms, g);
        l->aux[g] = l->aux_inputs > 0 ? slot(op, s->aux, g) : NULL;
        l->peephole[g] = peephole[g] < 0 ? NULL : slot(op, s->first, PEEPHOLES + peephole[g]);
    }
    l->projection = slot(op, s->first, PROJECTION);
    l->projection_bias = slot(op, s->first, PROJECTION_BIAS);
}

static oct_status need_vector(const oct_op *op, const oct_value *v, int32_t length, oct_error *err)
{
    if (v == NULL || oct_value_count(v) == (size_t)length)
        return OCT_OK;
    return oct_op_fail(op, OCT_E_INVALID, err, "%s has %zu elements, not %d", v->label,
        oct_value_count(v), (int)length);
}

static oct_status check_gate(
    const oct_op *op, const oct_lstm_slots *s, const oct_lstm *l, int g, oct_error *err)
{
    OCT_TRY(oct_op_need_matrix(op, s->first + WEIGHTS + g, l->cells, l->inputs, err));
    OCT_TRY(oct_op_need_matrix(op, s->first + RECURRENT + g, l->cells, l->outputs, err));
    if (l->aux[g] != NULL)
        OCT_TRY(oct_op_need_matrix(op, s->aux + g, l->cells, l->aux_inputs, err));
    OCT_TRY(need_vector(op, l->bias[g], l->cells, err));
    OCT_TRY(need_vector(op, l->norm[g], l->cells, err));
    OCT_TRY(need_vector(op, l->peephole[g], l->cells, err));
    if (l->bias[g] == NULL)
        return oct_op_fail(op, OCT_E_INVALID, err, "gate %d has no bias", g);
    if (op->form == OCT_FORM_S8)
        return OCT_OK;
    oct_type peephole = l->hybrid ? OCT_INT8 : OCT_FLOAT32;
    if ((l->peephole[g] != NULL && l->peephole[g]->type != peephole) ||
        l->bias[g]->type != OCT_FLOAT32 ||
        (l->norm[g] != NULL && l->norm[g]->type != OCT_FLOAT32) ||
        l->input[g]->type != l->input[OCT_GATE_OUTPUT]->type ||
        l->recurrent[g]->type != l->input[OCT_GATE_OUTPUT]->type ||
        (l->aux[g] != NULL && l->aux[g]->type != l->input[OCT_GATE_OUTPUT]->type))
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "gate %d mixes types", g);
    return OCT_OK;
}

static oct_status check_projection(
    const oct_op *op, const oct_lstm_slots *s, const oct_lstm *l, oct_error *err)
{
    if (l->projection == NULL)
        return l->cells == l->outputs
                   ? OCT_OK
                   : oct_op_fail(op, OCT_E_INVALID, err, "%d cells for %d outputs", (int)l->cells,
                         (int)l->outputs);
    OCT_TRY(oct_op_need_matrix(op, s->first + PROJECTION, l->outputs, l->cells, err));
    if (op->form != OCT_FORM_S8 &&
        (l->projection->type != l->input[OCT_GATE_OUTPUT]->type ||
            (l->projection_bias != NULL && l->projection_bias->type != OCT_FLOAT32)))
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "projection of another type");
    return need_vector(op, l->projection_bias, l->outputs, err);
}

/* All of a kind or none, the input gate left out with CIFG. */
static oct_status check_whole(const oct_op *op, const oct_lstm *l, oct_error *err)
{
    bool cifg = l->input[OCT_GATE_INPUT] == NULL;
    bool whole = cifg == (l->recurrent[OCT_GATE_INPUT] == NULL);
    for (int g = OCT_GATE_FORGET; g < OCT_GATES; g++)
        whole = whole && l->input[g] != NULL && l->recurrent[g] != NULL &&
                (l->norm[g] == NULL) == (l->norm[OCT_GATE_OUTPUT] == NULL) &&
                (l->aux[g] == NULL) == (l->aux[OCT_GATE_OUTPUT] == NULL) &&
                (g == OCT_GATE_CELL ||
                    (l->peephole[g] == NULL) == (l->peephole[OCT_GATE_OUTPUT] == NULL));
    if (!cifg)
        whole = whole && (l->norm[OCT_GATE_INPUT] == NULL) == (l->norm[OCT_GATE_OUTPUT] == NULL) &&
                (l->aux[OCT_GATE_INPUT] == NULL) == (l->aux[OCT_GATE_OUTPUT] == NULL) &&
                (l->peephole[OCT_GATE_INPUT] == NULL) == (l->peephole[OCT_GATE_OUTPUT] == NULL);
    return whole ? OCT_OK
                 : oct_op_fail(op, OCT_E_INVALID, err, "weights of some gates are missing");
}

oct_status oct_lstm_read(oct_op *op, const oct_lstm_slots *s, int32_t batch, int32_t inputs,
    int32_t aux_inputs, oct_lstm *l, oct_error *err)
{
    l->batch = batch;
    l->inputs = inputs;
    l->aux_inputs = aux_inputs;
    find_values(op, s, l);
    OCT_TRY(check_whole(op, l, err));
    const oct_value *recurrent = l->recurrent[OCT_GATE_OUTPUT];
    if (recurrent->rank != 2)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "recurrent weights with %d dimensions",
            (int)recurrent->rank);
    l->cells = recurrent->dims[0];
    l->outputs = recurrent->dims[1];
    l->hybrid = op->form == OCT_FORM_HYBRID;
    if (l->cells < 1 || l->outputs < 1)
        return oct_op_fail(
            op, OCT_E_INVALID, err, "%d cells, %d outputs", (int)l->cells, (int)l->outputs);
    for (int g = 0; g < OCT_GATES; g++)
        if (l->input[g] != NULL)
            OCT_TRY(check_gate(op, s, l, g, err));
    OCT_TRY(check_projection(op, s, l, err));
    bool integer = op->form == OCT_FORM_S8;
    size_t cells = (size_t)l->cells, outputs = (size_t)l->outputs, items = (size_t)batch;
    OCT_TRY(
        oct_op_need_state(op, s->hidden, integer ? OCT_INT8 : OCT_FLOAT32, items * outputs, err));
    OCT_TRY(oct_op_need_state(op, s->cell, integer ? OCT_INT16 : OCT_FLOAT32, items * cells, err));
    l->hidden = op->in[s->hidden];
    l->cell = op->in[s->cell];
    l->scratch_bytes = (OCT_GATES + 1) * cells * sizeof(float) + (size_t)inputs +
                       (size_t)aux_inputs + outputs + cells;
    return OCT_OK;
}

/* The options of the three operators, as one. */
typedef struct options {
    bool time_major, merge;
} options;

static options read_options(const oct_op *op, oct_lstm *l)
{
    if (op->node->op == OCT_OP_LSTM) {
        const oct_lstm_options *o = op->options;
        l->activation = o->fused_activation, l->cell_clip = o->cell_clip;
        l->projection_clip = o->proj_clip, l->asymmetric = o->asymmetric_quantize_inputs;
        return (options){ true, false };
    }
    if (op->node->op == OCT_OP_UNIDIRECTIONAL_SEQUENCE_LSTM) {
        const oct_unidirectional_sequence_lstm_options *o = op->options;
        l->activation = o->fused_activation, l->cell_clip = o->cell_clip;
        l->projection_clip = o->proj_clip, l->asymmetric = o->asymmetric_quantize_inputs;
        return (options){ o->time_major, false };
    }
    const oct_bidirectional_sequence_lstm_options *o = op->options;
    l->activation = o->fused_activation, l->cell_clip = o->cell_clip;
    l->projection_clip = o->proj_clip, l->asymmetric = o->asymmetric_quantize_inputs;
    return (options){ o->time_major, o->merge_outputs };
}

static oct_status set_output(oct_op *op, int32_t index, int32_t length, oct_error *err)
{
    const oct_value *in = op->in[0];
    int32_t dims[3];
    memcpy(dims, in->dims, (size_t)in->rank * sizeof *dims);
    dims[in->rank - 1] = length;
    return oct_op_set_shape(op, index, in->type, in->rank, dims, err);
}

static oct_status outputs_of(const oct_op *op, int32_t at, int32_t *outputs, oct_error *err)
{
    const oct_value *recurrent = slot(op, at, RECURRENT + OCT_GATE_OUTPUT);
    if (recurrent == NULL || recurrent->rank != 2)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "recurrent weights are no matrix");
    *outputs = recurrent->dims[1];
    return OCT_OK;
}

static oct_status infer(oct_op *op, oct_error *err)
{
    int32_t outputs, rank = op->node->op == OCT_OP_LSTM ? 2 : 3;
    if (op->in[0]->rank != rank)
        return oct_op_fail(
            op, OCT_E_INVALID, err, "input with %d dimensions", (int)op->in[0]->rank);
    if (op->node->op == OCT_OP_LSTM && ((const oct_lstm_options *)op->options)->kernel_type != 0)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "the basic kernel of LSTM");
    OCT_TRY(outputs_of(op, forward_slots.first, &outputs, err));
    return set_output(op, 0, outputs, err);
}

static oct_status infer_bidi(oct_op *op, oct_error *err)
{
    const oct_bidirectional_sequence_lstm_options *o = op->options;
    int32_t forward, backward;
    if (op->in[0]->rank != 3 || op->out_count != (o->merge_outputs ? 1 : 2))
        return oct_op_fail(op, OCT_E_INVALID, err, "input with %d dimensions, %d outputs",
            (int)op->in[0]->rank, (int)op->out_count);
    OCT_TRY(outputs_of(op, bidi_slots[0].first, &forward, err));
    OCT_TRY(outputs_of(op, bidi_slots[1].first, &backward, err));
    if (o->merge_outputs)
        return set_output(op, 0, forward + backward, err);
    OCT_TRY(set_output(op, 0, forward, err));
    return set_output(op, 1, backward, err);
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    oct_lstm *l = oct_op_alloc(op, sizeof *l);
    if (l == NULL)
        return oct_fail_memory(err, sizeof *l, op->out[0]->label);
    op->prepared = l;
    options o = read_options(op, l);
    oct_sequence x = oct_sequence_of(op->in[0], o.time_major);
    OCT_TRY(oct_lstm_read(op, &forward_slots, x.batch, x.length, 0, l, err));
    op->scratch_bytes[0] = l->scratch_bytes;
    return op->form == OCT_FORM_S8 ? oct_lstm_prepare_integer(op, l, err) : OCT_OK;
}

/* The backward cell reads the auxiliary input instead of the input where that has no weights of its own. */
static const oct_value *bidi_input(const oct_op *op, int direction)
{
    const oct_value *aux = slot(op, BIDI_AUX, 0);
    bool own = slot(op, bidi_slots[0].aux, OCT_GATE_OUTPUT) != NULL;
    return direction == 1 && aux != NULL && !own ? aux : op->in[0];
}

static oct_status prepare_bidi(oct_op *op, oct_error *err)
{
    oct_lstm *l = oct_op_alloc(op, 2 * sizeof *l);
    if (l == NULL)
        return oct_fail_memory(err, 2 * sizeof *l, op->out[0]->label);
    op->prepared = l;
    const oct_value *aux = slot(op, BIDI_AUX, 0);
    for (int d = 0; d < 2; d++) {
        options o = read_options(op, &l[d]);
        oct_sequence x = oct_sequence_of(bidi_input(op, d), o.time_major);
        bool use_aux = aux != NULL && slot(op, bidi_slots[d].aux, OCT_GATE_OUTPUT) != NULL;
        if (aux != NULL &&
            (aux->rank != 3 || aux->type != OCT_FLOAT32 || aux->dims[0] != op->in[0]->dims[0] ||
                aux->dims[1] != op->in[0]->dims[1]))
            return oct_op_fail(
                op, OCT_E_INVALID, err, "the auxiliary input does not fit the input");
        OCT_TRY(oct_lstm_read(
            op, &bidi_slots[d], x.batch, x.length, use_aux ? aux->dims[2] : 0, &l[d], err));
        if (l[d].scratch_bytes > op->scratch_bytes[0])
            op->scratch_bytes[0] = l[d].scratch_bytes;
    }
    return OCT_OK;
}

static oct_status eval_float(oct_op *op, oct_error *err)
{
    (void)err;
    oct_lstm *l = op->prepared;
    options o = read_options(op, l);
    oct_sequence x = oct_sequence_of(op->in[0], o.time_major),
                 y = oct_sequence_of(op->out[0], o.time_major);
    for (int32_t b = 0; b < x.batch; b++)
        for (int32_t t = 0; t < x.steps; t++)
            oct_lstm_step_float(l, b,
                (const float *)op->in[0]->data + (size_t)t * x.step + (size_t)b * x.row, NULL,
                (float *)op->out[0]->data + (size_t)t * y.step + (size_t)b * y.row, op->scratch[0]);
    return OCT_OK;
}

static oct_status eval_s8(oct_op *op, oct_error *err)
{
    (void)err;
    oct_lstm *l = op->prepared;
    options o = read_options(op, l);
    oct_sequence x = oct_sequence_of(op->in[0], o.time_major),
                 y = oct_sequence_of(op->out[0], o.time_major);
    for (int32_t b = 0; b < x.batch; b++)
        for (int32_t t = 0; t < x.steps; t++)
            oct_lstm_step_integer(l, b,
                (const int8_t *)op->in[0]->data + (size_t)t * x.step + (size_t)b * x.row,
                (int8_t *)op->out[0]->data + (size_t)t * y.step + (size_t)b * y.row,
                op->scratch[0]);
    return OCT_OK;
}

static void run_direction(const oct_op *op, oct_lstm *l, int direction)
{
    options o = read_options(op, l);
    const oct_value *in = bidi_input(op, direction), *aux = slot(op, BIDI_AUX, 0);
    bool merged = op->out_count == 1;
    const oct_value *out = op->out[merged ? 0 : direction];
    oct_sequence x = oct_sequence_of(in, o.time_major), y = oct_sequence_of(out, o.time_major);
    oct_sequence a = l->aux_inputs > 0 ? oct_sequence_of(aux, o.time_major) : (oct_sequence){ 0 };
    size_t shift = merged && direction == 1 ? (size_t)(y.length - l->outputs) : 0;
    for (int32_t b = 0; b < x.batch; b++)
        for (int32_t i = 0; i < x.steps; i++) {
            size_t t = (size_t)(direction == 0 ? i : x.steps - 1 - i);
            const float *extra = l->aux_inputs > 0
                                     ? (const float *)aux->data + t * a.step + (size_t)b * a.row
                                     : NULL;
            oct_lstm_step_float(l, b, (const float *)in->data + t * x.step + (size_t)b * x.row,
                extra, (float *)out->data + t * y.step + (size_t)b * y.row + shift, op->scratch[0]);
        }
}

static oct_status eval_bidi(oct_op *op, oct_error *err)
{
    (void)err;
    run_direction(op, op->prepared, 0);
    run_direction(op, (oct_lstm *)op->prepared + 1, 1);
    return OCT_OK;
}

static bool node_is_hybrid(const oct_subgraph *sub, const oct_node *node)
{
    return oct_node_type(sub, node, 0) == OCT_FLOAT32 && oct_node_type(sub, node, 2) == OCT_INT8;
}

static int32_t version_lstm(const oct_subgraph *sub, const oct_node *node)
{
    const oct_lstm_options *o = node->options;
    bool asymmetric = o != NULL && o->asymmetric_quantize_inputs;
    if (node_is_hybrid(sub, node))
        return asymmetric ? 4 : 3;
    return oct_node_type(sub, node, 0) == OCT_INT8 ? 3 : 1;
}

static int32_t version_uni(const oct_subgraph *sub, const oct_node *node)
{
    const oct_unidirectional_sequence_lstm_options *o = node->options;
    if (o != NULL && o->diagonal_recurrent_tensors)
        return 4;
    if (!node_is_hybrid(sub, node))
        return 1;
    return o != NULL && o->asymmetric_quantize_inputs ? 3 : 2;
}

static int32_t version_bidi(const oct_subgraph *sub, const oct_node *node)
{
    const oct_bidirectional_sequence_lstm_options *o = node->options;
    if (node_is_hybrid(sub, node) && o != NULL && o->asymmetric_quantize_inputs)
        return 3;
    return o != NULL && o->time_major ? 1 : 2;
}

/* Slot 2, weights of the forget gate, is there in every cell; `more` are all others. */
#define RULE(more)                                                                                 \
    .quant = { .in = { OCT_ROLE_ACT, OCT_ROLE_WEIGHT }, .in_slots = 2, .out = { OCT_ROLE_ACT },    \
        .out_slots = 1, .weight_axis = -1, .dynamic = OCT_DYNAMIC_HYBRID, .dynamic_slot = 2,       \
        .dynamic_more = more, .dynamic_axis = -1, .dynamic_asymmetric = true }
#define SLOTS(first, last) ((UINT64_C(2) << (last)) - (UINT64_C(1) << (first)))
#define CELL_WEIGHTS ((SLOTS(1, 11) | SLOTS(16, 16)) & ~SLOTS(2, 2))
#define BIDI_WEIGHTS (CELL_WEIGHTS | SLOTS(18, 28) | SLOTS(33, 33) | SLOTS(40, 47))

/* What the two operators of one cell share. */
#define ONE_CELL                                                                                   \
    .min_in = 1, .max_in = 24, .min_out = 1, .max_out = 1, .traits = OCT_TRAIT_STATEFUL,           \
    RULE(CELL_WEIGHTS), .infer = infer, .prepare = prepare,                                        \
    .ref = { [OCT_FORM_F32] = { .eval = eval_float },                                              \
        [OCT_FORM_HYBRID] = { .eval = eval_float },                                                \
        [OCT_FORM_S8] = { .eval = eval_s8 } }

const oct_op_def oct_op_lstm = {
    .name = "LSTM",
    .code = OCT_OP_LSTM,
    .options = OCT_OPTIONS_LSTM,
    .version = version_lstm,
    .runtime = "1.7 1.10 1.14 2.3",
    ONE_CELL,
};
const oct_op_def oct_op_unidirectional_sequence_lstm = {
    .name = "UNIDIRECTIONAL_SEQUENCE_LSTM",
    .code = OCT_OP_UNIDIRECTIONAL_SEQUENCE_LSTM,
    .options = OCT_OPTIONS_UnidirectionalSequenceLSTM,
    .version = version_uni,
    .runtime = "1.13 1.14 2.3 2.12",
    ONE_CELL,
};
const oct_op_def oct_op_bidirectional_sequence_lstm = {
    .name = "BIDIRECTIONAL_SEQUENCE_LSTM",
    .code = OCT_OP_BIDIRECTIONAL_SEQUENCE_LSTM,
    .min_in = 1,
    .max_in = 48,
    .min_out = 1,
    .max_out = 2,
    .options = OCT_OPTIONS_BidirectionalSequenceLSTM,
    .traits = OCT_TRAIT_STATEFUL,
    RULE(BIDI_WEIGHTS),
    .version = version_bidi,
    .runtime = "1.14 1.14 2.3",
    .infer = infer_bidi,
    .prepare = prepare_bidi,
    .ref = { [OCT_FORM_F32] = { .eval = eval_bidi }, [OCT_FORM_HYBRID] = { .eval = eval_bidi } },
};
