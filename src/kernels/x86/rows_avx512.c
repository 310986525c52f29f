/*
 * The loops of rows.h for AVX-512.
 */
#define ISA avx512
#include "kernels/rows_tmpl.h"
