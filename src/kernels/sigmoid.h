/*
 * Float activations built on the logistic function. One source (sigmoid_tmpl.h), compiled for each
 * instruction set; every variant gives the same bits.
 */
#ifndef OCT_KERNELS_SIGMOID_H
#define OCT_KERNELS_SIGMOID_H

#include <stddef.h>

#include "base/cpu.h"

/**
 * y[i] of n floats; y may be x. Infinities have the functions' limits (but -inf times 0 is NaN in
 * hard_swish and swish), NaN stays NaN. Distance to the exact value, tested on a sample of all floats:
 *   logistic    3 units in the last place, or 2^-126
 *   tanh        3 units in the last place
 *   hard_swish  x * clamp(x + 3, 0, 6) * (1/6): 3 units in the last place, or 3 * 2^-24
 *   swish       clamp(x * logistic(x), lo, hi): 4 units in the last place, or 2^-119
 */
#define OCT_SIGMOID_DECLARE(isa)                                                                   \
    void oct_logistic_f32_##isa(size_t n, const float *x, float *y);                               \
    void oct_tanh_f32_##isa(size_t n, const float *x, float *y);                                   \
    void oct_hard_swish_f32_##isa(size_t n, const float *x, float *y);                             \
    void oct_swish_f32_##isa(size_t n, const float *x, float lo, float hi, float *y);
OCT_SIGMOID_DECLARE(c)
OCT_SIGMOID_DECLARE(avx2)
OCT_SIGMOID_DECLARE(avx512)
#undef OCT_SIGMOID_DECLARE

/* The variants of one level. */
typedef struct oct_sigmoid_set {
    void (*logistic)(size_t n, const float *x, float *y);
    void (*tanh)(size_t n, const float *x, float *y);
    void (*hard_swish)(size_t n, const float *x, float *y);
    void (*swish)(size_t n, const float *x, float lo, float hi, float *y);
} oct_sigmoid_set;

/** The variants of a level that oct_cpu_supported() includes; static storage. */
const oct_sigmoid_set *oct_sigmoid_set_of(oct_cpu level);

#endif
