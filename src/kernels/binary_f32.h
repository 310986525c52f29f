/*
 * Element-wise arithmetic of two rows of floats. One source (binary_f32_tmpl.h), compiled for each
 * instruction set; every variant gives the same bits.
 */
#ifndef OCT_KERNELS_BINARY_F32_H
#define OCT_KERNELS_BINARY_F32_H

#include <stddef.h>

#include "base/cpu.h"

/* Results below lo become lo, those above hi become hi; NaN stays NaN. */
typedef struct oct_clamp { float lo, hi; } oct_clamp;

/**
 * y[i] = clamp(a[i * a_step] op b[i * b_step]) for i < n, n >= 1; a step is 1, or 0 for an operand that
 * is repeated. y may be an operand whose step is 1.
 * squared_difference: d * d with d = a - b.
 */
#define OCT_BINARY_F32(name)                                                                       \
    void name(const oct_clamp *clamp, size_t n, const float *a, size_t a_step, const float *b,     \
        size_t b_step, float *y)
typedef OCT_BINARY_F32((*oct_binary_f32_fn));

#define OCT_BINARY_F32_DECLARE(isa)                                                                \
    OCT_BINARY_F32(oct_add_f32_##isa);                                                             \
    OCT_BINARY_F32(oct_sub_f32_##isa);                                                             \
    OCT_BINARY_F32(oct_mul_f32_##isa);                                                             \
    OCT_BINARY_F32(oct_squared_difference_f32_##isa);
OCT_BINARY_F32_DECLARE(c)
OCT_BINARY_F32_DECLARE(avx2)
OCT_BINARY_F32_DECLARE(avx512)
#undef OCT_BINARY_F32_DECLARE

/* The variants of one level. */
typedef struct oct_binary_f32_set {
    oct_binary_f32_fn add, sub, mul, squared_difference;
} oct_binary_f32_set;

/** The variants of a level that oct_cpu_supported() includes; static storage. */
const oct_binary_f32_set *oct_binary_f32_set_of(oct_cpu level);

#endif
