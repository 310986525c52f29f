/*
 * One direction of a recurrent layer, for the layer itself and for Bidirectional.
 *
 * It takes one of three forms, by what the layer asks for and what TensorFlow's converter makes of it: one
 * operator (sequence.c), a loop over the steps (loop.c), or the operators of every step (recurrent.c).
 */
#ifndef OCT_KERAS_RECURRENT_H
#define OCT_KERAS_RECURRENT_H

#include "keras/cell.h"

enum { OCT_KERAS_MAX_CELLS = 4, OCT_KERAS_MAX_STATES = 2 * OCT_KERAS_MAX_CELLS };

typedef struct oct_keras_sequence {
    int32_t y;                             /* the last step [n, units], or all [n, steps, units] */
    int32_t states[OCT_KERAS_MAX_STATES];  /* behind the last step, cell by cell: hidden, and cell of an LSTM */
    int32_t state_count;
} oct_keras_sequence;

/* A layer being lowered; the cells hold the states. */
typedef struct oct_keras_rnn {
    oct_keras_call *call;
    oct_keras_cell cells[OCT_KERAS_MAX_CELLS];
    int32_t cell_count;
    int32_t initial[OCT_KERAS_MAX_STATES]; /* given states; -1: zeros */
    int32_t state_count;
    int32_t mask;     /* [n, steps], or OCT_KERAS_UNMASKED */
    int32_t output;   /* of the step before, repeated where a mask leaves a step out; -1: zeros */
    bool sequences;   /* all steps are wanted */
    bool zeros;       /* at steps left out, instead of the output of the step before */
    bool backwards;   /* from the last step to the first */
    bool in_time_order; /* the result's steps lie as those of the input do, not in the order they were made */
} oct_keras_rnn;

/**
 * Lowers the layer that the call's configuration describes, over inputs[0] [n, steps, features].
 *
 * def             of the layer: LSTM, GRU, SimpleRNN, or RNN with the cells in its configuration.
 * states          state_count initial ones, hidden and cell, cell by cell; 0: zeros.
 * backwards       from the last step to the first.
 * in_time_order   the result's steps lie as those of the input do, not in the order they were made.
 * Errors: OCT_E_UNSUPPORTED (stateful layers other than LSTM, other cells), OCT_E_INVALID.
 */
oct_status oct_keras_run_steps(oct_keras_call *call, const oct_keras_def *def, const int32_t *states,
    int32_t state_count, bool backwards, bool in_time_order, oct_keras_sequence *out, oct_error *err);

/** Makes the constants of all cells, in the subgraph their calls emit into. Errors: see cell.h. */
oct_status oct_keras_rnn_prepare(oct_keras_rnn *rnn, oct_error *err);

/**
 * All cells, each on what the one below gave; x is what oct_keras_cell_project() made of the first one's
 * input. mask [n]: a step that it leaves out changes no state. The result is rnn->output.
 */
oct_status oct_keras_rnn_step(oct_keras_rnn *rnn, int32_t x, int32_t mask, oct_error *err);

/** The layer as a WHILE, whose body is one step: for any number of steps, open ones too. */
oct_status oct_keras_rnn_loop(oct_keras_rnn *rnn, oct_keras_sequence *out, oct_error *err);

/** Whether one UNIDIRECTIONAL_SEQUENCE_LSTM computes what the layer does; see sequence.c. */
bool oct_keras_rnn_is_fused(const oct_keras_rnn *rnn);

/** The layer as that operator. */
oct_status oct_keras_rnn_fuse(oct_keras_rnn *rnn, oct_keras_sequence *out, oct_error *err);

#endif
