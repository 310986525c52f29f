/*
 * Bump allocation in blocks that grow; large requests get a block of their own.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 16, BLOCK_BYTES = 64 * 1024 };

struct oct_arena_block {
    oct_arena_block *next;
    size_t used, size;
    _Alignas(ALIGN) unsigned char bytes[];
};

static oct_arena_block *block_create(size_t size)
{
    if (size > SIZE_MAX - sizeof(oct_arena_block))
        return NULL;
    oct_arena_block *block = calloc(1, sizeof *block + size);
    if (block != NULL)
        block->size = size;
    return block;
}

void *oct_arena_alloc(oct_arena *arena, size_t size)
{
    if (size > SIZE_MAX - ALIGN)
        return NULL;
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (size == 0)
        size = ALIGN;
    oct_arena_block *block = arena->head;
    if (block == NULL || block->size - block->used < size) {
        block = block_create(size > BLOCK_BYTES / 4 ? size : BLOCK_BYTES);
        if (block == NULL)
            return NULL;
        /* A block made for one large object goes behind the head, which still has room. */
        if (arena->head != NULL && size > BLOCK_BYTES / 4) {
            block->next = arena->head->next;
            arena->head->next = block;
        } else {
            block->next = arena->head;
            arena->head = block;
        }
    }
    void *result = block->bytes + block->used;
    block->used += size;
    return result;
}

void *oct_arena_array(oct_arena *arena, size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    return oct_arena_alloc(arena, count * size);
}

void *oct_arena_copy(oct_arena *arena, const void *bytes, size_t size)
{
    void *copy = oct_arena_alloc(arena, size);
    if (copy != NULL && size != 0)
        memcpy(copy, bytes, size);
    return copy;
}

char *oct_arena_text(oct_arena *arena, const char *text, size_t length)
{
    if (length == SIZE_MAX)
        return NULL;
    char *copy = oct_arena_alloc(arena, length + 1);
    if (copy != NULL && length != 0)
        memcpy(copy, text, length);
    return copy;
}

char *oct_arena_format(oct_arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = length < 0 ? NULL : oct_arena_alloc(arena, (size_t)length + 1);
    if (text != NULL)
        vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

void oct_arena_free(oct_arena *arena)
{
    oct_arena_block *block = arena->head;
    while (block != NULL) {
        oct_arena_block *next = block->next;
        free(block);
        block = next;
    }
    arena->head = NULL;
}
