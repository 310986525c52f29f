/*
 * Every mode on graphs small enough to foresee each tensor of the result.
 */
#include "passes/build.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "numeric/half.h"
#include "numeric/qparams.h"
#include "ops/op.h"
#include "quant/overwritten.h"
#include "quant/quant.h"

static const float weights[8] = { 1.f, -2.f, 0.5f, 4.f, 0.f, 0.f, 0.f, 0.f };
static const float bias[2] = { 0.5f, -3.f };

/* x[1,2,2,4] -> CONV_2D 1x1 to 2 channels -> y. */
static built conv_graph(void)
{
    built b = build_start();
    int32_t x = build_tensor(&b, "x", DIMS(1, 2, 2, 4)), y = build_tensor(&b, "y", DIMS(1, 2, 2, 2));
    int32_t w = build_constant(&b, "w", OCT_FLOAT32, weights, DIMS(2, 1, 1, 4));
    int32_t c = build_constant(&b, "b", OCT_FLOAT32, bias, DIMS(2));
    build_conv(&b, x, w, c, y, OCT_PADDING_SAME);
    build_finish(&b, x, y);
    return b;
}

typedef struct result {
    oct_graph *graph;
    oct_subgraph *sub;
    oct_quant_report *report;
} result;

static result quantize(const built *b, oct_mode mode, oct_io io, const oct_range *ranges)
{
    oct_quant_options options = { .mode = mode, .io = io };
    oct_error err = { 0 };
    result r;
    if (oct_quantize_with_ranges(b->graph, &options, ranges, &r.graph, &r.report, &err) != OCT_OK)
        fail_msg("%s", err.text);
    r.sub = r.graph->subgraphs[0];
    assert_int_equal(oct_quant_report_count(r.report), b->sub->node_count);
    return r;
}

static void end(built *b, result *r)
{
    oct_graph_free(r->graph);
    oct_quant_report_free(r->report);
    oct_graph_free(b->graph);
}

/* Ranges of all tensors: [-1, 1], changed by the test where it matters. */
static oct_range *unit_ranges(const built *b)
{
    static oct_range ranges[64];
    assert_true(b->sub->tensor_count <= 64);
    for (int i = 0; i < 64; i++)
        ranges[i] = (oct_range){ -1.f, 1.f, true };
    return ranges;
}

static int32_t find(const oct_subgraph *sub, const char *name)
{
    for (int32_t i = 0; i < sub->tensor_count; i++)
        if (strcmp(sub->tensors[i]->name, name) == 0)
            return i;
    fail_msg("no tensor %s", name);
    return -1;
}

static void assert_ops(const oct_subgraph *sub, const oct_builtin *ops, int32_t count)
{
    assert_int_equal(sub->node_count, count);
    for (int32_t i = 0; i < count; i++)
        assert_string_equal(oct_builtin_name(sub->nodes[i]->op), oct_builtin_name(ops[i]));
}

#define OPS(...) (const oct_builtin[]){ __VA_ARGS__ },                                             \
    (int32_t)(sizeof((oct_builtin[]){ __VA_ARGS__ }) / sizeof(oct_builtin))

static void assert_quant(const oct_tensor *tensor, oct_type type, float scale, int64_t zero_point)
{
    assert_string_equal(oct_type_name(tensor->type), oct_type_name(type));
    assert_int_equal(tensor->quant.count, 1);
    if (tensor->quant.scale[0] != scale || tensor->quant.zero_point[0] != zero_point)
        fail_msg("%s: scale %.9g, zero point %d; expected %.9g, %d", tensor->name,
            (double)tensor->quant.scale[0], (int)tensor->quant.zero_point[0], (double)scale,
            (int)zero_point);
}

static void test_int8_convolution(void **unused)
{
    (void)unused;
    built b = conv_graph();
    oct_range *ranges = unit_ranges(&b);
    ranges[find(b.sub, "y")] = (oct_range){ 0.f, 6.f, true };
    result r = quantize(&b, OCT_MODE_INT8, OCT_IO_INT8, ranges);
    assert_ops(r.sub, OPS(OCT_OP_QUANTIZE, OCT_OP_CONV_2D, OCT_OP_DEQUANTIZE));

    /* Channel 1 has no weights, so its own tiny scale could not hold the bias: it was widened. */
    const float x_scale = 2.f / 255.f;
    const double wide = 3.0 / (INT32_MAX / 2);
    const float scales[2] = { 8.f / 254.f, (float)(wide / (double)x_scale) };
    assert_quant(build_in(r.sub, 1, 0), OCT_INT8, x_scale, -1);
    const oct_tensor *w = build_in(r.sub, 1, 1), *c = build_in(r.sub, 1, 2);
    assert_int_equal(w->type, OCT_INT8);
    assert_int_equal(w->quant.count, 2);
    assert_int_equal(w->quant.axis, 0);
    assert_memory_equal(w->quant.scale, scales, sizeof scales);
    assert_memory_equal(w->data, ((int8_t[]){ 32, -64, 16, 127, 0, 0, 0, 0 }), 8);

    assert_int_equal(c->type, OCT_INT32);
    assert_true(c->quant.scale[0] == x_scale * scales[0]);
    assert_int_equal(((const int32_t *)c->data)[0],
        (int32_t)roundf(0.5f * (float)(1.0 / (double)c->quant.scale[0])));
    assert_true(c->quant.scale[1] == (float)wide);
    assert_true(fabs(((const int32_t *)c->data)[1] + 3.0 / wide) < 128); /* a float's last bits */
    assert_quant(r.sub->tensors[r.sub->nodes[1]->outputs[0]], OCT_INT8, 6.f / 255.f, -128);

    assert_string_equal(r.sub->tensors[r.sub->inputs[0]]->name, "x");
    assert_string_equal(r.sub->tensors[r.sub->outputs[0]]->name, "y");
    assert_int_equal(r.sub->tensors[r.sub->outputs[0]]->type, OCT_FLOAT32);
    assert_int_equal(r.graph->signatures[0].inputs[0].tensor, r.sub->inputs[0]);
    assert_int_equal(r.graph->signatures[0].outputs[0].tensor, r.sub->outputs[0]);
    const oct_layer_note *note = oct_quant_report_note(r.report, 0);
    assert_string_equal(note->result, "int8 per-channel");
    assert_string_equal(note->layer, "y");
    assert_int_equal(note->weight_bytes_before, 40);
    assert_int_equal(note->weight_bytes_after, 16);
    assert_int_equal(b.sub->tensors[find(b.sub, "w")]->type, OCT_FLOAT32); /* the source is whole */
    end(&b, &r);
}

static void test_integer_boundaries(void **unused)
{
    (void)unused;
    built b = conv_graph();
    result r = quantize(&b, OCT_MODE_INT8_FULL, OCT_IO_INT8, unit_ranges(&b));
    assert_ops(r.sub, OPS(OCT_OP_CONV_2D));
    assert_quant(r.sub->tensors[r.sub->inputs[0]], OCT_INT8, 2.f / 255.f, -1);
    assert_string_equal(r.sub->tensors[r.sub->inputs[0]]->name, "x");
    assert_string_equal(r.sub->tensors[r.sub->outputs[0]]->name, "y");
    assert_int_equal(r.graph->signatures[0].inputs[0].tensor, r.sub->inputs[0]);
    assert_int_equal(r.graph->signatures[0].outputs[0].tensor, r.sub->outputs[0]);
    oct_graph_free(r.graph);
    oct_quant_report_free(r.report);

    r = quantize(&b, OCT_MODE_INT8_FULL, OCT_IO_UINT8, unit_ranges(&b));
    assert_ops(r.sub, OPS(OCT_OP_QUANTIZE, OCT_OP_CONV_2D, OCT_OP_QUANTIZE));
    assert_quant(r.sub->tensors[r.sub->inputs[0]], OCT_UINT8, 2.f / 255.f, 127);
    assert_quant(r.sub->tensors[r.sub->outputs[0]], OCT_UINT8, 2.f / 255.f, 127);
    end(&b, &r);
}

/* x -> CONV a; x -> CONV c; CONCATENATION(a, c) -> y; optionally a is read by RELU6 -> z too. */
static built concat_graph(bool second_reader)
{
    static const float both[8] = { 1.f, -2.f, 0.5f, 4.f, 3.f, 0.f, -1.f, 1.f };
    built b = build_start();
    int32_t x = build_tensor(&b, "x", DIMS(1, 2, 2, 4));
    int32_t a = build_tensor(&b, "a", DIMS(1, 2, 2, 2)), c = build_tensor(&b, "c", DIMS(1, 2, 2, 2));
    int32_t y = build_tensor(&b, "y", DIMS(1, 2, 2, 4)), z = build_tensor(&b, "z", DIMS(1, 2, 2, 2));
    int32_t w = build_constant(&b, "w", OCT_FLOAT32, both, DIMS(2, 1, 1, 4));
    int32_t v = build_constant(&b, "b", OCT_FLOAT32, bias, DIMS(2));
    build_conv(&b, x, w, v, a, OCT_PADDING_SAME);
    build_conv(&b, x, w, v, c, OCT_PADDING_SAME);
    oct_concatenation_options *options =
        build_node(&b, OCT_OP_CONCATENATION, OCT_OPTIONS_Concatenation, LIST(a, c), y)->options;
    options->axis = 3;
    if (second_reader)
        build_node(&b, OCT_OP_SOFTMAX, OCT_OPTIONS_Softmax, LIST(a), z);
    build_finish(&b, x, y);
    return b;
}

static void test_concatenation_gives_its_range_to_its_inputs(void **unused)
{
    (void)unused;
    built b = concat_graph(false);
    oct_range *ranges = unit_ranges(&b);
    ranges[find(b.sub, "y")] = (oct_range){ 0.f, 6.f, true };
    result r = quantize(&b, OCT_MODE_INT8, OCT_IO_INT8, ranges);
    assert_ops(r.sub, OPS(OCT_OP_QUANTIZE, OCT_OP_CONV_2D, OCT_OP_CONV_2D, OCT_OP_CONCATENATION,
                          OCT_OP_DEQUANTIZE));
    assert_quant(build_in(r.sub, 3, 0), OCT_INT8, 6.f / 255.f, -128);
    assert_quant(build_in(r.sub, 3, 1), OCT_INT8, 6.f / 255.f, -128);
    assert_int_equal(r.sub->nodes[1]->inputs[1], r.sub->nodes[2]->inputs[1]); /* weights once */
    end(&b, &r);
}

/* s = SOFTMAX(x), y = CONCATENATION(s, x): neither parameter is the concatenation's to choose. */
static void test_fixed_and_given_parameters_are_requantized(void **unused)
{
    (void)unused;
    built b = build_start();
    int32_t x = build_tensor(&b, "x", DIMS(1, 4)), s = build_tensor(&b, "s", DIMS(1, 4));
    int32_t y = build_tensor(&b, "y", DIMS(1, 8));
    build_node(&b, OCT_OP_SOFTMAX, OCT_OPTIONS_Softmax, LIST(x), s);
    oct_concatenation_options *options =
        build_node(&b, OCT_OP_CONCATENATION, OCT_OPTIONS_Concatenation, LIST(s, x), y)->options;
    options->axis = 1;
    build_finish(&b, x, y);
    oct_range *ranges = unit_ranges(&b);
    ranges[y] = (oct_range){ -3.f, 3.f, true };
    result r = quantize(&b, OCT_MODE_INT8, OCT_IO_INT8, ranges);
    assert_ops(r.sub, OPS(OCT_OP_QUANTIZE, OCT_OP_SOFTMAX, OCT_OP_QUANTIZE, OCT_OP_CONCATENATION,
                          OCT_OP_DEQUANTIZE));
    assert_quant(r.sub->tensors[r.sub->nodes[1]->outputs[0]], OCT_INT8, 1.f / 256, -128);
    assert_quant(build_in(r.sub, 3, 0), OCT_INT8, 6.f / 255.f, -1);
    assert_quant(build_in(r.sub, 3, 1), OCT_INT8, 6.f / 255.f, -1);
    end(&b, &r);
}

static void test_operators_without_int8_stay_float_with_a_reason(void **unused)
{
    (void)unused;
    built b = build_start();
    int32_t x = build_tensor(&b, "x", DIMS(1, 4)), y = build_tensor(&b, "y", DIMS(1, 4));
    int32_t z = build_tensor(&b, "z", DIMS(1, 4)), out = build_tensor(&b, "out", DIMS(1, 4));
    build_node(&b, OCT_OP_RELU, OCT_OPTIONS_NONE, LIST(x), y);
    build_node(&b, OCT_OP_SIN, OCT_OPTIONS_NONE, LIST(y), z);
    build_node(&b, OCT_OP_RELU, OCT_OPTIONS_NONE, LIST(z), out);
    build_finish(&b, x, out);
    result r = quantize(&b, OCT_MODE_INT8, OCT_IO_INT8, unit_ranges(&b));
    assert_ops(r.sub, OPS(OCT_OP_QUANTIZE, OCT_OP_RELU, OCT_OP_DEQUANTIZE, OCT_OP_SIN,
                          OCT_OP_QUANTIZE, OCT_OP_RELU, OCT_OP_DEQUANTIZE));
    const oct_layer_note *note = oct_quant_report_note(r.report, 1);
    assert_string_equal(note->result, "float32");
    assert_string_equal(note->reason, "TensorFlow Lite has no int8 form of SIN");
    oct_graph_free(r.graph);
    oct_quant_report_free(r.report);

    r = quantize(&b, OCT_MODE_INT16X8, OCT_IO_INT8, unit_ranges(&b));
    note = oct_quant_report_note(r.report, 1);
    assert_string_equal(note->result, "float32");
    assert_string_equal(note->reason, "TensorFlow Lite has no 16x8 form of SIN");
    end(&b, &r);
}

/* A range that gave way to a concatenation's is none: QUANTIZE would have to guess behind SIN. */
static void test_float_operators_need_a_range_of_their_own(void **unused)
{
    (void)unused;
    built b = build_start();
    int32_t x = build_tensor(&b, "x", DIMS(1, 4)), s = build_tensor(&b, "s", DIMS(1, 4));
    int32_t y = build_tensor(&b, "y", DIMS(1, 8));
    build_node(&b, OCT_OP_SIN, OCT_OPTIONS_NONE, LIST(x), s);
    oct_concatenation_options *options =
        build_node(&b, OCT_OP_CONCATENATION, OCT_OPTIONS_Concatenation, LIST(s, x), y)->options;
    options->axis = 1;
    build_finish(&b, x, y);
    result r = quantize(&b, OCT_MODE_INT8, OCT_IO_INT8, unit_ranges(&b));
    assert_ops(r.sub, OPS(OCT_OP_SIN, OCT_OP_CONCATENATION));
    assert_string_equal(oct_quant_report_note(r.report, 1)->reason,
        "s comes from a float operator, without a range of its own");
    end(&b, &r);
}

static void test_int16x8_convolution(void **unused)
{
    (void)unused;
    built b = conv_graph();
    result r = quantize(&b, OCT_MODE_INT16X8, OCT_IO_INT8, unit_ranges(&b));
    assert_ops(r.sub, OPS(OCT_OP_QUANTIZE, OCT_OP_CONV_2D, OCT_OP_DEQUANTIZE));
    assert_quant(build_in(r.sub, 1, 0), OCT_INT16, 1.f / 32767.f, 0);
    assert_string_equal(build_in(r.sub, 1, 0)->name, "x_int16");
    assert_string_equal(r.sub->tensors[r.sub->nodes[1]->outputs[0]]->name, "y_int16");
    assert_string_equal(r.sub->tensors[r.sub->outputs[0]]->name, "y");
    const oct_conv2d_options *options = r.sub->nodes[1]->options;
    assert_int_equal(options->quantized_bias_type, OCT_INT64);
    const oct_tensor *c = build_in(r.sub, 1, 2);
    assert_int_equal(c->type, OCT_INT64);
    assert_true(c->quant.scale[0] == 1.f / 32767.f * (4.f / 127.f));
    end(&b, &r);
}

static void test_float16_clamps_and_expands_once(void **unused)
{
    (void)unused;
    const float large[2] = { 1e6f, 0.1f };
    built b = build_start();
    int32_t x = build_tensor(&b, "x", DIMS(1, 2)), y = build_tensor(&b, "y", DIMS(1, 2));
    int32_t z = build_tensor(&b, "z", DIMS(1, 2));
    int32_t c = build_constant(&b, "c", OCT_FLOAT32, large, DIMS(2));
    build_node(&b, OCT_OP_MUL, OCT_OPTIONS_Mul, LIST(x, c), y);
    build_node(&b, OCT_OP_ADD, OCT_OPTIONS_Add, LIST(y, c), z);
    build_finish(&b, x, z);
    result r = quantize(&b, OCT_MODE_FLOAT16, OCT_IO_INT8, NULL);
    assert_ops(r.sub, OPS(OCT_OP_DEQUANTIZE, OCT_OP_MUL, OCT_OP_ADD));
    const uint16_t *halves = build_in(r.sub, 0, 0)->data;
    assert_int_equal(build_in(r.sub, 0, 0)->type, OCT_FLOAT16);
    assert_true(oct_half_to_float(halves[0]) == 65504.f);
    assert_int_equal(halves[1], 0x2e66); /* 0.1, to even */
    assert_int_equal(r.sub->nodes[1]->inputs[1], r.sub->nodes[2]->inputs[1]);
    assert_non_null(strstr(oct_quant_report_note(r.report, 0)->reason, "1 values beyond 65504"));
    end(&b, &r);
}

/* A dense layer with 32 inputs and `units` outputs. */
static result quantize_dense(built *b, int32_t units, oct_mode mode)
{
    static float w[33 * 32], c[33];
    for (int32_t i = 0; i < units * 32; i++)
        w[i] = (float)(i % 13 - 6) / 6.f;
    *b = build_start();
    int32_t x = build_tensor(b, "x", DIMS(1, 32)), y = build_tensor(b, "y", DIMS(1, units));
    int32_t weight = build_constant(b, "w", OCT_FLOAT32, w, DIMS(units, 32));
    int32_t offset = build_constant(b, "c", OCT_FLOAT32, c, DIMS(units));
    build_node(b, OCT_OP_FULLY_CONNECTED, OCT_OPTIONS_FullyConnected, LIST(x, weight, offset), y);
    build_finish(b, x, y);
    return quantize(b, mode, OCT_IO_INT8, NULL);
}

static void test_dynamic_range_leaves_small_weights(void **unused)
{
    (void)unused;
    built b;
    result r = quantize_dense(&b, 31, OCT_MODE_DYNAMIC);
    assert_int_equal(build_in(r.sub, 0, 1)->type, OCT_FLOAT32);
    assert_string_equal(oct_quant_report_note(r.report, 0)->reason, "992 weights are fewer than 1024");
    end(&b, &r);

    r = quantize_dense(&b, 32, OCT_MODE_DYNAMIC);
    assert_ops(r.sub, OPS(OCT_OP_FULLY_CONNECTED));
    assert_int_equal(build_in(r.sub, 0, 1)->type, OCT_INT8);
    assert_int_equal(build_in(r.sub, 0, 1)->quant.count, 32);
    assert_int_equal(build_in(r.sub, 0, 2)->type, OCT_FLOAT32);
    const oct_fully_connected_options *options = r.sub->nodes[0]->options;
    assert_true(options->asymmetric_quantize_inputs);
    end(&b, &r);

    r = quantize_dense(&b, 32, OCT_MODE_WEIGHT_ONLY);
    assert_ops(r.sub, OPS(OCT_OP_DEQUANTIZE, OCT_OP_FULLY_CONNECTED));
    assert_int_equal(build_in(r.sub, 0, 0)->type, OCT_INT8);
    end(&b, &r);
}

static void test_additions_overwrite_the_branch_that_ends_in_them(void **unused)
{
    (void)unused;
    built b = build_start();
    int32_t x = build_tensor(&b, "x", DIMS(1, 4)), a = build_tensor(&b, "a", DIMS(1, 4));
    int32_t c = build_tensor(&b, "c", DIMS(1, 4)), s = build_tensor(&b, "s", DIMS(1, 4));
    int32_t y = build_tensor(&b, "y", DIMS(1, 4));
    build_node(&b, OCT_OP_RELU, OCT_OPTIONS_NONE, LIST(x), a);
    build_node(&b, OCT_OP_RELU, OCT_OPTIONS_NONE, LIST(a), c);
    build_node(&b, OCT_OP_ADD, OCT_OPTIONS_Add, LIST(a, c), s); /* a is read twice, c once */
    build_node(&b, OCT_OP_RELU, OCT_OPTIONS_NONE, LIST(s), y);
    build_finish(&b, x, y);
    oct_range *ranges = unit_ranges(&b);
    ranges[s] = (oct_range){ -2.f, 3.f, true };
    oct_ranges_add_overwritten(b.graph, ranges);
    assert_true(ranges[a].min == -1.f && ranges[a].max == 1.f);
    assert_true(ranges[c].min == -2.f && ranges[c].max == 3.f);
    oct_graph_free(b.graph);
}

/* Calibration. */

enum { SAMPLES = 37, VALUES = 16 };

typedef struct stream {
    bool reversed;
    int64_t bad; /* this sample holds an infinity */
} stream;

static oct_status read_sample(void *user, int64_t index, int32_t input, void *bytes, size_t size,
    oct_error *err)
{
    const stream *s = user;
    (void)input;
    (void)err;
    assert_int_equal(size, VALUES * sizeof(float));
    int64_t sample = s->reversed ? SAMPLES - 1 - index : index;
    float *values = bytes;
    for (int i = 0; i < VALUES; i++)
        values[i] = (float)((sample * 7919 + i * 104729) % 1009) / 500.f - 1.f;
    if (index == s->bad)
        values[3] = INFINITY;
    return OCT_OK;
}

static oct_graph *calibrate(const built *b, int32_t threads, bool reversed)
{
    stream s = { reversed, -1 };
    const oct_samples samples = { &s, SAMPLES, read_sample };
    oct_quant_options options = { .mode = OCT_MODE_INT8, .calib = &samples, .threads = threads };
    oct_graph *out;
    oct_error err = { 0 };
    if (oct_quantize_graph(b->graph, &options, &out, NULL, &err) != OCT_OK)
        fail_msg("%s", err.text);
    return out;
}

static void assert_same(const oct_graph *a, const oct_graph *b)
{
    const oct_subgraph *p = a->subgraphs[0], *q = b->subgraphs[0];
    assert_int_equal(p->tensor_count, q->tensor_count);
    for (int32_t i = 0; i < p->tensor_count; i++) {
        const oct_tensor *s = p->tensors[i], *t = q->tensors[i];
        assert_string_equal(s->name, t->name);
        assert_int_equal(s->type, t->type);
        assert_int_equal(s->quant.count, t->quant.count);
        assert_memory_equal(s->quant.scale, t->quant.scale, (size_t)s->quant.count * sizeof(float));
        assert_memory_equal(s->quant.zero_point, t->quant.zero_point,
            (size_t)s->quant.count * sizeof(int64_t));
        assert_int_equal(s->size, t->size);
        if (s->data != NULL)
            assert_memory_equal(s->data, t->data, s->size);
    }
}

static void test_threads_and_sample_order_do_not_matter(void **unused)
{
    (void)unused;
    built b = concat_graph(true);
    oct_graph *one = calibrate(&b, 1, false);
    for (int32_t threads = 1; threads <= 3; threads++) {
        oct_graph *other = calibrate(&b, threads, true);
        assert_same(one, other);
        oct_graph_free(other);
    }
    oct_graph_free(one);
    oct_graph_free(b.graph);
}

static void assert_fails(const oct_graph *graph, const oct_quant_options *options, oct_status status,
    const char *text)
{
    oct_graph *out;
    oct_quant_report *report;
    oct_error err = { 0 };
    assert_int_equal(oct_quantize_graph(graph, options, &out, &report, &err), status);
    assert_null(out);
    assert_null(report);
    assert_string_equal(err.text, text);
}

static void test_what_cannot_be_quantized_is_named(void **unused)
{
    (void)unused;
    built b = conv_graph();
    stream s = { false, 11 };
    const oct_samples samples = { &s, SAMPLES, read_sample };
    oct_quant_options options = { .mode = OCT_MODE_INT8, .threads = 2 };
    assert_fails(b.graph, &options, OCT_E_USAGE, "calibration needs at least one sample");
    options.calib = &samples;
    assert_fails(b.graph, &options, OCT_E_INVALID, "x: the value inf in calibration sample 11");

    result r = quantize(&b, OCT_MODE_INT8, OCT_IO_INT8, unit_ranges(&b));
    assert_fails(r.graph, &options, OCT_E_UNSUPPORTED,
        "y1 is quantized already (int8); quantization starts from a float model");
    oct_graph_free(r.graph);
    oct_quant_report_free(r.report);

    options.mode = OCT_MODE_DYNAMIC;
    float broken[8] = { 0 };
    broken[5] = NAN;
    b.sub->tensors[find(b.sub, "w")]->data = broken;
    assert_fails(b.graph, &options, OCT_E_INVALID, "w: the value nan at index 5");
    oct_graph_free(b.graph);
}

static void test_float16_models_are_expanded_first(void **unused)
{
    (void)unused;
    built b = conv_graph();
    result half = quantize(&b, OCT_MODE_FLOAT16, OCT_IO_INT8, NULL);
    stream s = { false, -1 };
    const oct_samples samples = { &s, SAMPLES, read_sample };
    oct_quant_options options = { .mode = OCT_MODE_INT8, .calib = &samples, .threads = 1 };
    oct_graph *out;
    assert_int_equal(oct_quantize_graph(half.graph, &options, &out, NULL, NULL), OCT_OK);
    assert_ops(out->subgraphs[0], OPS(OCT_OP_QUANTIZE, OCT_OP_CONV_2D, OCT_OP_DEQUANTIZE));
    assert_memory_equal(build_in(out->subgraphs[0], 1, 1)->data,
        ((int8_t[]){ 32, -64, 16, 127, 0, 0, 0, 0 }), 8);
    oct_graph_free(out);
    end(&b, &half);
}

static void test_modes_have_names(void **unused)
{
    (void)unused;
    for (int i = 0; i < OCT_MODE_COUNT; i++) {
        oct_mode mode;
        assert_true(oct_mode_from_name(oct_mode_name((oct_mode)i), &mode));
        assert_int_equal(mode, i);
    }
    oct_mode mode;
    assert_false(oct_mode_from_name("int7", &mode));
    assert_true(oct_mode_needs_calibration(OCT_MODE_INT16X8));
    assert_false(oct_mode_needs_calibration(OCT_MODE_DYNAMIC));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_int8_convolution),
        cmocka_unit_test(test_integer_boundaries),
        cmocka_unit_test(test_concatenation_gives_its_range_to_its_inputs),
        cmocka_unit_test(test_fixed_and_given_parameters_are_requantized),
        cmocka_unit_test(test_operators_without_int8_stay_float_with_a_reason),
        cmocka_unit_test(test_float_operators_need_a_range_of_their_own),
        cmocka_unit_test(test_int16x8_convolution),
        cmocka_unit_test(test_float16_clamps_and_expands_once),
        cmocka_unit_test(test_dynamic_range_leaves_small_weights),
        cmocka_unit_test(test_additions_overwrite_the_branch_that_ends_in_them),
        cmocka_unit_test(test_threads_and_sample_order_do_not_matter),
        cmocka_unit_test(test_what_cannot_be_quantized_is_named),
        cmocka_unit_test(test_float16_models_are_expanded_first),
        cmocka_unit_test(test_modes_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
