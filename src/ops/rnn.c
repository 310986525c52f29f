/*
 * RNN, UNIDIRECTIONAL_SEQUENCE_RNN, BIDIRECTIONAL_SEQUENCE_RNN: state = activation(W x + R state + bias).
 * Sources: LiteRT tflite/kernels/basic_rnn.cc, unidirectional_sequence_rnn.cc, bidirectional_sequence_rnn.cc,
 * internal/kernel_utils.cc.
 */
#include <string.h>

#include "ops/arith.h"
#include "ops/recurrent.h"
#include "ops/version.h"

enum { DATA, WEIGHTS, RECURRENT, BIAS, STATE, AUX = 9, AUX_FORWARD = 10, AUX_BACKWARD = 11 };

/* One direction; its three weights and its state lie at `first` and behind. */
typedef struct cell {
    const oct_value *x, *aux; /* sequences; aux NULL: none */
    const oct_value *weights, *recurrent, *bias, *aux_weights;
    oct_value *state;
    const oct_value *y;
    int32_t inputs, aux_inputs, units, shift; /* shift: where its outputs start in y */
    bool backward;
} cell;

typedef struct params {
    cell cells[2];
    int32_t count;
    bool time_major, asymmetric;
    int activation;
} params;

static const oct_value *input(const oct_op *op, int32_t slot)
{
    return slot < op->in_count ? op->in[slot] : NULL;
}

static params read_params(const oct_op *op)
{
    if (op->node->op == OCT_OP_RNN) {
        const oct_rnn_options *o = op->options;
        return (params){ .count = 1,
            .time_major = true,
            .asymmetric = o->asymmetric_quantize_inputs,
            .activation = o->fused_activation };
    }
    if (op->node->op == OCT_OP_UNIDIRECTIONAL_SEQUENCE_RNN) {
        const oct_sequence_rnn_options *o = op->options;
        return (params){ .count = 1,
            .time_major = o->time_major,
            .asymmetric = o->asymmetric_quantize_inputs,
            .activation = o->fused_activation };
    }
    const oct_bidirectional_sequence_rnn_options *o = op->options;
    return (params){ .count = 2,
        .time_major = o->time_major,
        .asymmetric = o->asymmetric_quantize_inputs,
        .activation = o->fused_activation };
}

static oct_status units_of(const oct_op *op, int32_t slot, int32_t *units, oct_error *err)
{
    const oct_value *weights = input(op, slot);
    if (weights == NULL || weights->rank != 2 || weights->dims[0] < 1)
        return oct_op_fail(op, OCT_E_INVALID, err, "weights %d are no matrix", (int)slot);
    *units = weights->dims[0];
    return OCT_OK;
}

static oct_status set_output(oct_op *op, int32_t index, int32_t units, oct_error *err)
{
    int32_t dims[3], rank = op->in[DATA]->rank;
    memcpy(dims, op->in[DATA]->dims, (size_t)rank * sizeof *dims);
    dims[rank - 1] = units;
    return oct_op_set_shape(op, index, OCT_FLOAT32, rank, dims, err);
}

static oct_status infer(oct_op *op, oct_error *err)
{
    int32_t units[2] = { 0, 0 }, rank = op->node->op == OCT_OP_RNN ? 2 : 3;
    bool bidi = op->node->op == OCT_OP_BIDIRECTIONAL_SEQUENCE_RNN;
    if (op->in[DATA]->rank != rank)
        return oct_op_fail(
            op, OCT_E_INVALID, err, "input with %d dimensions", (int)op->in[DATA]->rank);
    OCT_TRY(units_of(op, WEIGHTS, &units[0], err));
    if (!bidi)
        return set_output(op, 0, units[0], err);
    const oct_bidirectional_sequence_rnn_options *o = op->options;
    OCT_TRY(units_of(op, WEIGHTS + 4, &units[1], err));
    if (op->out_count != (o->merge_outputs ? 1 : 2))
        return oct_op_fail(op, OCT_E_INVALID, err, "%d outputs", (int)op->out_count);
    if (o->merge_outputs)
        return set_output(op, 0, units[0] + units[1], err);
    OCT_TRY(set_output(op, 0, units[0], err));
    return set_output(op, 1, units[1], err);
}

static oct_status check_cell(
    const oct_op *op, const cell *c, int32_t first, int32_t aux_slot, oct_error *err)
{
    size_t batch = (size_t)oct_sequence_of(c->x, ((const params *)op->prepared)->time_major).batch;
    OCT_TRY(oct_op_need_matrix(op, first, c->units, c->inputs, err));
    OCT_TRY(oct_op_need_matrix(op, first + 1, c->units, c->units, err));
    if (c->aux != NULL)
        OCT_TRY(oct_op_need_matrix(op, aux_slot, c->units, c->aux_inputs, err));
    if (c->recurrent->type != c->weights->type || c->bias == NULL || c->bias->type != OCT_FLOAT32 ||
        oct_value_count(c->bias) != (size_t)c->units ||
        (c->aux != NULL && c->aux_weights->type != c->weights->type))
        return oct_op_fail(op, OCT_E_INVALID, err, "weights and bias do not fit");
    return oct_op_need_state(op, first + 3, OCT_FLOAT32, batch * (size_t)c->units, err);
}

static bool same_times(const oct_value *a, const oct_value *b)
{
    return a->rank == 3 && b->type == OCT_FLOAT32 && b->rank == 3 && a->dims[0] == b->dims[0] &&
           a->dims[1] == b->dims[1];
}

/* The backward cell reads the auxiliary input instead of the input where that has no weights of its own. */
static oct_status open_cell(oct_op *op, params *p, int32_t d, oct_error *err)
{
    cell *c = &p->cells[d];
    int32_t first = d == 0 ? WEIGHTS : WEIGHTS + 4, aux_slot = d == 0 ? AUX_FORWARD : AUX_BACKWARD;
    const oct_value *aux = p->count == 2 ? input(op, AUX) : NULL;
    bool own = input(op, AUX_FORWARD) != NULL && input(op, AUX_BACKWARD) != NULL;
    if (aux != NULL && !same_times(op->in[DATA], aux))
        return oct_op_fail(op, OCT_E_INVALID, err, "the auxiliary input does not fit the input");
    if (input(op, first + 1) == NULL || input(op, first + 3) == NULL)
        return oct_op_fail(op, OCT_E_INVALID, err, "weights or state are missing");
    *c = (cell){ .x = aux != NULL && !own && d == 1 ? aux : op->in[DATA],
        .aux = own ? aux : NULL,
        .weights = op->in[first],
        .recurrent = op->in[first + 1],
        .bias = input(op, first + 2),
        .state = op->in[first + 3],
        .backward = d == 1,
        .y = op->out[op->out_count == 2 ? d : 0],
        .units = op->in[first]->dims[0] };
    c->shift = d == 1 && op->out_count == 1 ? p->cells[0].units : 0;
    c->inputs = c->x->dims[c->x->rank - 1];
    if (c->aux != NULL) {
        c->aux_weights = op->in[aux_slot];
        c->aux_inputs = aux->dims[2];
    }
    return check_cell(op, c, first, aux_slot, err);
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    params *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, op->out[0]->label);
    *p = read_params(op);
    op->prepared = p;
    for (int32_t d = 0; d < p->count; d++) {
        OCT_TRY(open_cell(op, p, d, err));
        const cell *c = &p->cells[d];
        size_t bytes = (size_t)c->inputs + (size_t)c->aux_inputs + (size_t)c->units;
        if (bytes > op->scratch_bytes[0])
            op->scratch_bytes[0] = bytes;
    }
    return OCT_OK;
}

static void multiply(
    const params *p, const float *x, int32_t length, int8_t *q, const oct_value *weights, float *y)
{
    float scale;
    int32_t zero;
    oct_vectors v = { x, 1, length, weights->type == OCT_INT8 ? q : NULL, &scale, &zero };
    oct_vectors_quantize(&v, p->asymmetric);
    oct_vectors_multiply(&v, weights, y, (size_t)weights->dims[0]);
}

static void run_cell(const oct_op *op, const cell *c)
{
    const params *p = op->prepared;
    oct_sequence x = oct_sequence_of(c->x, p->time_major), y = oct_sequence_of(c->y, p->time_major);
    oct_sequence a = c->aux != NULL ? oct_sequence_of(c->aux, p->time_major) : (oct_sequence){ 0 };
    size_t bytes = (size_t)c->units * sizeof(float);
    for (int32_t b = 0; b < x.batch; b++)
        for (int32_t i = 0; i < x.steps; i++) {
            size_t t = (size_t)(c->backward ? x.steps - 1 - i : i);
            float *state = (float *)c->state->data + (size_t)b * (size_t)c->units;
            float *out = (float *)c->y->data + t * y.step + (size_t)b * y.row + c->shift;
            memcpy(out, c->bias->data, bytes);
            multiply(p, (const float *)c->x->data + t * x.step + (size_t)b * x.row, c->inputs,
                op->scratch[0], c->weights, out);
            if (c->aux != NULL)
                multiply(p, (const float *)c->aux->data + t * a.step + (size_t)b * a.row,
                    c->aux_inputs, op->scratch[0], c->aux_weights, out);
            multiply(p, state, c->units, op->scratch[0], c->recurrent, out);
            oct_activate_f32(p->activation, out, (size_t)c->units);
            memcpy(state, out, bytes);
        }
}

static oct_status eval(oct_op *op, oct_error *err)
{
    (void)err;
    const params *p = op->prepared;
    for (int32_t d = 0; d < p->count; d++)
        run_cell(op, &p->cells[d]);
    return OCT_OK;
}

static int32_t version(const oct_subgraph *sub, const oct_node *node)
{
    bool asymmetric = false;
    if (oct_node_type(sub, node, WEIGHTS) != OCT_INT8 || node->options == NULL)
        return 1;
    if (node->op == OCT_OP_RNN)
        asymmetric = ((const oct_rnn_options *)node->options)->asymmetric_quantize_inputs;
    else if (node->op == OCT_OP_UNIDIRECTIONAL_SEQUENCE_RNN)
        asymmetric = ((const oct_sequence_rnn_options *)node->options)->asymmetric_quantize_inputs;
    else
        asymmetric = ((const oct_bidirectional_sequence_rnn_options *)node->options)
                         ->asymmetric_quantize_inputs;
    return asymmetric ? 3 : 2;
}

#define RNN(NAME, Table, inputs, outputs, since, mode)                                             \
    {                                                                                              \
        .name = #NAME, .code = OCT_OP_##NAME, .min_in = inputs, .max_in = inputs, .min_out = 1,    \
        .max_out = outputs, .options = OCT_OPTIONS_##Table, .traits = OCT_TRAIT_STATEFUL,          \
        .quant = { .in = { OCT_ROLE_ACT, OCT_ROLE_WEIGHT, OCT_ROLE_WEIGHT, OCT_ROLE_BIAS },        \
            .in_slots = 4,                                                                         \
            .out = { OCT_ROLE_ACT },                                                               \
            .out_slots = 1,                                                                        \
            .weight_axis = -1,                                                                     \
            .dynamic = mode,                                                                       \
            .dynamic_slot = WEIGHTS,                                                               \
            .dynamic_more = 1 << RECURRENT,                                                        \
            .dynamic_axis = -1,                                                                    \
            .dynamic_asymmetric = true },                                                          \
        .version = version, .runtime = since, .infer = infer, .prepare = prepare,                  \
        .ref = { [OCT_FORM_F32] = { .eval = eval }, [OCT_FORM_HYBRID] = { .eval = eval } },        \
    }
const oct_op_def oct_op_rnn = RNN(RNN, RNN, 5, 1, "1.5 1.14 2.3", OCT_DYNAMIC_NONE);
const oct_op_def oct_op_unidirectional_sequence_rnn =
    RNN(UNIDIRECTIONAL_SEQUENCE_RNN, SequenceRNN, 5, 1, "1.14 1.14 2.3", OCT_DYNAMIC_HYBRID);
const oct_op_def oct_op_bidirectional_sequence_rnn =
    RNN(BIDIRECTIONAL_SEQUENCE_RNN, BidirectionalSequenceRNN, 12, 2, "1.14 1.14 2.3", OCT_DYNAMIC_NONE);
