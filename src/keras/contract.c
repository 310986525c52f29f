/*
 * Products over named axes: einsum of two tensors, and the layer Dot.
 *
 * Axes fall into four groups: those of both and of the result (rows of a batch), of the first and the
 * result, of the second and the result, and those summed over. Turned into that order and flattened by
 * group, the product is one BATCH_MATMUL.
 */
#include "keras/layer.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { MAX_LABELS = 8 };

/* "abc,acd->abd": one letter an axis. */
typedef struct equation {
    char a[MAX_LABELS + 1], b[MAX_LABELS + 1], y[MAX_LABELS + 1];
} equation;

static bool copy_labels(const char **from, const char *until, char *to)
{
    size_t count = 0;
    for (; **from != 0 && strchr(until, **from) == NULL; (*from)++) {
        if (isspace((unsigned char)**from))
            continue;
        if (!isalpha((unsigned char)**from) || count == MAX_LABELS ||
            memchr(to, **from, count) != NULL)
            return false;
        to[count++] = **from;
    }
    to[count] = 0;
    return true;
}

static oct_status parse(const char *text, equation *e, oct_error *err)
{
    const char *at = text == NULL ? "" : text;
    bool good = copy_labels(&at, ",", e->a) && *at++ == ',' && copy_labels(&at, "-,", e->b) &&
                strncmp(at, "->", 2) == 0;
    at += good ? 2 : 0;
    if (!good || !copy_labels(&at, "", e->y))
        return oct_fail(err, OCT_E_UNSUPPORTED, "the equation '%s' is not supported",
            text == NULL ? "" : text);
    return OCT_OK;
}

static bool has(const char *labels, char label)
{
    return strchr(labels, label) != NULL;
}

/* The axes of one operand, or of the result, in three groups. */
typedef struct groups {
    int32_t perm[MAX_LABELS], dims[MAX_LABELS], counts[3];
} groups;

/* Labels in first, then second, then third (which are strings of labels), as positions in `labels`. */
static void collect(const char *labels, const oct_keras_shape *shape, const char *const order[3],
    groups *out)
{
    int32_t at = 0;
    for (int g = 0; g < 3; g++) {
        out->counts[g] = 0;
        for (const char *l = order[g]; *l != 0; l++, at++) {
            out->perm[at] = (int32_t)(strchr(labels, *l) - labels);
            out->dims[at] = shape->dims[out->perm[at]];
            out->counts[g]++;
        }
    }
}

/* The dimensions of a group as one; -1 when one of them is open. */
static int32_t flat(const int32_t *dims, int32_t count)
{
    int64_t product = 1;
    for (int32_t i = 0; i < count; i++)
        product = dims[i] < 0 || product < 0 || product * dims[i] > INT32_MAX ? -1 : product * dims[i];
    return (int32_t)product;
}

/* x turned into the order of its groups and seen as [rows..., second, third]. */
static oct_status as_matrices(oct_keras_call *call, int32_t x, const groups *g, int32_t *y,
    oct_error *err)
{
    int32_t rows = g->counts[0];
    oct_keras_shape shape = { .rank = rows + 2 };
    memcpy(shape.dims, g->dims, (size_t)rows * sizeof *shape.dims);
    shape.dims[rows] = flat(g->dims + rows, g->counts[1]);
    shape.dims[rows + 1] = flat(g->dims + rows + g->counts[1], g->counts[2]);
    bool ordered = true;
    for (int32_t i = 0; i < rows + g->counts[1] + g->counts[2]; i++)
        ordered &= g->perm[i] == i;
    *y = x;
    if (!ordered)
        OCT_TRY(oct_keras_emit_transpose(call, x, g->perm, y, err));
    if (g->counts[1] == 1 && g->counts[2] == 1)
        return OCT_OK;
    if (rows > 0)
        OCT_TRY(oct_keras_require_known(&shape, 1, err));
    return oct_keras_emit_reshape(call, *y, &shape, y, err);
}

/* The labels of the four groups. */
typedef struct sorted {
    char both[MAX_LABELS + 1], first[MAX_LABELS + 1], second[MAX_LABELS + 1], sum[MAX_LABELS + 1];
} sorted;

static void append(char *to, char label)
{
    size_t length = strlen(to);
    to[length] = label;
    to[length + 1] = 0;
}

static oct_status sort_labels(const equation *e, sorted *s, oct_error *err)
{
    memset(s, 0, sizeof *s);
    for (const char *l = e->y; *l != 0; l++) {
        if (!has(e->a, *l) && !has(e->b, *l))
            return oct_fail(err, OCT_E_INVALID, "the equation's result has an axis of its own");
        append(has(e->a, *l) && has(e->b, *l) ? s->both : has(e->a, *l) ? s->first : s->second, *l);
    }
    for (const char *l = e->a; *l != 0; l++)
        if (!has(e->y, *l)) {
            if (!has(e->b, *l))
                return oct_fail(err, OCT_E_UNSUPPORTED, "sums over an axis of one operand alone");
            append(s->sum, *l);
        }
    for (const char *l = e->b; *l != 0; l++)
        if (!has(e->y, *l) && !has(e->a, *l))
            return oct_fail(err, OCT_E_UNSUPPORTED, "sums over an axis of one operand alone");
    return OCT_OK;
}

/* [both..., first, second] becomes what the equation says. */
static oct_status order_result(oct_keras_call *call, const equation *e, const sorted *s,
    const groups *a, const groups *b, int32_t *y, oct_error *err)
{
    char made[3 * MAX_LABELS + 1];
    oct_keras_shape shape = { 0 };
    int32_t perm[MAX_LABELS], rows = a->counts[0];
    bool ordered = true;
    strcpy(made, s->both);
    strcat(made, s->first);
    strcat(made, s->second);
    for (int32_t i = 0; i < rows + a->counts[1]; i++)
        shape.dims[shape.rank++] = a->dims[i];
    for (int32_t i = 0; i < b->counts[1]; i++)
        shape.dims[shape.rank++] = b->dims[rows + i];
    if (a->counts[1] != 1 || b->counts[1] != 1)
        OCT_TRY(oct_keras_emit_reshape(call, *y, &shape, y, err));
    for (int32_t i = 0; e->y[i] != 0; i++) {
        perm[i] = (int32_t)(strchr(made, e->y[i]) - made);
        ordered &= perm[i] == i;
    }
    return ordered ? OCT_OK : oct_keras_emit_transpose(call, *y, perm, y, err);
}

static oct_status contract(oct_keras_call *call, const equation *e, int32_t a, int32_t b, int32_t *y,
    oct_error *err)
{
    oct_keras_shape left = oct_keras_shape_of(call, a), right = oct_keras_shape_of(call, b);
    sorted s;
    groups first, second;
    if ((size_t)left.rank != strlen(e->a) || (size_t)right.rank != strlen(e->b))
        return oct_fail(err, OCT_E_INVALID, "the equation has %zu and %zu axes, the operands %d and %d",
            strlen(e->a), strlen(e->b), left.rank, right.rank);
    OCT_TRY(sort_labels(e, &s, err));
    if (strlen(s.both) > 2)
        return oct_fail(err, OCT_E_UNSUPPORTED, "more than two axes are in both operands and the result");
    collect(e->a, &left, (const char *const[]){ s.both, s.first, s.sum }, &first);
    collect(e->b, &right, (const char *const[]){ s.both, s.second, s.sum }, &second);
    OCT_TRY(as_matrices(call, a, &first, &a, err));
    OCT_TRY(as_matrices(call, b, &second, &b, err));
    OCT_TRY(oct_keras_emit_matmul(call, a, b, false, true, y, err));
    return order_result(call, e, &s, &first, &second, y, err);
}

oct_status oct_keras_lower_einsum(oct_keras_call *call, int32_t *y, oct_error *err)
{
    equation e;
    const json_t *text = oct_keras_setting(call, call->keras2 ? "equation" : "subscripts");
    if (text == NULL)
        text = oct_keras_argument_value(call, 0, "equation");
    OCT_TRY(parse(json_string_value(text), &e, err));
    if (call->input_count != 2)
        return oct_fail(err, OCT_E_UNSUPPORTED, "an equation of %d tensors", call->input_count);
    return contract(call, &e, call->inputs[0], call->inputs[1], y, err);
}

/* x / |x| along one axis */
static oct_status normalize(oct_keras_call *call, int32_t *x, int32_t axis, oct_error *err)
{
    int32_t factor;
    OCT_TRY(oct_keras_emit_unary(call, OCT_OP_SQUARE, OCT_OPTIONS_Square, *x, &factor, err));
    OCT_TRY(oct_keras_emit_reduce(call, OCT_OP_SUM, factor, &axis, 1, true, &factor, err));
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_MAXIMUM, factor, 1e-12f, &factor, err));
    OCT_TRY(oct_keras_emit_unary(call, OCT_OP_RSQRT, OCT_OPTIONS_NONE, factor, &factor, err));
    return oct_keras_emit_binary(call, OCT_OP_MUL, *x, factor, x, err);
}

/* The layer: sums over one axis of each input; the batch stays, two vectors give [n, 1]. */
oct_status oct_keras_lower_dot(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t axes[2], count, x[2];
    equation e = { { 0 }, { 0 }, "n" };
    if (call->input_count != 2)
        return oct_fail(err, OCT_E_INVALID, "multiplies %d tensors", call->input_count);
    OCT_TRY(oct_keras_list(json_object_get(call->config, "axes"), "axes", 2, axes, &count, err));
    if (count == 1)
        axes[1] = axes[0];
    for (int i = 0; i < 2; i++) {
        int32_t rank = oct_keras_shape_of(call, call->inputs[i]).rank;
        char *labels = i == 0 ? e.a : e.b;
        x[i] = call->inputs[i];
        OCT_TRY(oct_keras_axis(axes[i], rank, &axes[i], err));
        if (axes[i] == 0 || rank > 4)
            return oct_fail(err, OCT_E_UNSUPPORTED, "sums over axis %d of a tensor of rank %d", axes[i],
                rank);
        for (int32_t k = 0; k < rank; k++) {
            labels[k] = (char)(k == 0 ? 'n' : k == axes[i] ? 's' : (i == 0 ? 'a' : 'f') + k);
            if (k > 0 && k != axes[i])
                append(e.y, labels[k]);
        }
        if (oct_keras_flag(call->config, "normalize", false))
            OCT_TRY(normalize(call, &x[i], axes[i], err));
    }
    OCT_TRY(contract(call, &e, x[0], x[1], y, err));
    oct_keras_shape shape = oct_keras_shape_of(call, *y);
    if (shape.rank > 1)
        return OCT_OK;
    shape = (oct_keras_shape){ 2, { shape.dims[0], 1 } };
    return oct_keras_emit_reshape(call, *y, &shape, y, err);
}
