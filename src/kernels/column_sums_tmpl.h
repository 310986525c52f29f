/*
 * The loops of column_sums.h; ISA is the suffix of the variant's names. A block of columns at a
 * time, whose sums stay in registers; int8 is summed in 16 bits as far as that goes.
 */
#include <string.h>

#include "kernels/column_sums.h"
#include "kernels/tile.h"

#define PASTE(name, isa) name##_##isa
#define NAMED(name, isa) PASTE(name, isa)

enum { BLOCK = 64, ROWS_OF_SHORTS = 256 };

OCT_INLINE void block_f32(
    const float *x, size_t rows, size_t stride, size_t columns, float *restrict sum)
{
    float s[BLOCK] = { 0 };
    for (size_t r = 0; r < rows; r++, x += stride)
        for (size_t c = 0; c < columns; c++)
            s[c] += x[c];
    memcpy(sum, s, columns * sizeof *s);
}

void NAMED(oct_column_sums_f32, ISA)(
    const float *x, size_t rows, size_t stride, size_t columns, float *sum)
{
    size_t c = 0;
    for (; c + BLOCK <= columns; c += BLOCK)
        block_f32(x + c, rows, stride, BLOCK, sum + c);
    if (c < columns)
        block_f32(x + c, rows, stride, columns - c, sum + c);
}

OCT_INLINE void block_s8(
    const int8_t *x, size_t rows, size_t stride, size_t columns, int32_t *restrict sum)
{
    int16_t s[BLOCK] = { 0 };
    for (size_t r = 0; r < rows; r++, x += stride)
        for (size_t c = 0; c < columns; c++)
            s[c] = (int16_t)(s[c] + x[c]);
    for (size_t c = 0; c < columns; c++)
        sum[c] += s[c];
}

void NAMED(oct_column_sums_s8, ISA)(
    const int8_t *x, size_t rows, size_t stride, size_t columns, int32_t *sum)
{
    memset(sum, 0, columns * sizeof *sum);
    for (; rows > 0; ) {
        size_t n = rows < ROWS_OF_SHORTS ? rows : ROWS_OF_SHORTS, c = 0;
        for (; c + BLOCK <= columns; c += BLOCK)
            block_s8(x + c, n, stride, BLOCK, sum + c);
        if (c < columns)
            block_s8(x + c, n, stride, columns - c, sum + c);
        x += n * stride;
        rows -= n;
    }
}
