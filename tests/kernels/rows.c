/*
 * Copies, quantization on the fly and the hybrid end of every level against plain C, bit for bit.
 */
#include <math.h>

#include "kernels/check.h"

static void check_moves(const oct_kernel_set *kernels, const char *name, size_t n)
{
    check_input from = check_input_create(n);
    int8_t *x = from.data;
    for (size_t i = 0; i < n; i++)
        x[i] = (int8_t)check_extreme(-128, 127);
    int32_t zero = check_extreme(-128, 127);
    uint8_t *flipped = check_output_create(n);
    int16_t *wide = check_output_create(2 * n);
    kernels->move_flip(flipped, x, n, zero);
    kernels->move_widen(wide, x, n, zero);
    bool equal = check_output_intact(flipped, n) && check_output_intact(wide, 2 * n);
    for (size_t i = 0; i < n; i++)
        equal &= flipped[i] == x[i] + 128 && wide[i] == x[i] - zero;
    check(equal, "moves %s: %zu elements", name, n);
    check_output_free(wide);
    check_output_free(flipped);
    check_input_free(&from);
}

/* kind 0: any floats; 1: halves, which are rounding ties; 2: one sign; 3: zeros; 4: NaN and
 * infinities. */
static void fill(float *x, size_t n, int kind)
{
    for (size_t i = 0; i < n; i++)
        x[i] = kind == 0   ? check_float()
               : kind == 1 ? (float)check_between(-126, 126) + 0.5f
               : kind == 2 ? (float)check_between(1, 900) * 0.01f
               : kind == 3 ? (check_random() % 2 ? 0.f : -0.f)
                           : (check_random() % 8 == 0      ? NAN
                                 : check_random() % 8 == 0 ? INFINITY
                                                           : 1.f);
    if (kind == 1)
        x[0] = -128.f, x[n - 1] = 127.f;
}

static void check_quantize(const oct_kernel_set *kernels, const char *name, size_t n, int kind)
{
    check_input from = check_input_create(n * sizeof(float));
    fill(from.data, n, kind);
    int8_t *q = check_output_create(n), *want = malloc(n);
    for (int asymmetric = 0; asymmetric < 2; asymmetric++) {
        oct_row_quant got = oct_quantize_row(&kernels->quantize, asymmetric, from.data, n, q);
        oct_row_quant expected = oct_quantize_row(&oct_quantize_kernels_c, asymmetric, from.data,
            n, want);
        bool same_scale =
            got.scale == expected.scale || (isnan(got.scale) && isnan(expected.scale));
        check(same_scale && got.zero == expected.zero && memcmp(q, want, n) == 0
                && check_output_intact(q, n),
            "quantize %s: %zu values of kind %d, asymmetric %d", name, n, kind, asymmetric);
    }
    free(want);
    check_output_free(q);
    check_input_free(&from);
}

/* The definition, independent of any kernel: round half away from zero, with libm. */
static void check_definition(size_t n, int kind)
{
    float *x = malloc(n * sizeof *x), top = 0.f;
    int8_t *q = malloc(n);
    fill(x, n, kind);
    for (size_t i = 0; i < n; i++)
        top = fmaxf(top, fabsf(x[i]));
    oct_row_quant unit = oct_quantize_row_symmetric_c(x, n, q);
    for (size_t i = 0; i < n; i++)
        check(top == 0.f ? q[i] == 0 : q[i] == (int)roundf(x[i] * (127.f / top)),
            "symmetric definition: %g of %g is %d", (double)x[i], (double)top, q[i]);
    check(unit.scale == (top == 0.f ? 1.f : top / 127.f), "symmetric scale");
    unit = oct_quantize_row_asymmetric_c(x, n, q);
    for (size_t i = 0; top != 0.f && i < n; i++) {
        float code = (float)unit.zero + roundf(x[i] * (1.f / unit.scale));
        code = code < -128.f ? -128.f : code > 127.f ? 127.f : code;
        check(q[i] == (int)code, "asymmetric definition: %g is %d", (double)x[i], q[i]);
    }
    free(q);
    free(x);
}

static void check_hybrid(const oct_kernel_set *kernels, const char *name, int32_t rows,
    int32_t columns)
{
    size_t n = (size_t)columns, m = (size_t)rows;
    check_input sums = check_input_create(m * n * sizeof(int32_t));
    int32_t *sum = sums.data, *column_sum = malloc(n * sizeof *column_sum);
    float *scale = malloc(n * sizeof *scale), *bias = malloc(n * sizeof *bias);
    oct_row_quant *units = malloc(m * sizeof *units);
    const oct_row_quant **unit = malloc(m * sizeof *unit);
    for (size_t i = 0; i < m * n; i++)
        sum[i] = check_between(-9999999, 9999999);
    for (size_t i = 0; i < n; i++) {
        column_sum[i] = check_between(-20000, 20000);
        scale[i] = fabsf(check_float());
        bias[i] = check_float();
    }
    for (size_t i = 0; i < m; i++) {
        units[i] = (oct_row_quant){ fabsf(check_float()), check_extreme(-128, 127) };
        unit[i] = &units[i];
    }
    size_t bytes = m * n * sizeof(float);
    float *y = check_output_create(bytes), *want = check_output_create(bytes);
    for (int way = 0; way < 2; way++) {
        oct_hybrid_args args = { .sum = sum,
            .sum_stride = n,
            .rows = rows,
            .columns = columns,
            .unit = unit,
            .column_sum = column_sum,
            .scale = scale,
            .bias = bias,
            .lo = 0.f,
            .hi = 6.f,
            .y = y,
            .y_stride = n };
        oct_float_range range = OCT_FLOAT_RANGE_NONE, expected = OCT_FLOAT_RANGE_NONE;
        args.range = &range;
        (way ? kernels->hybrid_channel : kernels->hybrid_shared)(&args);
        args.y = want;
        args.range = &expected;
        (way ? oct_hybrid_channel_c : oct_hybrid_shared_c)(&args);
        check(memcmp(y, want, bytes) == 0 && check_output_intact(y, bytes)
                && memcmp(&range, &expected, sizeof range) == 0,
            "hybrid %s: %d x %d, way %d", name, (int)rows, (int)columns, way);
    }
    check_output_free(want);
    check_output_free(y);
    free(unit);
    free(units);
    free(bias);
    free(scale);
    free(column_sum);
    check_input_free(&sums);
}

int main(void)
{
    for (int kind = 0; kind < 4; kind++)
        check_definition(777, kind);
    CHECK_LEVELS(level, kernels) {
        const char *name = oct_cpu_name(level);
        for (size_t n = 1; n < 140; n++) {
            check_moves(kernels, name, n);
            for (int kind = 0; kind < 5; kind++)
                check_quantize(kernels, name, n, kind);
            check_hybrid(kernels, name, check_between(1, 6), (int32_t)n);
        }
    }
    return check_done();
}
