/*
 * Quantized multiplication in plain C.
 */
#include "kernels/mul.h"

OCT_MUL_ROW(oct_mul_row_s8_c)
{
    oct_mul_s8_c(p, n, a, 1, b, 1, y);
}
