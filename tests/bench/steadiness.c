/*
 * Trend and outliers: numbers from scipy, and series of known behaviour.
 */
#include "bench/steadiness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "eval/random.h"
#include "eval/stats.h"

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.12g, want %.12g", got, want);
}

/* scipy 1.17.1: kendalltau(x, range(12), method="asymptotic"), theilslopes(x). */
static void test_against_scipy(void **unused)
{
    (void)unused;
    const double x[] = { 10, 10.5, 9.75, 11, 10.5, 12, 11.25, 40, 11.5, 12.5, 12, 13 };
    oct_trend trend;
    assert_int_equal(oct_trend_of(x, 12, &trend, NULL), OCT_OK);
    near(trend.p, 0.0024335771909856974, 1e-12);
    near(trend.change, 0.25 * 11 / 11.375, 1e-12);
    assert_int_equal(oct_trend_of(x, 7, &trend, NULL), OCT_OK);
    assert_true(trend.p == 1 && trend.change > 0); /* too few to test */
    assert_int_equal(oct_trend_of(x, 1, &trend, NULL), OCT_OK);
    assert_true(trend.p == 1 && trend.change == 0);
}

/* Like times: a floor, a tail, now and then a hundredfold. */
static double time_of(oct_random *random)
{
    double u = oct_random_uniform(random);
    return (1 + 0.02 * -log(1 - u)) * (oct_random_uniform(random) < 0.02 ? 100 : 1);
}

enum { SERIES = 400, ROUNDS = 120, MANY = 1500 };

static void test_false_and_true_alarms(void **unused)
{
    (void)unused;
    oct_random random = oct_random_seed(3);
    int alarms = 0, found = 0;
    double error = 0;
    for (int s = 0; s < SERIES; s++) {
        double still[ROUNDS], drifting[ROUNDS];
        oct_trend trend;
        for (int i = 0; i < ROUNDS; i++) {
            still[i] = time_of(&random);
            drifting[i] = still[i] * (1 + 0.05 * i / (ROUNDS - 1));
        }
        assert_int_equal(oct_trend_of(still, ROUNDS, &trend, NULL), OCT_OK);
        alarms += trend.p < 0.01;
        assert_int_equal(oct_trend_of(drifting, ROUNDS, &trend, NULL), OCT_OK);
        found += trend.p < 0.01;
        error += fabs(trend.change - 0.05) / SERIES;
    }
    /* 4 alarms are to be expected, standard deviation 2. */
    if (alarms > 12 || found < SERIES * 99 / 100 || error > 0.01)
        fail_msg("%d of %d false alarms, %d found, mean error of the change %g", alarms, SERIES,
            found, error);
}

/* Long series go through medians of stretches, and stay as sharp. */
static void test_many_rounds(void **unused)
{
    (void)unused;
    double *values = malloc(MANY * sizeof *values);
    assert_non_null(values);
    oct_random random = oct_random_seed(4);
    oct_trend trend;
    for (int i = 0; i < MANY; i++)
        values[i] = time_of(&random) * (1 - 0.03 * i / MANY);
    assert_int_equal(oct_trend_of(values, MANY, &trend, NULL), OCT_OK);
    assert_true(trend.p < 1e-6);
    near(trend.change, -0.03, 0.006);
    for (int i = 0; i < MANY; i++)
        values[i] = 7;
    assert_int_equal(oct_trend_of(values, MANY, &trend, NULL), OCT_OK);
    assert_true(trend.p == 1 && trend.change == 0);
    free(values);
}

static void test_outliers(void **unused)
{
    (void)unused;
    double sorted[] = { 8, 9, 10, 11, 12, 13, 14 }, scratch[7];
    near(oct_outlier_limit(sorted, 7, scratch), 11 + 3.5 / 0.6745 * 2, 1e-12); /* MAD 2 */
    double equal[] = { 5, 5, 5, 5, 6 };
    near(oct_outlier_limit(equal, 5, scratch), 5 + 3.5 / 0.6745 * 0.005, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_scipy),
        cmocka_unit_test(test_false_and_true_alarms),
        cmocka_unit_test(test_many_rounds),
        cmocka_unit_test(test_outliers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
