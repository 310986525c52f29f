/*
 * Models made by Keras 3 and tf_keras give the outputs Keras computed, from .keras and from .h5.
 *
 * Each runs as imported and after the float passes, with the batch fixed on reading and left open.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "exec/session.h"
#include "keras/keras.h"
#include "passes/pass.h"
#include "keras/archive.h"

enum { BATCH = 2 };

static const char *const subjects[] = { "conv", "depthwise", "transposed", "line", "pool", "dense",
    "curves", "ramps", "activation_layers", "merge", "normalize", "nested", "shared", "sequential",
    "text", "pixels", "operators", "indexing",
    "statistics", "selection", "recurrent", "dropped_mask",
    "bidirectional", "merged_directions", "each_step", "attention", "einsum_dense",
    "channels_first", "aspect", "grouped_attention", "masked", "cells", "long" };

/* Largest difference relative to the largest expected magnitude of an output. */
static double distance(const float *got, const float *wanted, size_t count)
{
    double difference = 0, largest = 1e-30;
    for (size_t i = 0; i < count; i++) {
        difference = fmax(difference, fabs((double)got[i] - wanted[i]));
        largest = fmax(largest, fabs((double)wanted[i]));
        if (isnan(got[i]))
            return INFINITY;
    }
    return difference / largest;
}

static void check_outputs(const char *file, const oct_graph *graph, oct_session *session,
    const char *stem)
{
    char name[256];
    snprintf(name, sizeof name, "%s.y", stem);
    oct_backing *expected = load_copy(name);
    const unsigned char *at = oct_backing_bytes(expected);
    for (int32_t i = 0; i < graph->subgraphs[0]->output_count; i++) {
        size_t size;
        const void *got = oct_session_output(session, i, &size);
        size_t left = oct_backing_size(expected) - (size_t)(at - oct_backing_bytes(expected));
        if (size > left)
            fail_msg("%s: output %d has %zu bytes, expected at most %zu", file, i, size, left);
        double off = distance(got, (const float *)(const void *)at, size / sizeof(float));
        if (!(off <= 1e-5))
            fail_msg("%s: output %d differs from Keras by %g of its largest value", file, i, off);
        at += size;
    }
    if (at != oct_backing_bytes(expected) + oct_backing_size(expected))
        fail_msg("%s: too few outputs", file);
    oct_backing_release(expected);
}

static void check_run(const char *file, const oct_graph *graph, const char *stem, int32_t batch)
{
    char name[256];
    oct_error err = { 0 };
    oct_session *session;
    oct_session_options options = { .kernels = OCT_KERNELS_REF, .batch = batch };
    snprintf(name, sizeof name, "%s.x", stem);
    oct_backing *inputs = load_copy(name);
    const unsigned char *at = oct_backing_bytes(inputs);
    if (oct_session_create_graph(graph, &options, &session, &err) != OCT_OK)
        fail_msg("%s: %s", file, err.text);
    for (int32_t i = 0; i < graph->subgraphs[0]->input_count; i++) {
        size_t size;
        void *to = oct_session_input(session, i, &size);
        memcpy(to, at, size);
        at += size;
    }
    assert_ptr_equal(at, oct_backing_bytes(inputs) + oct_backing_size(inputs));
    if (oct_session_run(session, &err) != OCT_OK)
        fail_msg("%s: %s", file, err.text);
    check_outputs(file, graph, session, stem);
    oct_session_free(session);
    oct_backing_release(inputs);
}

static void check_file(const char *file, const char *stem, bool fixed_batch)
{
    oct_error err = { 0 };
    oct_graph *graph;
    oct_load_options options = { .batch = fixed_batch ? BATCH : 0 };
    oct_backing *backing = load_copy(file);
    if (oct_keras_read(backing, &options, &graph, &err) != OCT_OK)
        fail_msg("%s", err.text);
    oct_backing_release(backing); /* the graph must not need the file any more */
    check_run(file, graph, stem, fixed_batch ? 0 : BATCH);
    if (oct_passes_run(graph, &err) != OCT_OK)
        fail_msg("%s: %s", file, err.text);
    check_run(file, graph, stem, fixed_batch ? 0 : BATCH);
    oct_graph_free(graph);
}

static void outputs_are_those_of_keras(void **state)
{
    static const char *const kinds[] = { "keras3", "keras2" }, *const suffixes[] = { "keras", "h5" };
    (void)state;
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++)
        for (int k = 0; k < 8; k++) {
            char stem[128], file[160];
            snprintf(stem, sizeof stem, "%s_%s", kinds[k & 1], subjects[i]);
            snprintf(file, sizeof file, "%s.%s", stem, suffixes[k >> 1 & 1]);
            check_file(file, stem, k >> 2 & 1);
        }
}

static void other_storage_reads_alike(void **state)
{
    (void)state;
    check_file("tiny.keras", "tiny", false);
    check_file("tiny.h5", "tiny", false);
    check_file("tiny_deflated.keras", "tiny", false);
    check_file("tiny_fixed.h5", "tiny", false);
    check_file("tiny_212.keras", "tiny", false);
    check_file("tiny_half.h5", "tiny_half", false);
    check_file("tiny_double.h5", "tiny_half", false);
}

static oct_graph *read_named(const char *file, const oct_load_options *options)
{
    oct_error err = { 0 };
    oct_graph *graph;
    oct_backing *backing = load_copy(file);
    if (oct_keras_read(backing, options, &graph, &err) != OCT_OK)
        fail_msg("%s", err.text);
    oct_backing_release(backing);
    return graph;
}

static void ends_are_named_as_by_the_converter(void **state)
{
    (void)state;
    oct_graph *three = read_named("keras3_nested.keras", NULL);
    oct_graph *two = read_named("keras2_nested.keras", NULL);
    assert_string_equal(three->signatures[0].key, "serving_default");
    assert_string_equal(three->signatures[0].inputs[0].name, "image");
    assert_string_equal(three->signatures[0].outputs[0].name, "map");
    assert_string_equal(three->signatures[0].outputs[1].name, "score");
    assert_string_equal(two->signatures[0].outputs[1].name, "score");
    const oct_subgraph *sub = three->subgraphs[0];
    assert_string_equal(sub->name, "main");
    assert_string_equal(sub->tensors[sub->inputs[0]]->name, "serving_default_image:0");
    assert_string_equal(sub->tensors[sub->outputs[0]]->name, "StatefulPartitionedCall_1:0");
    sub = two->subgraphs[0];
    assert_string_equal(sub->tensors[sub->outputs[1]]->name, "StatefulPartitionedCall:1");
    oct_graph_free(three);
    oct_graph_free(two);
    oct_graph *still = read_named("keras3_pool.keras", NULL); /* it has no variables */
    sub = still->subgraphs[0];
    assert_string_equal(sub->tensors[sub->outputs[0]]->name, "PartitionedCall_1:0");
    oct_graph_free(still);
    oct_graph *plain = read_named("keras3_conv.keras", NULL);
    assert_string_equal(plain->signatures[0].outputs[0].name, "output_0");
    oct_graph_free(plain);
}

static void batch_stays_open_unless_fixed(void **state)
{
    (void)state;
    oct_graph *open = read_named("keras3_conv.keras", NULL);
    const oct_subgraph *sub = open->subgraphs[0];
    const oct_tensor *input = sub->tensors[sub->inputs[0]];
    assert_int_equal(input->dims[0], 1);
    assert_int_equal(input->signature[0], -1);
    assert_int_equal(input->signature[1], 13);
    assert_int_equal(sub->tensors[sub->outputs[0]]->signature[0], -1);
    oct_graph_free(open);
    oct_load_options options = { .batch = 3 };
    oct_graph *fixed = read_named("keras3_conv.keras", &options);
    sub = fixed->subgraphs[0];
    assert_int_equal(sub->tensors[sub->inputs[0]]->dims[0], 3);
    assert_null(sub->tensors[sub->inputs[0]]->signature);
    assert_int_equal(sub->tensors[sub->outputs[0]]->dims[0], 3);
    oct_graph_free(fixed);
}

/* Operators that no kernel here runs are still converted. */
static void rare_operators_are_kept(void **state)
{
    (void)state;
    oct_graph *graph = read_named("keras3_rare.keras", NULL);
    const oct_subgraph *sub = graph->subgraphs[0];
    assert_int_equal(sub->node_count, 5);
    assert_int_equal(sub->nodes[0]->op, OCT_OP_GREATER);
    assert_int_equal(sub->tensors[sub->nodes[0]->outputs[0]]->type, OCT_BOOL);
    assert_int_equal(sub->nodes[3]->op, OCT_OP_SELECT_V2);
    assert_int_equal(sub->nodes[4]->op, OCT_OP_LOG_SOFTMAX);
    oct_graph_free(graph);
}

static void calls_of_a_shared_layer_share_weights(void **state)
{
    (void)state;
    oct_graph *graph = read_named("keras3_shared.keras", NULL);
    const oct_subgraph *sub = graph->subgraphs[0];
    assert_int_equal(sub->nodes[0]->op, OCT_OP_CONV_2D);
    assert_int_equal(sub->nodes[2]->op, OCT_OP_CONV_2D);
    assert_int_equal(sub->nodes[0]->inputs[1], sub->nodes[2]->inputs[1]);
    assert_int_equal(sub->nodes[0]->inputs[2], sub->nodes[2]->inputs[2]);
    oct_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_are_those_of_keras),
        cmocka_unit_test(other_storage_reads_alike),
        cmocka_unit_test(ends_are_named_as_by_the_converter),
        cmocka_unit_test(batch_stays_open_unless_fixed),
        cmocka_unit_test(rare_operators_are_kept),
        cmocka_unit_test(calls_of_a_shared_layer_share_weights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
