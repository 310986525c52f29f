/*
 * Operator versions and min_runtime_version, case by case from TensorFlow Lite's own rules
 * (op_version.cc, runtime_version.cc of LiteRT).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ops/op.h"

typedef struct version_case {
    oct_builtin op;
    oct_type in, second, out; /* second: of input 1; OCT_TYPE_COUNT: none */
    int32_t rank;
    int32_t version;
    const char *runtime;
} version_case;

static const version_case cases[] = {
    { OCT_OP_ADD, OCT_FLOAT32, OCT_FLOAT32, OCT_FLOAT32, 2, 1, "1.5.0" },
    { OCT_OP_ADD, OCT_INT8, OCT_INT8, OCT_INT8, 2, 2, "1.14.0" },
    { OCT_OP_SUB, OCT_INT64, OCT_INT64, OCT_INT64, 2, 4, "2.4.0" },
    { OCT_OP_MUL, OCT_INT8, OCT_INT8, OCT_INT8, 2, 3, "1.15.0" }, /* 1 * 1 / 1 >= 1 */
    { OCT_OP_MAXIMUM, OCT_INT16, OCT_INT16, OCT_INT16, 2, 4, "2.3.0" },
    { OCT_OP_QUANTIZE, OCT_FLOAT32, OCT_TYPE_COUNT, OCT_INT8, 2, 1, "1.14.0" },
    { OCT_OP_QUANTIZE, OCT_FLOAT32, OCT_TYPE_COUNT, OCT_INT16, 2, 2, "1.15.0" },
    { OCT_OP_DEQUANTIZE, OCT_FLOAT16, OCT_TYPE_COUNT, OCT_FLOAT32, 2, 3, "1.15.0" },
    { OCT_OP_DEQUANTIZE, OCT_INT8, OCT_TYPE_COUNT, OCT_FLOAT32, 2, 2, "1.14.0" },
    { OCT_OP_CAST, OCT_INT8, OCT_TYPE_COUNT, OCT_FLOAT32, 2, 3, "2.8.0" },
    { OCT_OP_TRANSPOSE, OCT_FLOAT32, OCT_INT32, OCT_FLOAT32, 5, 4, "2.3.0" },
    { OCT_OP_PAD, OCT_FLOAT32, OCT_INT32, OCT_FLOAT32, 5, 4, "2.6.0" },
    { OCT_OP_TANH, OCT_INT16, OCT_TYPE_COUNT, OCT_INT16, 2, 3, "2.3.0" },
    { OCT_OP_BROADCAST_TO, OCT_FLOAT32, OCT_INT32, OCT_FLOAT32, 2, 2, "2.5.0" },
    { OCT_OP_RESHAPE, OCT_INT8, OCT_TYPE_COUNT, OCT_INT8, 2, 1, "1.5.0" },
};

static int32_t add_tensor(oct_graph *graph, oct_type type, int32_t rank)
{
    const int32_t dims[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    oct_subgraph *sub = graph->subgraphs[0];
    int32_t index;
    assert_int_equal(oct_graph_add_tensor(graph, sub, NULL, type, rank, dims, &index, NULL), OCT_OK);
    if (type == OCT_INT8 || type == OCT_INT16)
        assert_int_equal(oct_graph_set_quant(graph, sub->tensors[index], 1, 0, NULL), OCT_OK);
    return index;
}

static oct_node *add_node(oct_graph *graph, const version_case *c)
{
    oct_subgraph *sub = graph->subgraphs[0];
    int32_t in[2] = { add_tensor(graph, c->in, c->rank), 0 }, out;
    int32_t count = c->second == OCT_TYPE_COUNT ? 1 : 2;
    if (count == 2)
        in[1] = add_tensor(graph, c->second, c->rank);
    out = add_tensor(graph, c->out, c->rank);
    oct_node *node;
    assert_int_equal(oct_graph_insert_node(graph, sub, sub->node_count, c->op, in, count, &out, 1,
                         oct_op_find(c->op)->options, &node, NULL),
        OCT_OK);
    return node;
}

static oct_graph *empty_graph(void)
{
    oct_graph *graph = oct_graph_create();
    oct_subgraph *sub;
    assert_int_equal(oct_graph_add_subgraph(graph, "main", &sub, NULL), OCT_OK);
    return graph;
}

static void expect_runtime(const oct_graph *graph, const char *want)
{
    char text[16] = { 0 };
    memcpy(text, want, strlen(want));
    assert_int_equal(graph->metadata_count, 1);
    assert_string_equal(graph->metadata[0].name, "min_runtime_version");
    assert_int_equal(graph->metadata[0].size, sizeof text);
    assert_memory_equal(graph->metadata[0].data, text, sizeof text);
}

static void test_each_rule(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        oct_graph *graph = empty_graph();
        oct_node *node = add_node(graph, &cases[i]);
        assert_int_equal(oct_ops_assign_versions(graph, NULL), OCT_OK);
        if (node->version != cases[i].version)
            fail_msg("case %zu, %s: version %d, want %d", i, oct_builtin_name(cases[i].op),
                (int)node->version, (int)cases[i].version);
        expect_runtime(graph, cases[i].runtime);
        oct_graph_free(graph);
    }
}

static void test_an_operator_has_one_version(void **unused)
{
    (void)unused;
    oct_graph *graph = empty_graph();
    oct_node *first = add_node(graph, &cases[0]), *second = add_node(graph, &cases[1]);
    assert_int_equal(oct_ops_assign_versions(graph, NULL), OCT_OK);
    assert_int_equal(first->version, 2);
    assert_int_equal(second->version, 2);
    assert_int_equal(oct_ops_assign_versions(graph, NULL), OCT_OK); /* replaces, not appends */
    expect_runtime(graph, "1.14.0");
    oct_graph_free(graph);
}

/* What is not known keeps its version, and the runtime that the file already asked for stays. */
static void test_unknown_operators_keep_theirs(void **unused)
{
    (void)unused;
    oct_graph *graph = empty_graph();
    oct_node *node = add_node(graph, &cases[1]);
    assert_int_equal(oct_ops_assign_versions(graph, NULL), OCT_OK);
    node->op = OCT_OP_SKIP_GRAM;
    node->version = 7;
    assert_int_equal(oct_ops_assign_versions(graph, NULL), OCT_OK);
    assert_int_equal(node->version, 7);
    expect_runtime(graph, "1.14.0");
    oct_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_rule),
        cmocka_unit_test(test_an_operator_has_one_version),
        cmocka_unit_test(test_unknown_operators_keep_theirs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
