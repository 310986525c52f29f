/*
 * Plain loops over rows of values: copies with a change of representation, quantization on the fly
 * and the float end of hybrid kernels. One source (rows_tmpl.h), compiled for each instruction
 * set; all variants return the same bits.
 */
#ifndef OCT_KERNELS_ROWS_H
#define OCT_KERNELS_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "kernels/quantize_rows.h"

/* What a tile of hybrid sums becomes. */
typedef struct oct_hybrid_args {
    const int32_t *sum; /* [rows][columns] of q * w */
    size_t sum_stride;
    int32_t rows, columns;
    const oct_row_quant *const *unit; /* [rows] parameters of each row's activations */
    const int32_t *column_sum; /* [columns] of w; zeros where the sums are of q - zero already */
    const float *scale;               /* [columns] of the weights */
    const float *bias;                /* [columns] */
    float lo, hi;
    float *y;
    size_t y_stride;
    oct_float_range *range; /* NULL, or what the outputs are folded into */
} oct_hybrid_args;

/**
 * oct_move_flip:   to[i] = from[i] XOR 0x80: int8 codes as uint8; zero is not used; to may be from.
 * oct_move_widen:  to[i] = from[i] - zero as int16.
 * oct_hybrid_shared, oct_hybrid_channel: y = clamp(v * (unit.scale * scale[n]) + bias[n]) and
 *   clamp(v * scale[n] * unit.scale + bias[n]) with v = float(sum - unit.zero * column_sum[n]).
 * oct_range_fold, oct_quantize_floats: the loops of quantize_rows.h.
 */
#define OCT_ROWS_DECLARE(isa)                                                                      \
    void oct_move_flip_##isa(void *to, const void *from, size_t n, int32_t zero);                  \
    void oct_move_widen_##isa(void *to, const void *from, size_t n, int32_t zero);                 \
    void oct_hybrid_shared_##isa(const oct_hybrid_args *args);                                     \
    void oct_hybrid_channel_##isa(const oct_hybrid_args *args);                                    \
    void oct_range_fold_##isa(const float *x, size_t n, oct_float_range *range);                   \
    void oct_quantize_floats_##isa(const oct_quantizer *by, const float *x, size_t n, int8_t *q);
OCT_ROWS_DECLARE(c)
OCT_ROWS_DECLARE(avx2)
OCT_ROWS_DECLARE(avx512)
#undef OCT_ROWS_DECLARE

#endif
