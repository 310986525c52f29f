/*
 * Small graphs for the tests of the engine: every function fails the test when the library does.
 */
#ifndef OCT_TESTS_EXEC_BUILD_H
#define OCT_TESTS_EXEC_BUILD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "exec/session.h"

typedef struct builder { oct_graph *graph; oct_subgraph *sub; } builder;

static inline builder build_begin(void)
{
    builder b = { .graph = oct_graph_create() };
    assert_non_null(b.graph);
    assert_int_equal(oct_graph_add_subgraph(b.graph, "main", &b.sub, NULL), OCT_OK);
    return b;
}

static inline int32_t build_tensor(builder *b, const char *name, oct_type type, int32_t rank,
    const int32_t *dims)
{
    int32_t index = -1;
    assert_int_equal(oct_graph_add_tensor(b->graph, b->sub, name, type, rank, dims, &index, NULL),
        OCT_OK);
    return index;
}

static inline int32_t build_floats(builder *b, const char *name, int32_t count)
{
    return build_tensor(b, name, OCT_FLOAT32, 1, &count);
}

static inline int32_t build_constant(builder *b, const char *name, oct_type type, int32_t rank,
    const int32_t *dims, const void *bytes)
{
    int32_t index = -1;
    assert_int_equal(
        oct_graph_add_constant(b->graph, b->sub, name, type, rank, dims, bytes, &index, NULL), OCT_OK);
    return index;
}

/* A node with up to two inputs (-1: none) and one output. */
static inline oct_node *build_node(builder *b, oct_builtin op, int32_t a, int32_t c, int32_t y,
    oct_options_type options)
{
    const int32_t inputs[2] = { a, c };
    oct_node *node = NULL;
    assert_int_equal(oct_graph_insert_node(b->graph, b->sub, b->sub->node_count, op, inputs,
                         a < 0 ? 0 : c < 0 ? 1 : 2, &y, 1, options, &node, NULL),
        OCT_OK);
    return node;
}

static inline void build_end(builder *b, int32_t input, int32_t output)
{
    b->sub->inputs = oct_arena_copy(&b->graph->arena, &input, sizeof input);
    b->sub->outputs = oct_arena_copy(&b->graph->arena, &output, sizeof output);
    b->sub->input_count = b->sub->output_count = 1;
}

static inline oct_session *open_session(const builder *b, oct_kernels kernels, int32_t threads)
{
    oct_session_options options = { kernels, threads, 0 };
    oct_session *session = NULL;
    oct_error err = { 0 };
    if (oct_session_create_graph(b->graph, &options, &session, &err) != OCT_OK)
        fail_msg("%s", err.text);
    return session;
}

#endif
