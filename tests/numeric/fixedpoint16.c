/*
 * The 16-bit functions against the real ones over all arguments; the operators' goldens pin single values.
 */
#include "numeric/fixedpoint16.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static void test_logistic_is_near_the_real_one(void **unused)
{
    (void)unused;
    for (int32_t a = INT16_MIN; a <= INT16_MAX; a++) {
        double want = 32768.0 / (1.0 + exp(-ldexp(a, -12)));
        assert_true(fabs(oct_logistic_s16((int16_t)a) - want) < 7.0);
    }
    assert_int_equal(oct_logistic_s16(0), 1 << 14);
    assert_int_equal(oct_logistic_s16(-12756), 1387); /* where it is farthest off */
}

static void test_tanh_is_near_the_real_one(void **unused)
{
    (void)unused;
    for (int32_t bits = 0; bits <= 6; bits++)
        for (int32_t a = INT16_MIN; a <= INT16_MAX; a++) {
            double want = 32768.0 * tanh(ldexp(a, bits - 15));
            assert_true(fabs(oct_tanh_s16((int16_t)a, bits) - want) < 13.0);
        }
    assert_int_equal(oct_tanh_s16(0, 3), 0);
    assert_int_equal(oct_tanh_s16(-4733, 3), -26844);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logistic_is_near_the_real_one),
        cmocka_unit_test(test_tanh_is_near_the_real_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
