/*
 * Building and running axis maps (axis_map.h).
 */
#include "ops/axis_map.h"

#include <string.h>

#include "ops/arith.h"

int32_t *oct_axis_identity(oct_op *op, int32_t count)
{
    int32_t *index = oct_op_alloc(op, (size_t)count * sizeof *index);
    for (int32_t i = 0; index != NULL && i < count; i++)
        index[i] = i;
    return index;
}

static bool is_identity(int32_t in_dim, int32_t out_dim, const int32_t *index)
{
    if (in_dim != out_dim)
        return false;
    for (int32_t i = 0; i < out_dim; i++)
        if (index[i] != i)
            return false;
    return true;
}

/* Whether index[i] continues the run that index[i - 1] is in. */
static bool continues(const int32_t *index, int32_t i)
{
    return index[i - 1] == OCT_AXIS_FILL ? index[i] == OCT_AXIS_FILL : index[i] == index[i - 1] + 1;
}

static oct_status make_runs(oct_op *op, oct_axis_map *map, const int32_t *index, int32_t count,
    size_t block_bytes, oct_error *err)
{
    size_t runs = count > 0;
    for (int32_t i = 1; i < count; i++)
        runs += !continues(index, i);
    map->runs = oct_op_alloc(op, runs * sizeof *map->runs);
    if (map->runs == NULL)
        return oct_fail_memory(err, runs * sizeof *map->runs, op->out[0]->label);
    for (int32_t i = 0; i < count; i++) {
        if (i == 0 || !continues(index, i))
            map->runs[map->run_count++].source = index[i] == OCT_AXIS_FILL
                ? OCT_AXIS_FILL
                : (int64_t)((size_t)index[i] * block_bytes);
        map->runs[map->run_count - 1].bytes += block_bytes;
    }
    return OCT_OK;
}

oct_status oct_axis_map_init(oct_op *op, oct_axis_map *map, size_t element, int32_t rank,
    const int32_t *in_dims, const int32_t *out_dims, int32_t *const *index, oct_error *err)
{
    static const int32_t one = 1, zero_index[1] = { 0 };
    *map = (oct_axis_map){ .element = element, .rows = 1 };
    size_t block = element; /* trailing axes that are taken whole */
    while (rank > 1 && is_identity(in_dims[rank - 1], out_dims[rank - 1], index[rank - 1]))
        block *= (size_t)in_dims[--rank];
    int32_t last = rank - 1, count = rank > 0 ? out_dims[last] : one;
    OCT_TRY(make_runs(op, map, rank > 0 ? index[last] : zero_index, count, block, err));
    map->row_bytes = (size_t)count * block;
    size_t stride = block * (size_t)(rank > 0 ? in_dims[last] : one);
    map->outer_rank = rank > 0 ? last : 0;
    for (int32_t i = map->outer_rank - 1; i >= 0; i--) {
        map->dims[i] = (size_t)out_dims[i];
        map->index[i] = index[i];
        map->stride[i] = stride;
        map->rows *= map->dims[i];
        stride *= (size_t)in_dims[i];
    }
    return OCT_OK;
}

static void fill_bytes(unsigned char *y, size_t bytes, const oct_axis_map *map)
{
    if (map->element == 1) {
        memset(y, map->fill[0], bytes);
        return;
    }
    for (size_t i = 0; i < bytes; i += map->element)
        memcpy(y + i, map->fill, map->element);
}

/* Byte offset of the input row an output row comes from; OCT_AXIS_FILL. */
static int64_t source_row(const oct_axis_map *map, size_t row)
{
    size_t offset = 0;
    for (int32_t i = map->outer_rank - 1; i >= 0; i--) {
        int32_t index = map->index[i][row % map->dims[i]];
        if (index == OCT_AXIS_FILL)
            return OCT_AXIS_FILL;
        offset += (size_t)index * map->stride[i];
        row /= map->dims[i];
    }
    return (int64_t)offset;
}

typedef struct job {
    const oct_axis_map *map;
    const unsigned char *x;
    unsigned char *y;
} job;

static void run_rows(void *user, size_t begin, size_t end, int32_t worker)
{
    (void)worker;
    const job *j = user;
    const oct_axis_map *map = j->map;
    for (size_t row = begin; row < end; row++) {
        unsigned char *y = j->y + row * map->row_bytes;
        int64_t source = source_row(map, row);
        if (source == OCT_AXIS_FILL) {
            fill_bytes(y, map->row_bytes, map);
            continue;
        }
        for (size_t i = 0; i < map->run_count; i++) {
            const oct_axis_run *run = &map->runs[i];
            if (run->source == OCT_AXIS_FILL)
                fill_bytes(y, run->bytes, map);
            else
                memcpy(y, j->x + source + run->source, run->bytes);
            y += run->bytes;
        }
    }
}

void oct_axis_map_run(const oct_axis_map *map, oct_pool *pool, const void *x, void *y)
{
    enum { GRAIN_BYTES = 65536 };
    if (map->row_bytes == 0)
        return;
    job j = { map, x, y };
    oct_pool_for(pool, map->rows, GRAIN_BYTES / map->row_bytes + 1, run_rows, &j);
}

oct_status oct_axis_map_eval(oct_op *op, oct_error *err)
{
    (void)err;
    oct_axis_map_run(op->prepared, op->pool, op->in[0]->data, op->out[0]->data);
    return OCT_OK;
}
