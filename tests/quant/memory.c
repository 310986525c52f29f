/*
 * Quantizing with memory running out at the n-th allocation, for every n and every form: an error,
 * nothing handed out, never a crash or a leak.
 */
#include "passes/build.h"

#include "deny.h"
#include "quant/quant.h"

/* x -> CONV_2D -> SIN -> CONCATENATION(SIN, x) -> SOFTMAX: float and integer parts, shared parameters. */
static built mixed_graph(void)
{
    static float weights[33 * 32];
    for (int i = 0; i < 33 * 32; i++)
        weights[i] = (float)(i % 7 - 3);
    built b = build_start();
    int32_t x = build_tensor(&b, "x", DIMS(1, 1, 1, 32)), y = build_tensor(&b, "y", DIMS(1, 1, 1, 33));
    int32_t s = build_tensor(&b, "s", DIMS(1, 1, 1, 33)), c = build_tensor(&b, "c", DIMS(1, 1, 1, 65));
    int32_t z = build_tensor(&b, "z", DIMS(1, 1, 1, 65));
    int32_t w = build_constant(&b, "w", OCT_FLOAT32, weights, DIMS(33, 1, 1, 32));
    int32_t v = build_constant(&b, "v", OCT_FLOAT32, weights, DIMS(33));
    build_conv(&b, x, w, v, y, OCT_PADDING_VALID);
    build_node(&b, OCT_OP_SIN, OCT_OPTIONS_NONE, LIST(y), s);
    oct_concatenation_options *options =
        build_node(&b, OCT_OP_CONCATENATION, OCT_OPTIONS_Concatenation, LIST(s, x), c)->options;
    options->axis = 3;
    build_node(&b, OCT_OP_SOFTMAX, OCT_OPTIONS_Softmax, LIST(c), z);
    build_finish(&b, x, z);
    return b;
}

static oct_status read_sample(void *user, int64_t index, int32_t input, void *bytes, size_t size,
    oct_error *err)
{
    (void)user;
    (void)input;
    (void)err;
    for (size_t i = 0; i < size / sizeof(float); i++)
        ((float *)bytes)[i] = (float)index - (float)i / 8.f;
    return OCT_OK;
}

static long survive(const oct_graph *graph, oct_mode mode, oct_effort effort, int32_t bits)
{
    const oct_samples samples = { NULL, 3, read_sample };
    bool counts = mode == OCT_MODE_INT8 && effort == OCT_EFFORT_NONE;
    const oct_quant_options options = { .mode = mode, .effort = effort, .calib = &samples,
        .weight_bits = bits,
        .held = effort == OCT_EFFORT_DEFAULT ? &samples : NULL,
        .range = counts ? OCT_RANGE_PERCENTILE : OCT_RANGE_MOVING_AVERAGE, .threads = 2 };
    for (long n = 1;; n++) {
        oct_graph *out;
        oct_quant_report *report;
        oct_error err = { 0 };
        long before = deny_live;
        deny_start(n, true);
        oct_status status = oct_quantize_graph(graph, &options, &out, &report, &err);
        bool denied = deny_stop();
        if (status == OCT_OK) {
            assert_false(denied);
            oct_graph_free(out);
            oct_quant_report_free(report);
            assert_int_equal(deny_live, before);
            return n;
        }
        if (status != OCT_E_MEMORY && status != OCT_E_SYSTEM)
            fail_msg("%s, allocation %ld: %s", oct_mode_name(mode), n, err.text);
        assert_null(out);
        assert_null(report);
        assert_int_equal(deny_live, before);
    }
}

static void test_every_allocation_may_fail(void **unused)
{
    (void)unused;
    built b = mixed_graph();
    for (int mode = OCT_MODE_FLOAT32; mode < OCT_MODE_COUNT; mode++)
        for (int effort = OCT_EFFORT_NONE; effort < OCT_EFFORT_COUNT; effort++)
            assert_true(survive(b.graph, (oct_mode)mode, (oct_effort)effort, 8) > 3);
    assert_true(survive(b.graph, OCT_MODE_INT8, OCT_EFFORT_DEFAULT, 4) > 3);
    assert_true(survive(b.graph, OCT_MODE_DYNAMIC, OCT_EFFORT_HIGH, 4) > 3);
    oct_graph_free(b.graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_every_allocation_may_fail) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
