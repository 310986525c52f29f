/*
 * Sums of rows for AVX2.
 */
#define ISA avx2
#include "kernels/row_sums_tmpl.h"
