/*
 * Requantization in double for AVX2.
 */
#define ISA avx2
#include "kernels/requant_real_tmpl.h"
