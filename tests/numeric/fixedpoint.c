/*
 * Fixed point against its definitions in wide arithmetic, on random and extreme values.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "numeric/fixedpoint.h"
#include "numeric/half.h"

static uint64_t state = 88172645463325252u;

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static int32_t random_value(int i)
{
    static const int32_t extremes[] = { 0, 1, -1, INT32_MAX, INT32_MIN, INT32_MIN + 1, 1 << 30,
        -(1 << 30), 3, -3 };
    return i < 10 ? extremes[i] : (int32_t)(next_random() >> (32 + next_random() % 31));
}

/* Nearest with ties up of a*b / 2^31, in 128 bits. */
static int64_t wide_srdhm(int32_t a, int32_t b)
{
    __int128 twice = (__int128)a * b * 2 + ((__int128)1 << 31);
    return (int64_t)(twice >> 32);
}

static void test_srdhm(void **unused)
{
    (void)unused;
    for (int i = 0; i < 200000; i++) {
        int32_t a = random_value(i % 400), b = random_value(i / 400);
        int64_t expected = wide_srdhm(a, b);
        if (expected > INT32_MAX)
            expected = INT32_MAX;
        if (oct_srdhm(a, b) != expected)
            fail_msg("srdhm(%d, %d) = %d, not %lld", a, b, oct_srdhm(a, b), (long long)expected);
    }
}

static void test_rdbp(void **unused)
{
    (void)unused;
    for (int i = 0; i < 200000; i++) {
        int32_t x = random_value(i % 2000), k = i % 32;
        /* x + or - half is exact in double, and so is the division by a power of two. */
        double expected = round((double)x / (double)((int64_t)1 << k));
        if ((double)oct_rdbp(x, k) != expected)
            fail_msg("rdbp(%d, %d) = %d, not %.0f", x, k, oct_rdbp(x, k), expected);
    }
}

static void test_multiplier(void **unused)
{
    (void)unused;
    for (int i = 0; i < 100000; i++) {
        double d = ldexp((double)(next_random() >> 11) * 0x1p-53 + 0x1p-20, (int)(next_random() % 40) - 30);
        oct_multiplier q = oct_quantize_multiplier(d);
        if (q.m == 0) {
            assert_true(d < 0x1p-31);
            continue;
        }
        assert_true(q.m >= 1 << 30);
        double back = ldexp((double)q.m, q.e - 31);
        if (fabs(back - d) > d * 0x1p-30)
            fail_msg("%.17g became %.17g", d, back);
    }
    oct_multiplier one = oct_quantize_multiplier(1.0);
    assert_int_equal(one.m, 1 << 30);
    assert_int_equal(one.e, 1);
    /* The largest fraction rounds up to one and must be normalised. */
    oct_multiplier almost = oct_quantize_multiplier(1.0 - 0x1p-40);
    assert_int_equal(almost.m, 1 << 30);
    assert_int_equal(almost.e, 1);
    assert_int_equal(oct_quantize_multiplier(0).m, 0);
}

static void test_mbqm_is_near_the_product(void **unused)
{
    (void)unused;
    for (int i = 0; i < 100000; i++) {
        int32_t x = (int32_t)(next_random() % 2000001) - 1000000;
        double d = ((double)(next_random() >> 11) * 0x1p-53 + 0x1p-10) * 0.5;
        oct_multiplier q = oct_quantize_multiplier(d);
        double exact = (double)x * d;
        if (fabs((double)oct_mbqm(x, q) - exact) > 1.0)
            fail_msg("mbqm(%d, %.17g) = %d", x, d, oct_mbqm(x, q));
        /* 16-bit significand: relative error 2^-16, then half a unit. */
        if (fabs((double)oct_mbqm64(x, q) - exact) > 0.51 + fabs(exact) * 0x1p-15)
            fail_msg("mbqm64(%d, %.17g) = %d", x, d, oct_mbqm64(x, q));
    }
}

static void test_half_round_trip(void **unused)
{
    (void)unused;
    for (uint32_t h = 0; h < 65536; h++) {
        float value = oct_half_to_float((uint16_t)h);
        if (isnan(value)) {
            assert_true(isnan(oct_half_to_float(oct_float_to_half(value))));
            continue;
        }
        if (oct_float_to_half(value) != h)
            fail_msg("half 0x%04x came back as 0x%04x", h, oct_float_to_half(value));
    }
}

/* Nearest half by search in the sorted list of all halves, ties to the even code. */
static void test_half_rounds_to_even(void **unused)
{
    (void)unused;
    for (uint32_t h = 0; h < 0x7bff; h++) {
        double low = oct_half_to_float((uint16_t)h), high = oct_half_to_float((uint16_t)(h + 1));
        float middle = (float)((low + high) / 2);
        uint32_t even = h % 2 == 0 ? h : h + 1;
        if (oct_float_to_half(middle) != even)
            fail_msg("%.9g is the tie between 0x%04x and 0x%04x", middle, h, h + 1);
        assert_int_equal(oct_float_to_half(nextafterf(middle, INFINITY)), h + 1);
        assert_int_equal(oct_float_to_half(nextafterf(middle, 0)), h);
    }
    assert_int_equal(oct_float_to_half(65519.f), 0x7bff);
    assert_int_equal(oct_float_to_half(65520.f), 0x7c00);
    assert_int_equal(oct_float_to_half(-INFINITY), 0xfc00);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_srdhm),
        cmocka_unit_test(test_rdbp),
        cmocka_unit_test(test_multiplier),
        cmocka_unit_test(test_mbqm_is_near_the_product),
        cmocka_unit_test(test_half_round_trip),
        cmocka_unit_test(test_half_rounds_to_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
