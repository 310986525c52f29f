/*
 * Sparse constants made dense, level by level of the tree.
 */
#include "graph/sparsity.h"

#include <string.h>

enum { DENSE, SPARSE };
enum { MAX_LEVELS = 16 };
enum { VECTOR_NONE, VECTOR_I32, VECTOR_U16, VECTOR_U8 }; /* the union SparseIndexVector */

/* One dimension in the order of traversal. */
typedef struct level {
    const oct_fb_dimension_metadata *meta;
    int64_t step;  /* elements between neighbours along this dimension in the dense constant */
    int64_t count; /* indices along it */
} level;

typedef struct expansion {
    level levels[MAX_LEVELS];
    int32_t depth;
    size_t element; /* bytes */
    const uint8_t *values;
    size_t value_count;
    uint8_t *dense;
    int64_t
        budget; /* nodes still to be visited: no tree has more than elements of the tensor at a level */
} expansion;

static bool vector_at(const oct_union *vector, int64_t i, int64_t *out)
{
    const oct_fb_int32_vector *i32 = vector->value;
    const oct_fb_uint16_vector *u16 = vector->value;
    const oct_fb_uint8_vector *u8 = vector->value;
    if (vector->value == NULL || i < 0)
        return false;
    switch (vector->type) {
    case VECTOR_I32:
        return i < i32->values.count && (*out = i32->values.data[i], true);
    case VECTOR_U16:
        return i < u16->values.count && (*out = u16->values.data[i], true);
    case VECTOR_U8:
        return i < u8->values.count && (*out = u8->values.data[i], true);
    default:
        return false;
    }
}

/* Fills what lies below one node of the tree; `node` numbers the nodes of its level, `at` is the element. */
static bool fill(expansion *x, int32_t depth, int64_t node, int64_t at)
{
    if (x->budget-- <= 0)
        return false;
    if (depth == x->depth) {
        if ((uint64_t)node >= x->value_count)
            return false;
        memcpy(
            x->dense + (size_t)at * x->element, x->values + (size_t)node * x->element, x->element);
        return true;
    }
    const level *l = &x->levels[depth];
    if (l->meta->format == DENSE) {
        for (int64_t i = 0; i < l->count; i++)
            if (!fill(x, depth + 1, node * l->count + i, at + i * l->step))
                return false;
        return true;
    }
    int64_t from, to, index;
    if (!vector_at(&l->meta->array_segments, node, &from) ||
        !vector_at(&l->meta->array_segments, node + 1, &to))
        return false;
    for (int64_t i = from; i < to; i++)
        if (!vector_at(&l->meta->array_indices, i, &index) || index < 0 || index >= l->count ||
            !fill(x, depth + 1, i, at + index * l->step))
            return false;
    return true;
}

/* Position in the order of traversal; -1: the dimension is not in it. */
static int32_t place_of(const oct_fb_sparsity_parameters *sparsity, int32_t dimension)
{
    for (uint32_t i = 0; i < sparsity->traversal_order.count; i++)
        if (sparsity->traversal_order.data[i] == dimension)
            return (int32_t)i;
    return -1;
}

static const oct_fb_dimension_metadata *meta_at(
    const oct_fb_sparsity_parameters *sparsity, int32_t place)
{
    return sparsity->dim_metadata.data[place];
}

/* A blocked dimension of n indices becomes n / block of them, and block within each. */
static bool plan_dimension(const oct_fb_sparsity_parameters *sparsity, const oct_tensor *tensor,
    int32_t dimension, int64_t step, expansion *x)
{
    int64_t block = 1;
    for (uint32_t b = 0; b < sparsity->block_map.count; b++) {
        if (sparsity->block_map.data[b] != dimension)
            continue;
        int32_t place = place_of(sparsity, tensor->rank + (int32_t)b);
        if (place < 0 || block != 1 || meta_at(sparsity, place)->format != DENSE)
            return false;
        block = meta_at(sparsity, place)->dense_size;
        if (block <= 0)
            return false;
        x->levels[place] = (level){ meta_at(sparsity, place), step, block };
    }
    int32_t place = place_of(sparsity, dimension);
    int64_t count = tensor->dims[dimension];
    if (place < 0 || count % block != 0)
        return false;
    x->levels[place] = (level){ meta_at(sparsity, place), step * block, count / block };
    return meta_at(sparsity, place)->format == SPARSE ||
           meta_at(sparsity, place)->dense_size == count / block;
}

static bool plan(const oct_fb_sparsity_parameters *sparsity, const oct_tensor *tensor, expansion *x)
{
    uint32_t depth = sparsity->traversal_order.count;
    if (depth > MAX_LEVELS || depth != (uint32_t)tensor->rank + sparsity->block_map.count ||
        sparsity->dim_metadata.count != depth)
        return false;
    for (uint32_t i = 0; i < depth; i++)
        if (sparsity->dim_metadata.data[i] == NULL)
            return false;
    x->depth = (int32_t)depth;
    int64_t step = 1;
    for (int32_t d = tensor->rank - 1; d >= 0; d--) {
        if (!plan_dimension(sparsity, tensor, d, step, x))
            return false;
        step *= tensor->dims[d];
    }
    for (uint32_t i = 0; i < depth; i++)
        if (x->levels[i].meta == NULL) /* a dimension named twice leaves another out */
            return false;
    return true;
}

oct_status oct_sparse_expand(const oct_tensor *tensor, void *dense, oct_error *err)
{
    const char *name = tensor->name == NULL ? "a tensor" : tensor->name;
    int32_t bits = oct_type_bits(tensor->type);
    if (bits == 0 || bits % 8 != 0)
        return oct_fail(
            err, OCT_E_UNSUPPORTED, "%s is stored sparse in %s", name, oct_type_name(tensor->type));
    expansion x = { .element = (size_t)bits / 8, .values = tensor->data, .dense = dense };
    x.value_count = tensor->size / x.element;
    x.budget = (oct_tensor_elements(tensor) + 1) * (MAX_LEVELS + 1);
    memset(dense, 0, (size_t)oct_tensor_bytes(tensor));
    if (!plan(tensor->sparsity, tensor, &x) || !fill(&x, 0, 0, 0))
        return oct_fail(
            err, OCT_E_INVALID, "%s: its sparse form does not fit its shape or data", name);
    return OCT_OK;
}
