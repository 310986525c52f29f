/*
 * Depthwise sums for AVX2.
 */
#define ISA avx2
#include "kernels/depthwise_tmpl.h"
