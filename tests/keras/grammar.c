/*
 * Forms of the configuration that today's Keras does not write, and inputs of open size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "keras/keras.h"
#include "keras/tiny.h"

static oct_graph *read_config(const char *config, const char *metadata,
    const oct_load_options *options)
{
    oct_error err = { 0 };
    oct_graph *graph;
    oct_backing *archive = with_config(config, metadata);
    if (oct_keras_read(archive, options, &graph, &err) != OCT_OK)
        fail_msg("%s\n  %s", err.text, config);
    oct_backing_release(archive);
    return graph;
}

static void check_signature(const oct_graph *graph, int32_t tensor, int32_t rank,
    const int32_t *signature)
{
    const oct_tensor *found = graph->subgraphs[0]->tensors[tensor];
    assert_int_equal(found->rank, rank);
    assert_non_null(found->signature);
    for (int32_t i = 0; i < rank; i++) {
        assert_int_equal(found->signature[i], signature[i]);
        assert_int_equal(found->dims[i], signature[i] < 0 ? 1 : signature[i]);
    }
}

#define HIDDEN "\"name\":\"hidden\",\"units\":3,\"trainable\":true"

static void older_sequential_models_are_read(void **state)
{
    static const char *const configs[] = {
        /* Keras 2.1: the configuration is a list, the input shape sits on the first layer. */
        "{\"class_name\":\"Sequential\",\"config\":[{\"class_name\":\"Dense\",\"config\":"
        "{\"batch_input_shape\":[null,4]," HIDDEN "}}]}",
        "{\"class_name\":\"Sequential\",\"config\":{\"name\":\"m\",\"layers\":[{\"class_name\":"
        "\"Dense\",\"config\":{" HIDDEN "}}],\"build_input_shape\":[null,4]}}",
        "{\"class_name\":\"Sequential\",\"build_config\":{\"input_shape\":[null,4]},\"config\":"
        "{\"layers\":[{\"class_name\":\"Dense\",\"config\":{" HIDDEN "}}]}}",
    };
    static const int32_t input[] = { -1, 4 }, output[] = { -1, 3 };
    (void)state;
    for (size_t i = 0; i < sizeof configs / sizeof configs[0]; i++) {
        oct_graph *graph = read_config(configs[i], "{\"keras_version\":\"2.1.6\"}", NULL);
        const oct_subgraph *sub = graph->subgraphs[0];
        assert_int_equal(sub->node_count, 1);
        check_signature(graph, sub->inputs[0], 2, input);
        check_signature(graph, sub->outputs[0], 2, output);
        assert_string_equal(graph->signatures[0].outputs[0].name, "hidden");
        oct_graph_free(graph);
    }
}

/* Ends are written flat, as a list, or (Keras 3.3) as a list of one. */
static void ends_come_in_several_forms(void **state)
{
    static const char *const ends[] = { "[\"r\",0,0]", "[[\"r\",0,0]]", "{\"r\":[\"r\",0,0]}" };
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char config[1024];
        snprintf(config, sizeof config,
            "{\"class_name\":\"Model\",\"config\":{\"name\":\"f\",\"layers\":[{\"class_name\":"
            "\"InputLayer\",\"name\":\"x\",\"config\":{\"batch_input_shape\":[null,4]},"
            "\"inbound_nodes\":[]},{\"class_name\":\"ReLU\",\"name\":\"r\",\"config\":{\"trainable\":"
            "true},\"inbound_nodes\":[[[\"x\",0,0,{}]]]}],\"input_layers\":[[\"x\",0,0]],"
            "\"output_layers\":%s}}",
            ends[i]);
        oct_graph *graph = read_config(config, "{\"keras_version\":\"2.2.4\"}", NULL);
        assert_int_equal(graph->subgraphs[0]->node_count, 1);
        assert_int_equal(graph->subgraphs[0]->nodes[0]->op, OCT_OP_RELU);
        oct_graph_free(graph);
    }
}

#define IMAGE "{\"class_name\":\"InputLayer\",\"config\":{\"batch_shape\":[null,null,null,3],"         \
              "\"name\":\"photo\"}}"
#define POOL "{\"class_name\":\"MaxPooling2D\",\"config\":{\"name\":\"p\",\"trainable\":true}}"
#define FLATTEN "{\"class_name\":\"Flatten\",\"config\":{\"name\":\"f\",\"trainable\":true}}"

static void open_sizes_stay_open_or_are_given(void **state)
{
    static const int32_t open[] = { -1, -1, -1, 3 }, given[] = { 1, 4, 3, 3 };
    (void)state;
    oct_graph *graph = read_config(SEQUENTIAL(IMAGE "," POOL), "{}", NULL);
    check_signature(graph, graph->subgraphs[0]->outputs[0], 4, open);
    oct_graph_free(graph);
    oct_input_shape shape = { .name = "photo", .rank = 4, .dims = { 1, 9, 7, 3 } };
    oct_load_options options = { .shapes = &shape, .shape_count = 1 };
    graph = read_config(SEQUENTIAL(IMAGE "," POOL), "{}", &options);
    const oct_tensor *output = graph->subgraphs[0]->tensors[graph->subgraphs[0]->outputs[0]];
    assert_null(output->signature);
    for (int i = 0; i < 4; i++)
        assert_int_equal(output->dims[i], given[i]);
    oct_graph_free(graph);

    oct_error err = { 0 };
    oct_backing *archive = with_config(SEQUENTIAL(IMAGE "," POOL "," FLATTEN), "{}");
    assert_int_equal(oct_keras_read(archive, NULL, &graph, &err), OCT_E_UNSUPPORTED);
    assert_string_equal(err.text, "layer 'f' (Flatten): needs a known size, but the model's input "
                                  "size is open; give the input shape");
    assert_int_equal(oct_keras_read(archive, &options, &graph, &err), OCT_OK);
    oct_graph_free(graph);
    oct_backing_release(archive);
}

static void bare_words_of_python_are_accepted(void **state)
{
    (void)state;
    oct_graph *graph = read_config(SEQUENTIAL(INPUT "," LAYER("ReLU", "\"max_value\":Infinity,"
        "\"threshold\":0.0,\"note\":\"say \\\"NaN\\\"\"")), "{\"a\":NaN,\"b\":-Infinity}", NULL);
    assert_int_equal(graph->subgraphs[0]->node_count, 1);
    oct_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(older_sequential_models_are_read),
        cmocka_unit_test(ends_come_in_several_forms),
        cmocka_unit_test(open_sizes_stay_open_or_are_given),
        cmocka_unit_test(bare_words_of_python_are_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
