/*
 * Histograms of parts add up to that of the whole, and estimators on them find the ends they are meant to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "quant/estimate.h"

enum { COUNT = 100000 };

static float values[COUNT];

/* The sum of twelve even numbers: nearly normal, of variance 1. */
static void fill_normal(void)
{
    uint32_t state = 3;
    for (int i = 0; i < COUNT; i++) {
        values[i] = -6;
        for (int j = 0; j < 12; j++) {
            state = state * 1664525u + 1013904223u;
            values[i] += (float)(state >> 8) / 16777216.f;
        }
    }
}

static oct_range seen_of(const float *from, size_t count)
{
    oct_range range = { from[0], from[0], true };
    for (size_t i = 0; i < count; i++) {
        range.min = fminf(range.min, from[i]);
        range.max = fmaxf(range.max, from[i]);
    }
    return range;
}

static void test_bins_hold_their_values(void **unused)
{
    (void)unused;
    static const float some[] = { -3.5f, -1e-30f, 0.f, -0.f, 1e-40f, 0.1f, 0.1f, 7.f, 3e38f };
    oct_histogram h = { { NULL } };
    oct_bin bins[16];
    assert_true(oct_histogram_add(&h, some, 9));
    size_t count = oct_histogram_bins(&h, bins, 16);
    assert_true(count <= 16);
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        total += bins[i].count;
        assert_true(bins[i].low <= bins[i].high);
        assert_true(i == 0 || bins[i - 1].high <= bins[i].low);
        assert_true(fabsf(bins[i].low) < 1e-30f || bins[i].high - bins[i].low <= 0.004f * fabsf(bins[i].high) ||
                    bins[i].high - bins[i].low <= 0.004f * fabsf(bins[i].low));
    }
    assert_int_equal(total, 9);
    assert_true(bins[0].low <= -3.5f && bins[0].high >= -3.5f);
    oct_histogram_free(&h);
}

/* Shards merged in another order than they lie. */
static void test_shards_add_up_to_the_whole(void **unused)
{
    (void)unused;
    fill_normal();
    oct_histogram whole = { { NULL } }, merged = { { NULL } };
    assert_true(oct_histogram_add(&whole, values, COUNT));
    static const int order[4] = { 2, 0, 3, 1 };
    for (int i = 0; i < 4; i++) {
        oct_histogram shard = { { NULL } };
        assert_true(oct_histogram_add(&shard, values + order[i] * (COUNT / 4), COUNT / 4));
        assert_true(oct_histogram_merge(&merged, &shard));
        oct_histogram_free(&shard);
    }
    static oct_bin a[20000], b[20000];
    size_t count = oct_histogram_bins(&whole, a, 20000);
    assert_true(count < 20000);
    assert_int_equal(oct_histogram_bins(&merged, b, 20000), count);
    for (size_t i = 0; i < count; i++)
        assert_true(a[i].low == b[i].low && a[i].high == b[i].high && a[i].count == b[i].count);
    oct_histogram_free(&merged);
    oct_histogram_free(&whole);
}

static void test_percentiles_cut_their_share(void **unused)
{
    (void)unused;
    fill_normal();
    oct_histogram h = { { NULL } };
    oct_range range, seen = seen_of(values, COUNT);
    assert_true(oct_histogram_add(&h, values, COUNT));
    assert_int_equal(oct_estimate_percentile(&h, seen, 99, &range, NULL), OCT_OK);
    int below = 0, above = 0;
    for (int i = 0; i < COUNT; i++) {
        below += values[i] < range.min;
        above += values[i] > range.max;
    }
    assert_true(below <= COUNT / 100 && below > COUNT / 100 * 9 / 10);
    assert_true(above <= COUNT / 100 && above > COUNT / 100 * 9 / 10);
    assert_int_equal(oct_estimate_percentile(&h, seen, 100, &range, NULL), OCT_OK);
    assert_true(range.min == seen.min && range.max == seen.max);
    oct_histogram_free(&h);
}

/* One value far out of many costs less cut off than its range costs all others. */
static void test_squared_error_drops_an_outlier(void **unused)
{
    (void)unused;
    fill_normal();
    oct_histogram h = { { NULL } };
    oct_range range, plain, seen = seen_of(values, COUNT);
    assert_true(oct_histogram_add(&h, values, COUNT));
    assert_int_equal(oct_estimate_mse(&h, seen, &plain, NULL), OCT_OK);
    assert_true(plain.max > 0.8f * seen.max && plain.max <= seen.max);
    const float far = 30.f;
    oct_histogram many = { { NULL } };
    for (int i = 0; i < 20; i++)
        assert_true(oct_histogram_merge(&many, &h));
    assert_true(oct_histogram_add(&many, &far, 1));
    seen.max = far;
    assert_int_equal(oct_estimate_mse(&many, seen, &range, NULL), OCT_OK);
    assert_true(range.max < 15.f && range.max >= 3.f);
    oct_histogram_free(&many);
    oct_histogram_free(&h);
}

/* Zeros behind a ReLU do not decide, and no end comes nearer to zero than half of what was seen. */
static void test_entropy_leaves_zeros_out(void **unused)
{
    (void)unused;
    fill_normal();
    oct_histogram h = { { NULL } }, with_zeros = { { NULL } };
    for (int i = 0; i < COUNT; i++)
        values[i] = fabsf(values[i]);
    oct_range seen = seen_of(values, COUNT), range, same;
    seen.min = 0;
    assert_true(oct_histogram_add(&h, values, COUNT));
    assert_true(oct_histogram_merge(&with_zeros, &h));
    memset(values, 0, sizeof values);
    assert_true(oct_histogram_add(&with_zeros, values, COUNT));
    assert_int_equal(oct_estimate_entropy(&h, seen, &range, NULL), OCT_OK);
    assert_int_equal(oct_estimate_entropy(&with_zeros, seen, &same, NULL), OCT_OK);
    assert_true(range.min == same.min && range.max == same.max);
    assert_true(range.max >= seen.max / 2 && range.max <= seen.max && range.min == 0);
    oct_histogram_free(&with_zeros);
    oct_histogram_free(&h);
}

static void test_a_tensor_of_zeros_keeps_its_range(void **unused)
{
    (void)unused;
    static const float zeros[8];
    oct_histogram h = { { NULL } };
    const oct_range seen = { 0, 0, true };
    oct_range range;
    assert_true(oct_histogram_add(&h, zeros, 8));
    assert_int_equal(oct_estimate_percentile(&h, seen, 99, &range, NULL), OCT_OK);
    assert_true(range.min == 0 && range.max == 0);
    assert_int_equal(oct_estimate_mse(&h, seen, &range, NULL), OCT_OK);
    assert_true(range.min == 0 && range.max == 0);
    assert_int_equal(oct_estimate_entropy(&h, seen, &range, NULL), OCT_OK);
    assert_true(range.min == 0 && range.max == 0);
    oct_histogram_free(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bins_hold_their_values),
        cmocka_unit_test(test_shards_add_up_to_the_whole),
        cmocka_unit_test(test_percentiles_cut_their_share),
        cmocka_unit_test(test_squared_error_drops_an_outlier),
        cmocka_unit_test(test_entropy_leaves_zeros_out),
        cmocka_unit_test(test_a_tensor_of_zeros_keeps_its_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
