/*
 * Nodes that do the work of the one before: the same bytes as when a tap has each run for itself, and
 * only where nobody else reads what lies between.
 */
#include "exec/build.h"

#include <string.h>

enum { COUNT = 40000 };

typedef enum reader { NOBODY, GRAPH_OUTPUT, THIRD_NODE } reader;

static void set_quant(builder *b, int32_t tensor, float scale, int64_t zero)
{
    assert_int_equal(
        oct_graph_set_quant(b->graph, b->sub->tensors[tensor], scale, zero, NULL), OCT_OK);
}

/* x -> LOGISTIC -> gate, MUL(x, gate) -> y -> ADD(y, gate or y) -> z, as float or int8 */
static builder swish(oct_type type, bool gate_first, reader other)
{
    builder b = build_begin();
    const int32_t count = COUNT;
    int32_t x = build_tensor(&b, "x", type, 1, &count), gate = build_tensor(&b, "gate", type, 1, &count);
    int32_t y = build_tensor(&b, "y", type, 1, &count), z = build_tensor(&b, "z", type, 1, &count);
    if (type == OCT_INT8) {
        set_quant(&b, x, 0.05f, -7);
        set_quant(&b, gate, 1.f / 256, -128);
        set_quant(&b, y, 0.03f, -100);
        set_quant(&b, z, 0.07f, -90);
    }
    build_node(&b, OCT_OP_LOGISTIC, x, -1, gate, OCT_OPTIONS_NONE);
    oct_node *mul =
        build_node(&b, OCT_OP_MUL, gate_first ? gate : x, gate_first ? x : gate, y, OCT_OPTIONS_Mul);
    ((oct_mul_options *)mul->options)->fused_activation = OCT_ACT_RELU6;
    build_node(&b, OCT_OP_ADD, y, other == THIRD_NODE ? gate : y, z, OCT_OPTIONS_Add);
    build_end(&b, x, other == GRAPH_OUTPUT ? gate : z);
    return b;
}

static void fill(oct_session *session)
{
    size_t bytes;
    void *input = oct_session_input(session, 0, &bytes);
    for (int32_t i = 0; i < COUNT; i++)
        if (bytes == COUNT)
            ((int8_t *)input)[i] = (int8_t)(i % 256 - 128);
        else
            ((float *)input)[i] = (float)(i - COUNT / 2) / 1000.f;
}

static void ignore(void *user, int32_t index, const oct_value *value)
{
    (void)user;
    (void)index;
    (void)value;
}

static void check_session(oct_type type, bool gate_first, int32_t threads)
{
    builder b = swish(type, gate_first, NOBODY);
    oct_session *session = open_session(&b, OCT_KERNELS_FAST, threads);
    assert_true(oct_session_node(session, 0)->absorbed);
    static float apart[COUNT];
    size_t bytes;
    fill(session);
    oct_session_set_tap(session, ignore, NULL);
    assert_int_equal(oct_session_run(session, NULL), OCT_OK);
    const void *output = oct_session_output(session, 0, &bytes);
    memcpy(apart, output, bytes);
    oct_session_set_tap(session, NULL, NULL);
    assert_int_equal(oct_session_run(session, NULL), OCT_OK);
    assert_memory_equal(oct_session_output(session, 0, NULL), apart, bytes);
    oct_session_free(session);
    if (type == OCT_INT8) {
        session = open_session(&b, OCT_KERNELS_REF, threads);
        assert_false(oct_session_node(session, 0)->absorbed);
        fill(session);
        assert_int_equal(oct_session_run(session, NULL), OCT_OK);
        assert_memory_equal(oct_session_output(session, 0, NULL), apart, bytes);
        oct_session_free(session);
    }
    oct_graph_free(b.graph);
}

static void test_same_bytes_as_apart(void **unused)
{
    (void)unused;
    for (int32_t threads = 1; threads <= 2; threads++)
        for (int first = 0; first < 2; first++) {
            check_session(OCT_FLOAT32, first == 1, threads);
            check_session(OCT_INT8, first == 1, threads);
        }
}

static void test_not_where_others_read(void **unused)
{
    (void)unused;
    for (reader other = GRAPH_OUTPUT; other <= THIRD_NODE; other++) {
        builder b = swish(OCT_FLOAT32, false, other);
        oct_session *session = open_session(&b, OCT_KERNELS_FAST, 1);
        assert_false(oct_session_node(session, 0)->absorbed);
        assert_null(oct_session_node(session, 1)->fused);
        oct_session_free(session);
        oct_graph_free(b.graph);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_bytes_as_apart),
        cmocka_unit_test(test_not_where_others_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
