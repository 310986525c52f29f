/*
 * Allocations that fail on demand, and a count of blocks not given back, by the linker's --wrap:
 * only what Octavo and the test allocate, not what a library does (tests/CMakeLists.txt names the
 * programs). Include it once a program.
 */
#ifndef TESTS_DENY_H
#define TESTS_DENY_H

#include <stdbool.h>
#include <stddef.h>

/* Threads allocate too, so counts are atomic; deny_at and deny_rest change between runs only. */
static long deny_at;   /* number of the allocation that fails, from 1; 0: none does */
static bool deny_rest; /* all after it fail as well */
static long deny_seen; /* allocations since deny_start() */
static long deny_live; /* blocks not given back */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *block);

static inline void deny_start(long at, bool rest)
{
    deny_seen = 0;
    deny_at = at;
    deny_rest = rest;
}

/* True when an allocation was denied since deny_start(). */
static inline bool deny_stop(void)
{
    bool denied = deny_seen >= deny_at;
    deny_at = 0;
    return denied;
}

static inline bool deny_now(void)
{
    long number = __atomic_add_fetch(&deny_seen, 1, __ATOMIC_RELAXED);
    return deny_at > 0 && (number == deny_at || (deny_rest && number > deny_at));
}

static inline void *deny_count(void *block)
{
    __atomic_add_fetch(&deny_live, block != NULL, __ATOMIC_RELAXED);
    return block;
}

void *__wrap_malloc(size_t size)
{
    return deny_now() ? NULL : deny_count(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return deny_now() ? NULL : deny_count(__real_calloc(count, size));
}

void *__wrap_realloc(void *block, size_t size)
{
    void *moved = deny_now() ? NULL : __real_realloc(block, size);
    if (block == NULL)
        deny_count(moved);
    return moved;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return deny_now() ? NULL : deny_count(__real_aligned_alloc(alignment, size));
}

void __wrap_free(void *block)
{
    __atomic_sub_fetch(&deny_live, block != NULL, __ATOMIC_RELAXED);
    __real_free(block);
}

#endif
