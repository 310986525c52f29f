/*
 * A bump allocator: many small objects with one lifetime, freed together.
 */
#ifndef OCT_BASE_ARENA_H
#define OCT_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

typedef struct oct_arena_block oct_arena_block;

/** Zero-initialise before use; oct_arena_free() may be called on a zeroed arena. */
typedef struct oct_arena {
    oct_arena_block *head;
    bool together; /* large objects share blocks that grow up to huge pages: for what is read often */
    oct_arena_block *large; /* the last of those blocks */
} oct_arena;

/**
 * size zeroed bytes, 16-byte aligned, valid until oct_arena_free(). NULL when memory is short.
 * A size of 0 gives a valid pointer to no bytes.
 */
void *oct_arena_alloc(oct_arena *arena, size_t size);

/** count * size zeroed bytes with the product checked. */
void *oct_arena_array(oct_arena *arena, size_t count, size_t size);

void *oct_arena_copy(oct_arena *arena, const void *bytes, size_t size);

/** A copy of length bytes of text with a NUL behind. */
char *oct_arena_text(oct_arena *arena, const char *text, size_t length);

char *oct_arena_format(oct_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

void oct_arena_free(oct_arena *arena);

#endif
