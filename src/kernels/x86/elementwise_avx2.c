/*
 * The loops of elementwise.h for AVX2.
 */
#define ISA avx2
#include "kernels/elementwise_tmpl.h"
