/*
 * One cell of a recurrent layer.
 */
#ifndef OCT_KERAS_CELL_H
#define OCT_KERAS_CELL_H

#include "keras/layer.h"

typedef struct oct_keras_cell {
    oct_keras_call call;           /* its configuration, and the scope its variables lie in */
    int32_t gates, units;          /* 4 gates: LSTM, 3: GRU, 1: SimpleRNN */
    bool reset_after;              /* GRU: the reset gate acts behind the recurrent matrix */
    int32_t input_kernel;          /* [gates * units, features] */
    int32_t kernel, candidate;     /* recurrent matrices [gates * units, units]; candidate: of a GRU alone */
    int32_t bias, recurrent_bias;  /* -1: none */
    int32_t axis, one;             /* constants 1 */
    int32_t hidden, cell;          /* states [n, units], changed by each step; -1: zero */
} oct_keras_cell;

/** Makes the constants of a cell whose call and gates are set; states become zero. */
oct_status oct_keras_cell_prepare(oct_keras_cell *cell, int32_t features, oct_error *err);

/**
 * Columns [first, first + count) of the variable `name` [rows, total], transposed to [count, rows] as
 * matrix operators want them. suffix names the constant. Errors: see oct_keras_weight().
 */
oct_status oct_keras_cell_columns(oct_keras_call *call, const char *name, const char *suffix,
    int32_t rows, int32_t total, int32_t first, int32_t count, int32_t *tensor, oct_error *err);

/** y = x * kernel + bias over the last axis: what the input of a step, or of all steps, adds. */
oct_status oct_keras_cell_project(oct_keras_cell *cell, int32_t x, int32_t *y, oct_error *err);

/** One step; x is what oct_keras_cell_project() made of its input. The output is the new hidden state. */
oct_status oct_keras_cell_step(oct_keras_cell *cell, int32_t x, oct_error *err);

/** 2 for an LSTM (hidden, cell), else 1. */
int32_t oct_keras_cell_states(const oct_keras_cell *cell);

#endif
