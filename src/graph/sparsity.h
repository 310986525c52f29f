/*
 * Constants stored without their zeros: what the schema says of them, and how they become dense.
 *
 * A sparse constant is a tree of dimensions in `traversal_order`. Those past the tensor's rank are blocks of
 * the dimension that `block_map` names. A level is dense (all of its indices occur) or a list of the indices
 * that do, in the manner of compressed sparse rows; the leaves are the stored values in order.
 */
#ifndef OCT_GRAPH_SPARSITY_H
#define OCT_GRAPH_SPARSITY_H

#include "graph/graph.h"

#define F(owner, id, kind, field, fallback) OCT_CTYPE_##kind field;
#define A(owner, id, kind, field, alignment) OCT_CTYPE_##kind field;
#define V(owner, id, field, Name, record) oct_vec_table field;
#define U(owner, id, field, members) oct_union field;
#define OCT_TABLE(Name, name, ...)                                                                 \
    typedef struct oct_fb_##name {                                                                 \
        __VA_ARGS__                                                                                \
    } oct_fb_##name;
#include "graph/sparsity.def"
#undef OCT_TABLE
#undef U
#undef V
#undef A
#undef F

/**
 * Writes all elements of a sparse constant, zeros included, in row-major order.
 *
 * tensor  has data and sparsity; elements of whole bytes.
 * dense   oct_tensor_bytes(tensor) bytes; does not overlap the data.
 * Errors: OCT_E_INVALID where the tables do not fit the shape or the data, OCT_E_UNSUPPORTED for elements of
 * less than a byte. Nothing outside of data and tables is read, whatever they say.
 * Source: LiteRT tflite/kernels/internal/utils/sparsity_format_converter.h.
 */
oct_status oct_sparse_expand(const oct_tensor *tensor, void *dense, oct_error *err);

#endif
