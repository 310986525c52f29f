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
    int32_t width;  /* most positions a run can have */
    run *run;       /* [to] */
    float *weights; /* [to][width] */
} runs;

static void runs_free(runs *r)
{
    free(r->run);
    free(r->weights);
}

static double triangle(double distance)
{
    return fabs(distance) < 1 ? 1 - fabs(distance) : 0;
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
        float *w = r->weights + (size_t)i * (size_t)r->width;
        for (int32_t k = first; k < end; k++)
            sum += triangle((k - centre + 0.5) / support);
        for (int32_t k = first; k < end; k++)
            w[k - first] = (float)(triangle((k - centre + 0.5) / support) / sum);
        r->run[i] = (run){ first, end - first };
    }
    return OCT_OK;
}

/* Output row i as one line of the source's width: whole rows, weighed and added. */
static void blend_rows(
    const runs *rows, size_t i, const float *from, size_t pitch, size_t count, float *line)
{
    const float *weights = rows->weights + i * (size_t)rows->width;
    from += (size_t)rows->run[i].first * pitch;
    for (size_t x = 0; x < count; x++)
        line[x] = weights[0] * from[x];
    for (int32_t k = 1; k < rows->run[i].count; k++) {
        from += pitch;
        for (size_t x = 0; x < count; x++)
            line[x] += weights[k] * from[x];
    }
}

/* A line to to_w pixels. Inlined for the channel counts that occur. */
static inline void blend_columns(
    const runs *columns, int32_t to_w, int32_t c, const float *line, float *to)
{
    for (int32_t x = 0; x < to_w; x++) {
        const float *weights = columns->weights + (size_t)x * (size_t)columns->width;
        const float *from = line + (size_t)columns->run[x].first * (size_t)c;
        float sums[4] = { 0 };
        for (int32_t k = 0; k < columns->run[x].count; k++, from += c)
            for (int32_t j = 0; j < c; j++)
                sums[j] += weights[k] * from[j];
        for (int32_t j = 0; j < c; j++)
            *to++ = sums[j];
    }
}

/* Rows first: that pass is whole vectors, and leaves fewer lines to the other. */
static oct_status resize_runs(const float *from, int32_t from_w, int32_t c, oct_region region,
    float *to, int32_t to_h, int32_t to_w, oct_error *err)
{
    runs rows = { 0 }, columns = { 0 };
    size_t pitch = (size_t)from_w * (size_t)c, count = (size_t)region.w * (size_t)c;
    float *line = malloc(count * sizeof *line);
    oct_status status =
        line != NULL ? OCT_OK : oct_fail_memory(err, count * sizeof *line, "resizing");
    if (status == OCT_OK)
        status = runs_init(&rows, to_h, region.h, err);
    if (status == OCT_OK)
        status = runs_init(&columns, to_w, region.w, err);
    from += ((size_t)region.y * (size_t)from_w + (size_t)region.x) * (size_t)c;
    for (int32_t y = 0; y < to_h && status == OCT_OK; y++) {
        blend_rows(&rows, (size_t)y, from, pitch, count, line);
        if (c == 3)
            blend_columns(&columns, to_w, 3, line, to);
        else
            blend_columns(&columns, to_w, c, line, to);
        to += (size_t)to_w * (size_t)c;
    }
    runs_free(&rows);
    runs_free(&columns);
    free(line);
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
