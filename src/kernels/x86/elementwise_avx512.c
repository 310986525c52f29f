/*
 * The loops of elementwise.h for AVX-512.
 */
#define ISA avx512
#include "kernels/elementwise_tmpl.h"
