/*
 * Weights of 4 bits: who gets them, what scale and codes they have, and how they are packed.
 */
#include "passes/build.h"

#include <math.h>
#include <string.h>

#include "quant/quant.h"

enum { UNITS = 32, DEPTH = 33 };

static float weights[UNITS * DEPTH], bias[UNITS];

/* x[1, DEPTH] -> FULLY_CONNECTED to UNITS -> y. Row 0 fits 4 bits exactly; others begin with `far`. */
static built dense_graph(int32_t units, float far)
{
    for (int32_t i = 0; i < UNITS * DEPTH; i++)
        weights[i] = sinf((float)(i * i % 1009));
    for (int32_t k = 0; k < DEPTH; k++)
        weights[k] = (float)(k % 15 - 7) * 0.5f;
    for (int32_t i = 1; i < UNITS; i++)
        weights[i * DEPTH] = far;
    bias[0] = 2.25f;
    built b = build_start();
    int32_t x = build_tensor(&b, "x", DIMS(1, DEPTH)), y = build_tensor(&b, "y", DIMS(1, units));
    int32_t w = build_constant(&b, "w", OCT_FLOAT32, weights, DIMS(units, DEPTH));
    int32_t c = build_constant(&b, "b", OCT_FLOAT32, bias, DIMS(units));
    build_node(&b, OCT_OP_FULLY_CONNECTED, OCT_OPTIONS_FullyConnected, LIST(x, w, c), y);
    build_finish(&b, x, y);
    return b;
}

typedef struct result {
    oct_graph *graph;
    const oct_node *node; /* the layer */
    oct_quant_report *report;
} result;

static result quantize(const built *b, oct_mode mode, oct_effort effort)
{
    static const oct_range ranges[4] = { { -1, 1, true }, { -1, 1, true }, { -1, 1, true }, { -1, 1, true } };
    const oct_quant_options options = { .mode = mode, .effort = effort, .weight_bits = 4 };
    oct_error err = { 0 };
    result r;
    if (oct_quantize_with_ranges(b->graph, &options, ranges, &r.graph, &r.report, &err) != OCT_OK)
        fail_msg("%s", err.text);
    const oct_subgraph *sub = r.graph->subgraphs[0];
    for (int32_t i = 0; i < sub->node_count; i++)
        if (sub->nodes[i]->op == OCT_OP_FULLY_CONNECTED)
            r.node = sub->nodes[i];
    return r;
}

static void end(result *r)
{
    oct_graph_free(r->graph);
    oct_quant_report_free(r->report);
}

static const oct_tensor *input(const result *r, int32_t slot)
{
    return r->graph->subgraphs[0]->tensors[r->node->inputs[slot]];
}

static int32_t code(const oct_tensor *tensor, int32_t i)
{
    uint32_t byte = ((const uint8_t *)tensor->data)[i / 2];
    return (int8_t)(uint8_t)((i % 2 == 0 ? byte << 4 : byte) & 0xf0) / 16;
}

static void test_packed_two_to_a_byte(void **unused)
{
    (void)unused;
    built b = dense_graph(UNITS, 1);
    result r = quantize(&b, OCT_MODE_INT8, OCT_EFFORT_NONE);
    const oct_tensor *w = input(&r, 1), *c = input(&r, 2);
    assert_int_equal(w->type, OCT_INT4);
    assert_int_equal(w->size, UNITS * DEPTH / 2);
    assert_int_equal(w->quant.count, UNITS);
    assert_true(w->quant.scale[0] == 0.5f);
    for (int32_t k = 0; k < DEPTH; k++)
        assert_int_equal(code(w, k), k % 15 - 7);
    /* The bias follows the new scale. */
    assert_true(c->quant.scale[0] == input(&r, 0)->quant.scale[0] * 0.5f);
    assert_int_equal(((const int32_t *)c->data)[0], lroundf(2.25f / c->quant.scale[0]));
    assert_int_equal(r.node->version, 10);
    assert_string_equal(oct_quant_report_note(r.report, 0)->result, "int8, int4 weights");
    assert_int_equal(oct_quant_report_note(r.report, 0)->weight_bytes_after, UNITS * DEPTH / 2 + 4 * UNITS);
    end(&r);
    oct_graph_free(b.graph);
}

static double squared_error(const result *r)
{
    const oct_tensor *w = input(r, 1);
    double sum = 0;
    for (int32_t i = 0; i < UNITS * DEPTH; i++) {
        double gap = (double)w->quant.scale[i / DEPTH] * code(w, i) - (double)weights[i];
        sum += gap * gap;
    }
    return sum;
}

static void test_effort_finds_scales_with_less_error(void **unused)
{
    (void)unused;
    built b = dense_graph(UNITS, 3); /* the scale that covers it is not the best one */
    result plain = quantize(&b, OCT_MODE_DYNAMIC, OCT_EFFORT_NONE);
    result better = quantize(&b, OCT_MODE_DYNAMIC, OCT_EFFORT_DEFAULT);
    assert_true(input(&plain, 1)->quant.scale[1] == 3.f / 7);
    assert_true(input(&better, 1)->quant.scale[0] == 0.5f); /* exact as it is */
    assert_true(squared_error(&better) < squared_error(&plain));
    end(&plain);
    end(&better);
    oct_graph_free(b.graph);
}

static void test_every_form_has_them(void **unused)
{
    (void)unused;
    built b = dense_graph(UNITS, 1);
    static const struct { oct_mode mode; const char *result; } forms[] = {
        { OCT_MODE_DYNAMIC, "int4 weights, hybrid" }, { OCT_MODE_INT8, "int8, int4 weights" },
        { OCT_MODE_INT16X8, "int16 activations, int4 weights" },
        { OCT_MODE_WEIGHT_ONLY, "int4 weights, float32 arithmetic" },
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        result r = quantize(&b, forms[i].mode, OCT_EFFORT_DEFAULT);
        assert_string_equal(oct_quant_report_note(r.report, 0)->result, forms[i].result);
        assert_string_equal(oct_quant_report_note(r.report, 0)->reason, "");
        end(&r);
    }
    oct_graph_free(b.graph);
}

static void test_few_weights_stay_at_eight_bits(void **unused)
{
    (void)unused;
    built b = dense_graph(UNITS - 1, 1); /* 1023 weights */
    result r = quantize(&b, OCT_MODE_INT8, OCT_EFFORT_DEFAULT);
    assert_int_equal(input(&r, 1)->type, OCT_INT8);
    assert_string_equal(oct_quant_report_note(r.report, 0)->reason,
        "its weights stay at 8 bits: it has fewer than 1024 weights");
    end(&r);
    oct_graph_free(b.graph);
}

static void test_other_numbers_of_bits_are_refused(void **unused)
{
    (void)unused;
    built b = dense_graph(UNITS, 1);
    oct_graph *out;
    oct_error err = { 0 };
    oct_quant_options options = { .mode = OCT_MODE_DYNAMIC, .weight_bits = 5 };
    assert_int_equal(oct_quantize_graph(b.graph, &options, &out, NULL, &err), OCT_E_USAGE);
    assert_string_equal(err.text, "weights have 8 or 4 bits, not 5");
    options = (oct_quant_options){ .mode = OCT_MODE_FLOAT16, .weight_bits = 4 };
    assert_int_equal(oct_quantize_graph(b.graph, &options, &out, NULL, &err), OCT_E_USAGE);
    oct_graph_free(b.graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packed_two_to_a_byte),
        cmocka_unit_test(test_effort_finds_scales_with_less_error),
        cmocka_unit_test(test_every_form_has_them),
        cmocka_unit_test(test_few_weights_stay_at_eight_bits),
        cmocka_unit_test(test_other_numbers_of_bits_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
