/*
 * Sums of rows of every level against loops in the order they promise.
 */
#include "kernels/row_sums.h"

#include "kernels/check.h"

static float want_sum(const float *x, size_t n)
{
    float part[16] = { 0.f };
    for (size_t i = 0; i < n; i++)
        part[n < 16 ? 0 : i % 16] += x[i];
    for (int half = 8; n >= 16 && half > 0; half /= 2)
        for (int l = 0; l < half; l++)
            part[l] += part[l + half];
    return part[0];
}

static void check_rows(const oct_row_sums_set *set, const char *name, size_t rows, size_t columns)
{
    check_input in = check_input_create(rows * columns * sizeof(float));
    float *x = in.data, *y = check_output_create(rows * sizeof *y);
    for (size_t i = 0; i < rows * columns; i++)
        x[i] = check_float();
    set->f32(x, rows, columns, y);
    bool equal = check_output_intact(y, rows * sizeof *y);
    for (size_t r = 0; r < rows; r++) {
        float sum = want_sum(x + r * columns, columns);
        equal &= memcmp(&sum, &y[r], sizeof sum) == 0;
    }
    int8_t *codes = (int8_t *)in.data + 3 * rows * columns; /* to the end of the memory */
    int32_t *sums = check_output_create(rows * sizeof *sums);
    for (size_t i = 0; i < rows * columns; i++)
        codes[i] = (int8_t)check_extreme(-128, 127);
    set->s8(codes, rows, columns, sums);
    equal &= check_output_intact(sums, rows * sizeof *sums);
    for (size_t r = 0; r < rows; r++) {
        int32_t sum = 0;
        for (size_t c = 0; c < columns; c++)
            sum += codes[r * columns + c];
        equal &= sum == sums[r];
    }
    check(equal, "%s: %zu rows of %zu", name, rows, columns);
    check_output_free(sums);
    check_output_free(y);
    check_input_free(&in);
}

int main(void)
{
    for (int level = 0; level <= (int)oct_cpu_supported(); level++)
        for (size_t rows = 1; rows < 30; rows += 7)
            for (size_t columns = 1; columns < 400; columns += columns < 40 ? 1 : 61)
                check_rows(oct_row_sums_set_of((oct_cpu)level), oct_cpu_name((oct_cpu)level), rows,
                    columns);
    return check_done();
}
