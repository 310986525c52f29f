/*
 * Sums of rows against loops in the order they promise.
 */
#include "kernels/row_sums.h"

#include "kernels/check.h"

static void check_rows(size_t rows, size_t columns)
{
    check_input in = check_input_create(rows * columns * sizeof(float));
    float *x = in.data, *y = check_output_create(rows * sizeof *y);
    for (size_t i = 0; i < rows * columns; i++)
        x[i] = check_float();
    oct_row_sums_f32(x, rows, columns, y);
    bool equal = check_output_intact(y, rows * sizeof *y);
    for (size_t r = 0; r < rows; r++) {
        float sum = 0.f;
        for (size_t c = 0; c < columns; c++)
            sum += x[r * columns + c];
        equal &= memcmp(&sum, &y[r], sizeof sum) == 0;
    }
    int8_t *codes = (int8_t *)in.data + 3 * rows * columns; /* to the end of the memory */
    int32_t *sums = check_output_create(rows * sizeof *sums);
    for (size_t i = 0; i < rows * columns; i++)
        codes[i] = (int8_t)check_extreme(-128, 127);
    oct_row_sums_s8(codes, rows, columns, sums);
    equal &= check_output_intact(sums, rows * sizeof *sums);
    for (size_t r = 0; r < rows; r++) {
        int32_t sum = 0;
        for (size_t c = 0; c < columns; c++)
            sum += codes[r * columns + c];
        equal &= sum == sums[r];
    }
    check(equal, "%zu rows of %zu", rows, columns);
    check_output_free(sums);
    check_output_free(y);
    check_input_free(&in);
}

int main(void)
{
    for (size_t rows = 1; rows < 30; rows++)
        for (size_t columns = 1; columns < 400; columns += columns < 40 ? 1 : 61)
            check_rows(rows, columns);
    return check_done();
}
