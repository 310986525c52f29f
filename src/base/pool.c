/*
 * Worker threads that take pieces from one atomic counter.
 *
 * A worker whose core was stolen simply takes fewer pieces. Between loops the workers spin briefly
 * (the next operator usually follows within microseconds), then sleep on a condition variable.
 */
#include "base/pool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Stacks are the same everywhere: C libraries' own defaults range from 128 KB to 8 MB. */
enum { SPIN_TURNS = 2000, MAX_THREADS = 256, STACK_BYTES = 2 << 20 };

typedef struct worker {
    oct_pool *pool;
    pthread_t thread;
    int32_t index;
} worker;

struct oct_pool {
    int32_t threads;
    worker *workers; /* threads - 1: the caller is worker 0 */
    pthread_mutex_t lock;
    pthread_cond_t start;
    atomic_uint round; /* counts loops; a change is the signal to start */
    atomic_bool stop;
    atomic_int running; /* workers that have not finished the current loop */
    /* The current loop. */
    atomic_size_t next;
    size_t count, grain;
    void (*task)(void *user, size_t begin, size_t end, int32_t worker);
    void *user;
};

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void take_pieces(oct_pool *pool, int32_t index)
{
    for (;;) {
        size_t begin = atomic_fetch_add_explicit(&pool->next, pool->grain, memory_order_relaxed);
        if (begin >= pool->count)
            return;
        size_t left = pool->count - begin;
        pool->task(pool->user, begin, begin + (left < pool->grain ? left : pool->grain), index);
    }
}

/* Returns the number of the round that began after `seen`. */
static unsigned wait_for_round(oct_pool *pool, unsigned seen)
{
    for (int turn = 0; turn < SPIN_TURNS; turn++) {
        unsigned round = atomic_load_explicit(&pool->round, memory_order_acquire);
        if (round != seen)
            return round;
        relax();
    }
    pthread_mutex_lock(&pool->lock);
    unsigned round;
    while ((round = atomic_load_explicit(&pool->round, memory_order_acquire)) == seen)
        pthread_cond_wait(&pool->start, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    return round;
}

static void *work(void *argument)
{
    worker *self = argument;
    oct_pool *pool = self->pool;
    unsigned seen = 0;
    for (;;) {
        seen = wait_for_round(pool, seen);
        if (atomic_load_explicit(&pool->stop, memory_order_relaxed))
            return NULL;
        take_pieces(pool, self->index);
        atomic_fetch_sub_explicit(&pool->running, 1, memory_order_acq_rel);
    }
}

static void start_round(oct_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add_explicit(&pool->round, 1, memory_order_release);
    pthread_cond_broadcast(&pool->start);
    pthread_mutex_unlock(&pool->lock);
}

static int32_t core_count(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    return cores < 1 ? 1 : cores > MAX_THREADS ? MAX_THREADS : (int32_t)cores;
}

static int start_worker(worker *w)
{
    pthread_attr_t attributes;
    int failure = pthread_attr_init(&attributes);
    if (failure != 0)
        return failure;
    failure = pthread_attr_setstacksize(&attributes, STACK_BYTES);
    if (failure == 0)
        failure = pthread_create(&w->thread, &attributes, work, w);
    pthread_attr_destroy(&attributes);
    return failure;
}

oct_status oct_pool_create(int32_t threads, oct_pool **out, oct_error *err)
{
    *out = NULL;
    if (threads == 0)
        threads = core_count();
    if (threads < 0 || threads > MAX_THREADS)
        return oct_fail(err, OCT_E_USAGE, "%d threads asked for: 1 to %d are possible",
            (int)threads, (int)MAX_THREADS);
    if (threads == 1)
        return OCT_OK;
    oct_pool *pool = calloc(1, sizeof *pool);
    worker *workers = calloc((size_t)threads - 1, sizeof *workers);
    if (pool == NULL || workers == NULL) {
        free(pool);
        free(workers);
        return oct_fail_memory(err, sizeof *pool, "thread pool");
    }
    pool->workers = workers;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->start, NULL);
    pool->threads = 1;
    for (int32_t i = 0; i < threads - 1; i++) {
        workers[i] = (worker){ .pool = pool, .index = i + 1 };
        int failure = start_worker(&workers[i]);
        if (failure != 0) {
            oct_pool_free(pool);
            return oct_fail(err, OCT_E_SYSTEM, "cannot start thread %d of %d: %s", (int)i + 2,
                (int)threads, strerror(failure));
        }
        pool->threads++;
    }
    *out = pool;
    return OCT_OK;
}

void oct_pool_free(oct_pool *pool)
{
    if (pool == NULL)
        return;
    atomic_store_explicit(&pool->stop, true, memory_order_relaxed);
    start_round(pool);
    for (int32_t i = 0; i < pool->threads - 1; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->start);
    pthread_mutex_destroy(&pool->lock);
    free(pool->workers);
    free(pool);
}

int32_t oct_pool_threads(const oct_pool *pool)
{
    return pool == NULL ? 1 : pool->threads;
}

void oct_pool_for(oct_pool *pool, size_t count, size_t grain,
    void (*task)(void *user, size_t begin, size_t end, int32_t worker), void *user)
{
    if (count == 0)
        return;
    if (pool == NULL || count <= grain) {
        for (size_t begin = 0; begin < count; begin += grain)
            task(user, begin, count - begin < grain ? count : begin + grain, 0);
        return;
    }
    pool->count = count;
    pool->grain = grain;
    pool->task = task;
    pool->user = user;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    atomic_store_explicit(&pool->running, pool->threads - 1, memory_order_relaxed);
    start_round(pool);
    take_pieces(pool, 0);
    /* On a busy machine a worker may have lost its core: give ours up rather than spin against it. */
    for (int turn = 0; atomic_load_explicit(&pool->running, memory_order_acquire) != 0; turn++)
        if (turn < SPIN_TURNS)
            relax();
        else
            sched_yield();
}
