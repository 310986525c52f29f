/*
 * The memory plan: no two buffers that live together overlap, and no more memory than needed is taken
 * where the answer is known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "exec/memory_plan.h"

static size_t end_of(const oct_span *span)
{
    return span->offset + span->size;
}

static void check_disjoint(const oct_span *spans, size_t count, size_t total)
{
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(spans[i].offset % OCT_ARENA_ALIGNMENT, 0);
        assert_true(end_of(&spans[i]) <= total);
        for (size_t j = 0; j < i; j++) {
            const oct_span *a = &spans[i], *b = &spans[j];
            int together = a->first <= b->last && b->first <= a->last;
            int overlap = a->offset < end_of(b) && b->offset < end_of(a);
            if (together && overlap)
                fail_msg("spans %zu and %zu overlap: offsets %zu and %zu", i, j, a->offset, b->offset);
        }
    }
}

static void test_chain_takes_two_buffers(void **unused)
{
    (void)unused;
    oct_span spans[5];
    for (int i = 0; i < 5; i++)
        spans[i] = (oct_span){ .size = 640, .first = i, .last = i + 1 };
    size_t total;
    assert_int_equal(oct_memory_plan(spans, 5, &total, NULL), OCT_OK);
    check_disjoint(spans, 5, total);
    assert_int_equal(total, 1280);
}

static void test_small_buffers_fill_gaps(void **unused)
{
    (void)unused;
    oct_span spans[] = {
        { .size = 1024, .first = 0, .last = 1 }, { .size = 1024, .first = 1, .last = 3 },
        { .size = 128, .first = 2, .last = 3 }, /* fits where the first one was */
    };
    size_t total;
    assert_int_equal(oct_memory_plan(spans, 3, &total, NULL), OCT_OK);
    check_disjoint(spans, 3, total);
    assert_int_equal(total, 2048);
}

static void test_empty_plan(void **unused)
{
    (void)unused;
    size_t total = 1;
    assert_int_equal(oct_memory_plan(NULL, 0, &total, NULL), OCT_OK);
    assert_int_equal(total, 0);
}

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void test_random_plans(void **unused)
{
    (void)unused;
    for (uint32_t seed = 1; seed <= 200; seed++) {
        uint32_t state = seed;
        oct_span spans[60];
        size_t count = next(&state) % 60 + 1, total;
        for (size_t i = 0; i < count; i++) {
            int32_t first = (int32_t)(next(&state) % 40);
            spans[i] = (oct_span){ .size = next(&state) % 5000, .first = first,
                .last = first + (int32_t)(next(&state) % 8) };
        }
        assert_int_equal(oct_memory_plan(spans, count, &total, NULL), OCT_OK);
        check_disjoint(spans, count, total);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain_takes_two_buffers),
        cmocka_unit_test(test_small_buffers_fill_gaps),
        cmocka_unit_test(test_empty_plan),
        cmocka_unit_test(test_random_plans),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
