/*
 * The loops of row_sums.h; ISA is the suffix of the variant's names.
 */
#include <string.h>

#include "kernels/row_sums.h"
#include "kernels/tile.h"

#define PASTE(name, isa) name##_##isa
#define NAMED(name, isa) PASTE(name, isa)

enum { LANES = 16 };
typedef float lanes __attribute__((vector_size(64)));

#define HALVES(v, ...) v += __builtin_shufflevector(v, v, __VA_ARGS__)

/* The elements past the last whole vector go to lanes 0, 1, ... */
OCT_INLINE float sum_row(const float *x, size_t columns)
{
    lanes sum = { 0 }, v, last = { 0 };
    size_t whole = columns / LANES * LANES;
    for (size_t i = 0; i < whole; i += LANES) {
        memcpy(&v, x + i, sizeof v);
        sum += v;
    }
    if (whole < columns) {
        memcpy(&last, x + whole, (columns - whole) * sizeof *x);
        sum += last;
    }
    HALVES(sum, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
    HALVES(sum, 4, 5, 6, 7, 0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15);
    HALVES(sum, 2, 3, 0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    HALVES(sum, 1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    return sum[0];
}

void NAMED(oct_row_sums_f32, ISA)(const float *x, size_t rows, size_t columns, float *sum)
{
    for (size_t r = 0; r < rows; r++, x += columns) {
        if (columns >= LANES) {
            sum[r] = sum_row(x, columns);
            continue;
        }
        float s = 0.f;
        for (size_t c = 0; c < columns; c++)
            s += x[c];
        sum[r] = s;
    }
}

void NAMED(oct_row_sums_s8, ISA)(const int8_t *x, size_t rows, size_t columns, int32_t *sum)
{
    for (size_t r = 0; r < rows; r++, x += columns) {
        int32_t s = 0;
        for (size_t c = 0; c < columns; c++)
            s += x[c];
        sum[r] = s;
    }
}
