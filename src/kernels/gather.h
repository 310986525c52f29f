/*
 * Rows of the matrix that a convolution multiplies: the receptive fields of consecutive pixels,
 * copied into a tile that fits the first-level cache.
 */
#ifndef OCT_KERNELS_GATHER_H
#define OCT_KERNELS_GATHER_H

#include "kernels/rows.h"
#include "kernels/window.h"

typedef void (*oct_move_fn)(void *to, const void *from, size_t n, int32_t zero);

typedef struct oct_gather {
    oct_window window;
    size_t in_bytes, out_bytes; /* of an element */
    size_t row_bytes;  /* from one row of the tile to the next, a multiple of out_bytes */
    oct_move_fn widen; /* int8 to int16 without the zero point, the whole tile at once; or NULL */
    oct_move_fn flip;  /* int8 to uint8, the whole tile at once; or NULL */
    int32_t zero;      /* zero point of int8 inputs */
} oct_gather;

/**
 * Fills rows [first, first + rows) of the matrix, rows counting pixels over batches.
 *
 * x      the input tensor, [batches][in_h][in_w][in_c]
 * units  NULL, or the parameters of each batch, whose zero points then replace zero.
 * tile   rows * row_bytes, and half as much behind it where rows are widened; integers past the
 *        taps of a row may be anything: their weights are zero
 */
void oct_gather_rows(const oct_gather *g, const void *x, const oct_row_quant *units, size_t first,
    int32_t rows, void *tile);

#endif
