/*
 * Rows of the matrix that a convolution multiplies: the receptive fields of consecutive pixels, copied into
 * a tile that fits the first-level cache.
 */
#ifndef OCT_KERNELS_GATHER_H
#define OCT_KERNELS_GATHER_H

#include "kernels/rows.h"
#include "kernels/window.h"

typedef struct oct_gather {
    oct_window window;
    size_t in_bytes, out_bytes; /* of an element */
    size_t row_bytes;           /* from one row of the tile to the next; zeros past the taps */
    /** Copies n elements; NULL: as they are. */
    void (*move)(void *to, const void *from, size_t n, int32_t zero);
    int32_t zero;               /* zero point for move */
    int32_t pad;                /* byte that stands for taps outside */
    bool flip;                  /* the representation is uint8: padding is zero XOR 0x80 */
} oct_gather;

/**
 * Fills rows [first, first + rows) of the matrix, rows counting pixels over batches.
 *
 * x      the input tensor, [batches][in_h][in_w][in_c]
 * units  NULL, or the parameters of each batch, whose zero points then replace zero and pad.
 * tile   rows * row_bytes
 */
void oct_gather_rows(const oct_gather *g, const void *x, const oct_row_quant *units, size_t first,
    int32_t rows, void *tile);

#endif
