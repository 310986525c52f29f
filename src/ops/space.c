/*
 * SPACE_TO_DEPTH, DEPTH_TO_SPACE, SPACE_TO_BATCH_ND, BATCH_TO_SPACE_ND on NHWC images.
 *
 * All four move pixels between a big image and a grid of small ones: big pixel (y * bh + dy, x * bw + dx)
 * is small pixel (y, x) of cell (dy, dx), which is a slice of the channels or an image of the batch.
 * Sources: LiteRT tflite/kernels/internal/reference/space_to_depth.h, space_to_batch_nd.h and mirrors.
 */
#include <string.h>

#include "ops/arith.h"
#include "ops/version.h"

typedef struct params {
    int32_t block_h, block_w;
    int32_t top, left;               /* padding of, or crop from, the big image */
    size_t element;
    unsigned char fill[16];          /* a padding element */
} params;

static oct_status check_image(const oct_op *op, oct_error *err)
{
    OCT_TRY(oct_op_need_whole_bytes(op, op->in[0], err));
    if (op->in[0]->rank != 4)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "needs 4 dimensions, not %d",
            (int)op->in[0]->rank);
    return OCT_OK;
}

/* Keeps what the kernels need; edges NULL: none. */
static oct_status set_output(oct_op *op, const int64_t block[2], const int64_t *edges,
    const int32_t dims[4], oct_error *err)
{
    params *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, op->out[0]->label);
    int32_t zero = oct_value_zero(op->in[0]);
    op->prepared = p;
    *p = (params){ .block_h = (int32_t)block[0], .block_w = (int32_t)block[1],
        .element = oct_type_size(op->in[0]->type) };
    if (edges != NULL) {
        p->top = (int32_t)edges[0];
        p->left = (int32_t)edges[2];
    }
    memcpy(p->fill, &zero, p->element < sizeof zero ? p->element : sizeof zero);
    return oct_op_set_shape(op, 0, op->in[0]->type, 4, dims, err);
}

static oct_status infer_space_to_depth(oct_op *op, oct_error *err)
{
    OCT_TRY(check_image(op, err));
    const int32_t *in = op->in[0]->dims;
    int32_t block = ((const oct_space_to_depth_options *)op->options)->block_size;
    if (block < 1 || block > 4096 || in[1] % block != 0 || in[2] % block != 0)
        return oct_op_fail(op, OCT_E_INVALID, err, "blocks of %d in an image of %dx%d", (int)block,
            (int)in[1], (int)in[2]);
    int32_t depth;
    if (__builtin_mul_overflow(in[3], block * block, &depth))
        return oct_op_fail(op, OCT_E_INVALID, err, "too many channels");
    int32_t dims[4] = { in[0], in[1] / block, in[2] / block, depth };
    return set_output(op, (int64_t[2]){ block, block }, NULL, dims, err);
}

static oct_status infer_depth_to_space(oct_op *op, oct_error *err)
{
    OCT_TRY(check_image(op, err));
    const int32_t *in = op->in[0]->dims;
    int32_t block = ((const oct_depth_to_space_options *)op->options)->block_size, height, width;
    if (block < 1 || block > 4096 || in[3] % (block * block) != 0
        || __builtin_mul_overflow(in[1], block, &height) || __builtin_mul_overflow(in[2], block, &width))
        return oct_op_fail(op, OCT_E_INVALID, err, "blocks of %d from %d channels", (int)block,
            (int)in[3]);
    int32_t dims[4] = { in[0], height, width, in[3] / (block * block) };
    return set_output(op, (int64_t[2]){ block, block }, NULL, dims, err);
}

/* Block shape and the two rows of paddings or crops of the batch operators. */
static oct_status read_blocks(const oct_op *op, int64_t block[2], int64_t edges[4], oct_error *err)
{
    OCT_TRY(check_image(op, err));
    OCT_TRY(oct_op_need_known(op, 1, "block shape", err));
    OCT_TRY(oct_op_need_known(op, 2, "paddings", err));
    if (oct_value_count(op->in[1]) != 2 || oct_value_count(op->in[2]) != 4)
        return oct_op_fail(op, OCT_E_INVALID, err, "needs 2 block sizes and 2 pairs of edges");
    for (size_t i = 0; i < 4; i++) {
        edges[i] = oct_value_integer(op->in[2], i);
        block[i % 2] = oct_value_integer(op->in[1], i % 2);
        if (edges[i] < 0 || edges[i] > 1 << 20 || block[i % 2] < 1 || block[i % 2] > 4096)
            return oct_op_fail(op, OCT_E_INVALID, err, "block of %lld, edge of %lld",
                (long long)block[i % 2], (long long)edges[i]);
    }
    return OCT_OK;
}

static oct_status infer_space_to_batch(oct_op *op, oct_error *err)
{
    int64_t block[2], edges[4];
    OCT_TRY(read_blocks(op, block, edges, err));
    const int32_t *in = op->in[0]->dims;
    int64_t height = in[1] + edges[0] + edges[1], width = in[2] + edges[2] + edges[3];
    int64_t batch = in[0] * block[0] * block[1];
    if (height % block[0] != 0 || width % block[1] != 0 || batch > INT32_MAX)
        return oct_op_fail(op, OCT_E_INVALID, err, "%lldx%lld is no multiple of the block",
            (long long)height, (long long)width);
    int32_t dims[4] = { (int32_t)batch, (int32_t)(height / block[0]), (int32_t)(width / block[1]),
        in[3] };
    return set_output(op, block, edges, dims, err);
}

static oct_status infer_batch_to_space(oct_op *op, oct_error *err)
{
    int64_t block[2], edges[4];
    OCT_TRY(read_blocks(op, block, edges, err));
    const int32_t *in = op->in[0]->dims;
    int64_t height = in[1] * block[0] - edges[0] - edges[1];
    int64_t width = in[2] * block[1] - edges[2] - edges[3];
    if (height < 0 || width < 0 || height > INT32_MAX || width > INT32_MAX
        || in[0] % (block[0] * block[1]) != 0)
        return oct_op_fail(op, OCT_E_INVALID, err, "batch %d in blocks of %lldx%lld", (int)in[0],
            (long long)block[0], (long long)block[1]);
    int32_t dims[4] = { (int32_t)(in[0] / (block[0] * block[1])), (int32_t)height, (int32_t)width,
        in[3] };
    return set_output(op, block, edges, dims, err);
}

static unsigned char *pixel(const oct_value *image, size_t n, int64_t y, int64_t x, size_t bytes)
{
    size_t row = n * (size_t)image->dims[1] + (size_t)y;
    return (unsigned char *)image->data + (row * (size_t)image->dims[2] + (size_t)x) * bytes;
}

/* For each big pixel, its place in the deep image: cell-th slice of the channels of (y / bh, x / bw). */
static void move_depth(const params *p, const oct_value *big, const oct_value *deep, bool to_deep)
{
    size_t bytes = (size_t)big->dims[3] * p->element, deep_bytes = (size_t)deep->dims[3] * p->element;
    for (int32_t n = 0; n < big->dims[0]; n++)
        for (int32_t y = 0; y < big->dims[1]; y++)
            for (int32_t x = 0; x < big->dims[2]; x++) {
                size_t cell = (size_t)(y % p->block_h * p->block_w + x % p->block_w);
                unsigned char *a = pixel(big, (size_t)n, y, x, bytes);
                unsigned char *b = pixel(deep, (size_t)n, y / p->block_h, x / p->block_w, deep_bytes)
                    + cell * bytes;
                memcpy(to_deep ? b : a, to_deep ? a : b, bytes);
            }
}

static oct_status eval_space_to_depth(oct_op *op, oct_error *err)
{
    (void)err;
    move_depth(op->prepared, op->in[0], op->out[0], true);
    return OCT_OK;
}

static oct_status eval_depth_to_space(oct_op *op, oct_error *err)
{
    (void)err;
    move_depth(op->prepared, op->out[0], op->in[0], false);
    return OCT_OK;
}

/* For each small pixel, its place in the big image, which may lie in the padding or the crop. */
static void move_batch(const params *p, const oct_value *big, const oct_value *small, bool to_small)
{
    size_t bytes = (size_t)big->dims[3] * p->element;
    for (int32_t n = 0; n < small->dims[0]; n++)
        for (int32_t y = 0; y < small->dims[1]; y++)
            for (int32_t x = 0; x < small->dims[2]; x++) {
                int32_t cell = n / big->dims[0];
                int64_t big_y = (int64_t)y * p->block_h + cell / p->block_w - p->top;
                int64_t big_x = (int64_t)x * p->block_w + cell % p->block_w - p->left;
                bool inside = big_y >= 0 && big_y < big->dims[1] && big_x >= 0
                    && big_x < big->dims[2];
                unsigned char *b = pixel(small, (size_t)n, y, x, bytes);
                if (!inside && to_small)
                    for (size_t i = 0; i < bytes; i += p->element)
                        memcpy(b + i, p->fill, p->element);
                if (!inside)
                    continue;
                unsigned char *a = pixel(big, (size_t)(n % big->dims[0]), big_y, big_x, bytes);
                memcpy(to_small ? b : a, to_small ? a : b, bytes);
            }
}

static oct_status eval_space_to_batch(oct_op *op, oct_error *err)
{
    (void)err;
    move_batch(op->prepared, op->in[0], op->out[0], true);
    return OCT_OK;
}

static oct_status eval_batch_to_space(oct_op *op, oct_error *err)
{
    (void)err;
    move_batch(op->prepared, op->out[0], op->in[0], false);
    return OCT_OK;
}

static int32_t version_batch(const oct_subgraph *sub, const oct_node *node)
{
    const oct_tensor *in = oct_node_input(sub, node, 0);
    if (in == NULL)
        return 1;
    return in->type == OCT_INT16 ? 4 : in->rank != 4 ? 3 : in->type == OCT_INT8 ? 2 : 1;
}

#define COMMON(NAME, Table, has_s16)                                                               \
    .name = #NAME, .code = OCT_OP_##NAME, .min_out = 1, .max_out = 1,                              \
    .options = OCT_OPTIONS_##Table,                                                                \
    .quant = { .in = { OCT_ROLE_ACT, OCT_ROLE_NONE }, .in_slots = 2, .out = { OCT_ROLE_ACT },      \
        .out_slots = 1, .weight_axis = -1, .link = OCT_LINK_SAME, .s8 = true, .s16 = has_s16 }

const oct_op_def oct_op_space_to_depth = {
    COMMON(SPACE_TO_DEPTH, SpaceToDepth, false), .min_in = 1, .max_in = 1,
    .version = oct_version_s8_2, .runtime = "1.5 1.14", .infer = infer_space_to_depth,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_space_to_depth } },
};
const oct_op_def oct_op_depth_to_space = {
    COMMON(DEPTH_TO_SPACE, DepthToSpace, false), .min_in = 1, .max_in = 1,
    .version = oct_version_s8_2, .runtime = "2.1 2.5", .infer = infer_depth_to_space,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_depth_to_space } },
};
const oct_op_def oct_op_space_to_batch_nd = {
    COMMON(SPACE_TO_BATCH_ND, SpaceToBatchND, true), .min_in = 3, .max_in = 3,
    .version = version_batch, .runtime = "1.6 1.14 2.3 2.12", .infer = infer_space_to_batch,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_space_to_batch } },
};
const oct_op_def oct_op_batch_to_space_nd = {
    COMMON(BATCH_TO_SPACE_ND, BatchToSpaceND, true), .min_in = 3, .max_in = 3,
    .version = version_batch, .runtime = "1.6 1.14 2.3 2.12", .infer = infer_batch_to_space,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_batch_to_space } },
};
