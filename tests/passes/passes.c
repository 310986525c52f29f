/*
 * Every rewrite on a graph small enough to know the answer by hand, and once where it must not act.
 */
#include "passes/build.h"

#include "passes/pass.h"

static void run(built *b)
{
    oct_error err = { 0 };
    if (oct_passes_run(b->graph, &err) != OCT_OK)
        fail_msg("%s", err.text);
}

static const float conv_w[4] = { 1.1f, 2.2f, -3.3f, 4.4f }; /* [2][1][1][2] */
static const float scale[2] = { 0.3f, -0.7f }, shift[2] = { 0.01f, 5.f }, bias[2] = { 0.25f, -1.f };

/* conv -> MUL -> ADD -> RELU6, with or without a second reader of the convolution. */
static built batch_norm(bool second_reader)
{
    built b = build_start();
    int32_t x = build_tensor(&b, "x", DIMS(1, 4, 4, 2));
    int32_t w = build_constant(&b, "w", OCT_FLOAT32, conv_w, DIMS(2, 1, 1, 2));
    int32_t c = build_constant(&b, "b", OCT_FLOAT32, bias, DIMS(2));
    int32_t s = build_constant(&b, "s", OCT_FLOAT32, scale, DIMS(2));
    int32_t t = build_constant(&b, "t", OCT_FLOAT32, shift, DIMS(2));
    int32_t y = build_tensor(&b, "y", DIMS(1, 4, 4, 2)), m = build_tensor(&b, "m", DIMS(1, 4, 4, 2));
    int32_t a = build_tensor(&b, "a", DIMS(1, 4, 4, 2)), r = build_tensor(&b, "r", DIMS(1, 4, 4, 2));
    int32_t out = build_tensor(&b, "out", DIMS(1, 4, 4, 2));
    build_conv(&b, x, w, c, y, OCT_PADDING_SAME);
    build_node(&b, OCT_OP_MUL, OCT_OPTIONS_Mul, LIST(y, s), m);
    build_node(&b, OCT_OP_ADD, OCT_OPTIONS_Add, LIST(t, m), a);
    build_node(&b, OCT_OP_RELU6, OCT_OPTIONS_NONE, LIST(a), r);
    build_node(&b, OCT_OP_ADD, OCT_OPTIONS_Add, LIST(r, second_reader ? y : x), out);
    build_finish(&b, x, out);
    return b;
}

static void test_batch_norm_folds_into_the_convolution(void **unused)
{
    (void)unused;
    built b = batch_norm(false);
    run(&b);
    assert_int_equal(b.sub->node_count, 2);
    const oct_conv2d_options *options = b.sub->nodes[0]->options;
    assert_int_equal(options->fused_activation, OCT_ACT_RELU6);
    float w[4], c[2];
    for (int i = 0; i < 4; i++)
        w[i] = conv_w[i] * scale[i / 2];
    for (int i = 0; i < 2; i++) {
        float product = bias[i] * scale[i];
        c[i] = product + shift[i];
    }
    assert_floats(build_in(b.sub, 0, 1), w, 4);
    assert_floats(build_in(b.sub, 0, 2), c, 2);
    assert_int_equal(b.sub->tensor_count, 5); /* x, w, b, r, out */
    oct_graph_free(b.graph);
}

static void test_batch_norm_stays_when_the_convolution_is_read_twice(void **unused)
{
    (void)unused;
    built b = batch_norm(true);
    run(&b);
    assert_int_equal(b.sub->node_count, 4); /* conv, MUL, ADD with RELU6, ADD */
    assert_floats(build_in(b.sub, 0, 1), conv_w, 4);
    const oct_add_options *options = b.sub->nodes[2]->options;
    assert_int_equal(options->fused_activation, OCT_ACT_RELU6);
    oct_graph_free(b.graph);
}

/* conv [1,1,4,2] -> RESHAPE [1,4,2] -> MUL -> ADD -> RELU, as one-dimensional convolutions come. */
static void test_views_do_not_stop_folding(void **unused)
{
    (void)unused;
    built b = build_start();
    const int32_t shape[3] = { 1, 4, 2 };
    int32_t x = build_tensor(&b, "x", DIMS(1, 1, 4, 2)), y = build_tensor(&b, "y", DIMS(1, 1, 4, 2));
    int32_t v = build_tensor(&b, "v", DIMS(1, 4, 2)), m = build_tensor(&b, "m", DIMS(1, 4, 2));
    int32_t a = build_tensor(&b, "a", DIMS(1, 4, 2)), r = build_tensor(&b, "r", DIMS(1, 4, 2));
    int32_t w = build_constant(&b, "w", OCT_FLOAT32, conv_w, DIMS(2, 1, 1, 2));
    int32_t c = build_constant(&b, "b", OCT_FLOAT32, bias, DIMS(2));
    int32_t s = build_constant(&b, "s", OCT_FLOAT32, scale, DIMS(2));
    int32_t t = build_constant(&b, "t", OCT_FLOAT32, shift, DIMS(2));
    int32_t p = build_constant(&b, "shape", OCT_INT32, shape, DIMS(3));
    build_conv(&b, x, w, c, y, OCT_PADDING_VALID);
    build_node(&b, OCT_OP_RESHAPE, OCT_OPTIONS_Reshape, LIST(y, p), v);
    build_node(&b, OCT_OP_MUL, OCT_OPTIONS_Mul, LIST(v, s), m);
    build_node(&b, OCT_OP_ADD, OCT_OPTIONS_Add, LIST(m, t), a);
    build_node(&b, OCT_OP_RELU, OCT_OPTIONS_NONE, LIST(a), r);
    build_finish(&b, x, r);
    run(&b);
    assert_int_equal(b.sub->node_count, 2);
    assert_int_equal(b.sub->nodes[1]->op, OCT_OP_RESHAPE);
    assert_string_equal(b.sub->tensors[b.sub->outputs[0]]->name, "r");
    const oct_conv2d_options *options = b.sub->nodes[0]->options;
    assert_int_equal(options->fused_activation, OCT_ACT_RELU);
    oct_graph_free(b.graph);
}

/* The data of a transposed convolution is input 2, its bias a slot that may be missing. */
static void test_transposed_convolutions_get_a_bias(void **unused)
{
    (void)unused;
    built b = build_start();
    const int32_t shape[4] = { 1, 4, 4, 2 };
    int32_t x = build_tensor(&b, "x", DIMS(1, 2, 2, 2)), y = build_tensor(&b, "y", DIMS(1, 4, 4, 2));
    int32_t a = build_tensor(&b, "a", DIMS(1, 4, 4, 2)), m = build_tensor(&b, "m", DIMS(1, 4, 4, 2));
    int32_t p = build_constant(&b, "shape", OCT_INT32, shape, DIMS(4));
    int32_t w = build_constant(&b, "w", OCT_FLOAT32, conv_w, DIMS(2, 1, 1, 2));
    int32_t s = build_constant(&b, "s", OCT_FLOAT32, scale, DIMS(2));
    int32_t t = build_constant(&b, "t", OCT_FLOAT32, shift, DIMS(1, 1, 1, 2));
    oct_transpose_conv_options *options = build_node(&b, OCT_OP_TRANSPOSE_CONV,
        OCT_OPTIONS_TransposeConv, LIST(p, w, x), y)->options;
    options->stride_h = options->stride_w = 2;
    build_node(&b, OCT_OP_MUL, OCT_OPTIONS_Mul, LIST(y, s), m);
    build_node(&b, OCT_OP_SUB, OCT_OPTIONS_Sub, LIST(m, t), a);
    build_finish(&b, x, a);
    run(&b);
    assert_int_equal(b.sub->node_count, 1);
    assert_int_equal(b.sub->nodes[0]->input_count, 4);
    const float moved[2] = { -shift[0], -shift[1] };
    assert_floats(build_in(b.sub, 0, 3), moved, 2);
    oct_graph_free(b.graph);
}

static void test_constants_in_front_of_a_dense_layer_fold(void **unused)
{
    (void)unused;
    built b = build_start();
    int32_t x = build_tensor(&b, "x", DIMS(1, 2)), m = build_tensor(&b, "m", DIMS(1, 2));
    int32_t a = build_tensor(&b, "a", DIMS(1, 2)), y = build_tensor(&b, "y", DIMS(1, 2));
    int32_t s = build_constant(&b, "s", OCT_FLOAT32, scale, DIMS(2));
    int32_t t = build_constant(&b, "t", OCT_FLOAT32, shift, DIMS(1, 2));
    int32_t w = build_constant(&b, "w", OCT_FLOAT32, conv_w, DIMS(2, 2));
    int32_t c = build_constant(&b, "b", OCT_FLOAT32, bias, DIMS(2));
    build_node(&b, OCT_OP_MUL, OCT_OPTIONS_Mul, LIST(x, s), m);
    build_node(&b, OCT_OP_ADD, OCT_OPTIONS_Add, LIST(m, t), a);
    build_node(&b, OCT_OP_FULLY_CONNECTED, OCT_OPTIONS_FullyConnected, LIST(a, w, c), y);
    build_finish(&b, x, y);
    run(&b);
    assert_int_equal(b.sub->node_count, 1);
    float scaled[4], moved[2];
    for (int i = 0; i < 4; i++)
        scaled[i] = conv_w[i] * scale[i % 2];
    for (int o = 0; o < 2; o++) {
        double sum = (double)conv_w[2 * o] * (double)shift[0] +
            (double)conv_w[2 * o + 1] * (double)shift[1];
        moved[o] = bias[o] + (float)sum;
    }
    assert_floats(build_in(b.sub, 0, 1), scaled, 4);
    assert_floats(build_in(b.sub, 0, 2), moved, 2);
    oct_graph_free(b.graph);
}

/* ADD or SUB of (first, second) with an activation, then a convolution: how many nodes are left. */
static int32_t left_in_front(oct_builtin op, bool constant_first, int8_t activation)
{
    built b = build_start();
    int32_t x = build_tensor(&b, "x", DIMS(1, 1, 4, 2)), a = build_tensor(&b, "a", DIMS(1, 1, 4, 2));
    int32_t y = build_tensor(&b, "y", DIMS(1, 1, 4, 2));
    int32_t t = build_constant(&b, "t", OCT_FLOAT32, shift, DIMS(1));
    int32_t w = build_constant(&b, "w", OCT_FLOAT32, conv_w, DIMS(2, 1, 1, 2));
    int32_t c = build_constant(&b, "b", OCT_FLOAT32, bias, DIMS(2));
    oct_options_type type = op == OCT_OP_SUB ? OCT_OPTIONS_Sub : OCT_OPTIONS_Add;
    oct_node *node = constant_first ? build_node(&b, op, type, LIST(t, x), a) :
                                      build_node(&b, op, type, LIST(x, t), a);
    if (op == OCT_OP_SUB)
        ((oct_sub_options *)node->options)->fused_activation = activation;
    else
        ((oct_add_options *)node->options)->fused_activation = activation;
    build_conv(&b, a, w, c, y, OCT_PADDING_VALID);
    build_finish(&b, x, y);
    run(&b);
    int32_t count = b.sub->node_count;
    oct_graph_free(b.graph);
    return count;
}

static void test_only_plain_sums_fold_into_the_next_layer(void **unused)
{
    (void)unused;
    assert_int_equal(left_in_front(OCT_OP_ADD, false, OCT_ACT_NONE), 1);
    assert_int_equal(left_in_front(OCT_OP_ADD, true, OCT_ACT_NONE), 1);
    assert_int_equal(left_in_front(OCT_OP_SUB, false, OCT_ACT_NONE), 1);
    assert_int_equal(left_in_front(OCT_OP_SUB, true, OCT_ACT_NONE), 2); /* t - x */
    assert_int_equal(left_in_front(OCT_OP_ADD, false, OCT_ACT_RELU), 2);
}

/* x -> MUL(scalar) -> ADD(scalar) -> conv 2x2. */
static int32_t nodes_after_rescaling(int padding)
{
    built b = build_start();
    const float one = 1.f;
    int32_t x = build_tensor(&b, "x", DIMS(1, 4, 4, 1)), m = build_tensor(&b, "m", DIMS(1, 4, 4, 1));
    int32_t a = build_tensor(&b, "a", DIMS(1, 4, 4, 1));
    int32_t size = padding == OCT_PADDING_SAME ? 4 : 3;
    int32_t y = build_tensor(&b, "y", DIMS(1, size, size, 1));
    int32_t s = build_constant(&b, "s", OCT_FLOAT32, scale, DIMS(1));
    int32_t t = build_constant(&b, "t", OCT_FLOAT32, shift, DIMS(1));
    int32_t w = build_constant(&b, "w", OCT_FLOAT32, conv_w, DIMS(1, 2, 2, 1));
    int32_t c = build_constant(&b, "b", OCT_FLOAT32, &one, DIMS(1));
    build_node(&b, OCT_OP_MUL, OCT_OPTIONS_Mul, LIST(x, s), m);
    build_node(&b, OCT_OP_ADD, OCT_OPTIONS_Add, LIST(m, t), a);
    build_conv(&b, a, w, c, y, padding);
    build_finish(&b, x, y);
    run(&b);
    int32_t nodes = b.sub->node_count;
    oct_graph_free(b.graph);
    return nodes;
}

static void test_rescaling_folds_only_where_nothing_is_padded(void **unused)
{
    (void)unused;
    assert_int_equal(nodes_after_rescaling(OCT_PADDING_VALID), 1);
    assert_int_equal(nodes_after_rescaling(OCT_PADDING_SAME), 3);
}

/* PAD -> conv kxk with a stride, VALID; returns what is left of it. */
static int32_t nodes_after_padding(int32_t in, int32_t k, int32_t stride, int32_t before,
    int32_t after, bool known)
{
    built b = build_start();
    float weights[49] = { 1.f }, zero = 0.f;
    const int32_t pads[8] = { 0, 0, before, after, before, after, 0, 0 };
    int32_t padded = in + before + after, out = (padded - k) / stride + 1;
    int32_t x = build_tensor(&b, "x", DIMS(1, in, in, 1));
    int32_t p = build_constant(&b, "pads", OCT_INT32, pads, DIMS(4, 2));
    int32_t q = build_tensor(&b, "q", DIMS(1, padded, padded, 1));
    int32_t w = build_constant(&b, "w", OCT_FLOAT32, weights, DIMS(1, k, k, 1));
    int32_t c = build_constant(&b, "b", OCT_FLOAT32, &zero, DIMS(1));
    int32_t y = build_tensor(&b, "y", DIMS(1, out, out, 1));
    int32_t signature[4] = { -1, -1, -1, 1 };
    if (!known)
        b.sub->tensors[x]->signature = signature;
    build_node(&b, OCT_OP_PAD, OCT_OPTIONS_Pad, LIST(x, p), q);
    oct_conv2d_options *options = build_conv(&b, q, w, c, y, OCT_PADDING_VALID)->options;
    options->stride_h = options->stride_w = stride;
    build_finish(&b, x, y);
    run(&b);
    int32_t nodes = b.sub->node_count;
    options = b.sub->nodes[nodes - 1]->options;
    assert_int_equal(options->padding, nodes == 1 ? OCT_PADDING_SAME : OCT_PADDING_VALID);
    oct_graph_free(b.graph);
    return nodes;
}

static void test_padding_becomes_same_only_when_both_pad_alike(void **unused)
{
    (void)unused;
    assert_int_equal(nodes_after_padding(7, 3, 2, 1, 1, true), 1);
    assert_int_equal(nodes_after_padding(8, 3, 2, 0, 1, true), 1);
    assert_int_equal(nodes_after_padding(8, 3, 2, 1, 1, true), 2);
    assert_int_equal(nodes_after_padding(224, 7, 2, 3, 3, true), 2);
    assert_int_equal(nodes_after_padding(7, 3, 2, 1, 1, false), 2);
}

static void test_identities_and_dead_nodes_vanish(void **unused)
{
    (void)unused;
    built b = build_start();
    const int32_t flat[2] = { 1, 8 }, square[2] = { 2, 4 };
    int32_t x = build_tensor(&b, "x", DIMS(2, 4)), y = build_tensor(&b, "y", DIMS(1, 8));
    int32_t z = build_tensor(&b, "z", DIMS(2, 4)), dead = build_tensor(&b, "dead", DIMS(2, 4));
    int32_t r = build_tensor(&b, "r", DIMS(2, 4)), s = build_tensor(&b, "s", DIMS(2, 4));
    int32_t cast = build_tensor(&b, "cast", DIMS(2, 4));
    int32_t f = build_constant(&b, "flat", OCT_INT32, flat, DIMS(2));
    int32_t q = build_constant(&b, "square", OCT_INT32, square, DIMS(2));
    int32_t again = build_constant(&b, "square again", OCT_INT32, square, DIMS(2));
    build_node(&b, OCT_OP_RESHAPE, OCT_OPTIONS_Reshape, LIST(x, f), y);
    build_node(&b, OCT_OP_RESHAPE, OCT_OPTIONS_Reshape, LIST(y, q), z); /* together: nothing */
    build_node(&b, OCT_OP_RELU, OCT_OPTIONS_NONE, LIST(z), dead);
    build_node(&b, OCT_OP_RELU, OCT_OPTIONS_NONE, LIST(z), r);
    build_node(&b, OCT_OP_CAST, OCT_OPTIONS_Cast, LIST(r), cast); /* float32 to float32 */
    build_node(&b, OCT_OP_RESHAPE, OCT_OPTIONS_Reshape, LIST(cast, again), s);
    build_finish(&b, x, s);
    run(&b);
    assert_int_equal(b.sub->node_count, 1);
    assert_int_equal(b.sub->nodes[0]->op, OCT_OP_RELU);
    assert_int_equal(b.sub->tensor_count, 2);
    assert_string_equal(b.sub->tensors[b.sub->outputs[0]]->name, "s"); /* outputs keep their names */
    assert_int_equal(b.graph->signatures[0].outputs[0].tensor, b.sub->outputs[0]);
    oct_graph_free(b.graph);
}

static void test_constants_are_computed_and_merged(void **unused)
{
    (void)unused;
    built b = build_start();
    int32_t x = build_tensor(&b, "x", DIMS(1, 2));
    int32_t s = build_constant(&b, "s", OCT_FLOAT32, scale, DIMS(2));
    int32_t t = build_constant(&b, "t", OCT_FLOAT32, shift, DIMS(2));
    int32_t p = build_tensor(&b, "p", DIMS(2)), q = build_tensor(&b, "q", DIMS(2));
    int32_t y = build_tensor(&b, "y", DIMS(1, 2)), z = build_tensor(&b, "z", DIMS(1, 2));
    build_node(&b, OCT_OP_MUL, OCT_OPTIONS_Mul, LIST(s, t), p);
    build_node(&b, OCT_OP_MUL, OCT_OPTIONS_Mul, LIST(t, s), q);
    build_node(&b, OCT_OP_ADD, OCT_OPTIONS_Add, LIST(x, p), y);
    build_node(&b, OCT_OP_MUL, OCT_OPTIONS_Mul, LIST(y, q), z);
    build_finish(&b, x, z);
    run(&b);
    assert_int_equal(b.sub->node_count, 2);
    assert_int_equal(b.sub->nodes[0]->inputs[1], b.sub->nodes[1]->inputs[1]);
    const float product[2] = { scale[0] * shift[0], scale[1] * shift[1] };
    assert_floats(build_in(b.sub, 0, 1), product, 2);
    oct_graph_free(b.graph);
}

/* Two poolings of x with windows a and b_window: added, or both outputs where `visible`. */
static int32_t nodes_of_twins(int32_t a, int32_t b_window, bool visible)
{
    built b = build_start();
    int32_t x = build_tensor(&b, "x", DIMS(1, 4, 4, 2)), sum = build_tensor(&b, "sum", DIMS(1, 4, 4, 2));
    int32_t p[2] = { build_tensor(&b, "p", DIMS(1, 4, 4, 2)), build_tensor(&b, "q", DIMS(1, 4, 4, 2)) };
    for (int i = 0; i < 2; i++) {
        oct_pool2d_options *options = build_node(&b, OCT_OP_AVERAGE_POOL_2D, OCT_OPTIONS_Pool2D,
            LIST(x), p[i])->options;
        options->stride_h = options->stride_w = 1;
        options->filter_height = options->filter_width = i == 0 ? a : b_window;
    }
    if (!visible)
        build_node(&b, OCT_OP_ADD, OCT_OPTIONS_Add, LIST(p[0], p[1]), sum);
    build_finish(&b, x, visible ? p[1] : sum);
    if (visible) {
        b.sub->outputs = oct_arena_copy(&b.graph->arena, p, sizeof p);
        b.sub->output_count = 2;
    }
    run(&b);
    int32_t count = b.sub->node_count;
    oct_graph_free(b.graph);
    return count;
}

static void test_nodes_that_do_the_same_are_done_once(void **unused)
{
    (void)unused;
    assert_int_equal(nodes_of_twins(3, 3, false), 2);
    assert_int_equal(nodes_of_twins(3, 2, false), 3); /* other windows */
    assert_int_equal(nodes_of_twins(3, 3, true), 2);  /* two outputs keep their names */
}

/* MEAN over two axes -> RESHAPE to a shape: what is left, and whether the MEAN keeps its dimensions. */
static int32_t nodes_after_mean(int32_t h, int32_t w, int32_t channels)
{
    built b = build_start();
    const int32_t axes[2] = { 1, -2 }, shape[4] = { -1, h, w, channels };
    const int32_t signature[4] = { -1, 4, 4, 2 }, flat[2] = { -1, 2 };
    int32_t x = build_tensor(&b, "x", DIMS(1, 4, 4, 2)), m = build_tensor(&b, "m", DIMS(1, 2));
    int32_t y = build_tensor(&b, "y", DIMS(1, h, w, channels));
    int32_t a = build_constant(&b, "axes", OCT_INT32, axes, DIMS(2));
    int32_t s = build_constant(&b, "shape", OCT_INT32, shape, DIMS(4));
    b.sub->tensors[x]->signature = oct_arena_copy(&b.graph->arena, signature, sizeof signature);
    b.sub->tensors[m]->signature = oct_arena_copy(&b.graph->arena, flat, sizeof flat);
    b.sub->tensors[y]->signature = oct_arena_copy(&b.graph->arena, shape, sizeof shape);
    oct_node *mean = build_node(&b, OCT_OP_MEAN, OCT_OPTIONS_Reducer, LIST(x, a), m);
    build_node(&b, OCT_OP_RESHAPE, OCT_OPTIONS_Reshape, LIST(m, s), y);
    build_finish(&b, x, y);
    run(&b);
    int32_t count = b.sub->node_count;
    assert_int_equal(((oct_reducer_options *)mean->options)->keep_dims, count == 1);
    assert_string_equal(b.sub->tensors[b.sub->outputs[0]]->name, "y");
    oct_graph_free(b.graph);
    return count;
}

static void test_a_reduction_keeps_the_dimensions_that_come_back(void **unused)
{
    (void)unused;
    assert_int_equal(nodes_after_mean(1, 1, 2), 1);
    assert_int_equal(nodes_after_mean(1, 2, 1), 2);
    assert_int_equal(nodes_after_mean(2, 1, 1), 2);
}

static void test_unknown_dimensions_reach_every_tensor(void **unused)
{
    (void)unused;
    built b = batch_norm(false);
    b.sub->tensors[b.sub->inputs[0]]->signature = (int32_t[]){ -1, 4, -1, 2 };
    assert_int_equal(oct_passes_infer_shapes(b.graph, NULL), OCT_OK);
    const oct_tensor *out = b.sub->tensors[b.sub->outputs[0]];
    assert_non_null(out->signature);
    assert_memory_equal(out->signature, ((int32_t[]){ -1, 4, -1, 2 }), 4 * sizeof(int32_t));
    assert_memory_equal(out->dims, ((int32_t[]){ 1, 4, 1, 2 }), 4 * sizeof(int32_t));

    oct_tensor *in = b.sub->tensors[b.sub->inputs[0]];
    in->signature = NULL;
    in->dims = (int32_t[]){ 3, 6, 5, 2 };
    assert_int_equal(oct_passes_infer_shapes(b.graph, NULL), OCT_OK);
    assert_null(out->signature);
    assert_memory_equal(out->dims, ((int32_t[]){ 3, 6, 5, 2 }), 4 * sizeof(int32_t));

    in->dims = (int32_t[]){ 3, 6, 5, 7 };
    oct_error err = { 0 };
    assert_int_equal(oct_passes_infer_shapes(b.graph, &err), OCT_E_INVALID);
    assert_non_null(strstr(err.text, "y (CONV_2D)"));
    oct_graph_free(b.graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batch_norm_folds_into_the_convolution),
        cmocka_unit_test(test_batch_norm_stays_when_the_convolution_is_read_twice),
        cmocka_unit_test(test_views_do_not_stop_folding),
        cmocka_unit_test(test_transposed_convolutions_get_a_bias),
        cmocka_unit_test(test_constants_in_front_of_a_dense_layer_fold),
        cmocka_unit_test(test_only_plain_sums_fold_into_the_next_layer),
        cmocka_unit_test(test_rescaling_folds_only_where_nothing_is_padded),
        cmocka_unit_test(test_padding_becomes_same_only_when_both_pad_alike),
        cmocka_unit_test(test_identities_and_dead_nodes_vanish),
        cmocka_unit_test(test_constants_are_computed_and_merged),
        cmocka_unit_test(test_nodes_that_do_the_same_are_done_once),
        cmocka_unit_test(test_a_reduction_keeps_the_dimensions_that_come_back),
        cmocka_unit_test(test_unknown_dimensions_reach_every_tensor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
