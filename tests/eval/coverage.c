/*
 * Do the intervals tell the truth? Comparisons whose true accuracies are known are drawn a thousand
 * times; what is promised at 95 % must hold in 930 to 970 of them (the promise plus or minus three
 * standard errors of a count of 1,000), and what is promised to be wrong at most 5 % of the time is
 * wrong in at most 50; exactly at a bound, where 5 % are to be expected, in at most 70.
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

enum { COMPARISONS = 1000, LEAST = 930, MOST = 970, MOST_FALSE = 50, MOST_FALSE_AT_BOUND = 70 };

/* Shares of samples: right only in float, right only in the other, right in both. */
typedef struct setting {
    const char *name;
    int64_t samples;
    double lost, won, both;
} setting;

static const setting settings[] = {
    { "few answers change", 2000, 0.012, 0.012, 0.88 },
    { "many answers change", 1000, 0.06, 0.06, 0.65 },
    { "half a point worse", 5000, 0.015, 0.010, 0.70 },
    { "three points worse", 800, 0.05, 0.02, 0.80 },
    { "one point better", 1500, 0.02, 0.03, 0.60 },
    { "a small set", 200, 0.06, 0.04, 0.75 },
};

typedef struct counts {
    int64_t lost, won, right;
} counts;

static counts draw(const setting *s, oct_random *random)
{
    counts c = { 0 };
    for (int64_t i = 0; i < s->samples; i++) {
        double u = oct_random_uniform(random);
        bool lost = u < s->lost, won = !lost && u < s->lost + s->won;
        c.lost += lost;
        c.won += won;
        c.right += won || (!lost && u < s->lost + s->won + s->both);
    }
    return c;
}

static bool covers(oct_interval interval, double truth)
{
    return interval.low <= truth && truth <= interval.high;
}

static void check_coverage(const char *what, const char *setting_name, int covered)
{
    print_message("  %-28s %-22s %4d of %d\n", what, setting_name, covered, COMPARISONS);
    assert_in_range(covered, LEAST, MOST);
}

static void check_false(const char *what, const char *setting_name, int wrong, int most)
{
    print_message("  %-28s %-22s %4d of %d wrong\n", what, setting_name, wrong, COMPARISONS);
    assert_in_range(wrong, 0, most);
}

static void test_difference_interval(void **unused)
{
    (void)unused;
    for (size_t k = 0; k < sizeof settings / sizeof *settings; k++) {
        const setting *s = &settings[k];
        oct_random random = oct_random_seed(k);
        int covered = 0, false_better = 0;
        for (int i = 0; i < COMPARISONS; i++) {
            counts c = draw(s, &random);
            oct_interval interval = oct_tango_interval(s->samples, c.lost, c.won);
            covered += covers(interval, s->won - s->lost);
            false_better += interval.low > 0 && s->won <= s->lost;
        }
        check_coverage("difference (Tango)", s->name, covered);
        check_false("\"better\" where it is not", s->name, false_better, MOST_FALSE);
    }
}

static void test_accuracy_interval(void **unused)
{
    (void)unused;
    for (size_t k = 0; k < sizeof settings / sizeof *settings; k++) {
        const setting *s = &settings[k];
        oct_random random = oct_random_seed(100 + k);
        int covered = 0;
        for (int i = 0; i < COMPARISONS; i++)
            covered += covers(oct_wilson(draw(s, &random).right, s->samples), s->won + s->both);
        check_coverage("accuracy (Wilson)", s->name, covered);
    }
}

/* McNemar's test where both are equally good. */
static void test_false_difference(void **unused)
{
    (void)unused;
    for (size_t k = 0; k < sizeof settings / sizeof *settings; k++) {
        setting s = settings[k];
        s.won = s.lost;
        oct_random random = oct_random_seed(200 + k);
        int wrong = 0;
        for (int i = 0; i < COMPARISONS; i++) {
            counts c = draw(&s, &random);
            wrong += oct_mcnemar(c.lost, c.won) < 0.05;
        }
        check_false("difference where none is", s.name, wrong, MOST_FALSE);
    }
}

/* "Loses at most max_drop" where it loses exactly that, and a little more. */
static void test_false_equivalence(void **unused)
{
    (void)unused;
    for (size_t k = 0; k < sizeof settings / sizeof *settings; k++) {
        setting s = settings[k];
        double max_drop = 0.01;
        s.lost = s.won + max_drop;
        for (int worse = 0; worse < 2; worse++) {
            oct_random random = oct_random_seed(300 + 2 * k + (uint64_t)worse);
            int wrong = 0, failed = 0;
            for (int i = 0; i < COMPARISONS; i++) {
                counts c = draw(&s, &random);
                oct_equivalence e;
                oct_equivalence_test(s.samples, c.lost, c.won, max_drop, &e);
                wrong += e.holds;
                failed += e.fails;
            }
            if (worse) {
                check_false("\"holds\", 1/2 point worse", s.name, wrong, MOST_FALSE);
            } else {
                check_false("\"holds\" at the bound", s.name, wrong, MOST_FALSE_AT_BOUND);
                check_false("\"fails\" at the bound", s.name, failed, MOST_FALSE_AT_BOUND);
            }
            s.lost += 0.005;
        }
    }
}

/*
 * Skewed values, as cross-entropies are: the mean of an exponential distribution is 1. The method is
 * approximate, so it is held to 94..96 %, which takes more comparisons to see; and its two ends to
 * be wrong alike.
 */
static void test_bootstrap(void **unused)
{
    (void)unused;
    enum { VALUES = 300, TIMES = 4 };
    oct_random random = oct_random_seed(400);
    int covered = 0, above = 0, below = 0;
    for (int i = 0; i < TIMES * COMPARISONS; i++) {
        double values[VALUES];
        oct_interval interval;
        for (int k = 0; k < VALUES; k++)
            values[k] = -log(1 - oct_random_uniform(&random));
        assert_int_equal(oct_bootstrap_mean(values, VALUES, (uint64_t)i, &interval, NULL), OCT_OK);
        covered += covers(interval, 1);
        above += interval.low > 1;
        below += interval.high < 1;
    }
    print_message("  %-28s %-22s %4d of %d, %d above, %d below\n", "mean (bootstrap)",
        "skewed, 300 values", covered, TIMES * COMPARISONS, above, below);
    assert_in_range(covered, TIMES * 940, TIMES * 960);
    assert_in_range(above, TIMES * 17, TIMES * 35);
    assert_in_range(below, TIMES * 17, TIMES * 35);
}

/* Latencies have a floor and a tail; the interval must cover their median at least 95 %. */
static void test_median(void **unused)
{
    (void)unused;
    enum { ROUNDS = 31 };
    oct_random random = oct_random_seed(500);
    int covered = 0;
    for (int i = 0; i < COMPARISONS; i++) {
        double values[ROUNDS];
        for (int k = 0; k < ROUNDS; k++)
            values[k] = 5 - log(1 - oct_random_uniform(&random));
        oct_sort(values, ROUNDS);
        covered += covers(oct_median_interval(values, ROUNDS), 5 + log(2));
    }
    print_message("  %-28s %-22s %4d of %d\n", "median", "31 rounds", covered, COMPARISONS);
    assert_in_range(covered, LEAST, COMPARISONS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_difference_interval),
        cmocka_unit_test(test_accuracy_interval),
        cmocka_unit_test(test_false_difference),
        cmocka_unit_test(test_false_equivalence),
        cmocka_unit_test(test_bootstrap),
        cmocka_unit_test(test_median),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
