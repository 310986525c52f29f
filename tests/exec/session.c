/*
 * Sessions over hand-built graphs: what is computed while planning, who shares memory with whom, what a
 * tap sees, and what the errors say.
 */
#include "exec/build.h"

#include <string.h>

static void run(oct_session *session)
{
    oct_error err = { 0 };
    if (oct_session_run(session, &err) != OCT_OK)
        fail_msg("%s", err.text);
}

static void set_input(oct_session *session, const float *values, size_t count)
{
    size_t bytes;
    float *input = oct_session_input(session, 0, &bytes);
    assert_int_equal(bytes, count * sizeof *values);
    memcpy(input, values, bytes);
}

/* x -> ADD(x, c) -> RELU -> y */
static builder add_relu(void)
{
    builder b = build_begin();
    const int32_t four = 4;
    const float c[] = { 1, -2, 3, -4 };
    int32_t x = build_floats(&b, "x", 4);
    int32_t constant = build_constant(&b, "c", OCT_FLOAT32, 1, &four, c);
    int32_t sum = build_floats(&b, "sum", 4), y = build_floats(&b, "y", 4);
    build_node(&b, OCT_OP_ADD, x, constant, sum, OCT_OPTIONS_Add);
    build_node(&b, OCT_OP_RELU, sum, -1, y, OCT_OPTIONS_NONE);
    build_end(&b, x, y);
    return b;
}

static void test_runs_again_and_again(void **unused)
{
    (void)unused;
    builder b = add_relu();
    oct_session *session = open_session(&b, OCT_KERNELS_FAST, 1);
    for (int i = 0; i < 3; i++) {
        const float x[] = { (float)i, 1, -5, 9 }, want[] = { (float)i + 1, 0, 0, 5 };
        set_input(session, x, 4);
        run(session);
        size_t bytes;
        const float *y = oct_session_output(session, 0, &bytes);
        assert_int_equal(bytes, sizeof want);
        assert_memory_equal(y, want, sizeof want);
        assert_memory_equal(oct_session_input(session, 0, NULL), x, sizeof x); /* never written to */
    }
    assert_null(oct_session_input(session, 1, NULL));
    assert_null(oct_session_output(session, -1, NULL));
    oct_session_free(session);
    oct_graph_free(b.graph);
}

static void test_in_place_chain_takes_one_buffer(void **unused)
{
    (void)unused;
    builder b = add_relu();
    oct_session *session = open_session(&b, OCT_KERNELS_FAST, 1);
    assert_int_equal(oct_session_arena_bytes(session), 64);
    const oct_op *add = oct_session_node(session, 0), *relu = oct_session_node(session, 1);
    assert_ptr_not_equal(add->out[0]->data, add->in[0]->data); /* the input is the caller's */
    assert_ptr_equal(relu->out[0]->data, relu->in[0]->data);
    oct_session_free(session);
    oct_graph_free(b.graph);
}

typedef struct seen { int32_t index[8]; float first[8]; int count; } seen;

static void record(void *user, int32_t index, const oct_value *value)
{
    seen *s = user;
    s->index[s->count] = index;
    s->first[s->count++] = *(const float *)value->data;
}

static void test_tap_sees_every_value_in_order(void **unused)
{
    (void)unused;
    builder b = add_relu();
    oct_session *session = open_session(&b, OCT_KERNELS_FAST, 1);
    const float x[] = { -7, 0, 0, 0 };
    seen s = { .count = 0 };
    set_input(session, x, 4);
    oct_session_set_tap(session, record, &s);
    run(session);
    assert_int_equal(s.count, 3); /* x, sum, y; not the constant */
    assert_int_equal(s.index[0], 0);
    assert_int_equal(s.index[1], 2);
    assert_int_equal(s.index[2], 3);
    assert_true(s.first[0] == -7 && s.first[1] == -6 && s.first[2] == 0);
    oct_session_set_tap(session, NULL, NULL);
    run(session);
    assert_int_equal(s.count, 3);
    oct_session_free(session);
    oct_graph_free(b.graph);
}

/* x -> SHAPE -> ADD 0 -> RESHAPE(x): all but the last node are shape arithmetic. */
static void test_shape_arithmetic_is_gone(void **unused)
{
    (void)unused;
    builder b = build_begin();
    const int32_t two = 2, dims[] = { 2, 3 }, swap[] = { 1, -1 };
    int32_t x = build_tensor(&b, "x", OCT_FLOAT32, 2, dims);
    int32_t shape = build_tensor(&b, "shape", OCT_INT32, 1, &two);
    int32_t change = build_constant(&b, "change", OCT_INT32, 1, &two, swap);
    int32_t target = build_tensor(&b, "target", OCT_INT32, 1, &two);
    int32_t y = build_tensor(&b, "y", OCT_FLOAT32, 2, dims);
    oct_node *node = build_node(&b, OCT_OP_SHAPE, x, -1, shape, OCT_OPTIONS_Shape);
    ((oct_shape_options *)node->options)->out_type = OCT_INT32;
    build_node(&b, OCT_OP_ADD, shape, change, target, OCT_OPTIONS_Add);
    build_node(&b, OCT_OP_RESHAPE, x, target, y, OCT_OPTIONS_Reshape);
    build_end(&b, x, y);
    oct_session *session = open_session(&b, OCT_KERNELS_FAST, 1);
    assert_int_equal(oct_session_node_count(session), 1);
    const oct_value *value = oct_session_value(session, y);
    assert_int_equal(value->dims[0], 3);
    assert_int_equal(value->dims[1], 2);
    const float data[] = { 1, 2, 3, 4, 5, 6 };
    set_input(session, data, 6);
    run(session);
    assert_memory_equal(oct_session_output(session, 0, NULL), data, sizeof data);
    oct_session_free(session);
    oct_graph_free(b.graph);
}

static void test_half_weights_are_widened_once(void **unused)
{
    (void)unused;
    builder b = build_begin();
    const int32_t two = 2;
    const uint16_t half[] = { 0x3c00, 0xc000 }; /* 1, -2 */
    int32_t x = build_floats(&b, "x", 2), y = build_floats(&b, "y", 2);
    int32_t stored = build_constant(&b, "stored", OCT_FLOAT16, 1, &two, half);
    int32_t weights = build_floats(&b, "weights", 2);
    build_node(&b, OCT_OP_DEQUANTIZE, stored, -1, weights, OCT_OPTIONS_Dequantize);
    build_node(&b, OCT_OP_MUL, x, weights, y, OCT_OPTIONS_Mul);
    build_end(&b, x, y);
    oct_session *session = open_session(&b, OCT_KERNELS_FAST, 1);
    assert_int_equal(oct_session_node_count(session), 1);
    assert_true(oct_session_value(session, weights)->known);
    const float data[] = { 5, 7 }, want[] = { 5, -14 };
    set_input(session, data, 2);
    run(session);
    assert_memory_equal(oct_session_output(session, 0, NULL), want, sizeof want);
    oct_session_free(session);
    oct_graph_free(b.graph);
}

static void test_batch(void **unused)
{
    (void)unused;
    builder b = build_begin();
    const int32_t dims[] = { 1, 2 };
    int32_t x = build_tensor(&b, "x", OCT_FLOAT32, 2, dims);
    int32_t y = build_tensor(&b, "y", OCT_FLOAT32, 2, dims);
    build_node(&b, OCT_OP_NEG, x, -1, y, OCT_OPTIONS_Neg);
    build_end(&b, x, y);
    oct_session_options options = { OCT_KERNELS_REF, 1, 3 };
    oct_session *session;
    assert_int_equal(oct_session_create_graph(b.graph, &options, &session, NULL), OCT_OK);
    const float data[] = { 1, 2, 3, 4, 5, 6 }, want[] = { -1, -2, -3, -4, -5, -6 };
    set_input(session, data, 6);
    run(session);
    assert_memory_equal(oct_session_output(session, 0, NULL), want, sizeof want);
    oct_session_free(session);
    oct_graph_free(b.graph);
}

static void expect_error(const builder *b, oct_status status, const char *text)
{
    oct_session *session = NULL;
    oct_error err = { 0 };
    assert_int_equal(oct_session_create_graph(b->graph, NULL, &session, &err), status);
    assert_null(session);
    assert_string_equal(err.text, text);
}

static void test_errors_name_node_and_operator(void **unused)
{
    (void)unused;
    builder b = build_begin();
    const int32_t four = 4;
    int32_t x = build_floats(&b, "x", 3), y = build_floats(&b, "y", 3);
    oct_node *node = build_node(&b, OCT_OP_CALL, x, -1, y, OCT_OPTIONS_NONE);
    build_end(&b, x, y);
    expect_error(&b, OCT_E_UNSUPPORTED, "y: no kernel for CALL");
    node->op = OCT_OP_CUSTOM;
    node->custom_code = "Mine";
    expect_error(&b, OCT_E_UNSUPPORTED, "y: no kernel for the custom operator Mine");
    node->op = OCT_OP_FLOOR;
    b.sub->tensors[x]->type = OCT_INT16;
    expect_error(&b, OCT_E_UNSUPPORTED, "y: no kernel for FLOOR with inputs of type int16");
    node->op = OCT_OP_ADD;
    expect_error(&b, OCT_E_INVALID, "y (ADD): has 1 inputs");
    oct_graph_remove_node(b.sub, 0);
    const float c[] = { 1, 2, 3, 4 };
    b.sub->tensors[x]->type = OCT_FLOAT32;
    int32_t constant = build_constant(&b, "c", OCT_FLOAT32, 1, &four, c);
    node = build_node(&b, OCT_OP_ADD, x, constant, y, OCT_OPTIONS_Add);
    expect_error(&b, OCT_E_INVALID, "y (ADD): shapes [3] and [4] do not broadcast");
    node->options_type = OCT_OPTIONS_Mul;
    expect_error(&b, OCT_E_INVALID, "y (ADD): has the options of another operator");
    oct_graph_free(b.graph);
}

static void test_bad_index_is_an_error_of_the_run(void **unused)
{
    (void)unused;
    builder b = build_begin();
    const int32_t three = 3, two = 2;
    const float rows[] = { 10, 20, 30 };
    int32_t x = build_tensor(&b, "x", OCT_INT32, 1, &two), y = build_floats(&b, "y", 2);
    int32_t table = build_constant(&b, "table", OCT_FLOAT32, 1, &three, rows);
    build_node(&b, OCT_OP_GATHER, table, x, y, OCT_OPTIONS_Gather);
    build_end(&b, x, y);
    oct_session *session = open_session(&b, OCT_KERNELS_FAST, 1);
    int32_t *index = oct_session_input(session, 0, NULL);
    index[0] = 2, index[1] = 0;
    run(session);
    assert_true(((const float *)oct_session_output(session, 0, NULL))[0] == 30);
    oct_error err = { 0 };
    index[1] = 3;
    assert_int_equal(oct_session_run(session, &err), OCT_E_INVALID);
    assert_string_equal(err.text, "y (GATHER): index 3 at 1, but there are 3 rows");
    oct_session_free(session);
    oct_graph_free(b.graph);
}

/* Random graphs of operators that work in place, make views or do neither, against plain evaluation. */
enum { LENGTH = 6, NODES = 24 };

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

typedef struct plain { float values[NODES + 1][LENGTH]; } plain;

static void evaluate(plain *p, oct_builtin op, int32_t a, int32_t c, int32_t y)
{
    for (int i = 0; i < LENGTH; i++) {
        float u = p->values[a][i], v = c >= 0 ? p->values[c][i] : 0;
        p->values[y][i] = op == OCT_OP_ADD ? u + v
            : op == OCT_OP_SUB             ? u - v
            : op == OCT_OP_NEG             ? -u
            : op == OCT_OP_REVERSE_V2      ? p->values[a][LENGTH - 1 - i]
                                           : u;
    }
}

/* Tensor i + 1 is the result of node i; 0 is the input. The axis of REVERSE_V2 comes after them. */
static builder random_graph(uint32_t *seed, plain *p)
{
    static const oct_builtin ops[] = { OCT_OP_ADD, OCT_OP_SUB, OCT_OP_NEG, OCT_OP_RESHAPE,
        OCT_OP_REVERSE_V2 };
    builder b = build_begin();
    const int32_t one = 1, zero = 0, length = LENGTH;
    for (int32_t i = 0; i <= NODES; i++)
        build_floats(&b, NULL, LENGTH);
    int32_t axis = build_constant(&b, "axis", OCT_INT32, 1, &one, &zero);
    int32_t shape = build_constant(&b, "shape", OCT_INT32, 1, &one, &length);
    for (int32_t i = 0; i < NODES; i++) {
        oct_builtin op = ops[next(seed) % 5];
        int32_t recent = i < 4 ? 0 : i - 3;
        int32_t a = recent + (int32_t)next(seed) % (i + 1 - recent);
        int32_t c = recent + (int32_t)next(seed) % (i + 1 - recent);
        evaluate(p, op, a, op == OCT_OP_ADD || op == OCT_OP_SUB ? c : -1, i + 1);
        if (op == OCT_OP_ADD || op == OCT_OP_SUB)
            build_node(&b, op, a, c, i + 1, op == OCT_OP_ADD ? OCT_OPTIONS_Add : OCT_OPTIONS_Sub);
        else if (op == OCT_OP_NEG)
            build_node(&b, op, a, -1, i + 1, OCT_OPTIONS_Neg);
        else
            build_node(&b, op, a, op == OCT_OP_RESHAPE ? shape : axis, i + 1,
                op == OCT_OP_RESHAPE ? OCT_OPTIONS_Reshape : OCT_OPTIONS_ReverseV2);
    }
    build_end(&b, 0, NODES);
    return b;
}

static void test_random_graphs_share_memory_safely(void **unused)
{
    (void)unused;
    for (uint32_t seed = 1; seed <= 300; seed++) {
        uint32_t state = seed;
        plain p;
        const float x[LENGTH] = { 1, 2, 4, 8, 16, 32 };
        memcpy(p.values[0], x, sizeof x);
        builder b = random_graph(&state, &p);
        oct_session *session = open_session(&b, OCT_KERNELS_FAST, 1);
        set_input(session, x, LENGTH);
        run(session);
        run(session); /* the input must have survived the first one */
        const float *y = oct_session_output(session, 0, NULL);
        for (int i = 0; i < LENGTH; i++)
            if (y[i] != p.values[NODES][i])
                fail_msg("seed %u [%d]: got %g, want %g", (unsigned)seed, i, (double)y[i],
                    (double)p.values[NODES][i]);
        oct_session_free(session);
        oct_graph_free(b.graph);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_again_and_again),
        cmocka_unit_test(test_in_place_chain_takes_one_buffer),
        cmocka_unit_test(test_tap_sees_every_value_in_order),
        cmocka_unit_test(test_shape_arithmetic_is_gone),
        cmocka_unit_test(test_half_weights_are_widened_once),
        cmocka_unit_test(test_batch),
        cmocka_unit_test(test_errors_name_node_and_operator),
        cmocka_unit_test(test_bad_index_is_an_error_of_the_run),
        cmocka_unit_test(test_random_graphs_share_memory_safely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
