/*
 * The session object and the stages that build it, in order: values, nodes, memory.
 */
#ifndef OCT_EXEC_INTERNAL_H
#define OCT_EXEC_INTERNAL_H

#include "exec/session.h"

/* A variable of the model: it keeps its value from run to run. */
typedef struct oct_variable {
    char *container, *name; /* NULL where the model gives none */
    oct_value value;        /* data NULL while never assigned */
    int32_t dims[8];
} oct_variable;

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
    void (*watch)(void *user, int32_t node);
    void *watch_user;
    oct_arena late;           /* what late nodes made in the last run */
    bool *planned_known;      /* [tensor_count] oct_value.known as planned; NULL: no node is late */
    oct_host host;            /* what control flow and variables ask for */
    oct_session *caller;      /* the session whose node called this subgraph; NULL: the main one */
    oct_session **called;     /* [graph->subgraph_count] sessions of subgraphs, made when called */
    oct_value *const *given;  /* in a called session: the caller's inputs, which give the shapes */
    int32_t given_count;
    oct_variable *variables;  /* [variable_count], of the main session */
    int32_t variable_count;
    bool *called_once;        /* [graph->subgraph_count], of the main session */
};

/**
 * Whether the machine has that much memory at all. Systems grant more and then end the process that
 * touches it, so a damaged shape must be refused before.
 */
bool oct_session_affordable(size_t bytes);

/** size zeroed bytes of an arena, 64-byte aligned and readable 64 bytes past their end. */
void *oct_session_bytes(oct_arena *arena, size_t size);

/** Sets up values of constants, inputs (with their buffers) and variables; shapes of the others follow. */
oct_status oct_session_make_values(oct_session *session, oct_error *err);

/** Puts variable tensors of this subgraph back to a real 0. */
void oct_session_start_states(oct_session *session);

/**
 * Infers shapes, computes what is known, prepares the other nodes with their kernels; fills session->run.
 */
oct_status oct_session_make_nodes(oct_session *session, oct_error *err);

/** Lets nodes take over the work of the node before them where their operators can. */
oct_status oct_session_fuse(oct_session *session, oct_error *err);

/**
 * Plans and evaluates a late node: one whose shapes follow from data. What it makes lives in session->late
 * until oct_session_forget_late(), which also forgets the shapes.
 */
oct_status oct_session_run_late(oct_session *session, oct_op *op, oct_error *err);
void oct_session_forget_late(oct_session *session);

/** A session over subgraph `index`; caller, given, given_count as in the struct (NULL, NULL, 0: main). */
oct_status oct_session_create_subgraph(const oct_graph *graph, int32_t index,
    const oct_session_options *options, oct_session *caller, oct_value *const *given,
    int32_t given_count, oct_session **out, oct_error *err);

/** Fills session->host; and its counterpart for oct_session_free(). */
void oct_session_init_host(oct_session *session);
void oct_session_free_host(oct_session *session);

/** Lays out all values and scratch of the nodes that run in one block. */
oct_status oct_session_make_memory(oct_session *session, oct_error *err);

#endif
