/*
 * Bias correction: means come back, what is exact stays, and neither threads nor order show.
 */
#include "passes/build.h"

#include <math.h>
#include <stdlib.h>

#include "exec/session.h"
#include "quant/calibrate.h"
#include "quant/correct.h"

enum { PIXELS = 6, IN = 8, MID = 8, OUT = 4, SAMPLES = 9, VALUES = PIXELS * PIXELS * IN };

/* Pseudo-random in [0, 1); the same everywhere. */
static float noise(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / 16777216.f;
}

typedef struct stream {
    bool reversed;
    int64_t first;
} stream;

/* Images that are bright on the whole: their mean is what rounding errors are multiplied with. */
static oct_status read_sample(
    void *user, int64_t index, int32_t input, void *bytes, size_t size, oct_error *err)
{
    const stream *s = user;
    (void)input;
    (void)err;
    int64_t sample = s->first + (s->reversed ? SAMPLES - 1 - index : index);
    uint32_t state = (uint32_t)sample * 7919u + 17u;
    for (size_t i = 0; i < size / sizeof(float); i++)
        ((float *)bytes)[i] = 0.5f + noise(&state);
    return OCT_OK;
}

static oct_graph *quantize_on(
    const built *b, oct_mode mode, oct_effort effort, int32_t threads, bool reversed)
{
    stream s = { reversed, 0 };
    const oct_samples samples = { &s, SAMPLES, read_sample };
    oct_quant_options options = {
        .mode = mode, .effort = effort, .calib = &samples, .threads = threads
    };
    oct_graph *out;
    oct_error err = { 0 };
    if (oct_quantize_graph(b->graph, &options, &out, NULL, &err) != OCT_OK)
        fail_msg("%s", err.text);
    return out;
}

/*
 * x -> CONV_2D 1x1, RELU6 -> DEPTHWISE_CONV_2D 3x3 -> CONV_2D 1x1 -> y. The depthwise taps of a channel
 * are nearly all alike, so that their rounding errors add up.
 */
static built network(void)
{
    uint32_t state = 1;
    float first[MID * IN], taps[9 * MID], last[OUT * MID], bias[MID];
    for (int i = 0; i < MID * IN; i++)
        first[i] = noise(&state) - 0.3f;
    for (int i = 0; i < 9 * MID; i++)
        taps[i] = i < MID ? 5.97f : 0.3f + 0.011f * (float)(i % MID);
    for (int i = 0; i < OUT * MID; i++)
        last[i] = noise(&state) - 0.5f;
    for (int i = 0; i < MID; i++)
        bias[i] = noise(&state);
    built b = build_start();
    int32_t x = build_tensor(&b, "x", DIMS(1, PIXELS, PIXELS, IN));
    int32_t p = build_tensor(&b, "p", DIMS(1, PIXELS, PIXELS, MID));
    int32_t q = build_tensor(&b, "q", DIMS(1, PIXELS, PIXELS, MID));
    int32_t y = build_tensor(&b, "y", DIMS(1, PIXELS, PIXELS, OUT));
    int32_t v = build_constant(&b, "v", OCT_FLOAT32, first, DIMS(MID, 1, 1, IN));
    int32_t t = build_constant(&b, "t", OCT_FLOAT32, taps, DIMS(1, 3, 3, MID));
    int32_t w = build_constant(&b, "w", OCT_FLOAT32, last, DIMS(OUT, 1, 1, MID));
    int32_t c = build_constant(&b, "c", OCT_FLOAT32, bias, DIMS(MID));
    int32_t d = build_constant(&b, "d", OCT_FLOAT32, bias, DIMS(OUT));
    oct_conv2d_options *options = build_conv(&b, x, v, c, p, OCT_PADDING_SAME)->options;
    options->fused_activation = OCT_ACT_RELU6;
    oct_depthwise_conv2d_options *depthwise =
        build_node(&b, OCT_OP_DEPTHWISE_CONV_2D, OCT_OPTIONS_DepthwiseConv2D, LIST(p, t, c), q)
            ->options; /* shares its bias */
    depthwise->stride_h = depthwise->stride_w = depthwise->depth_multiplier = 1;
    depthwise->padding = OCT_PADDING_SAME;
    build_conv(&b, q, w, d, y, OCT_PADDING_SAME);
    build_finish(&b, x, y);
    return b;
}

static void run(const oct_graph *graph, int64_t sample, float *out)
{
    const stream s = { false, 1000 }; /* none that calibration saw */
    oct_session *session;
    oct_error err = { 0 };
    size_t size;
    if (oct_session_create_graph(graph, NULL, &session, &err) != OCT_OK)
        fail_msg("%s", err.text);
    void *input = oct_session_input(session, 0, &size);
    read_sample((void *)(uintptr_t)&s, sample, 0, input, size, NULL);
    assert_int_equal(oct_session_run(session, &err), OCT_OK);
    const void *result = oct_session_output(session, 0, &size);
    memcpy(out, result, size);
    oct_session_free(session);
}

/* Signal to noise of the outputs in decibels, and their largest error of a channel's mean. */
static double measure(const oct_graph *real, const oct_graph *graph, int32_t channels,
    int32_t elements, double *worst_mean)
{
    static float expected[VALUES], values[VALUES];
    double signal = 0, noise_power = 0, shift[MID] = { 0 };
    for (int64_t i = 0; i < SAMPLES; i++) {
        run(real, i, expected);
        run(graph, i, values);
        for (int32_t j = 0; j < elements; j++) {
            double error = (double)values[j] - (double)expected[j];
            signal += (double)expected[j] * (double)expected[j];
            noise_power += error * error;
            shift[j % channels] += error / (SAMPLES * elements / channels);
        }
    }
    *worst_mean = 0;
    for (int32_t c = 0; c < channels; c++)
        *worst_mean = fmax(*worst_mean, fabs(shift[c]));
    return 10 * log10(signal / noise_power);
}

static void test_held_out_samples_come_closer(void **unused)
{
    (void)unused;
    /* Forms with the gain in decibels at least to be had on this network. */
    static const struct {
        oct_mode mode;
        double gain;
    } cases[] = { { OCT_MODE_INT8, 3 }, { OCT_MODE_INT16X8, 5 } };
    built b = network();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double plain_mean, mean;
        oct_graph *plain = quantize_on(&b, cases[i].mode, OCT_EFFORT_NONE, 1, false);
        oct_graph *corrected = quantize_on(&b, cases[i].mode, OCT_EFFORT_DEFAULT, 1, false);
        double before = measure(b.graph, plain, OUT, PIXELS * PIXELS * OUT, &plain_mean);
        double after = measure(b.graph, corrected, OUT, PIXELS * PIXELS * OUT, &mean);
        print_message("%-8s %.1f dB, corrected %.1f dB; mean off by %.4f, corrected %.4f\n",
            oct_mode_name(cases[i].mode), before, after, plain_mean, mean);
        assert_true(after > before + cases[i].gain);
        assert_true(mean < plain_mean / 3);
        oct_graph_free(corrected);
        oct_graph_free(plain);
    }
    oct_graph_free(b.graph);
}

static void assert_same(const oct_graph *a, const oct_graph *b)
{
    const oct_subgraph *p = a->subgraphs[0], *q = b->subgraphs[0];
    assert_int_equal(p->tensor_count, q->tensor_count);
    for (int32_t i = 0; i < p->tensor_count; i++) {
        assert_int_equal(p->tensors[i]->size, q->tensors[i]->size);
        if (p->tensors[i]->data != NULL)
            assert_memory_equal(p->tensors[i]->data, q->tensors[i]->data, p->tensors[i]->size);
    }
}

static void test_threads_and_order_do_not_matter(void **unused)
{
    (void)unused;
    static const oct_mode modes[] = { OCT_MODE_INT8, OCT_MODE_INT8_FULL, OCT_MODE_INT16X8,
        OCT_MODE_DYNAMIC, OCT_MODE_WEIGHT_ONLY };
    built b = network();
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        for (int effort = OCT_EFFORT_DEFAULT; effort < OCT_EFFORT_COUNT; effort++) {
            oct_graph *one = quantize_on(&b, modes[i], (oct_effort)effort, 1, false);
            for (int32_t threads = 1; threads <= 3; threads++) {
                oct_graph *other = quantize_on(&b, modes[i], (oct_effort)effort, threads, true);
                assert_same(one, other);
                oct_graph_free(other);
            }
            oct_graph_free(one);
        }
    oct_graph_free(b.graph);
}

static const oct_tensor *bias_of(const oct_graph *graph, oct_builtin op)
{
    const oct_subgraph *sub = graph->subgraphs[0];
    for (int32_t i = 0; i < sub->node_count; i++)
        if (sub->nodes[i]->op == op)
            return sub->tensors[sub->nodes[i]->inputs[2]];
    fail_msg("no operator %s", oct_builtin_name(op));
    return NULL;
}

static void test_a_shared_bias_is_parted(void **unused)
{
    (void)unused;
    built b = network();
    oct_graph *weights = quantize_on(&b, OCT_MODE_WEIGHT_ONLY, OCT_EFFORT_NONE, 1, false);
    assert_ptr_equal(bias_of(weights, OCT_OP_CONV_2D), bias_of(weights, OCT_OP_DEPTHWISE_CONV_2D));
    oct_graph *corrected = quantize_on(&b, OCT_MODE_INT16X8, OCT_EFFORT_DEFAULT, 1, false);
    const oct_tensor *first = bias_of(corrected, OCT_OP_CONV_2D);
    const oct_tensor *second = bias_of(corrected, OCT_OP_DEPTHWISE_CONV_2D);
    assert_ptr_not_equal(first, second);
    assert_memory_not_equal(first->data, second->data, first->size);
    oct_graph_free(corrected);
    oct_graph_free(weights);
    oct_graph_free(b.graph);
}

/* One 1x1 convolution with the given rows of weights. */
static built one_layer(const float *weights, const float *bias)
{
    built b = build_start();
    int32_t x = build_tensor(&b, "x", DIMS(1, PIXELS, PIXELS, IN));
    int32_t y = build_tensor(&b, "y", DIMS(1, PIXELS, PIXELS, 2));
    int32_t w = build_constant(&b, "w", OCT_FLOAT32, weights, DIMS(2, 1, 1, IN));
    int32_t c = build_constant(&b, "c", OCT_FLOAT32, bias, DIMS(2));
    build_conv(&b, x, w, c, y, OCT_PADDING_SAME);
    build_finish(&b, x, y);
    return b;
}

static void test_exact_weights_keep_their_bias(void **unused)
{
    (void)unused;
    const float exact[2 * IN] = { 127, -64, 3, 0, 5, 1, -127, 2, 127, 9, 8, -7, -6, 5, 4, -3 };
    const float bias[2] = { 40.f, -3.f };
    built b = one_layer(exact, bias);
    oct_graph *plain = quantize_on(&b, OCT_MODE_WEIGHT_ONLY, OCT_EFFORT_NONE, 1, false);
    oct_graph *corrected = quantize_on(&b, OCT_MODE_WEIGHT_ONLY, OCT_EFFORT_DEFAULT, 1, false);
    const float *kept = bias_of(corrected, OCT_OP_CONV_2D)->data;
    for (int i = 0; i < 2; i++)
        assert_true(fabsf(kept[i] - bias[i]) < 1e-5f);
    oct_graph_free(corrected);
    oct_graph_free(plain);
    oct_graph_free(b.graph);
}

/* A tap of 1 makes the step 1/127; seven taps of 0.4 steps round to nothing: -2.8 steps in all. */
static void test_a_known_error_is_made_good(void **unused)
{
    (void)unused;
    const float step = 1.f / 127;
    float weights[2 * IN], bias[2] = { 0.1f, -0.1f };
    for (int i = 0; i < 2 * IN; i++)
        weights[i] = i % IN == 0 ? 1.f : i < IN ? 0.4f * step : -0.4f * step;
    built b = one_layer(weights, bias);
    double plain_mean, mean;
    oct_graph *plain = quantize_on(&b, OCT_MODE_INT16X8, OCT_EFFORT_NONE, 1, false);
    oct_graph *corrected = quantize_on(&b, OCT_MODE_INT16X8, OCT_EFFORT_DEFAULT, 1, false);
    measure(b.graph, plain, 2, PIXELS * PIXELS * 2, &plain_mean);
    measure(b.graph, corrected, 2, PIXELS * PIXELS * 2, &mean);
    assert_true(fabs(plain_mean - 2.8 * (double)step) < 0.1 * (double)step);
    assert_true(mean < 0.1 * (double)step);
    oct_graph_free(corrected);
    oct_graph_free(plain);
    oct_graph_free(b.graph);
}

static void test_tiny_weights_keep_a_large_bias(void **unused)
{
    (void)unused;
    float weights[2 * IN];
    const float bias[2] = { 2.f, -2.f };
    for (int i = 0; i < 2 * IN; i++)
        weights[i] = 1e-21f;
    built b = one_layer(weights, bias);
    oct_graph *corrected = quantize_on(&b, OCT_MODE_INT8, OCT_EFFORT_DEFAULT, 1, false);
    const oct_tensor *kept = bias_of(corrected, OCT_OP_CONV_2D);
    for (int i = 0; i < 2; i++) {
        double value = (double)kept->quant.scale[i] * ((const int32_t *)kept->data)[i];
        assert_true(fabs(value - (double)bias[i]) < 0.02);
    }
    oct_graph_free(corrected);
    oct_graph_free(b.graph);
}

/* Correcting a corrected graph moves no bias by more than one unit. */
static void test_a_second_correction_changes_nothing(void **unused)
{
    (void)unused;
    built b = network();
    stream s = { false, 0 };
    const oct_samples samples = { &s, SAMPLES, read_sample };
    const oct_quant_options options = { .mode = OCT_MODE_INT8, .effort = OCT_EFFORT_DEFAULT,
        .calib = &samples, .threads = 1 };
    oct_evidence evidence = { .settings = NULL };
    oct_error err = { 0 };
    assert_int_equal(oct_calibrate_evidence(b.graph, &options, &evidence, &err), OCT_OK);
    oct_rewritten made = { .nodes = NULL };
    oct_work *work = &made.work;
    *work = (oct_work){ .options = &options, .ranges = evidence.ranges,
        .float_tensors = b.sub->tensor_count };
    assert_int_equal(oct_graph_clone(b.graph, &work->graph, NULL), OCT_OK);
    assert_int_equal(oct_report_create(b.graph, 0, &work->report, NULL), OCT_OK);
    work->sub = work->graph->subgraphs[0];
    oct_node *nodes[3];
    memcpy(nodes, work->sub->nodes, sizeof nodes);
    made.nodes = nodes;
    assert_int_equal(oct_quantize_int8(work, &err), OCT_OK);

    int32_t before[3][MID], largest = 0;
    for (int round = 0; round < 2; round++) {
        if (oct_correct(b.graph, &evidence, &made, &made, &err) != OCT_OK)
            fail_msg("%s", err.text);
        for (int i = 0; i < 3; i++) {
            const oct_tensor *bias = work->sub->tensors[nodes[i]->inputs[2]];
            for (int32_t c = 0; c < bias->dims[0]; c++) {
                int32_t code = ((const int32_t *)bias->data)[c];
                if (round == 1 && abs(code - before[i][c]) > largest)
                    largest = abs(code - before[i][c]);
                before[i][c] = code;
            }
        }
    }
    assert_true(largest <= 1);
    oct_evidence_free(&evidence);
    oct_quant_report_free(work->report);
    oct_graph_free(work->graph);
    oct_arena_free(&work->arena);
    oct_graph_free(b.graph);
}

/* Values spread evenly over [0, 10), of which RELU6 cuts off four tenths. */
static void measure_even(void *user, const double *shift, double *mean, double *inside)
{
    (void)user;
    *mean = *inside = 0;
    for (int i = 0; i < 1000; i++) {
        double value = i / 100.0 + shift[0], cut = fmin(fmax(value, 0), 6);
        *mean += cut / 1000;
        *inside += (value == cut) / 1000.0;
    }
}

static void test_a_shift_below_a_clamp_is_found(void **unused)
{
    (void)unused;
    static const double wanted[] = { 0, 0.5, -0.5, -2 };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        double target, inside, shift = 0, scratch[2];
        measure_even(NULL, &wanted[i], &target, &inside);
        const oct_shift_problem problem = { 1, &target, true, measure_even, NULL };
        oct_shift_solve(&problem, &shift, scratch);
        assert_true(fabs(shift - wanted[i]) < 0.01);
    }
}

static void test_efforts_have_names(void **unused)
{
    (void)unused;
    oct_effort effort;
    for (int i = 0; i < OCT_EFFORT_COUNT; i++) {
        assert_true(oct_effort_from_name(oct_effort_name((oct_effort)i), &effort));
        assert_int_equal(effort, i);
    }
    assert_false(oct_effort_from_name("heroic", &effort));
    assert_true(oct_mode_uses_calibration(OCT_MODE_DYNAMIC, OCT_EFFORT_DEFAULT));
    assert_false(oct_mode_uses_calibration(OCT_MODE_DYNAMIC, OCT_EFFORT_NONE));
    assert_false(oct_mode_uses_calibration(OCT_MODE_FLOAT16, OCT_EFFORT_DEFAULT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_held_out_samples_come_closer),
        cmocka_unit_test(test_threads_and_order_do_not_matter),
        cmocka_unit_test(test_a_shared_bias_is_parted),
        cmocka_unit_test(test_exact_weights_keep_their_bias),
        cmocka_unit_test(test_a_known_error_is_made_good),
        cmocka_unit_test(test_tiny_weights_keep_a_large_bias),
        cmocka_unit_test(test_a_second_correction_changes_nothing),
        cmocka_unit_test(test_a_shift_below_a_clamp_is_found),
        cmocka_unit_test(test_efforts_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
