/*
 * The loops of pool.h for AVX2.
 */
#define ISA avx2
#include "kernels/pool_tmpl.h"
