/*
 * The services operators use in infer and prepare (op.h, arith.h).
 */
#include "ops/op.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ops/arith.h"

void *oct_op_alloc(oct_op *op, size_t size)
{
    return oct_arena_alloc(op->arena, size);
}

oct_status oct_op_fail(const oct_op *op, oct_status status, oct_error *err, const char *format, ...)
{
    char text[384];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const char *label = op->out_count > 0 ? op->out[0]->label : "node without outputs";
    const char *name = oct_builtin_name(op->node->op);
    return oct_fail(err, status, "%s (%s): %s", label, name ? name : "unknown", text);
}

int32_t oct_value_bits(oct_type type)
{
    return type == OCT_RESOURCE ? 32 : oct_type_bits(type);
}

static oct_status set_size(oct_op *op, oct_value *value, oct_error *err)
{
    int64_t bits = oct_value_bits(value->type), elements = 1;
    if (bits == 0)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "%s: type %s cannot be computed with",
            value->label, oct_type_name(value->type));
    for (int32_t i = 0; i < value->rank; i++) {
        if (value->dims[i] < 0)
            return oct_op_fail(op, OCT_E_INVALID, err, "%s: dimension %d is %d", value->label,
                (int)i, (int)value->dims[i]);
        if (__builtin_mul_overflow(elements, (int64_t)value->dims[i], &elements)
            || elements > INT64_MAX / 64 / bits)
            return oct_op_fail(op, OCT_E_INVALID, err, "%s: too many elements", value->label);
    }
    value->size = (size_t)((elements * bits + 7) / 8);
    return OCT_OK;
}

oct_status oct_op_set_shape(oct_op *op, int32_t index, oct_type type, int32_t rank,
    const int32_t *dims, oct_error *err)
{
    oct_value *value = op->out[index];
    if (value->type != type)
        return oct_op_fail(op, OCT_E_INVALID, err, "output %s is %s, computed is %s", value->label,
            oct_type_name(value->type), oct_type_name(type));
    int32_t *copy = oct_op_alloc(op, (size_t)rank * sizeof *copy);
    if (copy == NULL)
        return oct_fail_memory(err, (size_t)rank * sizeof *copy, "shapes");
    if (rank > 0)
        memcpy(copy, dims, (size_t)rank * sizeof *copy);
    value->rank = rank;
    value->dims = copy;
    return set_size(op, value, err);
}

bool oct_shape_broadcast(const oct_value *a, const oct_value *b, int32_t *rank, int32_t *dims)
{
    int32_t n = a->rank > b->rank ? a->rank : b->rank;
    if (n > 8)
        return false;
    for (int32_t i = 0; i < n; i++) {
        int32_t da = i < n - a->rank ? 1 : a->dims[i - (n - a->rank)];
        int32_t db = i < n - b->rank ? 1 : b->dims[i - (n - b->rank)];
        if (da != db && da != 1 && db != 1)
            return false;
        dims[i] = da == 1 ? db : da;
    }
    *rank = n;
    return true;
}

oct_status oct_infer_same_as_input(oct_op *op, oct_error *err)
{
    return oct_op_set_shape(op, 0, op->in[0]->type, op->in[0]->rank, op->in[0]->dims, err);
}

static void print_shape(const oct_value *value, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "[");
    for (int32_t i = 0; i < value->rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, i > 0 ? ",%d" : "%d",
            (int)value->dims[i]);
    if (used < size)
        snprintf(text + used, size - used, "]");
}

oct_status oct_infer_broadcast(oct_op *op, oct_error *err)
{
    const oct_value *a = op->in[0], *b = op->in[1];
    int32_t rank, dims[8];
    if (a->type != b->type)
        return oct_op_fail(op, OCT_E_INVALID, err, "operands are %s and %s",
            oct_type_name(a->type), oct_type_name(b->type));
    if (!oct_shape_broadcast(a, b, &rank, dims)) {
        char left[100], right[100];
        print_shape(a, left, sizeof left);
        print_shape(b, right, sizeof right);
        return oct_op_fail(op, OCT_E_INVALID, err, "shapes %s and %s do not broadcast", left, right);
    }
    return oct_op_set_shape(op, 0, a->type, rank, dims, err);
}

oct_status oct_op_need_whole_bytes(const oct_op *op, const oct_value *value, oct_error *err)
{
    int32_t bits = oct_type_bits(value->type);
    if (bits > 0 && bits % 8 == 0)
        return OCT_OK;
    return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "%s: elements of type %s cannot be moved",
        value->label, oct_type_name(value->type));
}

void oct_type_range(oct_type type, int32_t *lo, int32_t *hi)
{
    switch (type) {
    case OCT_INT8: *lo = INT8_MIN, *hi = INT8_MAX; break;
    case OCT_UINT8: *lo = 0, *hi = UINT8_MAX; break;
    case OCT_INT16: *lo = INT16_MIN, *hi = INT16_MAX; break;
    default: *lo = INT32_MIN, *hi = INT32_MAX; break;
    }
}

void oct_activation_range_f32(int activation, float *lo, float *hi)
{
    *lo = activation == OCT_ACT_RELU || activation == OCT_ACT_RELU6 ? 0.f
        : activation == OCT_ACT_RELU_N1_TO_1                        ? -1.f
                                                                    : -FLT_MAX;
    *hi = activation == OCT_ACT_RELU6 ? 6.f
        : activation == OCT_ACT_RELU_N1_TO_1 ? 1.f
                                             : FLT_MAX;
}

void oct_activation_range_quantized(int activation, const oct_value *out, int32_t *lo, int32_t *hi)
{
    float real_lo, real_hi;
    oct_activation_range_f32(activation, &real_lo, &real_hi);
    oct_type_range(out->type, lo, hi);
    /* Computed in double, so that extreme quotients stay defined before they meet the type's limits. */
    double zero = oct_value_zero(out);
    if (real_lo > -FLT_MAX) {
        double code = zero + (double)roundf(real_lo / oct_value_scale(out));
        *lo = code > *hi ? *hi : code > *lo ? (int32_t)code : *lo;
    }
    if (real_hi < FLT_MAX) {
        double code = zero + (double)roundf(real_hi / oct_value_scale(out));
        *hi = code < *lo ? *lo : code < *hi ? (int32_t)code : *hi;
    }
}

oct_status oct_op_need_quant(const oct_op *op, const oct_value *value, oct_error *err)
{
    const oct_quant *quant = value->quant;
    if (quant->count != 1)
        return oct_op_fail(op, OCT_E_INVALID, err,
            quant->count == 0 ? "%s is not quantized"
                              : "%s is quantized per channel, which only weights may be",
            value->label);
    if (!(quant->scale[0] > 0.f) || !isfinite(quant->scale[0]))
        return oct_op_fail(op, OCT_E_INVALID, err, "%s: scale %g", value->label,
            (double)quant->scale[0]);
    int32_t lo, hi;
    oct_type_range(value->type, &lo, &hi);
    int64_t zero = quant->zero_point[0];
    if (zero < lo || zero > hi || (value->type == OCT_INT16 && zero != 0))
        return oct_op_fail(op, OCT_E_INVALID, err, "%s: zero point %lld of %s", value->label,
            (long long)zero, oct_type_name(value->type));
    return OCT_OK;
}

oct_status oct_op_need_same_quant(const oct_op *op, const oct_value *a, const oct_value *b,
    oct_error *err)
{
    if (oct_value_scale(a) == oct_value_scale(b) && oct_value_zero(a) == oct_value_zero(b))
        return OCT_OK;
    return oct_op_fail(op, OCT_E_INVALID, err,
        "%s and %s must have the same quantization, but have scale %g, zero point %d and scale %g, "
        "zero point %d",
        a->label, b->label, (double)oct_value_scale(a), (int)oct_value_zero(a),
        (double)oct_value_scale(b), (int)oct_value_zero(b));
}

oct_status oct_op_multiplier(const oct_op *op, double d, oct_multiplier *out, oct_error *err)
{
    *out = oct_quantize_multiplier(d);
    if (!(d < 1 << 30))
        return oct_op_fail(op, OCT_E_INVALID, err, "scales lie too far apart: factor %g", d);
    return OCT_OK;
}

int64_t oct_value_integer(const oct_value *value, size_t index)
{
    return value->type == OCT_INT64 ? ((const int64_t *)value->data)[index]
                                    : ((const int32_t *)value->data)[index];
}

oct_status oct_op_need_run(const oct_op *op, oct_error *err)
{
    if (op->running)
        return OCT_OK;
    if (op->late != NULL)
        *op->late = true;
    return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "its shape follows from data, so it must be run");
}

oct_status oct_op_need_known(const oct_op *op, int32_t slot, const char *what, oct_error *err)
{
    const oct_value *value = op->in[slot];
    if (value == NULL)
        return oct_op_fail(op, OCT_E_INVALID, err, "input %d (%s) is missing", (int)slot, what);
    if (value->type != OCT_INT32 && value->type != OCT_INT64)
        return oct_op_fail(op, OCT_E_INVALID, err, "%s %s is %s, not int32 or int64", what,
            value->label, oct_type_name(value->type));
    return value->known ? OCT_OK : oct_op_need_run(op, err);
}

oct_status oct_op_axis(const oct_op *op, int64_t axis, int32_t rank, int32_t *out, oct_error *err)
{
    if (axis < -rank || axis >= rank)
        return oct_op_fail(op, OCT_E_INVALID, err, "axis %lld, but the tensor has %d dimensions",
            (long long)axis, (int)rank);
    *out = (int32_t)(axis < 0 ? axis + rank : axis);
    return OCT_OK;
}
