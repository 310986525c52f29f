/*
 * The loops of column_sums.h for AVX-512.
 */
#define ISA avx512
#include "kernels/column_sums_tmpl.h"
