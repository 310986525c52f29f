/*
 * Packing of weights, and the matrix products in plain C.
 */
#include "kernels/gemm.h"

#include <math.h>
#include <string.h>

int32_t oct_gemm_panel_vectors(const oct_gemm_layout *layout, int32_t columns, int32_t begin)
{
    int32_t vectors = (columns - begin + layout->lanes - 1) / layout->lanes;
    return vectors < layout->vectors ? vectors : layout->vectors;
}

/* Bias elements have 4 bytes in every layout. */
static size_t panel_bytes(const oct_gemm_layout *layout, int32_t vectors, size_t k)
{
    return (size_t)vectors * (size_t)layout->lanes
        * (4 + oct_gemm_depth(layout, k) * (size_t)layout->bytes);
}

size_t oct_gemm_panel_bytes(const oct_gemm_layout *layout, size_t k)
{
    return panel_bytes(layout, layout->vectors, k);
}

size_t oct_gemm_packed_bytes(const oct_gemm_layout *layout, int32_t columns, size_t k)
{
    int32_t width = oct_gemm_panel_columns(layout), whole = columns / width;
    size_t bytes = (size_t)whole * oct_gemm_panel_bytes(layout, k);
    if (columns % width != 0)
        bytes += panel_bytes(layout, oct_gemm_panel_vectors(layout, columns, whole * width), k);
    return bytes;
}

/* Where column n begins: its bias, its first group of weights, and the distance between groups. */
typedef struct column {
    char *bias, *weights;
    size_t step; /* bytes */
} column;

static column find_column(const oct_gemm_layout *layout, int32_t columns, size_t k, int32_t n,
    void *packed)
{
    int32_t full = oct_gemm_panel_columns(layout), slot = n % full;
    size_t width = (size_t)layout->lanes
        * (size_t)oct_gemm_panel_vectors(layout, columns, n - slot);
    size_t group_bytes = (size_t)layout->group * (size_t)layout->bytes;
    char *panel = (char *)packed + (size_t)(n / full) * oct_gemm_panel_bytes(layout, k);
    return (column){ panel + (size_t)slot * 4, panel + width * 4 + (size_t)slot * group_bytes,
        width * group_bytes };
}

/*
 * Neighbouring weights of a column lie a panel's width apart. Taking a few cache lines of each
 * column of a panel at a time keeps the lines written in the cache until they are full.
 */
enum { BYTES_AT_ONCE = 256 };

static inline void store_group(char *to, int32_t bytes, const int8_t *from, size_t count)
{
    for (size_t j = 0; j < count; j++) {
        if (bytes == 1)
            ((int8_t *)to)[j] = from[j];
        else
            ((int16_t *)(void *)to)[j] = from[j];
    }
}

typedef uint32_t dword4 __attribute__((vector_size(16)));

static inline dword4 load4(const void *from)
{
    dword4 v;
    memcpy(&v, from, sizeof v);
    return v;
}

/*
 * Four dwords of four columns of weights, `stride` bytes apart, to rows of four, `step` bytes
 * apart.
 */
static inline void transpose4(const char *from, size_t stride, char *to, size_t step)
{
    dword4 a = load4(from), b = load4(from + stride), c = load4(from + 2 * stride),
           d = load4(from + 3 * stride);
    dword4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd
        = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    dword4 rows[4] = { __builtin_shufflevector(ab, cd, 0, 1, 4, 5),
        __builtin_shufflevector(ab, cd, 2, 3, 6, 7) };
    ab = __builtin_shufflevector(a, b, 2, 6, 3, 7), cd
        = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    rows[2] = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    rows[3] = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    for (int i = 0; i < 4; i++)
        memcpy(to + (size_t)i * step, &rows[i], sizeof rows[i]);
}

/*
 * Weights of `columns` neighbouring columns of a panel: `count` dwords, floats or groups of four
 * bytes, of each. from: the first column, the others stride bytes apart.
 */
static void pack_dwords(const char *from, size_t stride, size_t count, int32_t columns, column to)
{
    for (int32_t n = 0; n < columns; n += 4, from += 4 * stride, to.weights += 4 * 4) {
        size_t i = 0;
        for (; columns - n >= 4 && i + 4 <= count; i += 4)
            transpose4(from + 4 * i, stride, to.weights + i * to.step, to.step);
        for (; i < count; i++)
            for (int32_t c = 0; c < 4 && n + c < columns; c++)
                memcpy(to.weights + i * to.step + 4 * c, from + (size_t)c * stride + 4 * i, 4);
    }
}

void oct_gemm_pack_f32(const oct_gemm_layout *layout, const float *weights, const float *bias,
    int32_t columns, size_t k, void *packed)
{
    const size_t at_once = BYTES_AT_ONCE / sizeof *weights;
    int32_t full = oct_gemm_panel_columns(layout);
    for (int32_t first = 0; first < columns; first += full) {
        int32_t count = columns - first < full ? columns - first : full;
        column to = find_column(layout, columns, k, first, packed);
        if (bias != NULL)
            memcpy(to.bias, bias + first, (size_t)count * sizeof *bias);
        for (size_t k0 = 0; k0 < k; k0 += at_once, to.weights += at_once * to.step)
            pack_dwords((const char *)(weights + (size_t)first * k + k0), k * sizeof *weights,
                k - k0 < at_once ? k - k0 : at_once, count, to);
    }
}

/* Weights [k0, k) of a column, group by group. */
static void pack_groups(const oct_gemm_layout *layout, const int8_t *from, size_t k0, size_t k,
    column to)
{
    size_t group = (size_t)layout->group;
    to.weights += k0 / group * to.step;
    for (size_t i = k0; i < k; i += group, to.weights += to.step)
        store_group(to.weights, layout->bytes, from + i, k - i < group ? k - i : group);
}

void oct_gemm_pack_s8(const oct_gemm_layout *layout, const int8_t *weights, size_t stride,
    const int32_t *bias, int32_t columns, size_t k, void *packed)
{
    int32_t full = oct_gemm_panel_columns(layout);
    bool dwords = layout->bytes == 1 && layout->group == 4;
    for (int32_t first = 0; first < columns; first += full) {
        int32_t count = columns - first < full ? columns - first : full;
        column to = find_column(layout, columns, k, first, packed);
        if (bias != NULL)
            memcpy(to.bias, bias + first, (size_t)count * sizeof *bias);
        const int8_t *from = weights + (size_t)first * stride;
        for (size_t k0 = 0; k0 < k; k0 += BYTES_AT_ONCE) {
            size_t end = k - k0 < BYTES_AT_ONCE ? k : k0 + BYTES_AT_ONCE;
            size_t whole = dwords ? (end - k0) / 4 : 0;
            column part = to;
            part.weights += k0 / (size_t)layout->group * to.step;
            pack_dwords((const char *)from + k0, stride, whole, count, part);
            for (int32_t n = 0; n < count && k0 + 4 * whole < end; n++)
                pack_groups(layout, from + (size_t)n * stride, k0 + 4 * whole, end,
                    find_column(layout, columns, k, first + n, packed));
        }
    }
}

enum { WIDTH = 16 }; /* columns of the plain C panels */

static inline float clamp(float v, float lo, float hi)
{
    v = v < lo ? lo : v;
    return hi < v ? hi : v;
}

void oct_gemm_f32_c(const oct_gemm_f32_args *args)
{
    for (int32_t m = 0; m < args->rows; m++) {
        const float *a = args->a + (size_t)m * args->a_stride, *b = args->panel;
        float sum[WIDTH];
        for (int n = 0; n < WIDTH; n++)
            sum[n] = b[n];
        for (int32_t k = 0; k < args->depth; k++) {
            b += WIDTH;
            for (int n = 0; n < WIDTH; n++)
                sum[n] = fmaf(a[k], b[n], sum[n]);
        }
        float *y = args->y + (size_t)m * args->y_stride;
        for (int n = 0; n < args->columns; n++)
            y[n] = clamp(sum[n], args->lo, args->hi);
    }
}

void oct_gemm_s16_c(const oct_gemm_int_args *args)
{
    for (int32_t m = 0; m < args->rows; m++) {
        const int16_t *a = (const int16_t *)args->a + (size_t)m * args->a_stride;
        const int32_t *bias = args->panel;
        const int16_t *b = (const int16_t *)(bias + WIDTH);
        uint32_t sum[WIDTH]; /* wraps */
        for (int n = 0; n < WIDTH; n++)
            sum[n] = (uint32_t)bias[n];
        for (int32_t k = 0; k < args->groups; k++, a += 2, b += 2 * WIDTH)
            for (int n = 0; n < WIDTH; n++)
                sum[n] += (uint32_t)(a[0] * b[2 * n] + a[1] * b[2 * n + 1]);
        for (int n = 0; n < WIDTH; n++)
            args->sum[(size_t)m * args->sum_stride + (size_t)n] = (int32_t)sum[n];
    }
}
