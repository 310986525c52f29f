/*
 * AVERAGE_POOL_2D, MAX_POOL_2D, L2_POOL_2D: windows over NHWC, channel by channel, without rescaling.
 */
#include "kernels/pool.h"

#include <math.h>

#include "ops/arith.h"
#include "ops/version.h"

typedef struct pool {
    oct_window window;
    float lo_f32, hi_f32;
    int32_t lo, hi;
    const oct_pool_set *kernels;
} pool;

static oct_status make_window(const oct_op *op, oct_window *w, oct_error *err)
{
    const oct_pool2d_options *o = op->options;
    const oct_value *in = op->in[0];
    if (in->rank != 4 || in->dims[3] < 1)
        return oct_op_fail(op, OCT_E_INVALID, err, "input %s has %d dimensions, not 4", in->label,
            (int)in->rank);
    int32_t most = INT32_MAX / 4;
    if (o->stride_h < 1 || o->stride_w < 1 || o->filter_height < 1 || o->filter_width < 1
        || o->filter_height > most || o->filter_width > most || in->dims[1] > most
        || in->dims[2] > most)
        return oct_op_fail(op, OCT_E_INVALID, err, "a %dx%d filter with strides %dx%d",
            (int)o->filter_height, (int)o->filter_width, (int)o->stride_h, (int)o->stride_w);
    *w = (oct_window){ .batches = in->dims[0], .in_h = in->dims[1], .in_w = in->dims[2],
        .in_c = in->dims[3], .out_c = in->dims[3], .kernel_h = o->filter_height,
        .kernel_w = o->filter_width, .stride_h = o->stride_h, .stride_w = o->stride_w,
        .dilation_h = 1, .dilation_w = 1, .depth = 1 };
    bool same = o->padding == OCT_PADDING_SAME;
    oct_window_axis(same, w->in_h, w->kernel_h, w->stride_h, 1, &w->out_h, &w->pad_top);
    oct_window_axis(same, w->in_w, w->kernel_w, w->stride_w, 1, &w->out_w, &w->pad_left);
    if (w->out_h < 1 || w->out_w < 1)
        return oct_op_fail(op, OCT_E_INVALID, err, "a %dx%d filter does not fit a %dx%d image",
            (int)w->kernel_h, (int)w->kernel_w, (int)w->in_h, (int)w->in_w);
    return OCT_OK;
}

static oct_status infer(oct_op *op, oct_error *err)
{
    oct_window w;
    OCT_TRY(make_window(op, &w, err));
    int32_t dims[4] = { w.batches, w.out_h, w.out_w, w.out_c };
    return oct_op_set_shape(op, 0, op->in[0]->type, 4, dims, err);
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    const oct_pool2d_options *o = op->options;
    const oct_value *in = op->in[0], *out = op->out[0];
    pool *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, "pool");
    op->prepared = p;
    OCT_TRY(make_window(op, &p->window, err));
    oct_activation_range_f32(o->fused_activation, &p->lo_f32, &p->hi_f32);
    op->scratch_bytes[0] = (size_t)oct_pool_threads(op->pool) * (size_t)p->window.in_c * 4;
    if (op->form == OCT_FORM_F32)
        return OCT_OK;
    OCT_TRY(oct_op_need_quant(op, in, err));
    OCT_TRY(oct_op_need_quant(op, out, err));
    if (oct_value_zero(in) != oct_value_zero(out)
        || fabsf(oct_value_scale(in) - oct_value_scale(out)) > 1e-6f)
        return oct_op_need_same_quant(op, in, out, err);
    oct_activation_range_quantized(o->fused_activation, out, &p->lo, &p->hi);
    return OCT_OK;
}

/* One source of kernels for both: ref is its plain C. */
static oct_status prepare_ref(oct_op *op, bool *usable, oct_error *err)
{
    (void)err;
    *usable = true;
    ((pool *)op->prepared)->kernels = oct_pool_set_of(OCT_CPU_C);
    return OCT_OK;
}

static oct_status prepare_fast(oct_op *op, bool *usable, oct_error *err)
{
    (void)err;
    *usable = true;
    ((pool *)op->prepared)->kernels = oct_pool_set_of(oct_cpu_level());
    return OCT_OK;
}

/* Rows of the output (b, oy) are shared out. */
#define EVAL(kind, name, type, sum_t, lo_field, hi_field)                                          \
    static void rows_##kind##_##name(void *user, size_t begin, size_t end, int32_t worker)         \
    {                                                                                              \
        const oct_op *op = user;                                                                   \
        const pool *p = op->prepared;                                                              \
        const oct_window *w = &p->window;                                                          \
        size_t channels = (size_t)w->in_c;                                                         \
        sum_t *sum = (sum_t *)op->scratch[0] + (size_t)worker * channels;                          \
        for (size_t row = begin; row < end; row++) {                                               \
            int32_t b = (int32_t)(row / (size_t)w->out_h), oy = (int32_t)(row % (size_t)w->out_h); \
            type *y = (type *)op->out[0]->data + row * (size_t)w->out_w * channels;                \
            for (int32_t ox = 0; ox < w->out_w; ox++, y += channels)                               \
                p->kernels->kind##_##name(                                                         \
                    w, op->in[0]->data, p->lo_field, p->hi_field, b, oy, ox, sum, y);              \
        }                                                                                          \
    }                                                                                              \
    static oct_status kind##_##name(oct_op *op, oct_error *err)                                    \
    {                                                                                              \
        (void)err;                                                                                 \
        const oct_window *w = &((const pool *)op->prepared)->window;                               \
        oct_pool_for(op->pool, (size_t)w->batches * (size_t)w->out_h, 1, rows_##kind##_##name,     \
            op);                                                                                   \
        return OCT_OK;                                                                             \
    }

#define EVALS(kind)                                                                                \
    EVAL(kind, f32, float, float, lo_f32, hi_f32)                                                  \
    EVAL(kind, s8, int8_t, int32_t, lo, hi)                                                        \
    EVAL(kind, u8, uint8_t, int32_t, lo, hi)                                                       \
    EVAL(kind, s16, int16_t, int32_t, lo, hi)
EVALS(average)
EVALS(max)

/* The root of the mean square over the part of each window that lies inside. */
static void l2_pixel(const oct_op *op, int32_t b, int32_t oy, int32_t ox, float *y)
{
    const pool *p = op->prepared;
    const oct_window *w = &p->window;
    const float *x = (const float *)op->in[0]->data
        + (size_t)b * (size_t)w->in_h * (size_t)w->in_w * (size_t)w->in_c;
    for (int32_t c = 0; c < w->in_c; c++) {
        float sum = 0.f;
        int32_t count = 0;
        for (int32_t ky = 0; ky < w->kernel_h; ky++)
            for (int32_t kx = 0; kx < w->kernel_w; kx++) {
                int32_t iy = oy * w->stride_h - w->pad_top + ky, ix = ox * w->stride_w - w->pad_left + kx;
                if (iy < 0 || iy >= w->in_h || ix < 0 || ix >= w->in_w)
                    continue;
                float value = x[((size_t)iy * (size_t)w->in_w + (size_t)ix) * (size_t)w->in_c + (size_t)c];
                sum += value * value;
                count++;
            }
        y[c] = oct_clamp_f32(sqrtf(sum / (float)count), p->lo_f32, p->hi_f32);
    }
}

static oct_status l2_f32(oct_op *op, oct_error *err)
{
    (void)err;
    const oct_window *w = &((const pool *)op->prepared)->window;
    float *y = op->out[0]->data;
    for (int32_t b = 0; b < w->batches; b++)
        for (int32_t oy = 0; oy < w->out_h; oy++)
            for (int32_t ox = 0; ox < w->out_w; ox++, y += w->in_c)
                l2_pixel(op, b, oy, ox, y);
    return OCT_OK;
}

const oct_op_def oct_op_l2_pool_2d = {
    .name = "L2_POOL_2D", .code = OCT_OP_L2_POOL_2D, .min_in = 1, .max_in = 1, .min_out = 1,
    .max_out = 1, .options = OCT_OPTIONS_Pool2D, .traits = OCT_TRAIT_FUSES_RELU, .runtime = "1.5",
    .infer = infer, .prepare = prepare, .ref = { [OCT_FORM_F32] = { .eval = l2_f32 } },
};

#define POOL_FORMS(kind, prepare)                                                                  \
    { [OCT_FORM_F32] = { prepare, kind##_f32 }, [OCT_FORM_S8] = { prepare, kind##_s8 },            \
        [OCT_FORM_U8] = { prepare, kind##_u8 }, [OCT_FORM_S16] = { prepare, kind##_s16 } }
#define POOL_OP(builtin, kind)                                                                     \
    {                                                                                              \
        .name = #builtin, .code = OCT_OP_##builtin, .min_in = 1, .max_in = 1, .min_out = 1,        \
        .max_out = 1, .options = OCT_OPTIONS_Pool2D,                                             \
        .traits = OCT_TRAIT_FUSES_RELU | OCT_TRAIT_BY_CHANNEL,                                     \
        .quant = { .in = { OCT_ROLE_ACT }, .in_slots = 1, .out = { OCT_ROLE_ACT }, .out_slots = 1, \
            .weight_axis = -1, .link = OCT_LINK_SAME, .s8 = true, .s16 = true },                   \
        .version = oct_version_s8_2_s16_3, .runtime = "1.5 1.14 2.3", .infer = infer,              \
        .prepare = prepare,                                                                        \
        .ref = POOL_FORMS(kind, prepare_ref), .fast = POOL_FORMS(kind, prepare_fast),              \
    }

const oct_op_def oct_op_average_pool_2d = POOL_OP(AVERAGE_POOL_2D, average);
const oct_op_def oct_op_max_pool_2d = POOL_OP(MAX_POOL_2D, max);
