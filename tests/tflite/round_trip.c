/*
 * What is written is read back the same: every table of the schema with every field set.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tflite/build.h"

static void *filled(oct_graph *graph, const oct_record *record, uint32_t salt)
{
    return fill_record(record, &graph->arena, salt);
}

/* One node for each option table of both unions. */
static void test_every_option_table(void **state)
{
    (void)state;
    oct_graph *graph = small_graph();
    oct_subgraph *sub = graph->subgraphs[0];
    int32_t y = sub->outputs[0], tables = 0;
    for (int set = 1; set <= 2; set++) {
        uint32_t count;
        const oct_record *const *members = oct_options_members(set, &count);
        for (uint32_t value = 1; value < count; value++) {
            const int32_t dims[2] = { 1, 4 };
            int32_t out;
            oct_node *node;
            assert_non_null(members[value]);
            MUST(oct_graph_add_tensor(graph, sub, "t", OCT_FLOAT32, 2, dims, &out, err));
            MUST(oct_graph_insert_node(graph, sub, sub->node_count, OCT_OP_RELU, &y, 1, &out, 1,
                (oct_options_type)OCT_OPTIONS_PACK(set, (int)value), &node, err));
            if (members[value]->size != 0)
                node->options = filled(graph, members[value], value);
            y = out;
            tables++;
        }
    }
    sub->outputs[0] = y;
    print_message("%d option tables\n", (int)tables);
    assert_int_equal(tables, 149);
    assert_survives(graph);
    oct_graph_free(graph);
}

/* The same with all fields at their defaults: nothing but an empty table is written. */
static void test_default_options_are_left_out(void **state)
{
    (void)state;
    oct_graph *graph = small_graph();
    memory plain = { 0 };
    oct_add_options *options = graph->subgraphs[0]->nodes[0]->options;
    assert_true(options->pot_scale_int16);
    assert_survives(graph);
    MUST(oct_tflite_write(graph, to_memory, &plain, err));
    size_t before = plain.size;
    options->pot_scale_int16 = false;
    assert_survives(graph);
    plain.size = 0;
    MUST(oct_tflite_write(graph, to_memory, &plain, err));
    assert_true(plain.size > before);
    free(plain.bytes);
    oct_graph_free(graph);
}

static void test_rare_tensor_fields(void **state)
{
    (void)state;
    oct_graph *graph = small_graph();
    oct_subgraph *sub = graph->subgraphs[0];
    oct_tensor *x = sub->tensors[0], *w = sub->tensors[1], *y = sub->tensors[2];
    static const int32_t unknown[2] = { -1, 4 };
    static const float scales[4] = { 0.5f, 0.25f, 2, 1 };
    x->signature = oct_arena_copy(&graph->arena, unknown, sizeof unknown);
    x->has_rank = true;
    x->external_buffer = 7;
    x->quant.min = (oct_vec_f32){ scales, 1 };
    x->quant.max = (oct_vec_f32){ scales + 2, 1 };
    w->sparsity = filled(graph, &oct_fb_sparsity_parameters_record, 3);
    MUST(oct_graph_set_channel_quant(graph, w, 1, 4, scales, err));
    MUST(oct_graph_set_quant(graph, y, 0.125f, -3, err));
    fill_tables(&y->variants, &oct_fb_variant_sub_type_record, &graph->arena, 5);
    y->has_rank = false;
    for (uint8_t type = 1; type <= 3; type++) {
        const oct_record *details[] = { NULL, &oct_fb_custom_quantization_record,
            &oct_fb_blockwise_quantization_record, &oct_fb_multi_axis_quantization_record };
        y->quant.details = (oct_union){ type, filled(graph, details[type], type) };
        assert_survives(graph);
    }
    oct_graph_free(graph);
}

static void test_rare_model_fields(void **state)
{
    (void)state;
    oct_graph *graph = small_graph();
    oct_metadata *entries = oct_arena_array(&graph->arena, 3, sizeof *entries);
    entries[0] = (oct_metadata){ "min_runtime_version", "1.5.0\0\0\0\0\0\0\0\0\0\0", 16 };
    entries[1] = (oct_metadata){ "empty", "", 0 };
    entries[2] = (oct_metadata){ NULL, NULL, 0 };
    graph->metadata = entries;
    graph->metadata_count = 3;
    graph->old_metadata = entries;
    graph->old_metadata_count = 1;
    fill_tables(&graph->external_groups, &oct_fb_external_buffer_group_record, &graph->arena, 1);
    fill_tables(&graph->external_buffers, &oct_fb_external_buffer_record, &graph->arena, 2);
    graph->signatures[0].deprecated_tag = "tag";
    graph->subgraphs[0]->debug_metadata_index = 4;
    oct_node *node = graph->subgraphs[0]->nodes[0];
    node->debug_metadata_index = 9;
    fill_vector(&node->mutating_inputs, 1, &graph->arena, 0);
    node->intermediates = (oct_vec_i32){ graph->subgraphs[0]->inputs, 1 };
    assert_survives(graph);
    oct_graph_free(graph);
}

/* Operators nothing here knows, in three subgraphs that call each other. */
static void test_unknown_operators_and_subgraphs(void **state)
{
    (void)state;
    oct_graph *graph = small_graph();
    for (int i = 0; i < 2; i++) {
        oct_subgraph *sub;
        int32_t x, y;
        oct_node *node;
        const int32_t dims[1] = { 3 };
        MUST(oct_graph_add_subgraph(graph, i == 0 ? "branch" : NULL, &sub, err));
        MUST(oct_graph_add_tensor(graph, sub, NULL, OCT_INT64, 1, dims, &x, err));
        MUST(oct_graph_add_tensor(graph, sub, "out", OCT_STRING, 0, dims, &y, err));
        MUST(oct_graph_insert_node(graph, sub, 0, OCT_OP_CUSTOM, (int32_t[]){ x, -1 }, 2, &y, 1,
            OCT_OPTIONS_NONE, &node, err));
        node->custom_code = i == 0 ? "FlexErf" : "Other";
        node->version = 3 + i;
        node->custom_options = (oct_vec_u8){ (const uint8_t *)"\1\2\3\0\5", 5 };
        sub->inputs = oct_arena_copy(&graph->arena, &x, sizeof x);
        sub->outputs = oct_arena_copy(&graph->arena, &y, sizeof y);
        sub->input_count = sub->output_count = 1;
    }
    assert_survives(graph);
    oct_graph_free(graph);
}

/* Two subgraphs that say the same stay two. */
static void test_equal_subgraphs(void **state)
{
    (void)state;
    oct_graph *graph = oct_graph_create();
    oct_subgraph *sub;
    for (int i = 0; i < 3; i++)
        MUST(oct_graph_add_subgraph(graph, "same", &sub, err));
    assert_survives(graph);
    oct_graph_free(graph);
}

/* Old files have only the narrow operator code; the larger of both counts. */
static void test_operator_code_rule(void **state)
{
    (void)state;
    oct_graph *graph = small_graph(), *again;
    memory m = { 0 };
    graph->subgraphs[0]->nodes[0]->op = OCT_OP_BROADCAST_TO; /* 130: past the narrow field */
    assert_survives(graph);
    MUST(oct_tflite_write(graph, to_memory, &m, err));
    MUST(read_bytes(m.bytes, m.size, &again, err));
    assert_int_equal(again->subgraphs[0]->nodes[0]->op, OCT_OP_BROADCAST_TO);
    oct_graph_free(again);
    oct_graph_free(graph);
    free(m.bytes);
}

/* A constant with no elements is a constant still; one without name, too. */
static void test_empty_constant(void **state)
{
    (void)state;
    oct_graph *graph = small_graph(), *again;
    memory m = { 0 };
    const int32_t dims[2] = { 0, 4 };
    int32_t index;
    MUST(oct_graph_add_constant(graph, graph->subgraphs[0], NULL, OCT_INT32, 2, dims, "", &index,
        err));
    assert_survives(graph);
    MUST(oct_tflite_write(graph, to_memory, &m, err));
    MUST(read_bytes(m.bytes, m.size, &again, err));
    assert_non_null(again->subgraphs[0]->tensors[index]->data);
    assert_int_equal(again->subgraphs[0]->tensors[index]->size, 0);
    oct_graph_free(again);
    oct_graph_free(graph);
    free(m.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_option_table),
        cmocka_unit_test(test_default_options_are_left_out),
        cmocka_unit_test(test_rare_tensor_fields),
        cmocka_unit_test(test_rare_model_fields),
        cmocka_unit_test(test_unknown_operators_and_subgraphs),
        cmocka_unit_test(test_equal_subgraphs),
        cmocka_unit_test(test_operator_code_rule),
        cmocka_unit_test(test_empty_constant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
