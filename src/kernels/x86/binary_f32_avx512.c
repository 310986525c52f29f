/*
 * Float arithmetic of two rows for AVX-512.
 */
#define ISA avx512
#include "kernels/binary_f32_tmpl.h"
