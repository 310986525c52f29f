/*
 * The loops of rows.h for AVX2.
 */
#define ISA avx2
#include "kernels/rows_tmpl.h"
