/*
 * A pool of worker threads for loops whose iterations are independent.
 *
 * The split never changes a result: an iteration sees only its own index.
 */
#ifndef OCT_BASE_POOL_H
#define OCT_BASE_POOL_H

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

typedef struct oct_pool oct_pool;

/**
 * threads  workers including the caller, 1 to 256; 0: one for each core.
 * out      owned by the caller, oct_pool_free(); NULL (which runs serially) for one thread.
 * Errors: OCT_E_USAGE, OCT_E_MEMORY, OCT_E_SYSTEM.
 */
oct_status oct_pool_create(int32_t threads, oct_pool **out, oct_error *err);

void oct_pool_free(oct_pool *pool);

/** Workers including the caller; 1 for a NULL pool. */
int32_t oct_pool_threads(const oct_pool *pool);

/**
 * Calls task(user, begin, end, worker) over pieces of [0, count), each at most `grain` long
 * (grain >= 1) and beginning at a multiple of it.
 * worker is 0 .. threads-1 and unique among calls that run at the same time. Returns when all are done.
 * One loop at a time: not to be called from within a task or from two threads.
 */
void oct_pool_for(oct_pool *pool, size_t count, size_t grain,
    void (*task)(void *user, size_t begin, size_t end, int32_t worker), void *user);

#endif
