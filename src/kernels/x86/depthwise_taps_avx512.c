/*
 * Depthwise sums for AVX-512.
 */
#define ISA avx512
#include "kernels/depthwise_tmpl.h"
