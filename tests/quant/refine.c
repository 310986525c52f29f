/*
 * Refined ranges: which inputs are widened, which sums share a scale, and that such sums are exact.
 */
#include "passes/build.h"

#include <math.h>

#include "exec/session.h"
#include "numeric/qparams.h"
#include "quant/quant.h"
#include "quant/refine.h"

enum { SIDE = 16, PIXELS = SIDE * SIDE };

/* t = (a + b) - c, where a, b and c are made from x by operators with ranges of their own. */
static built chain(void)
{
    built b = build_start();
    int32_t t[6];
    static const char *const names[6] = { "x", "a", "b", "s", "c", "t" };
    for (int i = 0; i < 6; i++)
        t[i] = build_tensor(&b, names[i], DIMS(1, SIDE, SIDE, 1));
    build_node(&b, OCT_OP_ABS, OCT_OPTIONS_Abs, LIST(t[0]), t[1]);
    build_node(&b, OCT_OP_NEG, OCT_OPTIONS_Neg, LIST(t[0]), t[2]);
    build_node(&b, OCT_OP_ADD, OCT_OPTIONS_Add, LIST(t[1], t[2]), t[3]);
    build_node(&b, OCT_OP_ABS, OCT_OPTIONS_Abs, LIST(t[0]), t[4]);
    build_node(&b, OCT_OP_SUB, OCT_OPTIONS_Sub, LIST(t[3], t[4]), t[5]);
    build_finish(&b, t[0], t[5]);
    return b;
}

/* Pixels p as (p - offset) / divisor. */
typedef struct pixels {
    float offset, divisor;
} pixels;

static oct_status read_pixels(
    void *user, int64_t index, int32_t input, void *bytes, size_t size, oct_error *err)
{
    const pixels *p = user;
    (void)index;
    (void)input;
    (void)err;
    for (size_t i = 0; i < size / sizeof(float); i++)
        ((float *)bytes)[i] = ((float)(i % 256) - p->offset) / p->divisor;
    return OCT_OK;
}

static float widening(pixels p)
{
    built b = chain();
    const oct_samples samples = { &p, 3, read_pixels };
    const oct_quant_options options = { .mode = OCT_MODE_INT8, .calib = &samples };
    oct_range ranges[6] = { { -p.offset / p.divisor, (255.f - p.offset) / p.divisor, true } };
    float before = ranges[0].max - ranges[0].min;
    int64_t chosen[3] = { 0, 1, 2 };
    const oct_choice choice = { .count = 3, .samples = chosen };
    assert_int_equal(oct_ranges_guard_inputs(b.graph, &options, &choice, ranges, NULL), OCT_OK);
    float factor = (ranges[0].max - ranges[0].min) / before;
    oct_graph_free(b.graph);
    return factor;
}

static void test_inputs_between_codes_are_widened(void **unused)
{
    (void)unused;
    assert_true(fabsf(widening((pixels){ 127.5f, 127.5f }) - 1.005f) < 1e-5f);
    assert_true(widening((pixels){ 127.f, 128.f }) == 1.f);
    assert_true(widening((pixels){ 0.f, 255.f }) == 1.f);
}

static oct_qparams params_of(oct_range range)
{
    return oct_qparams_activation_s8(range.min, range.max);
}

static void test_a_chain_shares_its_largest_scale(void **unused)
{
    (void)unused;
    built b = chain();
    /* x, a, b, s, c, t: all terms about as wide as the sums. */
    const oct_range seen[6] = { { -1, 1, true }, { -1, 1, true }, { -0.9f, 1, true },
        { -1, 1, true }, { -1, 0.7f, true }, { -1.1f, 1, true } };
    oct_range ranges[6];
    memcpy(ranges, seen, sizeof seen);
    assert_int_equal(oct_ranges_join_sums(b.graph, ranges, NULL), OCT_OK);
    float scale = params_of(seen[5]).scale;
    assert_memory_equal(&ranges[0], &seen[0], sizeof *seen);
    for (int i = 1; i < 6; i++) {
        assert_true(fabsf(params_of(ranges[i]).scale / scale - 1) < 1e-6f);
        assert_true(ranges[i].min <= seen[i].min + scale / 2);
        assert_true(ranges[i].max >= seen[i].max - scale / 2);
    }
    oct_graph_free(b.graph);
}

static void test_narrow_terms_keep_their_scales(void **unused)
{
    (void)unused;
    built b = chain();
    /* Two terms have a tenth of the third's range: rounding them as coarsely would cost more. */
    const oct_range seen[6] = { { -1, 1, true }, { 0, 0.1f, true }, { -0.1f, 0, true },
        { 0, 0.2f, true }, { 0, 1, true }, { -1, 0, true } };
    oct_range ranges[6];
    memcpy(ranges, seen, sizeof seen);
    assert_int_equal(oct_ranges_join_sums(b.graph, ranges, NULL), OCT_OK);
    assert_memory_equal(ranges, seen, sizeof seen);
    oct_graph_free(b.graph);
}

/* One int8 ADD with the given ranges, over all pairs of a code of a and a code of b. */
static built int8_add(const oct_range *ranges)
{
    built b = build_start();
    int32_t p = build_tensor(&b, "p", DIMS(1, PIXELS)), q = build_tensor(&b, "q", DIMS(1, PIXELS));
    int32_t s = build_tensor(&b, "s", DIMS(1, PIXELS)), t[3] = { p, q, s };
    for (int i = 0; i < 3; i++) {
        oct_qparams params = params_of(ranges[i]);
        b.sub->tensors[t[i]]->type = OCT_INT8;
        assert_int_equal(oct_graph_set_quant(
                             b.graph, b.sub->tensors[t[i]], params.scale, params.zero_point, NULL),
            OCT_OK);
    }
    build_node(&b, OCT_OP_ADD, OCT_OPTIONS_Add, LIST(p, q), s);
    b.sub->inputs = oct_arena_copy(&b.graph->arena, t, 2 * sizeof *t);
    b.sub->outputs = oct_arena_copy(&b.graph->arena, t + 2, sizeof *t);
    b.sub->input_count = 2;
    b.sub->output_count = 1;
    return b;
}

static void test_sums_of_one_scale_are_exact(void **unused)
{
    (void)unused;
    built c = chain();
    oct_range ranges[6] = { { -1, 1, true }, { -1, 1, true }, { -0.9f, 1, true }, { -1, 1, true },
        { -1, 0.7f, true }, { -1.1f, 1, true } };
    assert_int_equal(oct_ranges_join_sums(c.graph, ranges, NULL), OCT_OK);
    built b = int8_add(&ranges[1]);
    oct_session *session;
    oct_error err = { 0 };
    if (oct_session_create_graph(b.graph, NULL, &session, &err) != OCT_OK)
        fail_msg("%s", err.text);
    int8_t *p = oct_session_input(session, 0, NULL), *q = oct_session_input(session, 1, NULL);
    int32_t zero[3];
    for (int i = 0; i < 3; i++)
        zero[i] = params_of(ranges[i + 1]).zero_point;
    for (int first = -128; first < 128; first++) {
        for (int i = 0; i < PIXELS; i++) {
            p[i] = (int8_t)first;
            q[i] = (int8_t)(i - 128);
        }
        assert_int_equal(oct_session_run(session, &err), OCT_OK);
        const int8_t *sum = oct_session_output(session, 0, NULL);
        for (int i = 0; i < PIXELS; i++) {
            int32_t exact = first - zero[0] + (i - 128) - zero[1] + zero[2];
            assert_int_equal(sum[i], exact < -128 ? -128 : exact > 127 ? 127 : exact);
        }
    }
    oct_session_free(session);
    oct_graph_free(b.graph);
    oct_graph_free(c.graph);
}

/* x in [-1, 1]: a = |x| and b = -x stay below 1, their sum reaches 2 and is written over one of them. */
static void test_ranges_are_those_of_the_tensors_themselves(void **unused)
{
    (void)unused;
    built b = chain();
    pixels p = { 127.5f, 127.5f };
    const oct_samples samples = { &p, 2, read_pixels };
    oct_quant_options options = { .mode = OCT_MODE_INT8, .calib = &samples, .threads = 1 };
    oct_range ranges[6];
    assert_int_equal(oct_calibrate(b.graph, &options, ranges, NULL), OCT_OK);
    assert_true(fmaxf(ranges[1].max, ranges[2].max) == 2.f);
    options.effort = OCT_EFFORT_DEFAULT;
    assert_int_equal(oct_calibrate(b.graph, &options, ranges, NULL), OCT_OK);
    assert_true(fmaxf(ranges[1].max, ranges[2].max) == 1.f);
    oct_graph_free(b.graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inputs_between_codes_are_widened),
        cmocka_unit_test(test_a_chain_shares_its_largest_scale),
        cmocka_unit_test(test_narrow_terms_keep_their_scales),
        cmocka_unit_test(test_sums_of_one_scale_are_exact),
        cmocka_unit_test(test_ranges_are_those_of_the_tensors_themselves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
