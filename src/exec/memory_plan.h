/*
 * Where buffers with known lifetimes lie in one arena.
 */
#ifndef OCT_EXEC_MEMORY_PLAN_H
#define OCT_EXEC_MEMORY_PLAN_H

#include <stddef.h>
#include <stdint.h>
#include "base/error.h"

enum { OCT_ARENA_ALIGNMENT = 64 };

/* A buffer that is needed from step `first` to step `last`, both included. */
typedef struct oct_span {
    size_t size;   /* bytes */
    int32_t first, last;
    size_t offset; /* result; a multiple of OCT_ARENA_ALIGNMENT */
} oct_span;

/**
 * Sets the offsets so that spans which live at the same time do not overlap; *total is the arena's size.
 * Largest first, each at the lowest offset that is free during its whole life. The result depends on the
 * spans only. Quadratic in count.
 * Errors: OCT_E_MEMORY.
 */
oct_status oct_memory_plan(oct_span *spans, size_t count, size_t *total, oct_error *err);

#endif
