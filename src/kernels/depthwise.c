/*
 * Depthwise convolution: cutting rows into runs, packing, and plain C.
 */
#include "kernels/depthwise.h"

#include <math.h>

#define TAPS(name, type)                                                                           \
    OCT_DEPTHWISE_SUMS(oct_depthwise_taps_##name##_c)                                              \
    {                                                                                              \
        for (int32_t p = 0; p < args->pixels; p++) {                                               \
            int32_t *s = sum + (size_t)p * sum_stride;                                             \
            for (int32_t c = 0; c < args->channels; c++)                                           \
                s[c] = bias[c];                                                                    \
            for (int32_t t = 0; t < args->count; t++) {                                            \
                const type *x = (const type *)args->taps[t].x + (size_t)p * args->step;            \
                const int32_t *w = args->taps[t].w;                                                \
                for (int32_t c = 0; c < args->channels; c++)                                       \
                    s[c] += (x[c] - zero) * (int16_t)w[c];                                         \
            }                                                                                      \
        }                                                                                          \
    }
TAPS(s8, int8_t)
TAPS(s16, int16_t)

OCT_DEPTHWISE_F32(oct_depthwise_f32_c)
{
    for (int32_t p = 0; p < args->pixels; p++) {
        for (int32_t c = 0; c < args->channels; c++) {
            float sum = bias[c];
            for (int32_t t = 0; t < args->count; t++)
                sum = fmaf(((const float *)args->taps[t].x)[(size_t)p * args->step + (size_t)c],
                    ((const float *)args->taps[t].w)[c], sum);
            sum = sum < lo ? lo : sum;
            *y++ = hi < sum ? hi : sum;
        }
    }
}

#define ROW(j)                                                                                     \
    4 * j, 4 * j + 1, 4 * j + 2, 4 * j + 3, 4 * j + 16, 4 * j + 17, 4 * j + 18, 4 * j + 19,        \
        4 * j + 32, 4 * j + 33, 4 * j + 34, 4 * j + 35, 4 * j + 48, 4 * j + 49, 4 * j + 50,        \
        4 * j + 51
const uint8_t oct_depthwise_dot_order[64] = { ROW(0), ROW(1), ROW(2), ROW(3) };
#undef ROW

/* A block of 64 channels: 64 int32 of bias, then for each 4 taps 64 channels x 4 weights. */
static size_t dot_block_bytes(int32_t taps)
{
    return 256 + (size_t)((taps + 3) / 4) * 256;
}

size_t oct_depthwise_dot_bytes(int32_t taps, int32_t channels)
{
    return (size_t)((channels + 63) / 64) * dot_block_bytes(taps);
}

/* The kernel sees x + 128, so what the zero point adds is taken off the bias. */
void oct_depthwise_pack_dot(const int8_t *filter, const int32_t *bias, int32_t taps,
    int32_t channels, int32_t zero, void *packed)
{
    for (int32_t i = 0; i < (channels + 63) / 64 * 64; i++) {
        char *block = (char *)packed + (size_t)(i / 64) * dot_block_bytes(taps);
        int32_t c = i / 64 * 64 + oct_depthwise_dot_order[i % 64], total = 0;
        if (c >= channels)
            continue;
        for (int32_t t = 0; t < taps; t++) {
            int8_t w = filter[(size_t)t * (size_t)channels + (size_t)c];
            block[256 + t / 4 * 256 + i % 64 * 4 + t % 4] = w;
            total += w;
        }
        uint32_t b = bias != NULL ? (uint32_t)bias[c] : 0;
        ((int32_t *)(void *)block)[i % 64] = (int32_t)(b - (uint32_t)((zero + 128) * total));
    }
}

/* Taps of pixel ox in order ky, kx; returns their number. */
static int32_t list_taps(const oct_depthwise_plan *plan, const char *image, int32_t oy, int32_t ox,
    oct_depthwise_tap *taps)
{
    const oct_window *w = &plan->window;
    int32_t y0 = oy * w->stride_h - w->pad_top, x0 = ox * w->stride_w - w->pad_left, count = 0;
    for (int32_t ky = 0; ky < w->kernel_h; ky++) {
        for (int32_t kx = 0; kx < w->kernel_w; kx++) {
            int32_t y = y0 + ky * w->dilation_h, x = x0 + kx * w->dilation_w;
            bool inside = y >= 0 && y < w->in_h && x >= 0 && x < w->in_w;
            if (!inside && plan->missing == NULL)
                continue;
            const void *from = plan->missing;
            if (inside)
                from = image + ((size_t)y * (size_t)w->in_w + (size_t)x) * (size_t)w->in_c
                    * plan->in_bytes;
            taps[count++] = (oct_depthwise_tap){ from,
                (const char *)plan->weights
                    + (size_t)(ky * w->kernel_w + kx) * plan->weight_bytes };
        }
    }
    return count;
}

/* Outputs along one axis whose taps all lie inside. */
static oct_tap_range inner_axis(int32_t in, int32_t out, int32_t kernel, int32_t stride,
    int32_t dilation, int32_t pad)
{
    oct_tap_range inner = { (pad + stride - 1) / stride, 0 };
    int32_t last = in - 1 - (kernel - 1) * dilation + pad; /* largest origin that fits */
    inner.end = last >= 0 ? last / stride + 1 : 0;
    if (inner.end > out)
        inner.end = out;
    if (inner.begin > inner.end)
        inner.begin = inner.end;
    return inner;
}

void oct_depthwise_inner(const oct_window *w, oct_tap_range *rows, oct_tap_range *columns)
{
    *rows = inner_axis(w->in_h, w->out_h, w->kernel_h, w->stride_h, w->dilation_h, w->pad_top);
    *columns = inner_axis(w->in_w, w->out_w, w->kernel_w, w->stride_w, w->dilation_w, w->pad_left);
}

void oct_depthwise_row(const oct_depthwise_plan *plan, const void *x, int32_t b, int32_t oy,
    oct_depthwise_run_fn run, void *user)
{
    const oct_window *w = &plan->window;
    oct_depthwise_tap taps[OCT_DEPTHWISE_MAX_TAPS + 3];
    oct_depthwise_args args = { .taps = taps, .channels = w->in_c,
        .step = (size_t)w->stride_w * (size_t)w->in_c };
    const char *image = (const char *)x + (size_t)b * (size_t)w->in_h * (size_t)w->in_w
        * (size_t)w->in_c * plan->in_bytes;
    oct_tap_range rows, inner;
    oct_depthwise_inner(w, &rows, &inner);
    /* A run steps all its taps alike; taps that point to the row of zero points must not move. */
    if (plan->missing != NULL && (oy < rows.begin || oy >= rows.end))
        inner.begin = inner.end = 0;
    for (int32_t ox = 0; ox < w->out_w; ox += args.pixels) {
        args.pixels = ox == inner.begin && inner.end > inner.begin ? inner.end - inner.begin : 1;
        args.count = list_taps(plan, image, oy, ox, taps);
        for (int32_t i = args.count; plan->missing != NULL && i % 4 != 0; i++)
            taps[args.count++] = taps[0];
        run(user, &args, ox);
    }
}
