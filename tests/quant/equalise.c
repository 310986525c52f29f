/*
 * Equalisation leaves the float model what it is, and evens out what shares a scale.
 */
#include "passes/build.h"

#include <math.h>
#include <stdlib.h>

#include "exec/session.h"
#include "quant/calibrate.h"
#include "quant/equalise.h"

enum { SIDE = 4, IN = 3, MID = 6, OUT = 2, SAMPLES = 6 };

static float noise(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / 16777216.f - 0.5f;
}

static oct_status read_sample(
    void *user, int64_t index, int32_t input, void *bytes, size_t size, oct_error *err)
{
    (void)user;
    (void)input;
    (void)err;
    uint32_t state = (uint32_t)index * 7919u + 17u;
    for (size_t i = 0; i < size / sizeof(float); i++)
        ((float *)bytes)[i] = noise(&state);
    return OCT_OK;
}

typedef struct network {
    built b;
    int32_t p, q, s; /* made by the first convolution; by the second; their sum, or a depthwise result */
} network;

static int32_t weights(built *b, const char *name, int32_t outputs, int32_t inputs, uint32_t *state)
{
    float values[MID * MID];
    /* Channel c is four times smaller than the one before; the last is dead. */
    for (int32_t o = 0; o < outputs; o++)
        for (int32_t i = 0; i < inputs; i++)
            values[o * inputs + i] = outputs == MID && o == MID - 1 ? 0 :
                noise(state) * (outputs == MID ? powf(0.25f, (float)o) : 1.f);
    return build_constant(b, name, OCT_FLOAT32, values, DIMS(outputs, 1, 1, inputs));
}

/* x -> p and x -> q by convolutions, s = p + q -> convolution -> y. */
static network chain(void)
{
    uint32_t state = 4;
    const float zeros[MID] = { 0 };
    network n = { .b = build_start() };
    built *b = &n.b;
    int32_t x = build_tensor(b, "x", DIMS(1, SIDE, SIDE, IN));
    n.p = build_tensor(b, "p", DIMS(1, SIDE, SIDE, MID));
    n.q = build_tensor(b, "q", DIMS(1, SIDE, SIDE, MID));
    n.s = build_tensor(b, "s", DIMS(1, SIDE, SIDE, MID));
    int32_t y = build_tensor(b, "y", DIMS(1, SIDE, SIDE, OUT));
    int32_t u = weights(b, "u", MID, IN, &state), v = weights(b, "v", MID, IN, &state);
    int32_t w = weights(b, "w", OUT, MID, &state);
    int32_t c = build_constant(b, "c", OCT_FLOAT32, zeros, DIMS(MID));
    int32_t d = build_constant(b, "d", OCT_FLOAT32, zeros, DIMS(MID));
    int32_t e = build_constant(b, "e", OCT_FLOAT32, zeros, DIMS(OUT));
    build_conv(b, x, u, c, n.p, OCT_PADDING_SAME);
    build_conv(b, x, v, d, n.q, OCT_PADDING_SAME);
    build_node(b, OCT_OP_ADD, OCT_OPTIONS_Add, LIST(n.p, n.q), n.s);
    build_conv(b, n.s, w, e, y, OCT_PADDING_SAME);
    build_finish(b, x, y);
    return n;
}

/* x -> convolution, RELU6 -> p -> depthwise -> q -> y; `bias` of the first channel reaches the clip. */
static network clipped(float bias)
{
    uint32_t state = 8;
    float biases[MID] = { bias }, taps[MID], zeros[MID] = { 0 };
    for (int i = 0; i < MID; i++)
        taps[i] = noise(&state);
    network n = { .b = build_start() };
    built *b = &n.b;
    int32_t x = build_tensor(b, "x", DIMS(1, SIDE, SIDE, IN));
    n.p = build_tensor(b, "p", DIMS(1, SIDE, SIDE, MID));
    n.q = build_tensor(b, "q", DIMS(1, SIDE, SIDE, MID));
    int32_t y = build_tensor(b, "y", DIMS(1, SIDE, SIDE, OUT));
    int32_t u = weights(b, "u", MID, IN, &state), w = weights(b, "w", OUT, MID, &state);
    int32_t t = build_constant(b, "t", OCT_FLOAT32, taps, DIMS(1, 1, 1, MID));
    int32_t c = build_constant(b, "c", OCT_FLOAT32, biases, DIMS(MID));
    int32_t d = build_constant(b, "d", OCT_FLOAT32, zeros, DIMS(MID));
    int32_t e = build_constant(b, "e", OCT_FLOAT32, zeros, DIMS(OUT));
    oct_conv2d_options *options = build_conv(b, x, u, c, n.p, OCT_PADDING_SAME)->options;
    options->fused_activation = OCT_ACT_RELU6;
    oct_depthwise_conv2d_options *depthwise =
        build_node(b, OCT_OP_DEPTHWISE_CONV_2D, OCT_OPTIONS_DepthwiseConv2D, LIST(n.p, t, d), n.q)->options;
    depthwise->stride_h = depthwise->stride_w = depthwise->depth_multiplier = 1;
    build_conv(b, n.q, w, e, y, OCT_PADDING_SAME);
    build_finish(b, x, y);
    return n;
}

static void run(const oct_graph *graph, int64_t sample, float *out)
{
    oct_session *session;
    oct_error err = { 0 };
    size_t size;
    if (oct_session_create_graph(graph, NULL, &session, &err) != OCT_OK)
        fail_msg("%s", err.text);
    void *input = oct_session_input(session, 0, &size);
    read_sample(NULL, sample, 0, input, size, NULL);
    assert_int_equal(oct_session_run(session, &err), OCT_OK);
    const void *result = oct_session_output(session, 0, &size);
    memcpy(out, result, size);
    oct_session_free(session);
}

static void assert_same_results(const oct_graph *a, const oct_graph *b)
{
    float p[SIDE * SIDE * OUT], q[SIDE * SIDE * OUT], largest = 0;
    for (int64_t sample = 0; sample < 2 * SAMPLES; sample++) {
        run(a, sample, p);
        run(b, sample, q);
        for (int i = 0; i < SIDE * SIDE * OUT; i++)
            largest = fmaxf(largest, fabsf(p[i]));
        for (int i = 0; i < SIDE * SIDE * OUT; i++)
            assert_true(fabsf(p[i] - q[i]) <= 1e-5f * largest);
    }
}

/* A clone equalised, with the evidence of it as rescaled. */
static oct_graph *equalise(const oct_graph *graph, oct_evidence *evidence)
{
    const oct_samples samples = { NULL, SAMPLES, read_sample };
    const oct_quant_options options = { .mode = OCT_MODE_INT8, .effort = OCT_EFFORT_DEFAULT,
        .calib = &samples, .threads = 1 };
    oct_graph *out;
    oct_error err = { 0 };
    assert_int_equal(oct_graph_clone(graph, &out, NULL), OCT_OK);
    if (oct_calibrate_evidence(graph, &options, evidence, &err) != OCT_OK)
        fail_msg("%s", err.text);
    assert_int_equal(oct_equalise(out, evidence, NULL), OCT_OK);
    return out;
}

static float largest_of(const oct_channels *c, int32_t channel)
{
    return fmaxf(-c->min[channel], c->max[channel]);
}

/* What is expected of the new graph is what calibration sees in it. */
static void assert_evidence_holds(const oct_graph *graph, const oct_evidence *expected, int32_t tensor)
{
    const oct_samples samples = { NULL, SAMPLES, read_sample };
    const oct_quant_options options = { .mode = OCT_MODE_INT8, .effort = OCT_EFFORT_DEFAULT,
        .calib = &samples, .threads = 1 };
    oct_evidence seen = { .settings = NULL };
    assert_int_equal(oct_calibrate_evidence(graph, &options, &seen, NULL), OCT_OK);
    assert_true(fabsf(seen.ranges[tensor].min - expected->ranges[tensor].min) < 1e-5f);
    assert_true(fabsf(seen.ranges[tensor].max - expected->ranges[tensor].max) < 1e-5f);
    for (int32_t c = 0; c < MID; c++)
        assert_true(fabs(seen.channels[tensor].mean[c] - expected->channels[tensor].mean[c]) < 1e-5);
    oct_evidence_free(&seen);
}

static void test_a_chain_of_sums_is_evened_out(void **unused)
{
    (void)unused;
    network n = chain();
    oct_evidence evidence = { .settings = NULL };
    oct_graph *made = equalise(n.b.graph, &evidence);
    assert_same_results(n.b.graph, made);
    const int32_t group[3] = { n.p, n.q, n.s };
    for (int i = 0; i < 3; i++)
        assert_evidence_holds(made, &evidence, group[i]);
    /* Channels lay apart by factors of four. */
    assert_true(largest_of(&evidence.channels[n.s], 0) < 8 * largest_of(&evidence.channels[n.s], 3));
    assert_true(evidence.channels[n.s].max[MID - 1] == 0);
    oct_evidence_free(&evidence);
    oct_graph_free(made);
    oct_graph_free(n.b.graph);
}

static void test_below_a_clip_channels_only_grow(void **unused)
{
    (void)unused;
    static const float biases[] = { 0.1f, 5.9f, 6.f, 9.f };
    for (size_t i = 0; i < sizeof biases / sizeof *biases; i++) {
        network n = clipped(biases[i]);
        oct_evidence evidence = { .settings = NULL };
        oct_graph *made = equalise(n.b.graph, &evidence);
        assert_same_results(n.b.graph, made);
        assert_evidence_holds(made, &evidence, n.p);
        for (int32_t c = 1; c < MID - 1; c++)
            assert_true(largest_of(&evidence.channels[n.p], c) <= 3.0001f);
        if (biases[i] >= 3.f)
            assert_true(largest_of(&evidence.channels[n.p], 0) <= 6.f);
        oct_evidence_free(&evidence);
        oct_graph_free(made);
        oct_graph_free(n.b.graph);
    }
}

/* Weights that two operators share, and what users see, stay as they are. */
static void test_what_others_see_is_left_alone(void **unused)
{
    (void)unused;
    for (int kind = 0; kind < 2; kind++) {
        network n = chain();
        if (kind == 0)
            n.b.sub->nodes[1]->inputs[1] = n.b.sub->nodes[0]->inputs[1];
        else
            n.b.sub->outputs[0] = n.s;
        oct_evidence evidence = { .settings = NULL };
        oct_graph *made = equalise(n.b.graph, &evidence);
        for (int32_t i = 0; i < n.b.sub->tensor_count; i++)
            assert_ptr_equal(made->subgraphs[0]->tensors[i]->data, n.b.sub->tensors[i]->data);
        oct_evidence_free(&evidence);
        oct_graph_free(made);
        oct_graph_free(n.b.graph);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_chain_of_sums_is_evened_out),
        cmocka_unit_test(test_below_a_clip_channels_only_grow),
        cmocka_unit_test(test_what_others_see_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
