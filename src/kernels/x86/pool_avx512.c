/*
 * The loops of pool.h for AVX-512.
 */
#define ISA avx512
#include "kernels/pool_tmpl.h"
