/*
 * Sums of rows for AVX-512.
 */
#define ISA avx512
#include "kernels/row_sums_tmpl.h"
