/*
 * The copies of rows.h for AVX-512; hybrid_avx512.c has the other loops.
 */
#define ISA avx512
#define MOVES_ONLY
#include "kernels/rows_tmpl.h"
