/*
 * One cell of a recurrent layer. Those of ConvLSTM have convolutions where the others have matrices; its
 * states are images, and a line (ConvLSTM1D) is an image of height 1.
 */
#ifndef OCT_KERAS_CELL_H
#define OCT_KERAS_CELL_H

#include "keras/layer.h"

typedef struct oct_keras_cell {
    oct_keras_call call;           /* its configuration, and the scope its variables lie in */
    int32_t gates, units;          /* 4 gates: LSTM, 3: GRU, 1: SimpleRNN; units: filters of ConvLSTM */
    int32_t axes;                  /* ConvLSTM: 1 or 2; else 0 */
    oct_keras_shape state;         /* [n, units] or [n, h, w, filters] */
    bool reset_after;              /* GRU: the reset gate acts behind the recurrent matrix */
    int32_t input_kernel;          /* [gates * units, features] */
    int32_t kernel, candidate;     /* recurrent matrices [gates * units, units]; candidate: of a GRU alone */
    int32_t bias, recurrent_bias;  /* -1: none */
    int32_t axis, one;             /* constants: the last axis of a state, and 1 */
    int32_t hidden, cell;          /* states [n, units], changed by each step; -1: zero */
} oct_keras_cell;

/** Reads the sizes of a cell whose call, gates and axes are set: units and state. x [n, ...] a step's input. */
oct_status oct_keras_cell_measure(oct_keras_cell *cell, const oct_keras_shape *x, oct_error *err);

/** Makes the constants of a cell that was measured; states become zero. */
oct_status oct_keras_cell_prepare(oct_keras_cell *cell, int32_t features, oct_error *err);

/**
 * Columns [first, first + count) of the variable `name` [rows, total], transposed to [count, rows] as
 * matrix operators want them. suffix names the constant. Errors: see oct_keras_weight().
 */
oct_status oct_keras_cell_columns(oct_keras_call *call, const char *name, const char *suffix,
    int32_t rows, int32_t total, int32_t first, int32_t count, int32_t *tensor, oct_error *err);

/** y = x * kernel + bias over the last axis, or over images: what the input of a step, or of all steps, adds. */
oct_status oct_keras_cell_project(oct_keras_cell *cell, int32_t x, int32_t *y, oct_error *err);

/** One step; x is what oct_keras_cell_project() made of its input. The output is the new hidden state. */
oct_status oct_keras_cell_step(oct_keras_cell *cell, int32_t x, oct_error *err);

/** What the functions above do for ConvLSTM; see cell_image.c. */
oct_status oct_keras_cell_measure_image(oct_keras_cell *cell, const oct_keras_shape *x, oct_error *err);
oct_status oct_keras_cell_make_kernels(oct_keras_cell *cell, int32_t features, oct_error *err);
oct_status oct_keras_cell_convolve(oct_keras_cell *cell, int32_t x, int32_t kernel, int32_t bias,
    int32_t *y, oct_error *err);

/** 2 for an LSTM (hidden, cell), else 1. */
int32_t oct_keras_cell_states(const oct_keras_cell *cell);

#endif
