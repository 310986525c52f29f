/*
 * Running a model: one planned arena, no allocation while running but for what has shapes that follow from data.
 */
#ifndef OCTAVO_SESSION_H
#define OCTAVO_SESSION_H

#include <stddef.h>
#include <stdint.h>
#include <octavo/error.h>
#include <octavo/model.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef struct oct_session oct_session;

typedef enum oct_kernels {
    OCT_KERNELS_FAST, /* run-time dispatched; integers equal to REF, floats within a stated bound */
    OCT_KERNELS_REF,  /* TensorFlow Lite's reference arithmetic in plain C */
} oct_kernels;

typedef struct oct_session_options {
    oct_kernels kernels;
    int32_t threads; /* 0 or 1: the caller's thread only; results never depend on it */
    int32_t batch;   /* 0: the shape in the model (1 where dynamic); else the leading dimension */
} oct_session_options;

/**
 * Plans and prepares the model's main subgraph.
 *
 * model    must outlive the session.
 * options  may be NULL.
 * out      owned by the caller, oct_session_free(); NULL after failure.
 * Errors: OCT_E_UNSUPPORTED (operator or form without kernel, named), OCT_E_INVALID (shapes that do
 * not fit, named), OCT_E_MEMORY.
 */
oct_status oct_session_create(const oct_model *model, const oct_session_options *options,
    oct_session **out, oct_error *err);

void oct_session_free(oct_session *session);

/** Buffer of input `index`, to be filled before a run; *size is its bytes. Owned by the session. */
void *oct_session_input(oct_session *session, int32_t index, size_t *size);

/** Value of output `index` after a run; valid until the next run. Owned by the session. */
const void *oct_session_output(const oct_session *session, int32_t index, size_t *size);

/**
 * Shape of output `index` into dims; returns its rank, -1 where there is no such output or it has more than 8
 * dimensions. Before a run, a shape that follows from data is what the model says of it.
 */
int32_t oct_session_output_shape(const oct_session *session, int32_t index, int32_t dims[8]);

/**
 * Runs once. Fails on indices and shapes that come from data, and on control flow that goes wrong. Allocates
 * only what has a shape that follows from data.
 */
oct_status oct_session_run(oct_session *session, oct_error *err);

/**
 * Puts variables and the states of recurrent operators back to where a new session has them, and lets what
 * runs once run again. Between independent samples this is what keeps the one from changing the other's
 * answer. Where a model has neither it is one look at each tensor. Source: Interpreter.reset_all_variables() of TensorFlow Lite,
 * which leaves out variables with a handle.
 */
void oct_session_reset(oct_session *session);

/** Bytes of the planned activation arena. */
size_t oct_session_arena_bytes(const oct_session *session);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
