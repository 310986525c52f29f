/*
 * Statistics against scipy 1.17.1 (numpy 2.4.6). Tango's statistic is checked against a likelihood
 * that scipy.optimize maximised numerically, so that formula and test share nothing but the
 * definition.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "eval/random.h"
#include "eval/stats.h"

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.17g, want %.17g", got, want);
}

/* scipy.stats.binomtest(k, n).proportion_ci(method="wilson") */
static void test_wilson(void **unused)
{
    (void)unused;
    static const struct {
        int64_t k, n;
        double low, high;
    } cases[] = {
        { 0, 10, 0, 0.27753279986288926 },
        { 10, 10, 0.7224672001371109, 1 },
        { 7190, 10000, 0.7101074017093607, 0.727724407004283 },
        { 1, 3, 0.06149194472039626, 0.7923403991979523 },
        { 4999, 5000, 0.9988679109191603, 0.9999646942165605 },
        { 0, 0, 0, 1 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        oct_interval got = oct_wilson(cases[i].k, cases[i].n);
        near(got.low, cases[i].low, 1e-12);
        near(got.high, cases[i].high, 1e-12);
    }
}

/* scipy.stats.binomtest(min(b, c), b + c, 0.5).pvalue */
static void test_mcnemar(void **unused)
{
    (void)unused;
    static const struct {
        int64_t lost, won;
        double p;
    } cases[] = {
        { 0, 0, 1 },
        { 5, 5, 1 },
        { 1, 9, 0.021484375 },
        { 9, 1, 0.021484375 },
        { 0, 6, 0.03125 },
        { 120, 90, 0.045114087864840696 },
        { 1000, 1100, 0.03072070786424249 },
        { 30, 5, 2.2361520677804947e-05 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        near(oct_mcnemar(cases[i].lost, cases[i].won) / cases[i].p, 1, 1e-9);
}

static void test_tango(void **unused)
{
    (void)unused;
    static const struct {
        int64_t n, lost, won;
        double t, low, high;
    } cases[] = {
        { 10000, 120, 90, 1.3661639137147568, -0.005889287708483942, -0.00016118855069568829 },
        { 100, 3, 9, 1.8586061957673847, -0.00911560138808212, 0.1376930094084415 },
        { 44, 0, 1, 1.1073078213958432, -0.05939323109015175, 0.11807709698213474 },
        { 50, 0, 0, 0.5012547071170855, -0.07134759913335871, 0.07134759913335871 },
        { 500, 30, 5, -3.892246910471633, -0.0755476187455695, -0.028615625081275863 },
        { 200, 0, 12, 3.6145990417745844, 0.034652194254329735, 0.10193169295767067 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        near(oct_tango(cases[i].n, cases[i].lost, cases[i].won, -0.005), cases[i].t, 1e-6);
        oct_interval got = oct_tango_interval(cases[i].n, cases[i].lost, cases[i].won);
        near(got.low, cases[i].low, 1e-7);
        near(got.high, cases[i].high, 1e-7);
    }
    oct_interval nothing = oct_tango_interval(0, 0, 0);
    near(nothing.low, -1, 0);
    near(nothing.high, 1, 0);
}

/* scipy.stats.norm.cdf */
static void test_normal(void **unused)
{
    (void)unused;
    near(oct_normal_cdf(-3), 0.0013498980316300933, 1e-15);
    near(oct_normal_cdf(-1.5), 0.06680720126885807, 1e-15);
    near(oct_normal_cdf(0), 0.5, 0);
    near(oct_normal_cdf(1.88), 0.9699459610388002, 1e-15);
    near(oct_normal_cdf(5), 0.9999997133484281, 1e-15);
}

static void test_equivalence(void **unused)
{
    (void)unused;
    oct_equivalence e;
    oct_equivalence_test(10000, 120, 90, 0.005, &e); /* T = 1.366: neither shown */
    near(e.confidence, oct_normal_cdf(1.3661639137147568), 1e-7);
    assert_false(e.holds || e.fails);
    near((double)e.samples_needed, ceil(10000 * pow(2.486474860524387 / 1.3661639137147568, 2)), 1);
    oct_equivalence_test(10000, 90, 90, 0.005, &e);
    assert_true(e.holds);
    assert_int_equal(e.samples_needed, 0);
    oct_equivalence_test(500, 30, 5, 0.005, &e);
    assert_true(e.fails);
    near(e.confidence, 0, 1e-4);
    /* The promised size decides at the same rates: T(n) is 2.486 there. */
    oct_equivalence_test(10000, 120, 90, 0.005, &e);
    double scale = (double)e.samples_needed / 10000;
    near(oct_tango(e.samples_needed, (int64_t)(120 * scale), (int64_t)(90 * scale), -0.005), 2.486,
        0.02);
    oct_equivalence_test(0, 0, 0, 0.005, &e);
    assert_false(e.holds || e.fails);
}

/* numpy.quantile; ranks by scipy.stats.binom.cdf */
static void test_order_statistics(void **unused)
{
    (void)unused;
    static const double powers[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024 };
    near(oct_quantile(powers, 11, 0.025), 1.25, 1e-12);
    near(oct_quantile(powers, 11, 0.3), 8, 1e-12);
    near(oct_quantile(powers, 11, 0.9), 512, 1e-9);
    near(oct_quantile(powers, 1, 0.5), 1, 0);
    near(oct_quantile(powers, 11, 1), 1024, 0);
    static const struct {
        int64_t n, rank;
    } cases[] = {
        { 5, 0 },
        { 6, 1 },
        { 15, 4 },
        { 20, 6 },
        { 100, 40 },
        { 101, 41 },
    };
    double values[101];
    for (int i = 0; i < 101; i++)
        values[i] = i + 1;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t rank = cases[i].rank == 0 ? 1 : cases[i].rank;
        oct_interval got = oct_median_interval(values, cases[i].n);
        near(got.low, (double)rank, 0);
        near(got.high, (double)(cases[i].n + 1 - rank), 0);
    }
}

/* For a large normal sample the bootstrap meets mean +- 1.96 s / sqrt(n). */
static void test_bootstrap(void **unused)
{
    (void)unused;
    enum { COUNT = 4000 };
    double values[COUNT], sum = 0, squares = 0;
    oct_random random = oct_random_seed(7);
    for (int i = 0; i < COUNT; i++) {
        values[i] = 3;
        for (int k = 0; k < 12; k++)
            values[i] += oct_random_uniform(&random) - 0.5;
        sum += values[i];
        squares += values[i] * values[i];
    }
    double mean = sum / COUNT, error = sqrt((squares / COUNT - mean * mean) / COUNT);
    oct_interval got, again;
    assert_int_equal(oct_bootstrap_mean(values, COUNT, 1, &got, NULL), OCT_OK);
    near(got.low, mean - 1.96 * error, 0.2 * error);
    near(got.high, mean + 1.96 * error, 0.2 * error);
    assert_int_equal(oct_bootstrap_mean(values, COUNT, 1, &again, NULL), OCT_OK);
    assert_memory_equal(&got, &again, sizeof got);
    assert_int_equal(oct_bootstrap_mean(values, COUNT, 2, &again, NULL), OCT_OK);
    assert_true(again.low != got.low);
}

/* SplitMix64's published first outputs for seed 1234567. */
static void test_random(void **unused)
{
    (void)unused;
    oct_random random = { 1234567 };
    assert_true(oct_random_next(&random) == UINT64_C(6457827717110365317));
    assert_true(oct_random_next(&random) == UINT64_C(3203168211198807973));
    for (int i = 0; i < 1000; i++) {
        assert_in_range(oct_random_below(&random, 7), 0, 6);
        double u = oct_random_uniform(&random);
        assert_true(u >= 0 && u < 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wilson),
        cmocka_unit_test(test_mcnemar),
        cmocka_unit_test(test_tango),
        cmocka_unit_test(test_normal),
        cmocka_unit_test(test_equivalence),
        cmocka_unit_test(test_order_statistics),
        cmocka_unit_test(test_bootstrap),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
