/*
 * Allocations that fail on demand, by the linker's --wrap (tests/CMakeLists.txt). Include once a program.
 */
#ifndef TESTS_QUANT_DENY_H
#define TESTS_QUANT_DENY_H

#include <stdbool.h>
#include <stddef.h>

/* Allocations until all further ones fail; negative: none does. Threads allocate too: atomic. */
static long deny_after = -1;
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

static inline bool deny_now(void)
{
    return deny_after >= 0 && __atomic_sub_fetch(&deny_after, deny_after > 0, __ATOMIC_RELAXED) <= 0;
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
