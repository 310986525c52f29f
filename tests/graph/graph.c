/*
 * Building, cloning and compacting graphs; every invariant of oct_graph_check() broken once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "graph/graph.h"

/* x -> ADD(x, c) -> y -> RELU -> z, and an unused tensor between them. */
static oct_graph *small_graph(void)
{
    oct_graph *graph = oct_graph_create();
    oct_subgraph *sub;
    oct_node *node;
    int32_t x, c, unused_tensor, y, z;
    const int32_t dims[] = { 1, 4 };
    const float values[] = { 1, 2, 3, 4 };
    assert_int_equal(oct_graph_add_subgraph(graph, "main", &sub, NULL), OCT_OK);
    oct_graph_add_tensor(graph, sub, "x", OCT_FLOAT32, 2, dims, &x, NULL);
    oct_graph_add_tensor(graph, sub, "unused", OCT_FLOAT32, 2, dims, &unused_tensor, NULL);
    oct_graph_add_constant(graph, sub, "c", OCT_FLOAT32, 2, dims, values, &c, NULL);
    oct_graph_add_tensor(graph, sub, "y", OCT_FLOAT32, 2, dims, &y, NULL);
    oct_graph_add_tensor(graph, sub, "z", OCT_FLOAT32, 2, dims, &z, NULL);
    const int32_t add_in[] = { x, c };
    oct_graph_insert_node(graph, sub, 0, OCT_OP_ADD, add_in, 2, &y, 1, OCT_OPTIONS_Add, &node, NULL);
    oct_graph_insert_node(graph, sub, 1, OCT_OP_RELU, &y, 1, &z, 1, OCT_OPTIONS_NONE, NULL, NULL);
    sub->inputs = oct_arena_copy(&graph->arena, &x, sizeof x);
    sub->outputs = oct_arena_copy(&graph->arena, &z, sizeof z);
    sub->input_count = sub->output_count = 1;
    return graph;
}

static void test_options_have_schema_defaults(void **unused)
{
    (void)unused;
    oct_graph *graph = small_graph();
    const oct_add_options *add = graph->subgraphs[0]->nodes[0]->options;
    assert_true(add->pot_scale_int16);
    const oct_conv2d_options *conv = oct_graph_new_options(graph, OCT_OPTIONS_Conv2D);
    assert_int_equal(conv->dilation_w_factor, 1);
    assert_int_equal(conv->stride_w, 0);
    assert_null(oct_graph_new_options(graph, OCT_OPTIONS_Exp));
    assert_null(oct_options_record((oct_options_type)(1 * 256 + 200)));
    oct_graph_free(graph);
}

static void test_clone_outlives_the_original(void **unused)
{
    (void)unused;
    oct_graph *graph = small_graph(), *clone, *second;
    assert_int_equal(oct_graph_clone(graph, &clone, NULL), OCT_OK);
    clone->subgraphs[0]->tensors[0]->dims[1] = 9;
    assert_int_equal(graph->subgraphs[0]->tensors[0]->dims[1], 4);
    oct_graph_free(graph);
    assert_int_equal(oct_graph_clone(clone, &second, NULL), OCT_OK);
    oct_graph_free(clone);
    oct_subgraph *sub = second->subgraphs[0];
    assert_string_equal(sub->tensors[2]->name, "c");
    assert_int_equal(((const float *)sub->tensors[2]->data)[3], 4);
    /* A clone can grow, its first insertion included. */
    int32_t index;
    assert_int_equal(
        oct_graph_add_tensor(second, sub, "more", OCT_INT8, 0, NULL, &index, NULL), OCT_OK);
    assert_int_equal(index, 5);
    oct_graph_free(second);
}

static void test_compact(void **unused)
{
    (void)unused;
    oct_graph *graph = small_graph();
    oct_subgraph *sub = graph->subgraphs[0];
    assert_int_equal(oct_graph_compact(graph, sub, NULL), OCT_OK);
    assert_int_equal(sub->tensor_count, 4);
    assert_string_equal(sub->tensors[sub->nodes[0]->inputs[1]]->name, "c");
    assert_string_equal(sub->tensors[sub->outputs[0]]->name, "z");
    assert_int_equal(oct_graph_check(graph, NULL), OCT_OK);
    assert_int_equal(oct_graph_use_count(sub, sub->nodes[1]->inputs[0]), 1);
    assert_int_equal(oct_graph_producer(sub, sub->outputs[0]), 1);
    oct_graph_free(graph);
}

static void expect_fault(oct_graph *graph, const char *text)
{
    oct_error err = { 0 };
    assert_int_equal(oct_graph_check(graph, &err), OCT_E_INVALID);
    assert_string_equal(err.text, text);
    oct_graph_free(graph);
}

static void test_check_names_the_fault(void **unused)
{
    (void)unused;
    oct_graph *g = small_graph();
    assert_int_equal(oct_graph_check(g, NULL), OCT_OK);
    g->subgraphs[0]->nodes[0]->inputs[0] = 77;
    expect_fault(g, "operator 0 (ADD): input 0 is tensor 77 of 5");

    g = small_graph();
    g->subgraphs[0]->nodes[0]->inputs[0] = 4;
    expect_fault(g, "operator 0 (ADD): input z is used before it is computed");

    g = small_graph();
    g->subgraphs[0]->nodes[1]->outputs[0] = 3;
    expect_fault(g, "operator 1 (RELU): output y has a value already");

    g = small_graph();
    g->subgraphs[0]->outputs[0] = 1;
    expect_fault(g, "unused: an output that nothing computes");

    g = small_graph();
    g->subgraphs[0]->tensors[2]->dims[1] = 5;
    expect_fault(g, "c: 16 bytes of data, but the shape needs 20");

    const float scales[] = { 1, 2, 3, 4 };
    g = small_graph();
    oct_graph_set_channel_quant(g, g->subgraphs[0]->tensors[2], 3, 4, scales, NULL);
    expect_fault(g, "c: per-channel axis 3, but the tensor has 2 dimensions");

    g = small_graph();
    oct_graph_set_channel_quant(g, g->subgraphs[0]->tensors[2], 1, 3, scales, NULL);
    expect_fault(g, "c: 3 scales for 4 channels");

    g = small_graph();
    g->subgraphs[0]->tensors[2]->is_variable = true;
    expect_fault(g, "c: a variable with constant data");

    g = small_graph();
    g->subgraphs[0]->tensors[0]->dims[0] = -3;
    expect_fault(g, "x: the shape is negative or too large");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_have_schema_defaults),
        cmocka_unit_test(test_clone_outlives_the_original),
        cmocka_unit_test(test_compact),
        cmocka_unit_test(test_check_names_the_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
