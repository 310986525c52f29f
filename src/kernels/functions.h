/*
 * Exponential functions on floats: EXP, GELU, SOFTMAX. One source (functions_tmpl.h), compiled for
 * each instruction set; every variant gives the same bits.
 */
#ifndef OCT_KERNELS_FUNCTIONS_H
#define OCT_KERNELS_FUNCTIONS_H

#include <stddef.h>

#include "base/cpu.h"

/**
 * y[i] of n floats; y may be x; NaN stays NaN. Distance to the exact value, tested on a sample of all
 * floats:
 *   exp        2 units in the last place, down to subnormals; 0 and infinity where the result rounds to them
 *   gelu       x * Phi(x), Phi the normal distribution: 2^-21 |x|
 *   gelu_tanh  x / (1 + exp(-2 u)), u = sqrt(2 / pi) (x + 0.044715 x^3): 2^-21 |x|
 *   softmax    exp(beta (x[i] - max)) / sum, n >= 1: the sum is of 16 partial sums, of elements i mod 16,
 *              added in halves (l with l + 8, l + 4, ...); relative error (n / 16 + 10 + beta (max - x[i])) * 2^-23
 */
#define OCT_FUNCTIONS_DECLARE(isa)                                                                 \
    void oct_exp_f32_##isa(size_t n, const float *x, float *y);                                    \
    void oct_gelu_f32_##isa(size_t n, const float *x, float *y);                                   \
    void oct_gelu_tanh_f32_##isa(size_t n, const float *x, float *y);                              \
    void oct_softmax_row_f32_##isa(size_t n, const float *x, float beta, float *y);
OCT_FUNCTIONS_DECLARE(c)
OCT_FUNCTIONS_DECLARE(avx2)
OCT_FUNCTIONS_DECLARE(avx512)
#undef OCT_FUNCTIONS_DECLARE

/* The variants of one level. */
typedef struct oct_functions_set {
    void (*exp)(size_t n, const float *x, float *y);
    void (*gelu)(size_t n, const float *x, float *y);
    void (*gelu_tanh)(size_t n, const float *x, float *y);
    void (*softmax_row)(size_t n, const float *x, float beta, float *y);
} oct_functions_set;

/** The variants of a level that oct_cpu_supported() includes; static storage. */
const oct_functions_set *oct_functions_set_of(oct_cpu level);

#endif
