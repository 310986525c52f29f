/*
 * Float arithmetic of two rows for AVX2.
 */
#define ISA avx2
#include "kernels/binary_f32_tmpl.h"
