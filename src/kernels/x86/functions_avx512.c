/*
 * The loops of functions.h for AVX-512.
 */
#define ISA avx512
#include "kernels/functions_tmpl.h"
