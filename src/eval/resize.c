/*
 * Resizing in two passes over tables: each output row or column is a weighted run of source ones.
 *
 * TensorFlow interpolates along x first, top and bottom row, then between them, all in float32; the
 * plain bilinear path keeps that order so that its bits are the same.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "eval/image.h"

/* Where one output position reads: two source positions and the share of the second. */
typedef struct tap {
    int32_t low, high;
    float share;
} tap;

/* Source: tensorflow/core/kernels/image/resize_bilinear_op.cc, half_pixel_centers. */
static void bilinear_taps(tap *taps, int32_t to, int32_t from)
{
    float scale = (float)from / (float)to;
    for (int32_t i = 0; i < to; i++) {
        float in = ((float)i + 0.5f) * scale - 0.5f;
        float in_floor = floorf(in);
        taps[i].low = in_floor > 0 ? (int32_t)in_floor : 0;
        int32_t high = (int32_t)ceilf(in);
        taps[i].high = high < from ? high : from - 1;
        taps[i].share = in - in_floor;
    }
}

static void nearest_taps(tap *taps, int32_t to, int32_t from)
{
    float scale = (float)from / (float)to;
    for (int32_t i = 0; i < to; i++) {
        int32_t at = (int32_t)floorf(((float)i + 0.5f) * scale);
        at = at < from ? at : from - 1;
        taps[i] = (tap){ at, at, 0 };
    }
}

static void blend(const float *from, int32_t from_w, int32_t c, oct_region region, float *to,
    int32_t to_h, int32_t to_w, const tap *rows, const tap *columns)
{
    for (int32_t y = 0; y < to_h; y++) {
        const float *top = from + ((size_t)(region.y + rows[y].low) * from_w + region.x) * c;
        const float *bottom = from + ((size_t)(region.y + rows[y].high) * from_w + region.x) * c;
        for (int32_t x = 0; x < to_w; x++) {
            const tap *t = &columns[x];
            for (int32_t k = 0; k < c; k++) {
                size_t low = (size_t)t->low * c + k, high = (size_t)t->high * c + k;
                float above = top[low] + (top[high] - top[low]) * t->share;
                float below = bottom[low] + (bottom[high] - bottom[low]) * t->share;
                *to++ = above + (below - above) * rows[y].share;
            }
        }
    }
}

static oct_status resize_two_taps(const float *from, int32_t from_w, int32_t c, oct_region region,
    float *to, int32_t to_h, int32_t to_w, oct_filter filter, oct_error *err)
{
    size_t count = (size_t)to_h + (size_t)to_w;
    tap *taps = malloc(count * sizeof *taps);
    if (taps == NULL)
        return oct_fail_memory(err, count * sizeof *taps, "resizing");
    if (filter == OCT_FILTER_NEAREST) {
        nearest_taps(taps, to_h, region.h);
        nearest_taps(taps + to_h, to_w, region.w);
    } else {
        bilinear_taps(taps, to_h, region.h);
        bilinear_taps(taps + to_h, to_w, region.w);
    }
    blend(from, from_w, c, region, to, to_h, to_w, taps, taps + to_h);
    free(taps);
    return OCT_OK;
}

/* For the antialiased filter: output i weighs `count` source positions from `first` on. */
typedef struct run {
    int32_t first, count;
} run;
typedef struct runs {
    int32_t width;   /* most positions a run can have */
    run *run;        /* [to] */
    double *weights; /* [to][width] */
} runs;

static void runs_free(runs *r)
{
    free(r->run);
    free(r->weights);
}

/*
 * Triangle filter over support max(scale, 1), normalised; Pillow's precompute_coeffs() does the
 * same.
 */
static oct_status runs_init(runs *r, int32_t to, int32_t from, oct_error *err)
{
    double scale = (double)from / to, support = scale > 1 ? scale : 1;
    r->width = (int32_t)ceil(support) * 2 + 1;
    r->run = malloc((size_t)to * sizeof *r->run);
    r->weights = malloc((size_t)to * (size_t)r->width * sizeof *r->weights);
    if (r->run == NULL || r->weights == NULL)
        return oct_fail_memory(err, (size_t)to * (size_t)r->width * sizeof(double), "resizing");
    for (int32_t i = 0; i < to; i++) {
        double centre = (i + 0.5) * scale, sum = 0;
        int32_t first = (int32_t)(centre - support + 0.5), end = (int32_t)(centre + support + 0.5);
        first = first > 0 ? first : 0;
        end = end < from ? end : from;
        double *w = r->weights + (size_t)i * (size_t)r->width;
        for (int32_t k = first; k < end; k++) {
            double distance = fabs((k - centre + 0.5) / support);
            w[k - first] = distance < 1 ? 1 - distance : 0;
            sum += w[k - first];
        }
        for (int32_t k = first; k < end; k++)
            w[k - first] /= sum;
        r->run[i] = (run){ first, end - first };
    }
    return OCT_OK;
}

/* One output value: source values `stride` apart, weighed by run i. */
static float weigh(const runs *r, size_t i, const float *from, size_t stride)
{
    const double *weights = r->weights + i * (size_t)r->width;
    from += (size_t)r->run[i].first * stride;
    double sum = 0;
    for (int32_t k = 0; k < r->run[i].count; k++)
        sum += weights[k] * (double)from[(size_t)k * stride];
    return (float)sum;
}

static oct_status resize_runs(const float *from, int32_t from_w, int32_t c, oct_region region,
    float *to, int32_t to_h, int32_t to_w, oct_error *err)
{
    runs rows = { 0 }, columns = { 0 };
    size_t row = (size_t)to_w * (size_t)c;
    float *wide = malloc((size_t)region.h * row * sizeof *wide); /* [region.h][to_w][c] */
    oct_status status =
        wide != NULL ? OCT_OK : oct_fail_memory(err, (size_t)region.h * row, "resizing");
    if (status == OCT_OK)
        status = runs_init(&rows, to_h, region.h, err);
    if (status == OCT_OK)
        status = runs_init(&columns, to_w, region.w, err);
    for (int32_t y = 0; y < region.h && status == OCT_OK; y++) {
        const float *line = from + ((size_t)(region.y + y) * from_w + region.x) * c;
        for (size_t i = 0; i < row; i++) {
            size_t x = i / (size_t)c, k = i % (size_t)c;
            wide[(size_t)y * row + i] = weigh(&columns, x, line + k, (size_t)c);
        }
    }
    for (int32_t y = 0; y < to_h && status == OCT_OK; y++)
        for (size_t i = 0; i < row; i++)
            *to++ = weigh(&rows, (size_t)y, wide + i, row);
    runs_free(&rows);
    runs_free(&columns);
    free(wide);
    return status;
}

static void copy_region(const float *from, int32_t from_w, int32_t c, oct_region region, float *to)
{
    size_t row = (size_t)region.w * (size_t)c;
    for (int32_t y = 0; y < region.h; y++)
        memcpy(to + (size_t)y * row, from + ((size_t)(region.y + y) * from_w + region.x) * c,
            row * sizeof *to);
}

oct_status oct_resize(const float *from, int32_t from_w, int32_t c, oct_region region, float *to,
    int32_t to_h, int32_t to_w, oct_filter filter, bool antialias, oct_error *err)
{
    if (region.h == to_h && region.w == to_w) {
        copy_region(from, from_w, c, region, to);
        return OCT_OK;
    }
    if (filter == OCT_FILTER_BILINEAR && antialias)
        return resize_runs(from, from_w, c, region, to, to_h, to_w, err);
    return resize_two_taps(from, from_w, c, region, to, to_h, to_w, filter, err);
}
