/*
 * Requantization in double for AVX-512.
 */
#define ISA avx512
#include "kernels/requant_real_tmpl.h"
