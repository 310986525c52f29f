/*
 * What the writer makes small: equal things once, hardly any padding, and where the bytes go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "tflite/build.h"
#include "tflite/write.h"

static size_t written(const oct_graph *graph)
{
    memory m = { 0 };
    MUST(oct_tflite_write(graph, to_memory, &m, err));
    free(m.bytes);
    return m.size;
}

static int32_t add_constant(oct_graph *graph, const char *name, int32_t count, float first)
{
    float *values = calloc((size_t)count, sizeof *values);
    int32_t index;
    values[0] = first;
    MUST(oct_graph_add_constant(graph, graph->subgraphs[0], name, OCT_FLOAT32, 1, &count, values,
        &index, err));
    free(values);
    return index;
}

/* A second constant with the same bytes costs its tensor, not its bytes. */
static void test_equal_constants_once(void **state)
{
    (void)state;
    oct_graph *graph = small_graph(), *again;
    memory m = { 0 };
    add_constant(graph, "a", 1000, 1);
    size_t one = written(graph);
    int32_t b = add_constant(graph, "b", 1000, 1);
    size_t two = written(graph);
    assert_in_range(two - one, 1, 48);
    add_constant(graph, "c", 1000, 2);
    assert_true(written(graph) >= two + 4000);
    MUST(oct_tflite_write(graph, to_memory, &m, err));
    MUST(read_bytes(m.bytes, m.size, &again, err));
    assert_ptr_equal(again->subgraphs[0]->tensors[b]->data,
        again->subgraphs[0]->tensors[b - 1]->data);
    oct_graph_free(again);
    oct_graph_free(graph);
    free(m.bytes);
}

/* Per-channel zero points are 8 bytes a channel and always zero: one vector for each count. */
static void test_equal_vectors_once(void **state)
{
    (void)state;
    enum { CHANNELS = 256 };
    oct_graph *graph = small_graph();
    oct_subgraph *sub = graph->subgraphs[0];
    float scales[CHANNELS];
    int32_t index[3];
    for (int i = 0; i < 3; i++) {
        index[i] = add_constant(graph, "w", CHANNELS, (float)i);
        for (int c = 0; c < CHANNELS; c++)
            scales[c] = 1.0f + (float)(i * CHANNELS + c);
        MUST(oct_graph_set_channel_quant(graph, sub->tensors[index[i]], 0, CHANNELS, scales, err));
    }
    size_t three = written(graph);
    sub->tensors[index[2]]->quant = (oct_quant){ 0 };
    assert_in_range(three - written(graph), 4 * CHANNELS, 4 * CHANNELS + 48);
    oct_graph_free(graph);
}

/* Every constant begins at a multiple of 16, and vector code may read 16 bytes past the last. */
static void test_alignment_and_room_behind(void **state)
{
    (void)state;
    oct_graph *graph = small_graph(), *again;
    memory m = { 0 };
    for (int32_t count = 1; count < 40; count++)
        add_constant(graph, "w", count, (float)count);
    MUST(oct_tflite_write(graph, to_memory, &m, err));
    oct_backing *backing = oct_backing_create(m.size);
    memcpy(oct_backing_bytes(backing), m.bytes, m.size);
    MUST(oct_tflite_read(backing, &again, err));
    const unsigned char *bytes = oct_backing_bytes(backing);
    for (int32_t i = 0; i < again->subgraphs[0]->tensor_count; i++) {
        const oct_tensor *tensor = again->subgraphs[0]->tensors[i];
        if (tensor->data == NULL)
            continue;
        size_t at = (size_t)((const unsigned char *)tensor->data - bytes);
        assert_true(at < m.size); /* a view, not a copy */
        assert_int_equal(at % 16, 0);
        assert_true(at + tensor->size + 16 <= m.size);
    }
    oct_graph_free(again);
    oct_graph_free(graph);
    oct_backing_release(backing);
    free(m.bytes);
}

static void test_ledger(void **state)
{
    (void)state;
    oct_graph *graph = small_graph();
    oct_subgraph *sub = graph->subgraphs[0];
    const int32_t matrix[2] = { 4, 4 }, four = 4, two = 2;
    int32_t w, b, shape, x = sub->inputs[0];
    oct_tflite_ledger ledger;
    MUST(oct_graph_add_constant(graph, sub, "dense/kernel", OCT_FLOAT32, 2, matrix,
        (float[16]){ 5 }, &w, err));
    MUST(oct_graph_add_constant(graph, sub, "dense/bias", OCT_FLOAT32, 1, &four, (float[4]){ 6 },
        &b, err));
    MUST(oct_graph_add_constant(graph, sub, "shape", OCT_INT32, 1, &two, (int32_t[2]){ 1, 4 },
        &shape, err));
    int32_t y, z;
    MUST(oct_graph_add_tensor(graph, sub, "dense", OCT_FLOAT32, 2, (int32_t[2]){ 1, 4 }, &y, err));
    MUST(oct_graph_add_tensor(graph, sub, "flat", OCT_FLOAT32, 2, (int32_t[2]){ 1, 4 }, &z, err));
    MUST(oct_graph_insert_node(graph, sub, 0, OCT_OP_FULLY_CONNECTED, (int32_t[]){ x, w, b }, 3, &y,
        1, OCT_OPTIONS_FullyConnected, NULL, err));
    MUST(oct_graph_insert_node(graph, sub, 1, OCT_OP_RESHAPE, (int32_t[]){ y, shape }, 2, &z, 1,
        OCT_OPTIONS_NONE, NULL, err));
    MUST(oct_graph_set_quant(graph, sub->tensors[y], 0.5f, 1, err));
    oct_metadata entry = { "note", "0123456789abcdef", 16 };
    graph->metadata = &entry;
    graph->metadata_count = 1;
    MUST(oct_tflite_measure(graph, &ledger, err));
    assert_int_equal(ledger.total, written(graph));
    assert_int_equal(ledger.total,
        ledger.weights + ledger.biases + ledger.other_constants + ledger.quantization +
            ledger.names + ledger.structure + ledger.metadata);
    assert_int_equal(ledger.weights, 4 + 64 + 4 + 16); /* the kernel and ADD's constant */
    assert_int_equal(ledger.biases, 4 + 16);
    assert_int_equal(ledger.other_constants, 4 + 8);
    assert_int_equal(ledger.quantization, 12 + 8 + 12); /* table, scale, zero point */
    assert_in_range(ledger.metadata, 4 + 16 + 12 + 4, 64);
    assert_in_range(ledger.names, 80, 200);
    oct_graph_free(graph);
}

/* A bias behind a DEQUANTIZE, as float16 models have them, is a bias. */
static void test_ledger_sees_through_one_operator(void **state)
{
    (void)state;
    oct_graph *graph = small_graph();
    oct_subgraph *sub = graph->subgraphs[0];
    const int32_t four = 4;
    int32_t half, b, y;
    oct_tflite_ledger before, after;
    MUST(oct_tflite_measure(graph, &before, err));
    MUST(oct_graph_add_constant(graph, sub, "half", OCT_FLOAT16, 1, &four, (uint16_t[4]){ 1 },
        &half, err));
    MUST(oct_graph_add_tensor(graph, sub, "b", OCT_FLOAT32, 1, &four, &b, err));
    MUST(oct_graph_add_tensor(graph, sub, "z", OCT_FLOAT32, 1, &four, &y, err));
    MUST(oct_graph_insert_node(graph, sub, 0, OCT_OP_DEQUANTIZE, &half, 1, &b, 1, OCT_OPTIONS_NONE,
        NULL, err));
    MUST(oct_graph_insert_node(graph, sub, 1, OCT_OP_FULLY_CONNECTED,
        (int32_t[]){ sub->inputs[0], 1, b }, 3, &y, 1, OCT_OPTIONS_FullyConnected, NULL, err));
    MUST(oct_tflite_measure(graph, &after, err));
    assert_int_equal(after.biases - before.biases, 4 + 8);
    assert_int_equal(after.weights, before.weights);
    oct_graph_free(graph);
}

static oct_status refuse(void *user, const void *bytes, size_t size, oct_error *err)
{
    (void)bytes;
    size_t *left = user;
    if (size > *left)
        return oct_fail(err, OCT_E_SYSTEM, "the disk is full");
    *left -= size;
    return OCT_OK;
}

/* A sink's failure comes back as it is. */
static void test_failing_sink(void **state)
{
    (void)state;
    oct_graph *graph = small_graph();
    add_constant(graph, "w", 40000, 1);
    for (size_t room = 0; room < 160000; room += 20000) {
        size_t left = room;
        oct_error err = { 0 };
        assert_int_equal(oct_tflite_write(graph, refuse, &left, &err), OCT_E_SYSTEM);
        assert_string_equal(err.text, "the disk is full");
    }
    oct_graph_free(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_constants_once),
        cmocka_unit_test(test_equal_vectors_once),
        cmocka_unit_test(test_alignment_and_room_behind),
        cmocka_unit_test(test_ledger),
        cmocka_unit_test(test_ledger_sees_through_one_operator),
        cmocka_unit_test(test_failing_sink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
