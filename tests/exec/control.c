/*
 * What a session plans while it runs: shapes that follow from data, called subgraphs, variables.
 */
#include "exec/build.h"
#include "exec/internal.h"

#include <string.h>

static oct_session *open_graph(const oct_graph *graph)
{
    oct_session *session = NULL;
    oct_error err = { 0 };
    if (oct_session_create_graph(graph, NULL, &session, &err) != OCT_OK)
        fail_msg("%s", err.text);
    return session;
}

/* x [4] -> WHERE(x) -> y [n][1] -> CAST -> z: z has as many rows as x has values that are not 0. */
static builder where_cast(void)
{
    builder b = build_begin();
    const int32_t rows[2] = { 1, 1 };
    int32_t x = build_floats(&b, "x", 4);
    int32_t y = build_tensor(&b, "y", OCT_INT64, 2, rows), z = build_tensor(&b, "z", OCT_INT32, 2, rows);
    build_node(&b, OCT_OP_WHERE, x, -1, y, OCT_OPTIONS_NONE);
    build_node(&b, OCT_OP_CAST, y, -1, z, OCT_OPTIONS_NONE);
    build_end(&b, x, z);
    return b;
}

static void test_shapes_follow_from_data(void **unused)
{
    (void)unused;
    builder b = where_cast();
    oct_session *session = open_graph(b.graph);
    static const struct { float x[4]; int32_t rows, y[4]; } cases[] = {
        { { 0, 1, 0, 2 }, 2, { 1, 3 } }, { { 5, 1, 3, 2 }, 4, { 0, 1, 2, 3 } }, { { 0, 0, 0, 0 }, 0, { 0 } },
        { { 0, 0, 7, 0 }, 1, { 2 } }
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t bytes;
        int32_t dims[8];
        memcpy(oct_session_input(session, 0, NULL), cases[i].x, sizeof cases[i].x);
        assert_int_equal(oct_session_run(session, NULL), OCT_OK);
        const int32_t *y = oct_session_output(session, 0, &bytes);
        assert_int_equal(oct_session_output_shape(session, 0, dims), 2);
        assert_int_equal(dims[0], cases[i].rows);
        assert_int_equal(dims[1], 1);
        assert_int_equal(bytes, (size_t)cases[i].rows * sizeof *y);
        for (int32_t k = 0; k < cases[i].rows; k++)
            assert_int_equal(y[k], cases[i].y[k]);
    }
    assert_int_equal(oct_session_output_shape(session, 1, (int32_t[8]){ 0 }), -1);
    oct_session_free(session);
    oct_graph_free(b.graph);
}

/* WHILE whose subgraphs are the main one: calls would never end. */
static void test_subgraphs_that_call_themselves_are_refused(void **unused)
{
    (void)unused;
    builder b = build_begin();
    int32_t x = build_tensor(&b, "x", OCT_BOOL, 0, NULL), y = build_tensor(&b, "y", OCT_BOOL, 0, NULL);
    oct_node *node = build_node(&b, OCT_OP_IF, x, x, y, OCT_OPTIONS_If);
    oct_if_options *options = node->options;
    build_end(&b, x, y);
    oct_error err = { 0 };
    oct_session *session = open_graph(b.graph);
    *(bool *)oct_session_input(session, 0, NULL) = true;
    assert_int_equal(oct_session_run(session, &err), OCT_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "call each other"));
    options->then_subgraph_index = 3;
    assert_int_equal(oct_session_run(session, &err), OCT_E_INVALID);
    assert_string_equal(err.text, "subgraph 3 of 1 is called");
    oct_session_free(session);
    oct_graph_free(b.graph);
}

/* y = (the variable "v") after it was assigned x; with `late` the reading comes first. */
static builder variable_graph(bool early)
{
    builder b = build_begin();
    int32_t x = build_floats(&b, "x", 2), y = build_floats(&b, "y", 2);
    int32_t handle = build_tensor(&b, "handle", OCT_RESOURCE, 0, NULL);
    oct_node *make = NULL, *assign = NULL;
    const int32_t pair[2] = { handle, x };
    assert_int_equal(oct_graph_insert_node(b.graph, b.sub, 0, OCT_OP_VAR_HANDLE, NULL, 0, &handle, 1,
                         OCT_OPTIONS_VarHandle, &make, NULL),
        OCT_OK);
    ((oct_var_handle_options *)make->options)->shared_name = "v";
    build_node(&b, OCT_OP_READ_VARIABLE, handle, -1, y, OCT_OPTIONS_NONE);
    assert_int_equal(oct_graph_insert_node(b.graph, b.sub, early ? 2 : 1, OCT_OP_ASSIGN_VARIABLE, pair, 2,
                         NULL, 0, OCT_OPTIONS_NONE, &assign, NULL),
        OCT_OK);
    build_end(&b, x, y);
    return b;
}

static void test_variables_keep_their_values(void **unused)
{
    (void)unused;
    builder b = variable_graph(true);
    oct_error err = { 0 };
    oct_session *session = open_graph(b.graph);
    assert_int_equal(oct_session_run(session, &err), OCT_E_INVALID);
    assert_non_null(strstr(err.text, "read before it is assigned"));
    oct_session_free(session);
    oct_graph_free(b.graph);

    b = variable_graph(false);
    session = open_graph(b.graph);
    for (int i = 0; i < 3; i++) {
        const float x[2] = { (float)i, (float)-i };
        memcpy(oct_session_input(session, 0, NULL), x, sizeof x);
        assert_int_equal(oct_session_run(session, NULL), OCT_OK);
        assert_memory_equal(oct_session_output(session, 0, NULL), x, sizeof x);
    }
    assert_non_null(session->host.read(&session->host, 0));
    oct_session_reset(session);
    assert_null(session->host.read(&session->host, 0));
    assert_int_equal(oct_session_run(session, NULL), OCT_OK);
    oct_session_free(session);
    oct_graph_free(b.graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes_follow_from_data),
        cmocka_unit_test(test_subgraphs_that_call_themselves_are_refused),
        cmocka_unit_test(test_variables_keep_their_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
