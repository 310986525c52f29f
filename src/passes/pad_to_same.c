/*
 * Zero padding in front of a convolution becomes the convolution's own SAME padding where both pad
 * alike: the file loses an operator and the padded tensor is never stored.
 *
 * SAME pads max((ceil(in / stride) - 1) * stride + reach - in, 0), the smaller half in front.
 * Source: TensorFlow Lite's kernels/padding.h.
 */
#include "passes/list.h"
#include "passes/match.h"

typedef struct window {
    int8_t *padding;
    int32_t stride[2], dilation[2]; /* h, w */
} window;

static bool read_window(oct_node *node, window *w)
{
    if (node->options_type == OCT_OPTIONS_Conv2D) {
        oct_conv2d_options *o = node->options;
        *w = (window){ &o->padding, { o->stride_h, o->stride_w },
            { o->dilation_h_factor, o->dilation_w_factor } };
    } else if (node->options_type == OCT_OPTIONS_DepthwiseConv2D) {
        oct_depthwise_conv2d_options *o = node->options;
        *w = (window){ &o->padding, { o->stride_h, o->stride_w },
            { o->dilation_h_factor, o->dilation_w_factor } };
    } else {
        return false;
    }
    return w->stride[0] > 0 && w->stride[1] > 0;
}

static bool pads_like_same(int32_t in, int32_t kernel, int32_t stride, int32_t dilation,
    int32_t before, int32_t after)
{
    int64_t out = ((int64_t)in + stride - 1) / stride;
    int64_t total = (out - 1) * stride + (int64_t)(kernel - 1) * dilation + 1 - in;
    if (total < 0)
        total = 0;
    return before == total / 2 && after == total - total / 2;
}

/* Paddings [4][2] of an NHWC tensor; only height and width may be padded. */
static bool read_paddings(const oct_tensor *tensor, int32_t pads[4][2])
{
    if (tensor == NULL || tensor->data == NULL || tensor->type != OCT_INT32 ||
        oct_tensor_elements(tensor) != 8)
        return false;
    const int32_t *values = tensor->data;
    for (int i = 0; i < 8; i++)
        pads[i / 2][i % 2] = values[i];
    return pads[0][0] == 0 && pads[0][1] == 0 && pads[3][0] == 0 && pads[3][1] == 0;
}

static bool is_known(const oct_tensor *tensor, int32_t axis)
{
    return tensor->signature == NULL || tensor->signature[axis] >= 0;
}

static bool absorb(oct_subgraph *sub, int32_t at)
{
    oct_node *conv = sub->nodes[at];
    window w;
    int32_t pads[4][2];
    if (!read_window(conv, &w) || *w.padding != OCT_PADDING_VALID)
        return false;
    int32_t from = oct_sole_producer(sub, conv->inputs[0]);
    const oct_node *pad = from < 0 ? NULL : sub->nodes[from];
    if (pad == NULL || pad->op != OCT_OP_PAD || !read_paddings(oct_node_in(sub, pad, 1), pads))
        return false;
    const oct_tensor *in = sub->tensors[pad->inputs[0]], *kernel = oct_node_in(sub, conv, 1);
    if (in->rank != 4 || kernel == NULL || kernel->rank != 4)
        return false;
    for (int axis = 1; axis <= 2; axis++)
        if (!is_known(in, axis) ||
            !pads_like_same(in->dims[axis], kernel->dims[axis], w.stride[axis - 1],
                w.dilation[axis - 1], pads[axis][0], pads[axis][1]))
            return false;
    *w.padding = OCT_PADDING_SAME;
    conv->inputs[0] = pad->inputs[0];
    oct_graph_remove_node(sub, from);
    return true;
}

oct_status oct_pass_pad_to_same(oct_graph *graph, oct_subgraph *sub, int32_t *changed,
    oct_error *err)
{
    (void)graph;
    (void)err;
    for (int32_t i = 0; i < sub->node_count; i++)
        if (absorb(sub, i)) {
            (*changed)++;
            i--;
        }
    return OCT_OK;
}
