/*
 * What must hold of any advice, on two thousand made-up comparisons under random constraints:
 * it keeps to the bounds, asking for less never leaves nothing, a stricter bound never gives a form
 * of which more may be lost, and the order of the rows decides nothing.
 */
#include "report/made_up.h"

#include <stdio.h>
#include <string.h>

#include "eval/random.h"
#include "report/rules.h"

enum { COMPARISONS = 2000, FORMS = 7 };

static const char *const names[FORMS] = { "float32", "dynamic", "float16", "int8", "int8-full",
    "int8-full-uint8", "int16x8" };

/* Latencies lie in steps of 6 %, so that none counts as equal to another. */
static void draw_forms(oct_random *random, form forms[FORMS])
{
    bool taken[40] = { false };
    for (int i = 0; i < FORMS; i++) {
        uint32_t step = oct_random_below(random, 40);
        while (taken[step])
            step = (step + 1) % 40;
        taken[step] = true;
        double ms = 2;
        for (uint32_t k = 0; k < step; k++)
            ms *= 1.06;
        int moved = (int)oct_random_below(random, 300);
        forms[i] = (form){
            .name = names[i],
            .bytes = 500000 + (int)oct_random_below(random, 4000000),
            .lost = i == 0 ? 0 : moved,
            .won = i == 0 ? 0 : (int)oct_random_below(random, (uint32_t)moved + 20),
            .ms = ms,
        };
    }
}

static oct_constraints draw_constraints(oct_random *random)
{
    return (oct_constraints){
        .target = (oct_target)oct_random_below(random, OCT_TARGET_COUNT),
        .has_max_drop = true,
        .max_drop = oct_random_uniform(random) * 0.03,
        .max_bytes = oct_random_below(random, 2) ? 600000 + oct_random_below(random, 4000000) : 0,
        .max_latency_ns = oct_random_below(random, 2) ? oct_random_uniform(random) * 2e7 : 0,
    };
}

/* The advised row; NULL: none. */
static const oct_row *advise(oct_results *results, const oct_constraints *constraints)
{
    assert_int_equal(oct_results_advise(results, constraints, NULL), OCT_OK);
    const char *advised = oct_results_advised(results);
    for (int32_t i = 0; i < results->row_count && advised != NULL; i++)
        if (strcmp(results->rows[i].form, advised) == 0)
            return &results->rows[i];
    assert_null(advised);
    return NULL;
}

static bool is_sure(const oct_results *results)
{
    return strstr(oct_results_advice(results), "\nSure: ") != NULL;
}

static double provable(const oct_results *results, const oct_row *row)
{
    const oct_weighing weighing = { .results = results };
    return strcmp(row->form, "float32") == 0 ? 0 : oct_rule_provable_drop(&weighing, row);
}

static void test_keeps_to_the_bounds(void **unused)
{
    (void)unused;
    oct_random random = oct_random_seed(1);
    int advised = 0;
    for (int i = 0; i < COMPARISONS; i++) {
        form forms[FORMS];
        draw_forms(&random, forms);
        const oct_constraints c = draw_constraints(&random);
        oct_results *results = results_of(forms, FORMS, true);
        const oct_row *row = advise(results, &c);
        if (row != NULL) {
            assert_true(c.max_bytes == 0 || row->bytes <= (double)c.max_bytes);
            if (is_sure(results))
                assert_true(provable(results, row) <= c.max_drop + 1e-9);
            advised++;
        }
        oct_results_free(results);
    }
    assert_in_range(advised, COMPARISONS / 4, COMPARISONS);
}

static void test_asking_for_less_leaves_something(void **unused)
{
    (void)unused;
    oct_random random = oct_random_seed(2);
    for (int i = 0; i < COMPARISONS; i++) {
        form forms[FORMS];
        draw_forms(&random, forms);
        oct_constraints c = draw_constraints(&random);
        oct_results *results = results_of(forms, FORMS, true);
        bool some = advise(results, &c) != NULL;
        c.max_drop *= 2;
        c.max_bytes *= 2;
        c.max_latency_ns *= 2;
        assert_true(advise(results, &c) != NULL || !some);
        oct_results_free(results);
    }
}

static void test_stricter_loses_no_more(void **unused)
{
    (void)unused;
    oct_random random = oct_random_seed(3);
    int changed = 0;
    for (int i = 0; i < COMPARISONS; i++) {
        form forms[FORMS];
        draw_forms(&random, forms);
        oct_constraints c = draw_constraints(&random);
        oct_results *results = results_of(forms, FORMS, true);
        const oct_row *row = advise(results, &c);
        double loose = row != NULL && is_sure(results) ? provable(results, row) : -1;
        c.max_drop *= oct_random_uniform(&random);
        const oct_row *strict = advise(results, &c);
        if (loose >= 0 && strict != NULL && is_sure(results)) {
            assert_true(provable(results, strict) <= loose + 1e-9);
            changed += strict != row;
        }
        oct_results_free(results);
    }
    assert_true(changed > 20);
}

static void test_order_of_rows_decides_nothing(void **unused)
{
    (void)unused;
    oct_random random = oct_random_seed(4);
    for (int i = 0; i < COMPARISONS; i++) {
        form forms[FORMS], other[FORMS];
        draw_forms(&random, forms);
        const oct_constraints c = draw_constraints(&random);
        memcpy(other, forms, sizeof forms);
        for (int k = FORMS - 1; k > 1; k--) { /* the first row is the measure and stays */
            int j = 1 + (int)oct_random_below(&random, (uint32_t)k);
            form kept = other[k];
            other[k] = other[j];
            other[j] = kept;
        }
        oct_results *a = results_of(forms, FORMS, true), *b = results_of(other, FORMS, true);
        const oct_row *x = advise(a, &c), *y = advise(b, &c);
        assert_true((x == NULL) == (y == NULL));
        assert_true(x == NULL || strcmp(x->form, y->form) == 0);
        oct_results_free(a);
        oct_results_free(b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keeps_to_the_bounds),
        cmocka_unit_test(test_asking_for_less_leaves_something),
        cmocka_unit_test(test_stricter_loses_no_more),
        cmocka_unit_test(test_order_of_rows_decides_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
