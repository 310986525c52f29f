/*
 * The loops of functions.h for AVX2.
 */
#define ISA avx2
#include "kernels/functions_tmpl.h"
