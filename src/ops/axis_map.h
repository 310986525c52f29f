/*
 * Data movement where each output index comes, axis by axis, from an input index or from nowhere:
 * y[i0, i1, ...] = x[map0[i0], map1[i1], ...], and the fill value where any map has OCT_AXIS_FILL.
 *
 * Slices, padding, mirroring, tiling, broadcasting and nearest-neighbour resizing are all such maps.
 * The last axis is kept as runs of consecutive indices, so that whole rows become one memcpy.
 */
#ifndef OCT_OPS_AXIS_MAP_H
#define OCT_OPS_AXIS_MAP_H

#include "ops/op.h"

enum { OCT_AXIS_FILL = -1, OCT_AXIS_MAP_RANK = 8 };

typedef struct oct_axis_run {
    size_t bytes;
    int64_t source; /* byte offset in the input row; OCT_AXIS_FILL */
} oct_axis_run;

typedef struct oct_axis_map {
    int32_t outer_rank;                        /* axes before the last one */
    size_t dims[OCT_AXIS_MAP_RANK];            /* outer output dimensions */
    const int32_t *index[OCT_AXIS_MAP_RANK];   /* [dims[i]] input index, or OCT_AXIS_FILL */
    size_t stride[OCT_AXIS_MAP_RANK];          /* bytes between input indices of the outer axes */
    oct_axis_run *runs;                        /* [run_count], covering one output row */
    size_t run_count;
    size_t rows, row_bytes;
    size_t element;                            /* bytes */
    unsigned char fill[16];                    /* one element; zero unless set after init */
} oct_axis_map;

/**
 * Builds the map from in[slot] to out[0].
 *
 * rank   axes, at most OCT_AXIS_MAP_RANK; both values are seen with these dims (ones may be added).
 * index  one array an axis, out_dims[i] long; kept, so from oct_op_alloc().
 * Errors: OCT_E_MEMORY.
 */
oct_status oct_axis_map_init(oct_op *op, oct_axis_map *map, size_t element, int32_t rank,
    const int32_t *in_dims, const int32_t *out_dims, int32_t *const *index, oct_error *err);

/** Moves the data; x and y do not overlap. */
void oct_axis_map_run(const oct_axis_map *map, oct_pool *pool, const void *x, void *y);

/** eval of operators whose op->prepared is the map from in[0] to out[0]. */
oct_status oct_axis_map_eval(oct_op *op, oct_error *err);

/** An index array 0, 1, ... count - 1 in the session's memory; NULL when memory is short. */
int32_t *oct_axis_identity(oct_op *op, int32_t count);

#endif
