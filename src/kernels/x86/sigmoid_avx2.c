/*
 * The loops of sigmoid.h for AVX2.
 */
#define ISA avx2
#include "kernels/sigmoid_tmpl.h"
