/*
 * Arena: alignment, zeroed memory, overflow of sizes; errors: text, place and prefix.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/error.h"

static void test_alloc(void **unused)
{
    (void)unused;
    oct_arena arena = { 0 };
    for (size_t size = 0; size < 100000; size = size * 3 / 2 + 1) {
        unsigned char *bytes = oct_arena_alloc(&arena, size);
        assert_non_null(bytes);
        assert_int_equal((uintptr_t)bytes % 16, 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(bytes[i], 0);
        memset(bytes, 0xff, size); /* must not reach into a later allocation */
    }
    assert_null(oct_arena_alloc(&arena, SIZE_MAX));
    assert_null(oct_arena_alloc(&arena, SIZE_MAX - 20));
    assert_null(oct_arena_array(&arena, SIZE_MAX / 2, 3));
    assert_string_equal(oct_arena_text(&arena, "abcdef", 3), "abc");
    assert_string_equal(oct_arena_format(&arena, "%d-%s", 7, "x"), "7-x");
    oct_arena_free(&arena);
    assert_null(arena.head);
}

static void test_error_place(void **unused)
{
    (void)unused;
    oct_error err = { 0 };
    oct_status status = oct_fail_at(&err, OCT_E_INVALID, 42, "vector of %d items", 3);
    status = oct_error_prefix(&err, status, "%s", "a.tflite");
    assert_int_equal(status, OCT_E_INVALID);
    assert_int_equal(err.offset, 42);
    assert_string_equal(err.text, "a.tflite: vector of 3 items (at byte 42)");
    assert_int_equal(oct_status_exit_code(status), 3);
    assert_int_equal(oct_error_prefix(NULL, OCT_E_MEMORY, "x"), OCT_E_MEMORY);
}

static void test_error_text_is_cut_not_overrun(void **unused)
{
    (void)unused;
    oct_error err = { 0 };
    char name[2000];
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    oct_status status = oct_fail(&err, OCT_E_INVALID, "%s", name);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    oct_error_prefix(&err, status, "file");
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_memory_equal(err.text, "file: nnn", 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloc),
        cmocka_unit_test(test_error_place),
        cmocka_unit_test(test_error_text_is_cut_not_overrun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
