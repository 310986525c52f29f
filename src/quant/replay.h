/*
 * Running a graph piece by piece over samples, keeping what crosses from one piece to the next.
 *
 * Between two pieces the graph may be changed: everything before stays as it ran, everything after sees
 * the change. So a layer can be looked at with exactly the inputs it will have, at the price of one run.
 */
#ifndef OCT_QUANT_REPLAY_H
#define OCT_QUANT_REPLAY_H

#include "base/pool.h"
#include "exec/session.h"
#include "quant/choose.h"

typedef struct oct_replay {
    oct_graph *graph; /* a clone: shapes as planned for single samples, known values constants */
    oct_subgraph *sub;
    int32_t tensors;        /* of the original; constants may be added behind them */
    int32_t *positions;     /* [nodes of the original]: where a node is now, or -1: not needed */
    int32_t position;       /* nodes in front of it have run */
    int32_t end;            /* nodes from here on are not going to be run */
    int64_t count;          /* samples */
    size_t *bytes;          /* [tensors] of one sample */
    unsigned char **stored; /* [tensors]: bytes * count, or NULL */
    oct_arena arena;
    oct_pool *pool; /* the caller's */
} oct_replay;

/**
 * Prepares a replay of the nodes in front of original position `end`. Fill it with
 * oct_replay_start() before running. Free with oct_replay_free() also after failure.
 */
oct_status oct_replay_create(
    const oct_graph *graph, int32_t end, oct_pool *pool, oct_replay *replay, oct_error *err);

/**
 * Reads the chosen samples.
 * Errors: what samples->read returns; OCT_E_MEMORY.
 */
oct_status oct_replay_start(
    oct_replay *replay, const oct_samples *samples, const oct_choice *choice, oct_error *err);

/** Runs the nodes up to a position (>= the one reached); drops what is not needed any more. */
oct_status oct_replay_run_to(oct_replay *replay, int32_t position, oct_error *err);

/** A clone of the graph that has only the nodes [from, to), reads stored tensors and gives none. */
oct_status oct_replay_cut(
    const oct_replay *replay, int32_t from, int32_t to, oct_graph **out, oct_error *err);

/**
 * Runs a piece on the stored tensors named by its inputs, which must be those of the replay.
 *
 * take  gets a session that ran a sample; called from several threads for different samples.
 */
oct_status oct_replay_run_piece(const oct_replay *replay, const oct_graph *piece,
    void (*take)(void *user, const oct_session *session, int64_t sample), void *user,
    oct_error *err);

void oct_replay_free(oct_replay *replay);

#endif
