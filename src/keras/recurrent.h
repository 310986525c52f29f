/*
 * One direction of a recurrent layer, for the layer itself and for Bidirectional.
 */
#ifndef OCT_KERAS_RECURRENT_H
#define OCT_KERAS_RECURRENT_H

#include "keras/layer.h"

enum { OCT_KERAS_MAX_CELLS = 4, OCT_KERAS_MAX_STATES = 2 * OCT_KERAS_MAX_CELLS };

typedef struct oct_keras_sequence {
    int32_t y;                             /* the last step [n, units], or all [n, steps, units] */
    int32_t states[OCT_KERAS_MAX_STATES];  /* behind the last step, cell by cell: hidden, and cell of an LSTM */
    int32_t state_count;
} oct_keras_sequence;

/**
 * Unrolls the layer that the call's configuration describes, over inputs[0] [n, steps, features].
 *
 * def             of the layer: LSTM, GRU, SimpleRNN, or RNN with the cells in its configuration.
 * states          state_count initial ones, hidden and cell, cell by cell; 0: zeros.
 * backwards       from the last step to the first.
 * in_time_order   the result's steps lie as those of the input do, not in the order they were made.
 * Errors: OCT_E_UNSUPPORTED (open or too many steps, stateful, other cells), OCT_E_INVALID.
 */
oct_status oct_keras_run_steps(oct_keras_call *call, const oct_keras_def *def, const int32_t *states,
    int32_t state_count, bool backwards, bool in_time_order, oct_keras_sequence *out, oct_error *err);

#endif
