/*
 * Running one graph over many samples, a session a thread.
 */
#ifndef OCT_QUANT_SWEEP_H
#define OCT_QUANT_SWEEP_H

#include "base/pool.h"
#include "exec/session.h"

typedef struct oct_sweep {
    const oct_graph *graph;
    int32_t batch; /* of the sessions */
    int64_t count; /* samples */
    /* Fills the session's inputs for a sample; called from several threads. */
    oct_status (*load)(void *user, oct_session *session, int64_t sample, oct_error *err);
    /* Takes a sample's outputs; NULL: nobody does. */
    void (*take)(void *user, const oct_session *session, int64_t sample);
    /* Sees every value as it is made; NULL: nobody does. worker: as in oct_pool_for(). */
    void (*see)(
        void *user, int32_t worker, int64_t sample, int32_t tensor, const oct_value *value);
    /* Told of samples that are done, from one thread at a time; NULL: nobody is. */
    void (*progress)(void *user, int64_t done);
    void *user;
} oct_sweep;

/**
 * Runs all samples. Callbacks of different samples run at the same time and must write to places of
 * their own; then any number of threads gives the same.
 * failed  may be NULL; the sample that an error is of, or -1.
 * Errors: those of sessions and of load; of several failing samples the first is reported.
 */
oct_status oct_sweep_run(
    const oct_sweep *sweep, oct_pool *pool, int64_t *failed, oct_error *err);

/** Batch for sessions that run single samples, whatever batch the model was made for. */
int32_t oct_sweep_batch(const oct_graph *graph);

#endif
