/*
 * The LSTM cell of TensorFlow Lite, as LSTM, UNIDIRECTIONAL_ and BIDIRECTIONAL_SEQUENCE_LSTM use it.
 *
 * One cell takes one vector at a time: batches do not see each other. Gates are numbered input, forget, cell,
 * output. Without weights of the input gate (CIFG) that gate is 1 minus the forget gate.
 */
#ifndef OCT_OPS_LSTM_H
#define OCT_OPS_LSTM_H

#include "numeric/fixedpoint.h"
#include "ops/op.h"

enum { OCT_GATE_INPUT, OCT_GATE_FORGET, OCT_GATE_CELL, OCT_GATE_OUTPUT, OCT_GATES };

/* Where an operator has the inputs of one cell; -1: it has no such inputs. */
typedef struct oct_lstm_slots {
    int32_t first;        /* of the 17 inputs from input weights to projection bias */
    int32_t hidden, cell; /* the states */
    int32_t norms;        /* first of 4 layer normalization coefficients */
    int32_t aux;          /* first of 4 weights of the auxiliary input */
} oct_lstm_slots;

/* What the integer cell derives (lstm_integer.c). */
typedef struct oct_lstm_integer {
    struct {
        oct_multiplier input, recurrent, peephole, norm;
        int32_t *input_bias, *recurrent_bias; /* [cells] with the zero points of the vectors folded in */
        int32_t variance_guard;
    } gate[OCT_GATES];
    oct_multiplier hidden, projection;
    int32_t *projection_bias; /* [outputs] */
    int32_t hidden_zero, output_zero, cell_log2, cell_clip, projection_clip;
} oct_lstm_integer;

typedef struct oct_lstm {
    const oct_value *input[OCT_GATES];     /* [cells][inputs] */
    const oct_value *recurrent[OCT_GATES]; /* [cells][outputs] */
    const oct_value *aux[OCT_GATES];       /* [cells][aux_inputs] */
    const oct_value *peephole[OCT_GATES];  /* [cells] */
    const oct_value *norm[OCT_GATES];      /* [cells] */
    const oct_value *bias[OCT_GATES];      /* [cells] */
    const oct_value *projection;           /* [outputs][cells] */
    const oct_value *projection_bias;      /* [outputs] */
    oct_value *hidden, *cell;              /* states [batch][outputs], [batch][cells] */
    int32_t batch, inputs, aux_inputs, cells, outputs;
    int activation;
    float cell_clip, projection_clip;
    bool asymmetric, hybrid;
    oct_lstm_integer integer;
    size_t scratch_bytes; /* what a step needs */
} oct_lstm;

/** Reads and checks a cell for vectors of `inputs` and (aux slot given) `aux_inputs` elements. */
oct_status oct_lstm_read(oct_op *op, const oct_lstm_slots *slots, int32_t batch, int32_t inputs,
    int32_t aux_inputs, oct_lstm *lstm, oct_error *err);

/**
 * One float or hybrid step of batch item b: x [inputs], aux [aux_inputs] or NULL, y [outputs]; the states
 * are updated. scratch has scratch_bytes.
 */
void oct_lstm_step_float(const oct_lstm *lstm, int32_t b, const float *x, const float *aux, float *y,
    void *scratch);

/** Derives lstm->integer; input and output are those of the operator. */
oct_status oct_lstm_prepare_integer(oct_op *op, oct_lstm *lstm, oct_error *err);

/** One int8 step of batch item b. */
void oct_lstm_step_integer(const oct_lstm *lstm, int32_t b, const int8_t *x, int8_t *y, void *scratch);

#endif
