/*
 * Bump allocation in blocks; large requests get a block of their own, or share blocks that double
 * up to a few huge pages, which spare the processor most of its address translation.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGN = 16, BLOCK_BYTES = 64 * 1024, HUGE_PAGE = 2 << 20, MOST_SHARED = 2 * HUGE_PAGE };

struct oct_arena_block {
    oct_arena_block *next;
    size_t used, size;
    size_t mapped; /* bytes that were mapped for it, or 0: the C library's */
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

/*
 * A block that fills whole huge pages where it has the size of one. Mapped memory is zero already; what lies in
 * front of the first huge page and behind the last is given back.
 */
static oct_arena_block *block_create_shared(size_t size)
{
    if (size < HUGE_PAGE || size > SIZE_MAX - 2 * HUGE_PAGE)
        return block_create(size);
    size_t bytes = (size + sizeof(oct_arena_block) + HUGE_PAGE - 1) & ~(size_t)(HUGE_PAGE - 1);
    size_t room = bytes + HUGE_PAGE;
    unsigned char *map = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return NULL;
    size_t before = -(uintptr_t)map & (HUGE_PAGE - 1);
    if (before > 0)
        munmap(map, before);
    if (room - before > bytes)
        munmap(map + before + bytes, room - before - bytes);
    oct_arena_block *block = (oct_arena_block *)(void *)(map + before);
    (void)madvise(block, bytes, MADV_HUGEPAGE); /* advice: refusal costs speed only */
    block->size = bytes - sizeof *block;
    block->mapped = bytes;
    return block;
}

/* Puts a block behind the head, which still has room. */
static void add_behind(oct_arena *arena, oct_arena_block *block)
{
    if (arena->head == NULL) {
        arena->head = block;
        return;
    }
    block->next = arena->head->next;
    arena->head->next = block;
}

/* The block for a large object: its own, or one twice as large as the last shared one. */
static oct_arena_block *large_block(oct_arena *arena, size_t size)
{
    oct_arena_block *block = arena->large;
    if (block != NULL && block->size - block->used >= size)
        return block;
    if (arena->together) {
        size_t grown = block != NULL ? 2 * block->size : 4 * BLOCK_BYTES;
        grown = grown < MOST_SHARED ? grown : MOST_SHARED - sizeof *block;
        block = block_create_shared(size > grown ? size : grown);
        arena->large = block != NULL ? block : arena->large;
    } else {
        block = block_create(size);
    }
    if (block != NULL)
        add_behind(arena, block);
    return block;
}

static oct_arena_block *small_block(oct_arena *arena)
{
    oct_arena_block *block = block_create(BLOCK_BYTES);
    if (block != NULL) {
        block->next = arena->head;
        arena->head = block;
    }
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
    if (block == NULL || block->size - block->used < size)
        block = size > BLOCK_BYTES / 4 ? large_block(arena, size) : small_block(arena);
    if (block == NULL)
        return NULL;
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
        if (block->mapped > 0)
            munmap(block, block->mapped);
        else
            free(block);
        block = next;
    }
    arena->head = arena->large = NULL;
}
