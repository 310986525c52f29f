/*
 * Packed matrix products of every level against loops over the unpacked matrices.
 */
#include <math.h>

#include "kernels/check.h"

static const int32_t row_counts[] = { 1, 2, 3, 5, 6, 7, 8, 13, 14, 15, 16, 29, 33, 65 };
static const int32_t column_counts[] = { 1, 7, 8, 9, 16, 17, 31, 33, 48, 63, 64, 65, 130 };
static const int32_t depths[] = { 1, 2, 3, 4, 5, 9, 27, 64, 150 };
#define COUNT(list) (sizeof(list) / sizeof *(list))

/* One product: every panel over all rows, outputs `gap` elements wider than the matrix. */
static void check_f32(const oct_kernel_set *kernels, const char *name, int32_t rows,
    int32_t columns, int32_t depth, bool clamped)
{
    const oct_gemm_layout *layout = &kernels->f32_layout;
    enum { GAP = 3 };
    size_t m = (size_t)rows, n = (size_t)columns, k = (size_t)depth, stride = n + GAP;
    float lo = clamped ? 0.f : -3e38f, hi = clamped ? 6.f : 3e38f;
    check_input a = check_input_create(m * k * sizeof(float));
    float *x = a.data, *w = malloc(n * k * sizeof *w), *bias = malloc(n * sizeof *bias);
    for (size_t i = 0; i < m * k; i++)
        x[i] = check_float();
    for (size_t i = 0; i < n * k; i++)
        w[i] = check_float();
    for (size_t i = 0; i < n; i++)
        bias[i] = check_float();
    void *packed = check_packed_create(oct_gemm_packed_bytes(layout, columns, k));
    oct_gemm_pack_f32(layout, w, bias, columns, k, packed);
    size_t y_bytes = m * stride * sizeof(float);
    float *y = check_output_create(y_bytes);
    int32_t width = oct_gemm_panel_columns(layout);
    for (int32_t c = 0; c < columns; c += width)
        kernels->gemm_f32(&(oct_gemm_f32_args){ .a = x, .a_stride = k, .rows = rows,
            .depth = depth,
            .panel = (const float *)((char *)packed
                + (size_t)(c / width) * oct_gemm_panel_bytes(layout, k)),
            .vectors = oct_gemm_panel_vectors(layout, columns, c),
            .columns = columns - c < width ? columns - c : width, .lo = lo, .hi = hi, .y = y + c,
            .y_stride = stride });
    bool equal = check_output_intact(y, y_bytes);
    const float untouched = y[stride - 1];
    for (size_t i = 0; equal && i < m; i++) {
        for (size_t j = 0; equal && j < n; j++) {
            float sum = bias[j];
            for (size_t t = 0; t < k; t++)
                sum = fmaf(x[i * k + t], w[j * k + t], sum);
            sum = sum < lo ? lo : sum > hi ? hi : sum;
            equal = memcmp(&sum, &y[i * stride + j], sizeof sum) == 0 ||
                    (sum == 0.f && clamped && y[i * stride + j] == 0.f);
        }
        for (size_t j = n; equal && j < stride; j++)
            equal = memcmp(&y[i * stride + j], &untouched, sizeof untouched) == 0;
    }
    check(equal, "gemm_f32 %s: %d x %d x %d", name, (int)rows, (int)columns, (int)depth);
    check_output_free(y);
    check_input_free(&a);
    free(packed);
    free(bias);
    free(w);
}

/* uint8, int8 or int16 activations by int8 weights; sums modulo 2^32. tiles: NULL, or its product. */
static void check_int(const oct_gemm_layout *layout, bool is_signed, oct_gemm_int_fn product,
    const oct_gemm_tiles *tiles, const char *name, int32_t rows, int32_t columns, int32_t depth)
{
    bool bytes = layout->bytes == 1;
    size_t m = (size_t)rows, n = (size_t)columns, k = (size_t)depth;
    size_t padded = oct_gemm_depth(layout, k), element = bytes ? 1 : 2;
    check_input a = check_input_create(m * padded * element);
    int8_t *w = malloc(n * k);
    int32_t *bias = malloc(n * sizeof *bias);
    for (size_t i = 0; i < m * padded; i++) {
        if (bytes)
            ((uint8_t *)a.data)[i] = (uint8_t)check_extreme(0, 255);
        else
            ((int16_t *)a.data)[i] = (int16_t)check_extreme(-32768, 32767);
    }
    for (size_t i = 0; i < n * k; i++)
        w[i] = (int8_t)check_extreme(-128, 127);
    for (size_t i = 0; i < n; i++)
        bias[i] = check_extreme(INT32_MIN / 2, INT32_MAX / 2);
    void *packed = check_packed_create(oct_gemm_packed_bytes(layout, columns, k));
    oct_gemm_pack_s8(layout, w, k, bias, columns, k, packed);
    int32_t width = oct_gemm_panel_columns(layout);
    size_t sum_bytes = m * (size_t)width * sizeof(int32_t);
    int32_t *sum = check_output_create(sum_bytes);
    bool equal = true;
    for (int32_t c = 0; c < columns; c += width) {
        if (tiles != NULL)
            tiles->begin((int32_t)padded / layout->group);
        product(&(oct_gemm_int_args){ .a = a.data, .a_stride = padded, .rows = rows,
            .groups = (int32_t)padded / layout->group,
            .panel = (char *)packed + (size_t)(c / width) * oct_gemm_panel_bytes(layout, k),
            .vectors = oct_gemm_panel_vectors(layout, columns, c), .sum = sum,
            .sum_stride = (size_t)width });
        if (tiles != NULL)
            tiles->end();
        equal &= check_output_intact(sum, sum_bytes);
        for (size_t i = 0; equal && i < m; i++) {
            for (size_t j = (size_t)c; equal && j < n && j < (size_t)(c + width); j++) {
                uint32_t total = (uint32_t)bias[j];
                for (size_t t = 0; t < k; t++)
                    total += (uint32_t)(w[j * k + t]
                        * (bytes ? (is_signed ? ((int8_t *)a.data)[i * padded + t]
                                            : ((uint8_t *)a.data)[i * padded + t])
                                 : ((int16_t *)a.data)[i * padded + t]));
                equal = total == (uint32_t)sum[i * (size_t)width + j - (size_t)c];
            }
        }
    }
    check(equal, "gemm_%s%s %s: %d x %d x %d", bytes ? "s8" : "s16", tiles != NULL ? "_tiles" : "",
        name, (int)rows, (int)columns, (int)depth);
    check_output_free(sum);
    check_input_free(&a);
    free(packed);
    free(bias);
    free(w);
}

int main(void)
{
    CHECK_LEVELS(level, kernels) {
        const char *name = oct_cpu_name(level);
        for (size_t i = 0; i < COUNT(row_counts) * COUNT(column_counts) * COUNT(depths); i++) {
            int32_t rows = row_counts[i % COUNT(row_counts)];
            int32_t columns = column_counts[i / COUNT(row_counts) % COUNT(column_counts)];
            int32_t depth = depths[i / COUNT(row_counts) / COUNT(column_counts)];
            check_f32(kernels, name, rows, columns, depth, i % 2 == 0);
            check_int(&kernels->s16_layout, true, kernels->gemm_s16, NULL, name, rows, columns, depth);
            if (kernels->gemm_s8 != NULL)
                check_int(&kernels->s8_layout, kernels->s8_signed, kernels->gemm_s8, NULL, name, rows,
                    columns, depth);
            const oct_gemm_tiles *tiles = &kernels->gemm_s8_tiles;
            if (tiles->product != NULL && rows >= OCT_GEMM_TILE_ROWS)
                check_int(&kernels->s8_layout, false, tiles->product, tiles, name, rows, columns,
                    depth);
        }
    }
    return check_done();
}
