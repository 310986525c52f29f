/*
 * Models that are more than one float graph: parts with codes already, further subgraphs, sparse constants.
 */
#include "passes/build.h"

#include <math.h>

#include "graph/sparsity.h"
#include "quant/quant.h"

enum { WIDE = 1024 };

static oct_quant_report *quantize(const built *b, oct_mode mode, oct_graph **out)
{
    static oct_range ranges[64];
    for (int i = 0; i < 64; i++)
        ranges[i] = (oct_range){ -1.f, 1.f, true };
    oct_quant_options options = { .mode = mode };
    oct_quant_report *report;
    oct_error err = { 0 };
    if (oct_quantize_with_ranges(b->graph, &options, ranges, out, &report, &err) != OCT_OK)
        fail_msg("%s", err.text);
    return report;
}

/* Every mode without data; those with data take ranges from the test. */
static const oct_mode modes[] = { OCT_MODE_FLOAT16, OCT_MODE_DYNAMIC, OCT_MODE_WEIGHT_ONLY, OCT_MODE_INT8,
    OCT_MODE_INT16X8 };

/* x -> QUANTIZE -> RELU on int16 codes -> DEQUANTIZE -> CONV_2D -> y */
static built half_quantized(void)
{
    static const float weights[8] = { 1, -2, 3, -4, 5, -6, 7, -8 }, bias[2] = { 1, -1 };
    built b = build_start();
    int32_t x = build_tensor(&b, "x", DIMS(1, 2, 2, 4)), q = build_tensor(&b, "q", DIMS(1, 2, 2, 4));
    int32_t r = build_tensor(&b, "r", DIMS(1, 2, 2, 4)), f = build_tensor(&b, "f", DIMS(1, 2, 2, 4));
    int32_t w = build_constant(&b, "w", OCT_FLOAT32, weights, DIMS(2, 1, 1, 4));
    int32_t c = build_constant(&b, "c", OCT_FLOAT32, bias, DIMS(2));
    int32_t y = build_tensor(&b, "y", DIMS(1, 2, 2, 2));
    for (int i = 0; i < 2; i++) {
        oct_tensor *tensor = b.sub->tensors[i == 0 ? q : r];
        tensor->type = OCT_INT16;
        assert_int_equal(oct_graph_set_quant(b.graph, tensor, 0.5f, 0, NULL), OCT_OK);
    }
    build_node(&b, OCT_OP_QUANTIZE, OCT_OPTIONS_Quantize, LIST(x), q);
    build_node(&b, OCT_OP_RELU, OCT_OPTIONS_NONE, LIST(q), r);
    build_node(&b, OCT_OP_DEQUANTIZE, OCT_OPTIONS_Dequantize, LIST(r), f);
    build_conv(&b, f, w, c, y, OCT_PADDING_SAME);
    build_finish(&b, x, y);
    return b;
}

static void test_parts_with_codes_stay(void **unused)
{
    (void)unused;
    built b = half_quantized();
    for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
        oct_graph *out;
        oct_quant_report *report = quantize(&b, modes[m], &out);
        const oct_subgraph *sub = out->subgraphs[0];
        int kept = 0;
        for (int32_t i = 0; i < sub->node_count; i++) {
            if (sub->nodes[i]->op != OCT_OP_RELU)
                continue;
            const oct_tensor *in = build_in(sub, i, 0);
            kept = in->type == OCT_INT16 && in->quant.scale[0] == 0.5f &&
                   sub->tensors[sub->nodes[i]->outputs[0]]->type == OCT_INT16;
        }
        assert_true(kept);
        for (int i = 0; i < 3; i++) {
            assert_string_equal(oct_quant_report_note(report, i)->result, "unchanged");
            assert_string_equal(oct_quant_report_note(report, i)->reason, "it is quantized already");
        }
        const char *result = oct_quant_report_note(report, 3)->result;
        bool integer = modes[m] == OCT_MODE_INT8 || modes[m] == OCT_MODE_INT16X8;
        assert_int_equal(integer, strncmp(result, "int", 3) == 0 && strstr(result, "hybrid") == NULL);
        oct_quant_report_free(report);
        oct_graph_free(out);
    }
    oct_graph_free(b.graph);
}

/* x -> FULLY_CONNECTED(w) -> y */
static void fill_dense(built *b, const float *weights)
{
    int32_t x = build_tensor(b, "x", DIMS(1, WIDE)), y = build_tensor(b, "y", DIMS(1, 1));
    int32_t w = build_constant(b, "w", OCT_FLOAT32, weights, DIMS(1, WIDE));
    build_node(b, OCT_OP_FULLY_CONNECTED, OCT_OPTIONS_FullyConnected, LIST(x, w), y);
    build_finish(b, x, y);
}

static void test_further_subgraphs(void **unused)
{
    (void)unused;
    static float weights[WIDE];
    for (int i = 0; i < WIDE; i++)
        weights[i] = (float)(i - 500);
    built b = build_start();
    fill_dense(&b, weights);
    built other = { b.graph, NULL };
    assert_int_equal(oct_graph_add_subgraph(b.graph, "other", &other.sub, NULL), OCT_OK);
    fill_dense(&other, weights);
    for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
        oct_graph *out;
        oct_quant_report *report = quantize(&b, modes[m], &out);
        assert_int_equal(oct_quant_report_count(report), 2);
        const oct_layer_note *first = oct_quant_report_note(report, 0), *second = oct_quant_report_note(report, 1);
        assert_null(oct_quant_report_note(report, 2));
        if (oct_mode_needs_calibration(modes[m])) {
            assert_string_equal(second->result, "float32");
            assert_string_equal(second->reason, "calibration data and recipes reach the main subgraph only");
            assert_int_equal(out->subgraphs[1]->node_count, 1);
        } else {
            assert_string_equal(second->result, first->result);
            assert_int_equal(second->weight_bytes_after, first->weight_bytes_after);
            assert_int_equal(out->subgraphs[1]->node_count, out->subgraphs[0]->node_count);
        }
        oct_quant_report_free(report);
        oct_graph_free(out);
    }
    oct_graph_free(b.graph);
}

static oct_status no_more(void *user, int64_t index, int32_t input, void *bytes, size_t size, oct_error *err)
{
    (void)user, (void)input, (void)err;
    for (size_t i = 0; i < size / sizeof(float); i++)
        ((float *)bytes)[i] = (float)index - 0.5f;
    return OCT_OK;
}

/* A matrix of which only the first two columns are stored, behind DENSIFY. */
static void test_sparse_weights_are_expanded(void **unused)
{
    (void)unused;
    static const float stored[2] = { 127, -64 };
    static const int32_t order[] = { 0, 1 }, segments[] = { 0, 2 }, indices[] = { 0, 1 };
    oct_fb_int32_vector ends = { { segments, 2 } }, columns = { { indices, 2 } };
    oct_fb_dimension_metadata levels[] = { { .format = 0, .dense_size = 1 },
        { .format = 1, .array_segments = { 1, &ends }, .array_indices = { 1, &columns } } };
    void *metadata[] = { &levels[0], &levels[1] };
    oct_fb_sparsity_parameters sparsity = { .traversal_order = { order, 2 }, .dim_metadata = { metadata, 2 } };
    built b = build_start();
    int32_t x = build_tensor(&b, "x", DIMS(1, WIDE)), y = build_tensor(&b, "y", DIMS(1, 1));
    int32_t s = build_tensor(&b, "s", DIMS(1, WIDE)), w = build_tensor(&b, "w", DIMS(1, WIDE));
    oct_tensor *sparse = b.sub->tensors[s];
    sparse->data = stored;
    sparse->size = sizeof stored;
    sparse->sparsity = &sparsity;
    build_node(&b, OCT_OP_DENSIFY, OCT_OPTIONS_Densify, LIST(s), w);
    build_node(&b, OCT_OP_FULLY_CONNECTED, OCT_OPTIONS_FullyConnected, LIST(x, w), y);
    build_finish(&b, x, y);
    const oct_samples samples = { NULL, 2, no_more };
    oct_quant_options options = { .mode = OCT_MODE_INT8, .calib = &samples, .threads = 1 };
    oct_graph *out;
    oct_error err = { 0 };
    if (oct_quantize_graph(b.graph, &options, &out, NULL, &err) != OCT_OK)
        fail_msg("%s", err.text);
    const oct_subgraph *sub = out->subgraphs[0];
    assert_int_equal(sub->node_count, 3);
    const oct_tensor *weights = build_in(sub, 1, 1);
    assert_int_equal(weights->type, OCT_INT8);
    assert_int_equal(weights->size, WIDE);
    const int8_t *codes = weights->data;
    assert_int_equal(codes[0], 127);
    assert_int_equal(codes[1], -64);
    for (int i = 2; i < WIDE; i++)
        assert_int_equal(codes[i], 0);
    oct_graph_free(out);
    oct_graph_free(b.graph);
}

/* MAXIMUM with minus infinity, as masks have it: the operator stays, the layer behind it does not. */
static void test_infinite_masks_stay_float(void **unused)
{
    (void)unused;
    static const float weights[8] = { 1, -2, 3, -4, 5, -6, 7, -8 }, bias[2] = { 1, -1 };
    static const float mask[4] = { -INFINITY, 0, -INFINITY, 0 };
    built b = build_start();
    int32_t x = build_tensor(&b, "x", DIMS(1, 2, 2, 4)), m = build_constant(&b, "m", OCT_FLOAT32, mask, DIMS(4));
    int32_t f = build_tensor(&b, "f", DIMS(1, 2, 2, 4)), y = build_tensor(&b, "y", DIMS(1, 2, 2, 2));
    int32_t w = build_constant(&b, "w", OCT_FLOAT32, weights, DIMS(2, 1, 1, 4));
    int32_t c = build_constant(&b, "c", OCT_FLOAT32, bias, DIMS(2));
    build_node(&b, OCT_OP_MAXIMUM, OCT_OPTIONS_MaximumMinimum, LIST(x, m), f);
    build_conv(&b, f, w, c, y, OCT_PADDING_SAME);
    build_finish(&b, x, y);
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        oct_graph *out;
        oct_quant_report *report = quantize(&b, modes[i], &out);
        assert_string_equal(oct_quant_report_note(report, 0)->reason, "one of its constants is not finite");
        oct_quant_report_free(report);
        oct_graph_free(out);
    }
    oct_graph_free(b.graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts_with_codes_stay),
        cmocka_unit_test(test_further_subgraphs),
        cmocka_unit_test(test_sparse_weights_are_expanded),
        cmocka_unit_test(test_infinite_masks_stay_float),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
