/*
 * The session object and the stages that build it, in order: values, nodes, memory.
 */
#ifndef OCT_EXEC_INTERNAL_H
#define OCT_EXEC_INTERNAL_H

#include "exec/session.h"

struct oct_session {
    const oct_graph *graph;   /* the caller's */
    const oct_subgraph *sub;  /* its main subgraph */
    oct_session_options options;
    oct_arena arena;          /* everything that lives as long as the session, except `block` */
    oct_value *values;        /* [sub->tensor_count] */
    oct_op **run;             /* [run_count] nodes that run, in order */
    int32_t run_count;
    oct_pool *pool;           /* NULL: serial */
    void *block;              /* the planned activations and scratch */
    size_t block_bytes;
    void (*tap)(void *user, int32_t index, const oct_value *value);
    void *tap_user;
};

/**
 * Whether the machine has that much memory at all. Systems grant more and then end the process that
 * touches it, so a damaged shape must be refused before.
 */
bool oct_session_affordable(size_t bytes);

/** size zeroed bytes, 64-byte aligned and readable 64 bytes past their end, owned by the session. */
void *oct_session_bytes(oct_session *session, size_t size);

/** Sets up values of constants, inputs (with their buffers) and variables; shapes of the others follow. */
oct_status oct_session_make_values(oct_session *session, oct_error *err);

/**
 * Infers shapes, computes what is known, prepares the other nodes with their kernels; fills session->run.
 */
oct_status oct_session_make_nodes(oct_session *session, oct_error *err);

/** Lays out all values and scratch of the nodes that run in one block. */
oct_status oct_session_make_memory(oct_session *session, oct_error *err);

#endif
