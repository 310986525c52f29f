/*
 * Column sums of every level: floats bit by bit in the order of rows, int8 exactly.
 */
#include "kernels/check.h"
#include "kernels/column_sums.h"

enum { MOST = 300 };

static void check_sums(const oct_column_sums_set *set, const char *name, size_t rows, size_t n)
{
    size_t stride = n + (size_t)check_between(0, 3), count = (rows - 1) * stride + n;
    check_input floats = check_input_create(count * sizeof(float)), bytes = check_input_create(count);
    const float *x = floats.data;
    const int8_t *q = bytes.data;
    int8_t extreme = check_random() % 2 ? -128 : 127;
    for (size_t i = 0; i < count; i++) {
        ((float *)floats.data)[i] = check_float();
        ((int8_t *)bytes.data)[i] = rows % 2 ? extreme : (int8_t)check_extreme(-128, 127);
    }
    float *y = check_output_create(n * sizeof *y), want[MOST] = { 0 };
    int32_t *sum = check_output_create(n * sizeof *sum), want_sum[MOST] = { 0 };
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < n; c++) {
            want[c] += x[r * stride + c];
            want_sum[c] += q[r * stride + c];
        }
    set->f32(x, rows, stride, n, y);
    set->s8(q, rows, stride, n, sum);
    check(memcmp(y, want, n * sizeof *y) == 0 && check_output_intact(y, n * sizeof *y),
        "column_sums_f32 %s: %zu x %zu", name, rows, n);
    check(memcmp(sum, want_sum, n * sizeof *sum) == 0 && check_output_intact(sum, n * sizeof *sum),
        "column_sums_s8 %s: %zu x %zu", name, rows, n);
    check_output_free(sum);
    check_output_free(y);
    check_input_free(&bytes);
    check_input_free(&floats);
}

int main(void)
{
    for (int level = 0; level <= (int)oct_cpu_supported(); level++) {
        const oct_column_sums_set *set = oct_column_sums_set_of((oct_cpu)level);
        for (size_t n = 1; n < MOST; n += n < 70 ? 1 : 37)
            for (size_t rows = 1; rows < 1000; rows = rows * 3 + 1)
                check_sums(set, oct_cpu_name((oct_cpu)level), rows, n);
    }
    return check_done();
}
