/*
 * Small graphs for the tests of passes and quantizer, written down one node a line.
 */
#ifndef TESTS_PASSES_BUILD_H
#define TESTS_PASSES_BUILD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "graph/graph.h"

typedef struct built {
    oct_graph *graph;
    oct_subgraph *sub;
} built;

#define DIMS(...) (int32_t)(sizeof((int32_t[]){ __VA_ARGS__ }) / sizeof(int32_t)), (int32_t[]){ __VA_ARGS__ }
#define LIST(...) (int32_t[]){ __VA_ARGS__ }, (int32_t)(sizeof((int32_t[]){ __VA_ARGS__ }) / sizeof(int32_t))

static inline built build_start(void)
{
    built b = { oct_graph_create(), NULL };
    assert_non_null(b.graph);
    assert_int_equal(oct_graph_add_subgraph(b.graph, "main", &b.sub, NULL), OCT_OK);
    return b;
}

static inline int32_t build_tensor(built *b, const char *name, int32_t rank, const int32_t *dims)
{
    int32_t index;
    assert_int_equal(
        oct_graph_add_tensor(b->graph, b->sub, name, OCT_FLOAT32, rank, dims, &index, NULL), OCT_OK);
    return index;
}

static inline int32_t build_constant(built *b, const char *name, oct_type type, const void *bytes,
    int32_t rank, const int32_t *dims)
{
    int32_t index;
    assert_int_equal(
        oct_graph_add_constant(b->graph, b->sub, name, type, rank, dims, bytes, &index, NULL),
        OCT_OK);
    return index;
}

/* Appends a node with one output; returns it for its options. */
static inline oct_node *build_node(built *b, oct_builtin op, oct_options_type options,
    const int32_t *inputs, int32_t count, int32_t output)
{
    oct_node *node;
    assert_int_equal(oct_graph_insert_node(b->graph, b->sub, b->sub->node_count, op, inputs, count,
                         &output, 1, options, &node, NULL),
        OCT_OK);
    return node;
}

/* A 1x1 or larger convolution with stride 1 and the given padding. */
static inline oct_node *build_conv(built *b, int32_t x, int32_t w, int32_t bias, int32_t y,
    int padding)
{
    oct_node *node = build_node(b, OCT_OP_CONV_2D, OCT_OPTIONS_Conv2D, LIST(x, w, bias), y);
    oct_conv2d_options *options = node->options;
    options->stride_h = options->stride_w = 1;
    options->padding = (int8_t)padding;
    return node;
}

/* Declares the single input and output, with a signature serving_default. */
static inline void build_finish(built *b, int32_t input, int32_t output)
{
    oct_arena *arena = &b->graph->arena;
    b->sub->inputs = oct_arena_copy(arena, &input, sizeof input);
    b->sub->outputs = oct_arena_copy(arena, &output, sizeof output);
    b->sub->input_count = b->sub->output_count = 1;
    oct_signature signature = { .key = "serving_default", .input_count = 1, .output_count = 1 };
    oct_signature_entry in = { "in", input }, out = { "out", output };
    signature.inputs = oct_arena_copy(arena, &in, sizeof in);
    signature.outputs = oct_arena_copy(arena, &out, sizeof out);
    b->graph->signatures = oct_arena_copy(arena, &signature, sizeof signature);
    b->graph->signature_count = 1;
    oct_error err = { 0 };
    if (oct_graph_check(b->graph, &err) != OCT_OK)
        fail_msg("%s", err.text);
}

/* The values of an input slot of the node at a position. */
static inline const oct_tensor *build_in(const oct_subgraph *sub, int32_t at, int32_t slot)
{
    return sub->tensors[sub->nodes[at]->inputs[slot]];
}

static inline void assert_floats(const oct_tensor *tensor, const float *expected, size_t count)
{
    assert_int_equal(tensor->type, OCT_FLOAT32);
    assert_int_equal(tensor->size, count * sizeof *expected);
    assert_memory_equal(tensor->data, expected, count * sizeof *expected);
}

#endif
