/*
 * Fast kernels against reference kernels on random convolutions, larger than the golden models:
 * many panels, blocks, pieces and, for int16, chunks.
 *
 * Integer and hybrid outputs must be the same bytes for any number of threads; fast floats must be
 * the same bytes for any number of threads and near the reference.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build.h"

typedef struct layer {
    oct_builtin op;
    oct_type data, filter, bias; /* OCT_BOOL: no bias */
    int32_t x[4], k, units, stride, dilation, activation, groups;
    bool same, per_channel;
} layer;

static uint64_t state = 1;

static uint32_t draw(void)
{
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(state >> 33);
}

static int32_t between(int32_t lo, int32_t hi)
{
    return lo + (int32_t)(draw() % (uint32_t)(hi - lo + 1));
}

static int32_t one_of(const int32_t *list, int32_t count)
{
    return list[between(0, count - 1)];
}

static layer random_layer(int form)
{
    static const int32_t channels[] = { 1, 3, 8, 16, 17, 40, 64, 96, 130 };
    static const oct_builtin ops[] = { OCT_OP_CONV_2D, OCT_OP_CONV_2D, OCT_OP_DEPTHWISE_CONV_2D,
        OCT_OP_FULLY_CONNECTED };
    layer l = { .op = ops[between(0, 3)],
        .data = OCT_FLOAT32,
        .filter = OCT_INT8,
        .bias = OCT_FLOAT32,
        .k = between(1, 3),
        .stride = between(1, 2),
        .dilation = between(1, 2),
        .activation = between(0, 3),
        .groups = 1,
        .same = between(0, 1) == 1,
        .per_channel = between(0, 1) == 1 };
    if (form == 0)
        l.filter = OCT_FLOAT32;
    if (form == 2)
        l.data = OCT_INT8, l.bias = OCT_INT32;
    if (form == 3)
        l.data = OCT_INT16, l.bias = OCT_INT64;
    if (between(0, 7) == 0)
        l.bias = OCT_BOOL;
    l.x[0] = between(1, 2), l.x[1] = between(5, 23), l.x[2] = between(5, 23);
    l.x[3] = one_of(channels, 9);
    l.units = l.op == OCT_OP_DEPTHWISE_CONV_2D ? l.x[3] : one_of(channels, 9);
    if (l.op == OCT_OP_FULLY_CONNECTED)
        l.x[1] = l.x[2] = 1, l.x[3] = between(1, 1500), l.k = 1;
    if (l.op == OCT_OP_CONV_2D && between(0, 5) == 0)
        l.x[1] = l.x[2] = 7, l.x[3] = 250, l.k = 3; /* int16: several chunks */
    if (l.op == OCT_OP_CONV_2D && between(0, 3) == 0) {
        static const int32_t each[] = { 1, 4, 7, 16, 24 };
        l.groups = between(2, 5);
        l.x[3] = l.groups * one_of(each, 5), l.units = l.groups * one_of(each, 5);
    }
    if (l.op == OCT_OP_DEPTHWISE_CONV_2D && form == 1)
        l.per_channel = true;
    return l;
}

static float random_float(void)
{
    return (float)between(-1000, 1000) / 500.f;
}

static void *random_bytes(oct_type type, size_t count, size_t *size)
{
    *size = count * (size_t)oct_type_bits(type) / 8;
    char *bytes = malloc(*size + 1);
    for (size_t i = 0; i < count; i++) {
        if (type == OCT_FLOAT32)
            ((float *)bytes)[i] = random_float();
        else if (type == OCT_INT8)
            bytes[i] = (char)between(-127, 127);
        else if (type == OCT_INT16)
            ((int16_t *)bytes)[i] = (int16_t)between(-32768, 32767);
        else if (type == OCT_INT32)
            ((int32_t *)bytes)[i] = between(-40000, 40000);
        else
            ((int64_t *)bytes)[i] = (int64_t)between(-400000, 400000) * 100;
    }
    return bytes;
}

static int32_t add_constant(builder *b, const char *name, oct_type type, int32_t rank,
    const int32_t *dims)
{
    size_t count = 1, size;
    for (int32_t i = 0; i < rank; i++)
        count *= (size_t)dims[i];
    void *bytes = random_bytes(type, count, &size);
    int32_t index = build_constant(b, name, type, rank, dims, bytes);
    free(bytes);
    return index;
}

static void set_quant(builder *b, int32_t tensor, float scale, int64_t zero)
{
    assert_int_equal(
        oct_graph_set_quant(b->graph, b->sub->tensors[tensor], scale, zero, NULL), OCT_OK);
}

static void set_options(const layer *l, void *options)
{
    int8_t padding = l->same ? OCT_PADDING_SAME : OCT_PADDING_VALID;
    if (l->op == OCT_OP_CONV_2D) {
        oct_conv2d_options *o = options;
        o->padding = padding, o->fused_activation = (int8_t)l->activation;
        o->stride_h = o->stride_w = l->stride;
        o->dilation_h_factor = o->dilation_w_factor = l->dilation;
        o->quantized_bias_type = l->data == OCT_INT16 ? OCT_INT64 : OCT_FLOAT32;
    } else if (l->op == OCT_OP_DEPTHWISE_CONV_2D) {
        oct_depthwise_conv2d_options *o = options;
        o->padding = padding, o->fused_activation = (int8_t)l->activation;
        o->stride_h = o->stride_w = l->stride, o->depth_multiplier = 1;
        o->dilation_h_factor = o->dilation_w_factor = l->dilation;
    } else {
        oct_fully_connected_options *o = options;
        o->fused_activation = (int8_t)l->activation;
        o->asymmetric_quantize_inputs = l->same;
        o->quantized_bias_type = l->data == OCT_INT16 ? OCT_INT64 : OCT_FLOAT32;
    }
}

/* Scales that fill the output's range without saturating all of it. */
static void quantize_layer(
    builder *b, const layer *l, int32_t x, int32_t w, int32_t y, int32_t axis, size_t taps)
{
    float scales[130];
    int32_t count = l->per_channel ? l->units : 1;
    for (int32_t i = 0; i < count; i++)
        scales[i] = 0.004f * (float)between(10, 40);
    if (l->filter == OCT_INT8 && count > 1)
        assert_int_equal(oct_graph_set_channel_quant(b->graph, b->sub->tensors[w], axis, count,
                             scales, NULL), OCT_OK);
    else if (l->filter == OCT_INT8)
        set_quant(b, w, scales[0], 0);
    if (l->data == OCT_FLOAT32)
        return;
    bool wide = l->data == OCT_INT16;
    float s_x = wide ? 0.0001f : 0.02f;
    set_quant(b, x, s_x, wide ? 0 : between(-128, 127));
    set_quant(b, y, s_x * 0.1f * 70.f * sqrtf((float)taps), wide ? 0 : between(-128, 100));
}

static builder build_layer(const layer *l)
{
    builder b = build_begin();
    bool fc = l->op == OCT_OP_FULLY_CONNECTED, depthwise = l->op == OCT_OP_DEPTHWISE_CONV_2D;
    int32_t w_dims[4] = { l->units, l->k, l->k, l->x[3] / l->groups };
    if (depthwise)
        w_dims[0] = 1, w_dims[3] = l->units;
    if (fc)
        w_dims[1] = l->x[3];
    const int32_t y_dims[4] = { 1, 1, 1, 1 };
    int32_t x = build_tensor(&b, "x", l->data, 4, l->x);
    int32_t w = add_constant(&b, "w", l->filter, fc ? 2 : 4, w_dims);
    int32_t y = build_tensor(&b, "y", l->data, fc ? 2 : 4, y_dims);
    size_t taps = (size_t)(l->k * l->k) * (depthwise ? 1 : (size_t)l->x[3]);
    int32_t inputs[3] = { x, w, -1 };
    if (l->bias != OCT_BOOL)
        inputs[2] = add_constant(&b, "bias", l->bias, 1, &l->units);
    quantize_layer(&b, l, x, w, y, depthwise ? 3 : 0, taps);
    oct_node *node = NULL;
    oct_options_type options = fc ? OCT_OPTIONS_FullyConnected
        : depthwise               ? OCT_OPTIONS_DepthwiseConv2D
                                  : OCT_OPTIONS_Conv2D;
    assert_int_equal(oct_graph_insert_node(b.graph, b.sub, 0, l->op, inputs,
                         l->bias == OCT_BOOL ? 2 : 3, &y, 1, options, &node, NULL), OCT_OK);
    set_options(l, node->options);
    build_end(&b, x, y);
    return b;
}

/* Output bytes of a run on x; owned by the caller. */
static void *run(const builder *b, oct_kernels kernels, int32_t threads, const void *x,
    size_t x_size, size_t *size)
{
    oct_session *session = open_session(b, kernels, threads);
    size_t room;
    void *input = oct_session_input(session, 0, &room);
    assert_int_equal(room, x_size);
    memcpy(input, x, x_size);
    assert_int_equal(oct_session_run(session, NULL), OCT_OK);
    const void *output = oct_session_output(session, 0, size);
    void *copy = malloc(*size + 1);
    memcpy(copy, output, *size);
    oct_session_free(session);
    return copy;
}

/* Products are at most 4: partial sums grow like the root of their number, and so do the steps of
 * rounding. */
static void check_near(const float *got, const float *want, size_t count, int32_t taps,
    const char *text)
{
    float bound = 1e-7f * (float)(10 + taps);
    for (size_t i = 0; i < count; i++)
        if (!(fabsf(got[i] - want[i]) <= bound * fmaxf(1.f, fabsf(want[i]))))
            fail_msg("%s: output %zu is %g, not %g", text, i, (double)got[i], (double)want[i]);
}

static void check_layer(const layer *l, int number)
{
    char text[200];
    snprintf(text, sizeof text, "layer %d: %s %s x %s, [%d,%d,%d,%d] -> %d, k %d s %d d %d act %d",
        number, oct_builtin_name(l->op), oct_type_name(l->data), oct_type_name(l->filter),
        (int)l->x[0], (int)l->x[1], (int)l->x[2], (int)l->x[3], (int)l->units, (int)l->k,
        (int)l->stride, (int)l->dilation, (int)l->activation);
    builder b = build_layer(l);
    size_t x_size, size, other;
    void *x = random_bytes(
        l->data, (size_t)l->x[0] * (size_t)l->x[1] * (size_t)l->x[2] * (size_t)l->x[3], &x_size);
    void *ref = run(&b, OCT_KERNELS_REF, 1, x, x_size, &size);
    void *fast = run(&b, OCT_KERNELS_FAST, 1, x, x_size, &other);
    void *split = run(&b, OCT_KERNELS_FAST, 3, x, x_size, &other);
    assert_int_equal(size, other);
    if (memcmp(fast, split, size) != 0)
        fail_msg("%s: three threads give other bytes", text);
    if (l->filter == OCT_FLOAT32)
        check_near(fast, ref, size / sizeof(float), l->k * l->k * l->x[3], text);
    else if (memcmp(fast, ref, size) != 0)
        fail_msg("%s: fast and reference bytes differ", text);
    free(split);
    free(fast);
    free(ref);
    free(x);
    oct_graph_free(b.graph);
}

static void check_form(int form)
{
    for (int number = 0; number < 60; number++) {
        layer l = random_layer(form);
        check_layer(&l, number);
    }
}

static void test_float(void **unused)
{
    (void)unused;
    check_form(0);
}

static void test_hybrid(void **unused)
{
    (void)unused;
    check_form(1);
}

static void test_int8(void **unused)
{
    (void)unused;
    check_form(2);
}

static void test_int16(void **unused)
{
    (void)unused;
    check_form(3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_float),
        cmocka_unit_test(test_hybrid),
        cmocka_unit_test(test_int8),
        cmocka_unit_test(test_int16),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
