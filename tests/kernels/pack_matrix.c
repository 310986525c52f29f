/*
 * Computed right operands, packed by row and by column for every level, multiplied and compared with
 * loops over the matrices.
 */
#include <math.h>

#include "kernels/check.h"
#include "kernels/pack_matrix.h"

static const int32_t row_counts[] = { 1, 5, 16, 33 };
static const int32_t column_counts[] = { 1, 4, 15, 16, 17, 63, 64, 65, 197 };
static const int32_t depths[] = { 1, 2, 3, 4, 7, 8, 64, 65, 197 };
#define COUNT(list) (sizeof(list) / sizeof *(list))

typedef struct sizes {
    int32_t rows, columns, depth;
    bool by_column;
} sizes;

static size_t place(const sizes *s, size_t k, size_t n)
{
    return s->by_column ? n * (size_t)s->depth + k : k * (size_t)s->columns + n;
}

/* Memory that is not zero: packing may rely on nothing. */
static void *dirty_packed(size_t size)
{
    void *packed = check_output_create(size);
    memset(packed, 0x5a, size);
    return packed;
}

static void check_f32(const oct_kernel_set *kernels, const char *name, const sizes *s)
{
    const oct_gemm_layout *layout = &kernels->f32_layout;
    size_t m = (size_t)s->rows, n = (size_t)s->columns, k = (size_t)s->depth;
    check_input right = check_input_create(n * k * sizeof(float));
    float *b = right.data, *a = malloc(m * k * sizeof *a), *y = malloc(m * n * sizeof *y);
    for (size_t i = 0; i < n * k; i++)
        b[i] = check_float();
    for (size_t i = 0; i < m * k; i++)
        a[i] = check_float();
    size_t bytes = oct_gemm_packed_bytes(layout, s->columns, k);
    char *packed = dirty_packed(bytes);
    oct_pack_matrix_f32(layout, &(oct_right_matrix){ b, s->by_column, s->columns, k }, packed);
    bool equal = check_output_intact(packed, bytes);
    int32_t width = oct_gemm_panel_columns(layout);
    for (int32_t c = 0; c < s->columns; c += width)
        kernels->gemm_f32(&(oct_gemm_f32_args){ .a = a,
            .a_stride = k,
            .rows = s->rows,
            .depth = s->depth,
            .panel = (const float *)(void *)(packed +
                                             (size_t)(c / width) * oct_gemm_panel_bytes(layout, k)),
            .vectors = oct_gemm_panel_vectors(layout, s->columns, c),
            .columns = s->columns - c < width ? s->columns - c : width,
            .lo = -INFINITY,
            .hi = INFINITY,
            .y = y + c,
            .y_stride = n });
    for (size_t i = 0; equal && i < m * n; i++) {
        float sum = 0.f;
        for (size_t t = 0; t < k; t++)
            sum = fmaf(a[i / n * k + t], b[place(s, t, i % n)], sum);
        equal = memcmp(&sum, &y[i], sizeof sum) == 0;
    }
    check(equal, "f32 %s: %d x %d x %d, by_column %d", name, (int)s->rows, (int)s->columns,
        (int)s->depth, s->by_column);
    check_output_free(packed);
    free(y);
    free(a);
    check_input_free(&right);
}

/* Activations as the kernels of a level read them. */
static void load_left(const oct_kernel_set *kernels, const sizes *s, const int8_t *a, int32_t zero,
    size_t padded, void *to)
{
    bool on_bytes = kernels->gemm_s8 != NULL;
    for (size_t i = 0; i < (size_t)s->rows; i++) {
        const int8_t *from = a + i * (size_t)s->depth;
        char *row = (char *)to + i * padded * (on_bytes ? 1 : 2);
        if (!on_bytes)
            kernels->move_widen(row, from, (size_t)s->depth, zero);
        else if (kernels->s8_signed)
            memcpy(row, from, (size_t)s->depth);
        else
            kernels->move_flip(row, from, (size_t)s->depth, 0);
    }
}

static int32_t want_sum(const sizes *s, const int8_t *a, const int8_t *b, int32_t a_zero,
    int32_t b_zero, size_t column, bool keep_share, bool flipped)
{
    int64_t sum = 0;
    for (size_t k = 0; k < (size_t)s->depth; k++) {
        sum += (a[k] - a_zero) * (b[place(s, k, column)] - b_zero);
        sum += keep_share ? b_zero * (a[k] + (flipped ? 128 : 0)) : 0;
    }
    return (int32_t)sum;
}

static void check_s8(const oct_kernel_set *kernels, const char *name, const sizes *s)
{
    bool on_bytes = kernels->gemm_s8 != NULL, flipped = on_bytes && !kernels->s8_signed;
    const oct_gemm_layout *layout = on_bytes ? &kernels->s8_layout : &kernels->s16_layout;
    size_t m = (size_t)s->rows, n = (size_t)s->columns, k = (size_t)s->depth;
    size_t padded = oct_gemm_depth(layout, k), bytes = oct_gemm_packed_bytes(layout, s->columns, k);
    int32_t a_zero = check_extreme(-128, 127), b_zero = check_extreme(-128, 127);
    check_input right = check_input_create(n * k);
    int8_t *b = right.data, *a = malloc(m * k);
    for (size_t i = 0; i < n * k; i++)
        b[i] = (int8_t)check_extreme(-128, 127);
    for (size_t i = 0; i < m * k; i++)
        a[i] = (int8_t)check_extreme(-128, 127);
    int32_t width = oct_gemm_panel_columns(layout), *sums = check_output_create(n * 4);
    void *left = check_packed_create(m * padded * 2);
    int32_t *sum = check_packed_create(m * (size_t)width * 4);
    char *packed = dirty_packed(bytes);
    load_left(kernels, s, a, a_zero, padded, left);
    oct_pack_matrix_s8(layout, &(oct_right_matrix){ b, s->by_column, s->columns, k },
        a_zero + (flipped ? 128 : 0), b_zero, sums, packed);
    bool equal = check_output_intact(packed, bytes) && check_output_intact(sums, n * 4);
    for (size_t j = 0; j < n; j++) {
        int32_t total = 0;
        for (size_t t = 0; t < k; t++)
            total += b[place(s, t, j)];
        equal &= total == sums[j];
    }
    for (int32_t c = 0; c < s->columns; c += width) {
        (on_bytes ? kernels->gemm_s8 : kernels->gemm_s16)(&(oct_gemm_int_args){ .a = left,
            .a_stride = padded,
            .rows = s->rows,
            .groups = (int32_t)padded / layout->group,
            .panel = packed + (size_t)(c / width) * oct_gemm_panel_bytes(layout, k),
            .vectors = oct_gemm_panel_vectors(layout, s->columns, c),
            .sum = sum,
            .sum_stride = (size_t)width });
        for (size_t i = 0; equal && i < m; i++)
            for (size_t j = (size_t)c; equal && j < n && j < (size_t)(c + width); j++)
                equal = sum[i * (size_t)width + j - (size_t)c] ==
                        want_sum(s, a + i * k, b, a_zero, b_zero, j, on_bytes, flipped);
    }
    check(equal, "s8 %s: %d x %d x %d, by_column %d", name, (int)s->rows, (int)s->columns,
        (int)s->depth, s->by_column);
    check_output_free(packed);
    free(sum);
    free(left);
    check_output_free(sums);
    free(a);
    check_input_free(&right);
}

int main(void)
{
    CHECK_LEVELS(level, kernels)
    for (size_t i = 0; i < 2 * COUNT(row_counts) * COUNT(column_counts) * COUNT(depths); i++) {
        sizes s = { row_counts[i / 2 % COUNT(row_counts)],
            column_counts[i / 2 / COUNT(row_counts) % COUNT(column_counts)],
            depths[i / 2 / COUNT(row_counts) / COUNT(column_counts)], i % 2 == 1 };
        check_f32(kernels, oct_cpu_name(level), &s);
        check_s8(kernels, oct_cpu_name(level), &s);
    }
    return check_done();
}
