/*
 * Worker threads, each with its own range of pieces, that help the others when theirs is done.
 *
 * A worker gets the same part of every loop, so that it finds what it wrote in the loop before in
 * its own cache; one whose core was stolen has its pieces taken by others. Between loops the
 * workers spin briefly (the next operator usually follows within microseconds), then sleep on a
 * condition variable.
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

/* What is left of a worker's part, on a cache line of its own. */
typedef struct part {
    _Alignas(64) atomic_size_t next; /* may run past the end */
    size_t end;
} part;

struct oct_pool {
    int32_t threads;
    worker *workers; /* threads - 1: the caller is worker 0 */
    pthread_mutex_t lock;
    pthread_cond_t start;
    atomic_int sleepers; /* workers that wait on `start` */
    atomic_bool stop;
    /* The current loop, on one cache line with the signal that a worker looks at. */
    _Alignas(64) atomic_uint round; /* counts loops; a change is the signal to start */
    part *parts;                    /* [threads] */
    size_t count, grain;
    void (*task)(void *user, size_t begin, size_t end, int32_t worker);
    void *user;
    _Alignas(64) atomic_uint running; /* workers that have not finished the current loop */
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
    for (int32_t i = 0; i < pool->threads; i++) {
        part *p = &pool->parts[(index + i) % pool->threads];
        for (;;) {
            size_t begin = atomic_fetch_add_explicit(&p->next, pool->grain, memory_order_relaxed);
            if (begin >= p->end)
                break;
            size_t left = p->end - begin;
            pool->task(pool->user, begin, begin + (left < pool->grain ? left : pool->grain), index);
        }
    }
}

/* Parts begin at multiples of the grain; the counters stay far from overflow because count does. */
static void share_out(oct_pool *pool)
{
    size_t pieces = (pool->count + pool->grain - 1) / pool->grain, threads = (size_t)pool->threads;
    for (size_t i = 0; i < threads; i++) {
        size_t begin = pieces / threads * i + (i < pieces % threads ? i : pieces % threads);
        size_t end = begin + pieces / threads + (i < pieces % threads ? 1 : 0);
        end *= pool->grain;
        pool->parts[i].end = end < pool->count ? end : pool->count;
        atomic_store_explicit(
            &pool->parts[i].next, begin * pool->grain, memory_order_relaxed);
    }
}

/*
 * Looks at *word for a while; whether it left `value`. Looking often costs nothing: the line is
 * ours.
 */
static bool spin_while(const atomic_uint *word, unsigned value)
{
    enum { LOOKS = 16 };
    for (int turn = 0; turn < SPIN_TURNS; turn++, relax())
        for (int look = 0; look < LOOKS; look++)
            if (atomic_load_explicit(word, memory_order_acquire) != value)
                return true;
    return false;
}

/*
 * Returns the number of the round that began after `seen`. Either start_round() sees a sleeper or
 * the sleeper sees the new round, because both write before they look, in one total order.
 */
static unsigned wait_for_round(oct_pool *pool, unsigned seen)
{
    if (spin_while(&pool->round, seen))
        return atomic_load_explicit(&pool->round, memory_order_acquire);
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleepers, 1);
    unsigned round;
    while ((round = atomic_load(&pool->round)) == seen)
        pthread_cond_wait(&pool->start, &pool->lock);
    atomic_fetch_sub(&pool->sleepers, 1);
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
    atomic_fetch_add(&pool->round, 1);
    if (atomic_load(&pool->sleepers) == 0)
        return;
    pthread_mutex_lock(&pool->lock);
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
    oct_pool *pool = aligned_alloc(_Alignof(oct_pool), sizeof *pool);
    worker *workers = calloc((size_t)threads - 1, sizeof *workers);
    part *parts = aligned_alloc(_Alignof(part), (size_t)threads * sizeof *parts);
    if (pool == NULL || workers == NULL || parts == NULL) {
        free(pool);
        free(workers);
        free(parts);
        return oct_fail_memory(err, sizeof *pool, "thread pool");
    }
    memset(pool, 0, sizeof *pool);
    pool->workers = workers;
    pool->parts = parts;
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
    free(pool->parts);
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
    share_out(pool);
    atomic_store_explicit(&pool->running, (unsigned)pool->threads - 1, memory_order_relaxed);
    start_round(pool);
    take_pieces(pool, 0);
    /*
     * On a busy machine a worker may have lost its core: give ours up rather than spin against it.
     */
    for (unsigned left; (left = atomic_load_explicit(&pool->running, memory_order_acquire)) != 0;)
        if (!spin_while(&pool->running, left))
            sched_yield();
}
