/*
 * Sums of rows. A sum of floats has one order, so it is one chain of additions; several rows at once
 * keep the adders busy.
 */
#include "kernels/row_sums.h"

enum { AT_ONCE = 8 };

static void sum_eight(const float *x, size_t columns, float *sum)
{
    float s[AT_ONCE] = { 0.f };
    for (size_t c = 0; c < columns; c++) {
        s[0] += x[c];
        s[1] += x[c + columns];
        s[2] += x[c + 2 * columns];
        s[3] += x[c + 3 * columns];
        s[4] += x[c + 4 * columns];
        s[5] += x[c + 5 * columns];
        s[6] += x[c + 6 * columns];
        s[7] += x[c + 7 * columns];
    }
    for (int i = 0; i < AT_ONCE; i++)
        sum[i] = s[i];
}

void oct_row_sums_f32(const float *x, size_t rows, size_t columns, float *sum)
{
    size_t r = 0;
    for (; r + AT_ONCE <= rows; r += AT_ONCE)
        sum_eight(x + r * columns, columns, sum + r);
    for (; r < rows; r++) {
        sum[r] = 0.f;
        for (size_t c = 0; c < columns; c++)
            sum[r] += x[r * columns + c];
    }
}

void oct_row_sums_s8(const int8_t *x, size_t rows, size_t columns, int32_t *sum)
{
    for (size_t r = 0; r < rows; r++, x += columns) {
        int32_t s = 0;
        for (size_t c = 0; c < columns; c++)
            s += x[c];
        sum[r] = s;
    }
}
