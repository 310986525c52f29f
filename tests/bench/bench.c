/*
 * The benchmark: what must hold of any measurement, on two models one of which does far more work.
 */
#include "eval/tiny.h"

#include <octavo/bench.h>
#include "eval/stats.h"

/* x [1, n] -> FULLY_CONNECTED [n, n] repeated. */
static oct_model *chain(int32_t n, int depth)
{
    builder b = build_begin();
    const int32_t dims[] = { 1, n }, w_dims[] = { n, n };
    float *weights = calloc((size_t)(n * n), sizeof *weights);
    assert_non_null(weights);
    int32_t first = build_tensor(&b, "x", OCT_FLOAT32, 2, dims), last = first;
    for (int i = 0; i < depth; i++) {
        int32_t w = build_constant(&b, "w", OCT_FLOAT32, 2, w_dims, weights);
        int32_t y = build_tensor(&b, "y", OCT_FLOAT32, 2, dims);
        build_node(&b, OCT_OP_FULLY_CONNECTED, last, w, y, OCT_OPTIONS_FullyConnected);
        last = y;
    }
    free(weights);
    build_end(&b, first, last);
    oct_model *model = NULL;
    assert_int_equal(oct_model_create(b.graph, "tflite", &model, NULL), OCT_OK);
    return model;
}

static void test_measurements_hang_together(void **unused)
{
    (void)unused;
    oct_model *small = chain(32, 1), *large = chain(512, 6);
    const oct_model *models[] = { small, large };
    oct_bench_options options = { .threads = 1, .rounds = 25, .profile = true, .seed = 3 };
    oct_bench *bench = NULL;
    oct_error err = { 0 };
    if (oct_bench_run(models, 2, &options, &bench, &err) != OCT_OK)
        fail_msg("%s", err.text);
    assert_int_equal(oct_bench_threads(bench), 1);
    for (int m = 0; m < 2; m++) {
        const oct_latency *l = oct_bench_latency(bench, m);
        const double *times = oct_bench_times(bench, m);
        double sorted[25], ratios[25];
        for (int i = 0; i < 25; i++) {
            sorted[i] = times[i];
            ratios[i] = times[i] / oct_bench_times(bench, 0)[i];
        }
        oct_sort(sorted, 25);
        oct_sort(ratios, 25);
        assert_int_equal(l->rounds, 25);
        assert_true(l->median_ns == sorted[12] && l->min_ns == sorted[0] && l->ratio == ratios[12]);
        /* 25 rounds: ranks 8 and 18, scipy.stats.binom.cdf(7, 25, 0.5) = 0.0216 */
        assert_true(l->median_interval.low == sorted[7] && l->median_interval.high == sorted[17]);
        assert_true(l->ratio_interval.low == ratios[7] && l->ratio_interval.high == ratios[17]);
        assert_true(
            l->warmup_runs > 3 && l->runs_per_round >= 1 && l->load_ns > 0 && l->arena_bytes > 0);
    }
    const oct_latency *self = oct_bench_latency(bench, 0);
    assert_true(
        self->ratio == 1 && self->ratio_interval.low == 1 && self->ratio_interval.high == 1);
    assert_true(oct_bench_latency(bench, 1)->ratio > 10); /* 1536 times the multiplications */
    assert_true(self->runs_per_round > oct_bench_latency(bench, 1)->runs_per_round);
    int32_t count;
    const oct_op_time *ops = oct_bench_profile(bench, 1, &count);
    assert_int_equal(count, 6);
    for (int i = 0; i < 6; i++) {
        assert_string_equal(ops[i].op, "FULLY_CONNECTED");
        assert_string_equal(ops[i].tensor, "y");
        assert_true(ops[i].median_ns > 0);
        assert_true(ops[i].macs > 0);
        /* How far above 1 a disturbed probe of the peak lets it rise, nobody can promise. */
        assert_true(ops[i].share >= 0 && isfinite(ops[i].share));
    }
    oct_bench_free(bench);
    oct_model_free(small);
    oct_model_free(large);
}

static void count_progress(void *user, const char *what, int64_t done, int64_t total)
{
    int *calls = user;
    assert_string_equal(what, "measure");
    assert_int_equal(done, ++*calls);
    assert_int_equal(total, 15);
}

static void test_time_limit_and_progress(void **unused)
{
    (void)unused;
    oct_model *model = chain(32, 1);
    const oct_model *models[] = { model };
    int calls = 0;
    oct_bench_options options = {
        .threads = 1, .seconds = 1e-9, .progress = count_progress, .progress_user = &calls
    };
    oct_bench *bench = NULL;
    assert_int_equal(oct_bench_run(models, 1, &options, &bench, NULL), OCT_OK);
    assert_int_equal(calls, 15);
    oct_bench_free(bench);
    assert_int_equal(oct_bench_run(models, 0, &options, &bench, NULL), OCT_E_USAGE);
    assert_null(bench);
    oct_model_free(model);
}

static void test_machine(void **unused)
{
    (void)unused;
    oct_machine machine;
    oct_machine_read(&machine);
    assert_true(machine.cores >= 1);
    assert_true(machine.cpu[0] != 0 && machine.system[0] != 0 && machine.governor[0] != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measurements_hang_together),
        cmocka_unit_test(test_time_limit_and_progress),
        cmocka_unit_test(test_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
