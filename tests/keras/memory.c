/*
 * Reading a model with the n-th allocation failing, for every n: an error, never a crash or a leak.
 *
 * Only the allocations of Octavo fail. jansson 2.14 drops characters when its own scanner runs short of
 * memory, so that nothing could be promised.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "keras/archive.h"
#include "keras/keras.h"

/* Allocations until one fails; negative: none does. Blocks that are not given back are counted. */
static long countdown = -1;
static long live;

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

static bool denied(void)
{
    return countdown >= 0 && countdown-- == 0;
}

void *__wrap_malloc(size_t size)
{
    void *block = denied() ? NULL : __real_malloc(size);
    live += block != NULL;
    return block;
}

void *__wrap_calloc(size_t count, size_t size)
{
    void *block = denied() ? NULL : __real_calloc(count, size);
    live += block != NULL;
    return block;
}

void *__wrap_realloc(void *block, size_t size)
{
    void *moved = denied() ? NULL : __real_realloc(block, size);
    live += block == NULL && moved != NULL;
    return moved;
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    void *block = denied() ? NULL : __real_aligned_alloc(alignment, size);
    live += block != NULL;
    return block;
}

void __wrap_free(void *block)
{
    live -= block != NULL;
    __real_free(block);
}

static long survive(const char *file)
{
    oct_backing *backing = load_copy(file);
    long before = live;
    for (long n = 0;; n++) {
        oct_error err = { 0 };
        oct_graph *graph;
        countdown = n;
        oct_status status = oct_keras_read(backing, NULL, &graph, &err);
        bool reached = countdown < 0;
        countdown = -1;
        oct_graph_free(graph);
        if (status != OCT_OK && status != OCT_E_MEMORY)
            fail_msg("%s: allocation %ld failed and gave status %d: %s", file, n, status, err.text);
        if (live != before)
            fail_msg("%s: allocation %ld failed and %ld blocks were lost", file, n, live - before);
        if (!reached) {
            assert_int_equal(status, OCT_OK);
            oct_backing_release(backing);
            return n;
        }
    }
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    assert_true(survive("tiny.keras") > 20);
    assert_true(survive("tiny_deflated.keras") > 20);
    assert_true(survive("keras2_nested.h5") > 50);
    assert_true(survive("keras3_normalize.keras") > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_allocation_may_fail) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
