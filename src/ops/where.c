/*
 * WHERE and UNIQUE: how much comes out follows from data, so they are planned while running.
 * Sources: LiteRT tflite/kernels/where.cc, unique.cc.
 */
#include <stdlib.h>
#include <string.h>

#include "ops/arith.h"
#include "ops/version.h"

static oct_status need_value(const oct_op *op, oct_error *err)
{
    return op->in[0]->known ? OCT_OK : oct_op_need_run(op, err);
}

static bool holds(const oct_value *value, size_t index)
{
    switch (value->type) {
    case OCT_FLOAT32:
        return ((const float *)value->data)[index] != 0.f;
    case OCT_INT64:
        return ((const int64_t *)value->data)[index] != 0;
    case OCT_INT32:
    case OCT_UINT32:
        return ((const int32_t *)value->data)[index] != 0;
    default:
        return ((const uint8_t *)value->data)[index] != 0; /* bool, int8, uint8 */
    }
}

static oct_status infer_where(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0];
    bool good = in->type == OCT_BOOL || in->type == OCT_FLOAT32 || in->type == OCT_INT64 ||
                in->type == OCT_INT32 || in->type == OCT_INT8 || in->type == OCT_UINT8 ||
                in->type == OCT_UINT32;
    if (!good || in->rank < 1)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "a condition of type %s with %d dimensions",
            oct_type_name(in->type), (int)in->rank);
    OCT_TRY(need_value(op, err));
    size_t count = oct_value_count(in), found = 0;
    for (size_t i = 0; i < count; i++)
        found += holds(in, i);
    if (found > INT32_MAX)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "%zu elements hold", found);
    int32_t dims[2] = { (int32_t)found, in->rank };
    return oct_op_set_shape(op, 0, OCT_INT64, 2, dims, err);
}

static oct_status eval_where(oct_op *op, oct_error *err)
{
    (void)err;
    const oct_value *in = op->in[0];
    int64_t *y = op->out[0]->data;
    size_t count = oct_value_count(in);
    for (size_t i = 0; i < count; i++) {
        if (!holds(in, i))
            continue;
        size_t rest = i;
        for (int32_t axis = in->rank - 1; axis >= 0; axis--) {
            y[axis] = (int64_t)(rest % (size_t)in->dims[axis]);
            rest /= (size_t)in->dims[axis];
        }
        y += in->rank;
    }
    return OCT_OK;
}

/* Values in the order of their first places; for each element which of them it is. */
typedef struct groups {
    int32_t *of, *first;
    int32_t count;
} groups;

typedef struct entry {
    const unsigned char *bytes;
    int32_t index;
} entry;

#define COMPARE(name, type)                                                                        \
    static int by_##name(const void *left, const void *right)                                      \
    {                                                                                              \
        const entry *a = left, *b = right;                                                         \
        type x, y;                                                                                 \
        memcpy(&x, a->bytes, sizeof x);                                                            \
        memcpy(&y, b->bytes, sizeof y);                                                            \
        return x < y ? -1 : y < x ? 1 : a->index < b->index ? -1 : a->index > b->index;            \
    }
COMPARE(s8, int8_t)
COMPARE(u8, uint8_t)
COMPARE(s16, int16_t)
COMPARE(s32, int32_t)
COMPARE(s64, int64_t)
COMPARE(f32, float)

typedef int (*compare_fn)(const void *left, const void *right);

static compare_fn compare_of(oct_type type)
{
    switch (type) {
    case OCT_INT8:
        return by_s8;
    case OCT_UINT8:
        return by_u8;
    case OCT_INT16:
        return by_s16;
    case OCT_INT32:
        return by_s32;
    case OCT_INT64:
        return by_s64;
    case OCT_FLOAT32:
        return by_f32;
    default:
        return NULL;
    }
}

/* Zeros of either sign are one value, and so is NaN: LiteRT's map cannot tell it from anything. */
static bool same(compare_fn compare, const entry *a, const entry *b)
{
    entry c = { b->bytes, a->index };
    return compare(a, &c) == 0;
}

static void group(entry *entries, int32_t count, compare_fn compare, groups *g)
{
    qsort(entries, (size_t)count, sizeof *entries, compare);
    for (int32_t i = 0; i < count; i++) /* each element's first equal one */
        g->of[entries[i].index] = i > 0 && same(compare, &entries[i - 1], &entries[i])
                                      ? g->of[entries[i - 1].index]
                                      : entries[i].index;
    for (int32_t i = 0; i < count; i++) { /* then the number of that one */
        if (g->of[i] == i) {
            g->first[g->count] = i;
            g->of[i] = g->count++;
        } else {
            g->of[i] = g->of[g->of[i]];
        }
    }
}

static oct_status infer_unique(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0];
    const oct_unique_options *o = op->options;
    compare_fn compare = compare_of(in->type);
    if (compare == NULL || in->rank != 1 ||
        (o->idx_out_type != OCT_INT32 && o->idx_out_type != OCT_INT64))
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "%s with %d dimensions",
            oct_type_name(in->type), (int)in->rank);
    OCT_TRY(need_value(op, err));
    size_t count = (size_t)in->dims[0], element = oct_type_size(in->type);
    groups *g = oct_op_alloc(op, sizeof *g);
    entry *entries = oct_op_alloc(op, (count + 1) * sizeof *entries);
    int32_t *lists = oct_op_alloc(op, (2 * count + 1) * sizeof *lists);
    if (g == NULL || entries == NULL || lists == NULL)
        return oct_fail_memory(err, count * sizeof *entries, op->out[0]->label);
    *g = (groups){ .of = lists, .first = lists + count };
    for (size_t i = 0; i < count; i++)
        entries[i] = (entry){ (const unsigned char *)in->data + i * element, (int32_t)i };
    group(entries, (int32_t)count, compare, g);
    op->prepared = g;
    OCT_TRY(oct_op_set_shape(op, 0, in->type, 1, &g->count, err));
    return oct_op_set_shape(op, 1, (oct_type)o->idx_out_type, 1, in->dims, err);
}

static oct_status eval_unique(oct_op *op, oct_error *err)
{
    (void)err;
    const oct_value *in = op->in[0];
    const groups *g = op->prepared;
    size_t element = oct_type_size(in->type);
    for (int32_t i = 0; i < g->count; i++)
        memcpy((unsigned char *)op->out[0]->data + (size_t)i * element,
            (const unsigned char *)in->data + (size_t)g->first[i] * element, element);
    for (int32_t i = 0; i < in->dims[0]; i++) {
        if (op->out[1]->type == OCT_INT64)
            ((int64_t *)op->out[1]->data)[i] = g->of[i];
        else
            ((int32_t *)op->out[1]->data)[i] = g->of[i];
    }
    return OCT_OK;
}

static int32_t version_where(const oct_subgraph *sub, const oct_node *node)
{
    return oct_node_type(sub, node, 0) == OCT_BOOL ? 1 : 2;
}

const oct_op_def oct_op_where = {
    .name = "WHERE",
    .code = OCT_OP_WHERE,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_Where,
    .version = version_where,
    .runtime = "1.14 2.4",
    .infer = infer_where,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_where } },
};
const oct_op_def oct_op_unique = {
    .name = "UNIQUE",
    .code = OCT_OP_UNIQUE,
    .min_in = 1,
    .max_in = 1,
    .min_out = 2,
    .max_out = 2,
    .options = OCT_OPTIONS_Unique,
    .runtime = "1.14",
    .infer = infer_unique,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_unique } },
};
