/*
 * Numbers of FlexBuffers maps, and bytes that are none. The maps were made by flatbuffers 25 for Python:
 * flexbuffers.Dumps({"a": 5, "b": -1.5, "c": True}), the same with a = 70000, and Dumps([1, 2]).
 */
#include "ops/flex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const uint8_t small[] = {
    97, 0, 98, 0, 99, 0, 3, 7, 6, 5, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0, 0,
    0, 192, 191, 1, 0, 0, 0, 6, 14, 106, 15, 38, 1
};
static const uint8_t wide[] = {
    97, 0, 98, 0, 99, 0, 3, 7, 6, 5, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 112, 17, 1, 0,
    0, 0, 192, 191, 1, 0, 0, 0, 6, 14, 106, 15, 38, 1
};
static const uint8_t list[] = {
    2, 1, 2, 4, 4, 4, 40, 1
};

static double number(const uint8_t *bytes, size_t size, const char *key)
{
    oct_vec_u8 view = { bytes, (uint32_t)size };
    return oct_flex_number(&view, key, 99);
}

static void test_numbers_of_every_kind(void **unused)
{
    (void)unused;
    assert_true(number(small, sizeof small, "a") == 5);
    assert_true(number(small, sizeof small, "b") == -1.5);
    assert_true(number(small, sizeof small, "c") == 1);
    assert_true(number(wide, sizeof wide, "a") == 70000);
    assert_true(number(small, sizeof small, "d") == 99);
    assert_true(number(list, sizeof list, "a") == 99);
    assert_true(number(small, 0, "a") == 99);
}

/* Cut off and damaged maps in blocks of their own size, so that a sanitizer sees what is read behind. */
static void test_damage_is_survived(void **unused)
{
    (void)unused;
    for (size_t size = 1; size <= sizeof small; size++)
        for (size_t at = 0; at < size; at++)
            for (int value = 0; value < 256; value += 17) {
                uint8_t *bytes = malloc(size);
                assert_non_null(bytes);
                memcpy(bytes, small + sizeof small - size, size);
                bytes[at] = (uint8_t)value;
                (void)number(bytes, size, "b");
                free(bytes);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_of_every_kind),
        cmocka_unit_test(test_damage_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
