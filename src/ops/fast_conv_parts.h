/*
 * A prepared convolution: what packing (fast_conv_pack.c) leaves for evaluation (fast_conv.c).
 */
#ifndef OCT_OPS_FAST_CONV_PARTS_H
#define OCT_OPS_FAST_CONV_PARTS_H

#include "kernels/dispatch.h"
#include "kernels/gather.h"
#include "ops/linear.h"

typedef struct oct_fast_conv {
    const oct_kernel_set *kernels;
    const oct_gemm_layout *layout;
    oct_gemm_int_fn product; /* integer forms */
    bool tiles;              /* kernels->gemm_s8_tiles instead, where a block has the rows */
    oct_gather gather;
    bool in_place; /* rows are read where they lie */
    size_t k, depth; /* taps, and taps padded to whole groups */
    size_t chunk; /* taps whose sums stay in int32 for certain; k unless int16 forms need chunks */
    int32_t chunks;
    size_t chunk_bytes; /* packed bytes of all but the last chunk */
    void *panels;       /* [chunks] packed weights */
    int32_t *column_sum; /* hybrid: sums of weights on bytes, else zeros */
    const float *bias;   /* hybrid: the bias, or zeros */
    oct_requant_tile rq;
    oct_requant_tile_fn requant;
    int32_t group_constants; /* int8: from the constants of a group in rq to those of the next */
    bool wide; /* int16 form with the vectorised 64-bit requantization, rq_s16 */
    oct_requant_s16_tile rq_s16;
    size_t rows;
    int32_t groups, group_c, group_panels; /* of the convolution; output channels and panels of one */
    int32_t block_rows, blocks, panel_count, panel_group, panel_groups;
    /* Scratch of a worker: the tile, its sums, and for int16 the sums of all chunks in 64 bits. */
    size_t tile_bytes, sum_bytes;
    size_t worker_bytes;
} oct_fast_conv;

static inline bool oct_fast_conv_is_float(const oct_op *op)
{
    return op->form == OCT_FORM_F32;
}

/** Whether 8-bit activations are multiplied as bytes, not widened to 16 bits. */
static inline bool oct_fast_conv_on_bytes(const oct_op *op, const oct_fast_conv *f)
{
    return (op->form == OCT_FORM_S8 || op->form == OCT_FORM_HYBRID) && f->kernels->gemm_s8 != NULL;
}

/** Taps of a chunk of the sums. */
static inline size_t oct_fast_conv_chunk_taps(const oct_fast_conv *f, int32_t chunk)
{
    size_t left = f->k - (size_t)chunk * f->chunk;
    return left < f->chunk ? left : f->chunk;
}

/** Where the panels of a group begin in those of a chunk of `taps`. */
static inline void *oct_fast_conv_panels(const oct_fast_conv *f, int32_t chunk, int32_t group, size_t taps)
{
    return (char *)f->panels + (size_t)chunk * f->chunk_bytes
        + (size_t)group * oct_gemm_packed_bytes(f->layout, f->group_c, taps);
}

/**
 * Packs the weights of a node whose kernel, depth and groups are chosen, with all that its results are
 * finished by. Errors: OCT_E_MEMORY.
 */
oct_status oct_fast_conv_pack(oct_op *op, const oct_linear *l, oct_fast_conv *f, oct_error *err);

#endif
