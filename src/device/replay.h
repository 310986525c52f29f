/*
 * Outputs that were computed elsewhere, played back as an engine: evaluation then scores them as it scores
 * its own.
 */
#ifndef OCT_DEVICE_REPLAY_H
#define OCT_DEVICE_REPLAY_H

#include <octavo/data.h>
#include "engine/engine.h"

/* The outputs of one model for the first samples, in order. First member: what engines share. */
typedef struct oct_replay {
    oct_engine engine;
    oct_array **pieces; /* [piece_count][outputs], each array [samples of the piece, …]; owned */
    int64_t *samples;   /* [piece_count] of each piece */
    int32_t piece_count, outputs;
} oct_replay;

/** An empty one for a model of `outputs` outputs. */
void oct_replay_init(oct_replay *replay, int32_t outputs);

/** Appends a piece: takes over `outputs` arrays, also after a failure. Errors: OCT_E_MEMORY. */
oct_status oct_replay_add(oct_replay *replay, oct_array *arrays, int64_t samples, oct_error *err);

void oct_replay_clear(oct_replay *replay);

#endif
