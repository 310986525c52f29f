/*
 * The loops of column_sums.h for AVX2.
 */
#define ISA avx2
#include "kernels/column_sums_tmpl.h"
