/*
 * Every allocation of reading, measuring and writing fails once: each failure comes back as
 * OCT_E_MEMORY and leaves nothing behind.
 *
 * The program brings its own malloc(), which counts; under a sanitizer, which brings its own too,
 * the test says that it is skipped.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tflite/build.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif

static long long left = -1; /* allocations until the one that fails; negative: none fails */
static bool failed;
static long long live; /* blocks not yet freed */

#ifndef SANITIZED
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

static bool out_of_memory(void)
{
    if (left < 0 || left-- != 0)
        return false;
    failed = true;
    errno = ENOMEM;
    return true;
}

static void *counted(void *block)
{
    live += block != NULL;
    return block;
}

void *malloc(size_t size)
{
    return out_of_memory() ? NULL : counted(__libc_malloc(size));
}

void *calloc(size_t count, size_t size)
{
    return out_of_memory() ? NULL : counted(__libc_calloc(count, size));
}

void *realloc(void *block, size_t size)
{
    if (out_of_memory())
        return NULL;
    return block == NULL ? counted(__libc_malloc(size)) : __libc_realloc(block, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return out_of_memory() ? NULL : counted(__libc_memalign(alignment, size));
}

void free(void *block)
{
    live -= block != NULL;
    __libc_free(block);
}
#endif

static oct_status nowhere(void *user, const void *bytes, size_t size, oct_error *err)
{
    (void)bytes;
    (void)err;
    *(size_t *)user += size;
    return OCT_OK;
}

static oct_status everything(oct_backing *backing, oct_error *err)
{
    oct_graph *graph;
    oct_tflite_ledger ledger;
    size_t size = 0;
    OCT_TRY(oct_tflite_read(backing, &graph, err));
    oct_status status = oct_tflite_measure(graph, &ledger, err);
    if (status == OCT_OK)
        status = oct_tflite_write(graph, nowhere, &size, err);
    oct_graph_free(graph);
    return status;
}

static void test_every_allocation(void **state)
{
    (void)state;
#ifdef SANITIZED
    print_message("skipped: the sanitizer has its own allocator\n");
    skip();
#endif
    oct_graph *graph = small_graph();
    memory m = { 0 };
    fill_tables(&graph->external_buffers, &oct_fb_external_buffer_record, &graph->arena, 1);
    MUST(oct_tflite_write(graph, to_memory, &m, err));
    oct_graph_free(graph);
    oct_backing *backing = oct_backing_create(m.size);
    memcpy(oct_backing_bytes(backing), m.bytes, m.size);
    long long count = 0;
    for (failed = true; failed; count++) {
        oct_error err = { 0 };
        failed = false;
        left = count;
        long long before = live;
        oct_status status = everything(backing, &err);
        left = -1;
        if (status != (failed ? OCT_E_MEMORY : OCT_OK))
            fail_msg("allocation %lld fails: status %d, \"%s\"", count, (int)status, err.text);
        if (live != before)
            fail_msg("allocation %lld fails: %lld blocks are left", count, live - before);
    }
    print_message("%lld allocations\n", count - 1);
    assert_true(count > 20);
    oct_backing_release(backing);
    free(m.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_allocation) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
