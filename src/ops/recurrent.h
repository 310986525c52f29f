/*
 * What recurrent operators are made of: matrix times vectors in float and hybrid arithmetic, activations,
 * states, and how sequences lie in memory.
 */
#ifndef OCT_OPS_RECURRENT_H
#define OCT_OPS_RECURRENT_H

#include "ops/op.h"

/* Vectors x [batch][length], quantized row by row when first needed by int8 weights. */
typedef struct oct_vectors {
    const float *x;
    int32_t batch, length;
    int8_t *q;          /* [batch][length]; scratch, NULL: all weights are float */
    float *scale;       /* [batch] */
    int32_t *zero;      /* [batch] */
} oct_vectors;

/** Quantizes the vectors where they have room for it: symmetric, or asymmetric by rows. */
void oct_vectors_quantize(oct_vectors *v, bool asymmetric);

/** y[b][r] += sum over c of weights[r][c] * v[b][c]; weights float32 or int8, y [batch] rows y_stride apart. */
void oct_vectors_multiply(const oct_vectors *v, const oct_value *weights, float *y, size_t y_stride);

/** Applies an activation of the schema (RELU, RELU_N1_TO_1, RELU6, TANH, SIGN_BIT; others: none). */
void oct_activate_f32(int activation, float *y, size_t count);

/** y = 1 / (1 + exp(-y)) */
void oct_sigmoid_f32(float *y, size_t count);

/** y[b][n] = bias[n], or 0 without bias. */
void oct_vectors_start(const oct_value *bias, float *y, int32_t batch, int32_t length, size_t y_stride);

/* A sequence: step t of batch b lies at t * step + b * row elements. */
typedef struct oct_sequence {
    int32_t steps, batch, length;
    size_t step, row;
} oct_sequence;

/** Reads the layout of a [time][batch][n] or [batch][time][n] tensor; rank 2 is one step. */
oct_sequence oct_sequence_of(const oct_value *value, bool time_major);

/**
 * Fails unless the input at `slot` is a variable of this type whose elements are `count`: what a state is.
 */
oct_status oct_op_need_state(const oct_op *op, int32_t slot, oct_type type, size_t count, oct_error *err);

/** Fails unless the input is float32 [rows][columns], or int8 of one scale and zero point 0. */
oct_status oct_op_need_matrix(const oct_op *op, int32_t slot, int32_t rows, int32_t columns,
    oct_error *err);

#endif
