/*
 * Quantized files against TFLiteConverter's own, to the last bit: every operator, type, scale, zero
 * point and constant of tests/golden/quant (TensorFlow 2.21.0; quant_goldens.py makes them).
 *
 * The converter's int16x8 files hold the ranges it calibrated. Quantizing with these leaves no room
 * for the last bits of float kernels, so all numbers must be equal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "quant/quant.h"
#include "tflite/tflite.h"

enum { MAX_TENSORS = 128, PATH_BYTES = 512 };

static oct_graph *read_golden(const char *model, const char *form)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/golden/quant/%s__%s.tflite", OCT_TESTS_DIR, model, form);
    oct_backing *backing = NULL;
    oct_graph *graph = NULL;
    oct_error err = { 0 };
    if (oct_backing_map(path, &backing, &err) != OCT_OK ||
        oct_tflite_read(backing, &graph, &err) != OCT_OK)
        fail_msg("%s: %s", path, err.text);
    oct_backing_release(backing); /* the graph has a reference of its own */
    return graph;
}

static int32_t find_tensor(const oct_subgraph *sub, const char *name, const char *suffix)
{
    char text[1024];
    snprintf(text, sizeof text, "%s%s", name, suffix);
    for (int32_t i = 0; i < sub->tensor_count; i++)
        if (strcmp(sub->tensors[i]->name, text) == 0)
            return i;
    return -1;
}

/* The ranges in an int16x8 file, by the names of the float file; boundary tensors have a suffix. */
static void read_ranges(const oct_subgraph *real, const oct_subgraph *sixteen, oct_range *ranges)
{
    assert_true(real->tensor_count <= MAX_TENSORS);
    for (int32_t i = 0; i < real->tensor_count; i++) {
        static const char *const suffixes[] = { "_int16", "" };
        ranges[i] = (oct_range){ 0.f, 1.f, real->tensors[i]->data == NULL };
        for (int j = 0; j < 2; j++) {
            int32_t at = find_tensor(sixteen, real->tensors[i]->name, suffixes[j]);
            if (at < 0 || sixteen->tensors[at]->quant.min.count != 1)
                continue;
            ranges[i].min = sixteen->tensors[at]->quant.min.data[0];
            ranges[i].max = sixteen->tensors[at]->quant.max.data[0];
            break;
        }
    }
}

static void compare_tensors(const char *where, const oct_tensor *a, const oct_tensor *b)
{
    if (a->type != b->type || a->quant.count != b->quant.count)
        fail_msg("%s: %s %s with %d scales, expected %s with %d", where, a->name,
            oct_type_name(a->type), (int)a->quant.count, oct_type_name(b->type),
            (int)b->quant.count);
    for (int32_t i = 0; i < a->quant.count; i++)
        if (a->quant.scale[i] != b->quant.scale[i] ||
            a->quant.zero_point[i] != b->quant.zero_point[i])
            fail_msg("%s: %s: scale %.9g, zero point %d, expected %.9g, %d (channel %d)", where,
                a->name, (double)a->quant.scale[i], (int)a->quant.zero_point[i],
                (double)b->quant.scale[i], (int)b->quant.zero_point[i], (int)i);
    if (a->quant.count > 1)
        assert_int_equal(a->quant.axis, b->quant.axis);
    if ((a->data == NULL) != (b->data == NULL) || a->size != b->size)
        fail_msg("%s: %s: %zu bytes, expected %zu", where, a->name, a->size, b->size);
    if (a->data != NULL && memcmp(a->data, b->data, a->size) != 0)
        fail_msg("%s: %s: other values", where, a->name);
}

static void compare_nodes(const char *where, const oct_subgraph *a, const oct_node *p,
    const oct_subgraph *b, const oct_node *q)
{
    assert_int_equal(p->input_count, q->input_count);
    for (int32_t i = 0; i < p->input_count; i++) {
        assert_int_equal(p->inputs[i] < 0, q->inputs[i] < 0);
        if (p->inputs[i] >= 0)
            compare_tensors(where, a->tensors[p->inputs[i]], b->tensors[q->inputs[i]]);
    }
    compare_tensors(where, a->tensors[p->outputs[0]], b->tensors[q->outputs[0]]);
    if (p->options_type == q->options_type && p->options != NULL &&
        oct_options_record(p->options_type)->fields[0].kind != OCT_KIND_vec_i32)
        assert_memory_equal(p->options, q->options, oct_options_record(p->options_type)->size);
}

static int32_t count_nodes(const oct_subgraph *sub, oct_builtin op)
{
    int32_t count = 0;
    for (int32_t i = 0; i < sub->node_count; i++)
        count += sub->nodes[i]->op == op;
    return count;
}

/* The next node at or after a position that is no conversion; node_count at the end. */
static int32_t next_operator(const oct_subgraph *sub, int32_t at)
{
    while (at < sub->node_count && (sub->nodes[at]->op == OCT_OP_QUANTIZE ||
                                       sub->nodes[at]->op == OCT_OP_DEQUANTIZE))
        at++;
    return at;
}

/* Operators stand in the same order; conversions between them, which may stand elsewhere, are counted. */
static void compare_graphs(const char *where, const oct_subgraph *a, const oct_subgraph *b)
{
    assert_int_equal(a->node_count, b->node_count);
    assert_int_equal(count_nodes(a, OCT_OP_QUANTIZE), count_nodes(b, OCT_OP_QUANTIZE));
    assert_int_equal(count_nodes(a, OCT_OP_DEQUANTIZE), count_nodes(b, OCT_OP_DEQUANTIZE));
    int32_t i = next_operator(a, 0), j = next_operator(b, 0);
    while (i < a->node_count && j < b->node_count) {
        assert_string_equal(oct_builtin_name(a->nodes[i]->op), oct_builtin_name(b->nodes[j]->op));
        compare_nodes(where, a, a->nodes[i], b, b->nodes[j]);
        i = next_operator(a, i + 1);
        j = next_operator(b, j + 1);
    }
    for (i = 0; i < b->input_count; i++)
        assert_string_equal(a->tensors[a->inputs[i]]->name, b->tensors[b->inputs[i]]->name);
    for (i = 0; i < b->output_count; i++)
        compare_tensors(where, a->tensors[a->outputs[i]], b->tensors[b->outputs[i]]);
}

static void compare_form(const char *model, const char *form, oct_mode mode, oct_io io)
{
    char where[64];
    snprintf(where, sizeof where, "%s %s", model, form);
    oct_graph *real = read_golden(model, "float32"), *sixteen = read_golden(model, "int16x8");
    oct_graph *expected = read_golden(model, form), *made;
    oct_range ranges[MAX_TENSORS];
    read_ranges(real->subgraphs[0], sixteen->subgraphs[0], ranges);
    oct_quant_options options = { .mode = mode, .io = io };
    oct_error err = { 0 };
    if (oct_quantize_with_ranges(real, &options, ranges, &made, NULL, &err) != OCT_OK)
        fail_msg("%s: %s", where, err.text);
    compare_graphs(where, made->subgraphs[0], expected->subgraphs[0]);
    oct_graph_free(made);
    oct_graph_free(expected);
    oct_graph_free(sixteen);
    oct_graph_free(real);
}

static void compare_model(const char *model)
{
    compare_form(model, "float16", OCT_MODE_FLOAT16, OCT_IO_INT8);
    compare_form(model, "dynamic", OCT_MODE_DYNAMIC, OCT_IO_INT8);
    compare_form(model, "int8", OCT_MODE_INT8, OCT_IO_INT8);
    compare_form(model, "int8-full", OCT_MODE_INT8_FULL, OCT_IO_INT8);
    compare_form(model, "uint8", OCT_MODE_INT8_FULL, OCT_IO_UINT8);
}

static void test_branches(void **unused)
{
    (void)unused;
    compare_model("branches");
    compare_form("branches", "int16x8", OCT_MODE_INT16X8, OCT_IO_INT8);
}

static void test_arithmetic(void **unused)
{
    (void)unused;
    compare_model("arithmetic");
    compare_form("arithmetic", "int16x8", OCT_MODE_INT16X8, OCT_IO_INT8);
}

/* Its int16x8 file scales the bias of the shared convolution for the first call only: not ours. */
static void test_residual(void **unused)
{
    (void)unused;
    compare_model("residual");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_branches),
        cmocka_unit_test(test_arithmetic),
        cmocka_unit_test(test_residual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
