/*
 * The loops of sigmoid.h for AVX-512.
 */
#define ISA avx512
#include "kernels/sigmoid_tmpl.h"
