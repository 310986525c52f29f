/*
 * RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR on NHWC.
 *
 * Everything that depends on a row or a column alone is a table made in prepare. Integer bilinear works
 * on a grid of 1/1024 and rounds once, half away from zero; uint8 is the float version with + 0.5.
 * Sources: LiteRT tflite/kernels/internal/reference/resize_bilinear.h, resize_nearest_neighbor.h.
 */
#include <math.h>

#include "ops/arith.h"
#include "ops/axis_map.h"
#include "ops/version.h"

typedef struct mode { bool align_corners, half_pixel_centers; } mode;

static mode mode_of(const oct_op *op)
{
    if (op->node->op == OCT_OP_RESIZE_BILINEAR) {
        const oct_resize_bilinear_options *o = op->options;
        return (mode){ o->align_corners, o->half_pixel_centers };
    }
    const oct_resize_nearest_neighbor_options *o = op->options;
    return (mode){ o->align_corners, o->half_pixel_centers };
}

static oct_status infer(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0], *size = op->in[1];
    OCT_TRY(oct_op_need_known(op, 1, "size", err));
    OCT_TRY(oct_op_need_whole_bytes(op, in, err));
    if (in->rank != 4 || oct_value_count(size) != 2 || in->dims[1] < 1 || in->dims[2] < 1)
        return oct_op_fail(op, OCT_E_INVALID, err,
            "needs an image with 4 dimensions and a size of 2 numbers");
    int32_t dims[4] = { in->dims[0], (int32_t)oct_value_integer(size, 0),
        (int32_t)oct_value_integer(size, 1), in->dims[3] };
    if (dims[1] < 1 || dims[2] < 1 || dims[1] > 1 << 20 || dims[2] > 1 << 20 || in->dims[1] > 1 << 20
        || in->dims[2] > 1 << 20)
        return oct_op_fail(op, OCT_E_INVALID, err, "size %dx%d", (int)dims[1], (int)dims[2]);
    return oct_op_set_shape(op, 0, in->type, 4, dims, err);
}

static float float_scale(int32_t in, int32_t out, mode m)
{
    return m.align_corners && out > 1 ? (float)(in - 1) / (float)(out - 1) : (float)in / (float)out;
}

/* Output index o takes input index[o]. */
static int32_t *nearest_index(oct_op *op, int32_t in, int32_t out, mode m)
{
    int32_t *index = oct_op_alloc(op, (size_t)out * sizeof *index);
    float scale = float_scale(in, out, m), offset = m.half_pixel_centers ? 0.5f : 0.f;
    for (int32_t o = 0; index != NULL && o < out; o++) {
        float position = ((float)o + offset) * scale;
        int32_t i = (int32_t)(m.align_corners ? roundf(position) : floorf(position));
        index[o] = oct_clamp_i32(i, 0, in - 1);
    }
    return index;
}

static oct_status prepare_nearest(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0], *out = op->out[0];
    mode m = mode_of(op);
    oct_axis_map *map = oct_op_alloc(op, sizeof *map);
    int32_t *const index[4] = { oct_axis_identity(op, in->dims[0]),
        nearest_index(op, in->dims[1], out->dims[1], m),
        nearest_index(op, in->dims[2], out->dims[2], m), oct_axis_identity(op, in->dims[3]) };
    for (int i = 0; i < 4; i++)
        if (map == NULL || index[i] == NULL)
            return oct_fail_memory(err, sizeof *map, out->label);
    op->prepared = map;
    return oct_axis_map_init(op, map, oct_type_size(in->type), 4, in->dims, out->dims, index, err);
}

/* Two neighbours of an output index and the weight of the second: a fraction, or 1/1024 units. */
typedef struct tap { int32_t low, high; float part_f32; int32_t part; } tap;
typedef struct taps { tap *y, *x; } taps;

static tap float_tap(int32_t o, int32_t in, int32_t out, mode m)
{
    float scale = float_scale(in, out, m);
    float position = m.half_pixel_centers ? ((float)o + 0.5f) * scale - 0.5f : (float)o * scale;
    int32_t low = (int32_t)floorf(position), high = (int32_t)ceilf(position);
    low = low > 0 ? low : 0;
    return (tap){ .low = low < in ? low : in - 1, .high = high < in ? high : in - 1,
        .part_f32 = position - (float)low };
}

static tap integer_tap(int32_t o, int32_t in, int32_t out, mode m)
{
    int32_t scale = (int32_t)((1024 * (int64_t)in + out / 2) / out);
    if (m.align_corners && out > 1)
        scale = (int32_t)((1024 * (int64_t)(in - 1) + (out - 1) / 2) / (out - 1));
    int64_t position = (int64_t)o * scale + (m.half_pixel_centers ? scale / 2 - 512 : 0);
    int64_t low = position / 1024 > 0 ? position / 1024 : 0, high = (position + 1023) / 1024;
    low = low < in ? low : in - 1;
    return (tap){ .low = (int32_t)low, .high = (int32_t)(high < in ? high : in - 1),
        .part = (int32_t)(position - 1024 * low) };
}

static tap *make_taps(oct_op *op, int32_t in, int32_t out, mode m)
{
    bool integer = op->form == OCT_FORM_S8 || op->form == OCT_FORM_S16;
    tap *list = oct_op_alloc(op, (size_t)out * sizeof *list);
    for (int32_t o = 0; list != NULL && o < out; o++)
        list[o] = integer ? integer_tap(o, in, out, m) : float_tap(o, in, out, m);
    return list;
}

static oct_status prepare_bilinear(oct_op *op, oct_error *err)
{
    mode m = mode_of(op);
    if (m.align_corners && m.half_pixel_centers)
        return oct_op_fail(op, OCT_E_INVALID, err,
            "align_corners and half_pixel_centers exclude each other");
    const oct_value *in = op->in[0], *out = op->out[0];
    taps *t = oct_op_alloc(op, sizeof *t);
    if (t == NULL)
        return oct_fail_memory(err, sizeof *t, out->label);
    op->prepared = t;
    t->y = make_taps(op, in->dims[1], out->dims[1], m);
    t->x = make_taps(op, in->dims[2], out->dims[2], m);
    if (t->y == NULL || t->x == NULL)
        return oct_fail_memory(err, sizeof *t, out->label);
    return OCT_OK;
}

/* Channels of one output pixel from the four input pixels around it. */
typedef void (*pixel_fn)(void *y, const void *const corner[4], const tap *row, const tap *column,
    size_t channels);

#define FLOAT_PIXEL(name, type, convert)                                                           \
    static void name(void *y_, const void *const corner[4], const tap *row, const tap *column,     \
        size_t channels)                                                                           \
    {                                                                                              \
        const type *a = corner[0], *b = corner[1], *c = corner[2], *d = corner[3];                 \
        type *y = y_;                                                                              \
        float fy = row->part_f32, fx = column->part_f32, gy = 1.f - fy, gx = 1.f - fx;             \
        for (size_t i = 0; i < channels; i++) {                                                    \
            float sum = (float)a[i] * gy * gx + (float)c[i] * fy * gx + (float)b[i] * gy * fx      \
                + (float)d[i] * fy * fx;                                                           \
            y[i] = convert;                                                                        \
        }                                                                                          \
    }
FLOAT_PIXEL(pixel_f32, float, sum)
FLOAT_PIXEL(pixel_u8, uint8_t, (uint8_t)(sum + 0.5f))

#define INTEGER_PIXEL(name, type)                                                                  \
    static void name(void *y_, const void *const corner[4], const tap *row, const tap *column,     \
        size_t channels)                                                                           \
    {                                                                                              \
        const type *a = corner[0], *b = corner[1], *c = corner[2], *d = corner[3];                 \
        type *y = y_;                                                                              \
        int64_t fy = row->part, fx = column->part, gy = 1024 - fy, gx = 1024 - fx;                 \
        for (size_t i = 0; i < channels; i++) {                                                    \
            int64_t sum = a[i] * gy * gx + c[i] * fy * gx + b[i] * gy * fx + d[i] * fy * fx;       \
            int64_t half = sum > 0 ? 1 << 19 : -(1 << 19);                                         \
            y[i] = (type)((sum + half) / (1 << 20));                                               \
        }                                                                                          \
    }
INTEGER_PIXEL(pixel_s8, int8_t)
INTEGER_PIXEL(pixel_s16, int16_t)

typedef struct job { const oct_op *op; pixel_fn pixel; } job;

static void run_rows(void *user, size_t begin, size_t end, int32_t worker)
{
    (void)worker;
    const job *j = user;
    const oct_value *in = j->op->in[0], *out = j->op->out[0];
    const taps *t = j->op->prepared;
    size_t pixel_bytes = (size_t)in->dims[3] * oct_type_size(in->type);
    size_t in_row = (size_t)in->dims[2] * pixel_bytes, out_row = (size_t)out->dims[2] * pixel_bytes;
    for (size_t row = begin; row < end; row++) {
        const tap *ty = &t->y[row % (size_t)out->dims[1]];
        const unsigned char *image = (const unsigned char *)in->data
            + row / (size_t)out->dims[1] * (size_t)in->dims[1] * in_row;
        const unsigned char *top = image + (size_t)ty->low * in_row;
        const unsigned char *bottom = image + (size_t)ty->high * in_row;
        unsigned char *y = (unsigned char *)out->data + row * out_row;
        for (int32_t x = 0; x < out->dims[2]; x++, y += pixel_bytes) {
            size_t left = (size_t)t->x[x].low * pixel_bytes, right = (size_t)t->x[x].high * pixel_bytes;
            const void *const corner[4] = { top + left, top + right, bottom + left, bottom + right };
            j->pixel(y, corner, ty, &t->x[x], (size_t)in->dims[3]);
        }
    }
}

static void run_bilinear(oct_op *op, pixel_fn pixel)
{
    job j = { op, pixel };
    oct_pool_for(op->pool, (size_t)op->out[0]->dims[0] * (size_t)op->out[0]->dims[1], 4, run_rows, &j);
}

static oct_status eval_f32(oct_op *op, oct_error *err) { (void)err; run_bilinear(op, pixel_f32); return OCT_OK; }
static oct_status eval_u8(oct_op *op, oct_error *err) { (void)err; run_bilinear(op, pixel_u8); return OCT_OK; }
static oct_status eval_s8(oct_op *op, oct_error *err) { (void)err; run_bilinear(op, pixel_s8); return OCT_OK; }
static oct_status eval_s16(oct_op *op, oct_error *err) { (void)err; run_bilinear(op, pixel_s16); return OCT_OK; }

static int32_t version_bilinear(const oct_subgraph *sub, const oct_node *node)
{
    const oct_resize_bilinear_options *o = node->options;
    oct_type type = oct_node_type(sub, node, 0);
    if (type == OCT_INT16)
        return 4;
    if (o != NULL && o->half_pixel_centers)
        return 3;
    return type == OCT_INT8 ? 2 : 1;
}

static int32_t version_nearest(const oct_subgraph *sub, const oct_node *node)
{
    const oct_resize_nearest_neighbor_options *o = node->options;
    oct_type type = oct_node_type(sub, node, 0);
    if (type == OCT_INT16)
        return 4;
    if (o != NULL && (o->half_pixel_centers || o->align_corners))
        return 3;
    return type == OCT_INT8 ? 2 : 1;
}

#define RULE                                                                                       \
    { .in = { OCT_ROLE_ACT, OCT_ROLE_NONE }, .in_slots = 2, .out = { OCT_ROLE_ACT },               \
        .out_slots = 1, .weight_axis = -1, .link = OCT_LINK_SAME, .s8 = true, .s16 = true }

const oct_op_def oct_op_resize_bilinear = {
    .name = "RESIZE_BILINEAR", .code = OCT_OP_RESIZE_BILINEAR, .min_in = 2, .max_in = 2,
    .min_out = 1, .max_out = 1, .options = OCT_OPTIONS_ResizeBilinear,
    .traits = OCT_TRAIT_BY_CHANNEL, .quant = RULE,
    .version = version_bilinear, .runtime = "1.7 1.14 2.2 2.5", .infer = infer,
    .prepare = prepare_bilinear,
    .ref = { [OCT_FORM_F32] = { .eval = eval_f32 }, [OCT_FORM_S8] = { .eval = eval_s8 },
        [OCT_FORM_U8] = { .eval = eval_u8 }, [OCT_FORM_S16] = { .eval = eval_s16 } },
};

const oct_op_def oct_op_resize_nearest_neighbor = {
    .name = "RESIZE_NEAREST_NEIGHBOR", .code = OCT_OP_RESIZE_NEAREST_NEIGHBOR, .min_in = 2,
    .max_in = 2, .min_out = 1, .max_out = 1, .options = OCT_OPTIONS_ResizeNearestNeighbor,
    .traits = OCT_TRAIT_BY_CHANNEL, .quant = RULE, .version = version_nearest, .runtime = "1.13.1 1.14 2.3 2.4", .infer = infer,
    .prepare = prepare_nearest, .ref = { [OCT_FORM_ANY] = { .eval = oct_axis_map_eval } },
};
