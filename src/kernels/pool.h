/*
 * Average and maximum over windows. One source (pool_tmpl.h), compiled for each instruction set;
 * every variant gives the same bytes and bits.
 */
#ifndef OCT_KERNELS_POOL_H
#define OCT_KERNELS_POOL_H

#include "base/cpu.h"
#include "kernels/window.h"

/* X(name, element, sum or limit) */
#define OCT_POOL_TYPES(X)                                                                          \
    X(f32, float, float)                                                                           \
    X(s8, int8_t, int32_t)                                                                         \
    X(u8, uint8_t, int32_t)                                                                        \
    X(s16, int16_t, int32_t)

/**
 * Mean or maximum of the taps inside the image for all channels of one pixel, clamped to [lo, hi].
 * Integer means are rounded half away from zero.
 *
 * x    [batches][in_h][in_w][in_c]; out_c = in_c, dilations 1; at least one tap lies inside.
 * sum  [in_c] scratch.
 * y    [in_c]
 * Source: LiteRT tflite/kernels/internal/reference/pooling.h, integer_ops/pooling.h.
 */
#define OCT_POOL_FN(type, sum_t)                                                                   \
    (const oct_window *w, const type *x, sum_t lo, sum_t hi, int32_t b, int32_t oy, int32_t ox,    \
        sum_t *sum, type *restrict y)
#define OCT_POOL_DECLARE(isa, name, type, sum_t)                                                   \
    void oct_average_pool_##name##_##isa OCT_POOL_FN(type, sum_t);                                 \
    void oct_max_pool_##name##_##isa OCT_POOL_FN(type, sum_t);
#define OCT_POOL_C(name, type, sum_t) OCT_POOL_DECLARE(c, name, type, sum_t)
#define OCT_POOL_AVX2(name, type, sum_t) OCT_POOL_DECLARE(avx2, name, type, sum_t)
#define OCT_POOL_AVX512(name, type, sum_t) OCT_POOL_DECLARE(avx512, name, type, sum_t)
OCT_POOL_TYPES(OCT_POOL_C)
OCT_POOL_TYPES(OCT_POOL_AVX2)
OCT_POOL_TYPES(OCT_POOL_AVX512)
#undef OCT_POOL_C
#undef OCT_POOL_AVX2
#undef OCT_POOL_AVX512
#undef OCT_POOL_DECLARE

/* The variants of one level. */
typedef struct oct_pool_set {
#define OCT_POOL_FIELDS(name, type, sum_t)                                                         \
    void(*average_##name) OCT_POOL_FN(type, sum_t);                                                \
    void(*max_##name) OCT_POOL_FN(type, sum_t);
    OCT_POOL_TYPES(OCT_POOL_FIELDS)
#undef OCT_POOL_FIELDS
} oct_pool_set;

/** The variants of a level that oct_cpu_supported() includes; static storage. */
const oct_pool_set *oct_pool_set_of(oct_cpu level);

#endif
