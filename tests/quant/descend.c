/*
 * Coordinate descent: never worse than rounding to the nearest, as good as trying everything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "quant/descend.h"

enum { SIZE = 3, ROWS = 40, LARGE = 70 };

static float noise(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / 16777216.f - 0.5f;
}

/* Rows whose columns depend on each other, so that rounding errors add up. */
static void fill(float *rows, int32_t count, int32_t size, uint32_t *state)
{
    for (int32_t i = 0; i < count; i++) {
        float common = noise(state);
        for (int32_t j = 0; j < size; j++)
            rows[i * size + j] = common + 0.3f * noise(state);
    }
}

static double error_of(const oct_covariance *h, const double *target, const int8_t *codes)
{
    double scratch[LARGE];
    return oct_row_error(h, target, 1, codes, scratch);
}

static double best_of_all(const oct_covariance *h, const double *target)
{
    double least = INFINITY;
    for (int i = 0; i < 216; i++) {
        int8_t codes[SIZE];
        for (int j = 0, rest = i; j < SIZE; j++, rest /= 6)
            codes[j] = (int8_t)(floor(target[j]) - 2 + rest % 6);
        least = fmin(least, error_of(h, target, codes));
    }
    return least;
}

static void test_three_weights_come_close_to_the_best(void **unused)
{
    (void)unused;
    uint32_t state = 5;
    double gained = 0, possible = 0;
    for (int trial = 0; trial < 200; trial++) {
        float rows[ROWS * SIZE];
        double values[SIZE * SIZE], target[SIZE], scratch[SIZE];
        int8_t codes[SIZE];
        oct_covariance h = { SIZE, values };
        fill(rows, ROWS, SIZE, &state);
        oct_columns_centre(rows, ROWS, SIZE);
        oct_covariance_fill(&h, rows, rows, ROWS, 0, SIZE);
        for (int i = 0; i < SIZE; i++) {
            target[i] = 40 * (double)noise(&state);
            codes[i] = (int8_t)round(target[i]);
        }
        double before = error_of(&h, target, codes), best = best_of_all(&h, target);
        oct_descend_row(&h, target, 1, 127, codes, scratch);
        double after = error_of(&h, target, codes);
        assert_true(after <= before * (1 + 1e-9));
        assert_true(after >= best * (1 - 1e-9));
        gained += before - after;
        possible += before - best;
    }
    assert_true(possible > 0);
    assert_true(gained > 0.6 * possible);
}

static void test_independent_weights_round_to_the_nearest(void **unused)
{
    (void)unused;
    double values[SIZE * SIZE] = { 2, 0, 0, 0, 1, 0, 0, 0, 3 }, scratch[SIZE];
    const double target[SIZE] = { 1.4, -2.6, 126.9 };
    int8_t codes[SIZE] = { 0, 0, 0 };
    const oct_covariance h = { SIZE, values };
    oct_descend_row(&h, target, 1, 127, codes, scratch);
    assert_int_equal(codes[0], 1);
    assert_int_equal(codes[1], -3);
    assert_int_equal(codes[2], 127);
}

static void test_codes_stay_within_their_limits(void **unused)
{
    (void)unused;
    double values[SIZE * SIZE] = { 1, 0.9, 0, 0.9, 1, 0, 0, 0, 1 }, scratch[SIZE];
    const double target[SIZE] = { 500, -500, 3 };
    int8_t codes[SIZE] = { 127, -127, 3 };
    const oct_covariance h = { SIZE, values };
    oct_descend_row(&h, target, 1, 127, codes, scratch);
    assert_true(codes[0] == 127 && codes[1] >= -127 && codes[2] == 3);
}

/* A matrix wider than what is summed at a time, cut at other places. */
static void test_covariances_do_not_depend_on_their_division(void **unused)
{
    (void)unused;
    static float rows[200 * LARGE];
    static double whole[LARGE * LARGE], parts[LARGE * LARGE];
    uint32_t state = 9;
    fill(rows, 200, LARGE, &state);
    oct_columns_centre(rows, 200, LARGE);
    const oct_covariance h = { LARGE, whole }, g = { LARGE, parts };
    oct_covariance_fill(&h, rows, rows, 200, 0, LARGE);
    for (int32_t i = 0; i < LARGE; i += 7)
        oct_covariance_fill(&g, rows, rows, 200, i, i + 7 < LARGE ? i + 7 : LARGE);
    assert_memory_equal(whole, parts, sizeof whole);
    double exact = 0;
    for (int i = 0; i < 200; i++)
        exact += (double)rows[i * LARGE + 3] * (double)rows[i * LARGE + 60] / 200;
    assert_true(fabs(whole[3 * LARGE + 60] - exact) < 1e-6);
}

static void test_solutions_fit_the_matrix(void **unused)
{
    (void)unused;
    const double h[SIZE * SIZE] = { 4, 1, 0.5, 1, 3, 0.2, 0.5, 0.2, 2 };
    double factor[SIZE * SIZE], v[SIZE] = { 1, -2, 3 };
    const oct_covariance f = { SIZE, factor };
    memcpy(factor, h, sizeof h);
    assert_true(oct_covariance_factor(&f));
    oct_covariance_solve(&f, v);
    const double expected[SIZE] = { 1, -2, 3 };
    for (int j = 0; j < SIZE; j++) {
        double sum = 0;
        for (int i = 0; i < SIZE; i++)
            sum += v[i] * h[i * SIZE + j];
        assert_true(fabs(sum - expected[j]) < 1e-12);
    }
    double none[SIZE * SIZE] = { 1, 2, 0, 2, 1, 0, 0, 0, 1 };
    const oct_covariance indefinite = { SIZE, none };
    assert_false(oct_covariance_factor(&indefinite));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_three_weights_come_close_to_the_best),
        cmocka_unit_test(test_independent_weights_round_to_the_nearest),
        cmocka_unit_test(test_codes_stay_within_their_limits),
        cmocka_unit_test(test_covariances_do_not_depend_on_their_division),
        cmocka_unit_test(test_solutions_fit_the_matrix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
