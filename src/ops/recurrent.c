/*
 * Parts of recurrent operators (recurrent.h).
 */
#include "ops/recurrent.h"

#include <math.h>
#include <string.h>

#include "kernels/quantize_rows.h"
#include "ops/arith.h"

void oct_vectors_quantize(oct_vectors *v, bool asymmetric)
{
    if (v->q == NULL)
        return;
    size_t n = (size_t)v->length;
    for (int32_t b = 0; b < v->batch; b++) {
        oct_row_quant unit =
            (asymmetric ? oct_quantize_row_asymmetric_c : oct_quantize_row_symmetric_c)(
                v->x + (size_t)b * n, n, v->q + (size_t)b * n);
        v->scale[b] = unit.scale;
        v->zero[b] = unit.zero;
    }
}

static void multiply_f32(const oct_vectors *v, const oct_value *weights, float *y, size_t y_stride)
{
    size_t n = (size_t)v->length;
    for (int32_t b = 0; b < v->batch; b++)
        for (int32_t r = 0; r < weights->dims[0]; r++) {
            const float *w = (const float *)weights->data + (size_t)r * n,
                        *x = v->x + (size_t)b * n;
            float sum = 0.f;
            for (size_t c = 0; c < n; c++)
                sum += w[c] * x[c];
            y[(size_t)b * y_stride + (size_t)r] += sum;
        }
}

static void multiply_hybrid(
    const oct_vectors *v, const oct_value *weights, float *y, size_t y_stride)
{
    size_t n = (size_t)v->length;
    for (int32_t b = 0; b < v->batch; b++) {
        float scale = v->scale[b] * oct_value_scale(weights);
        for (int32_t r = 0; r < weights->dims[0]; r++) {
            const int8_t *w = (const int8_t *)weights->data + (size_t)r * n,
                         *x = v->q + (size_t)b * n;
            int32_t sum = 0;
            for (size_t c = 0; c < n; c++)
                sum += w[c] * (x[c] - v->zero[b]);
            y[(size_t)b * y_stride + (size_t)r] += (float)sum * scale;
        }
    }
}

void oct_vectors_multiply(const oct_vectors *v, const oct_value *weights, float *y, size_t y_stride)
{
    (weights->type == OCT_INT8 ? multiply_hybrid : multiply_f32)(v, weights, y, y_stride);
}

void oct_activate_f32(int activation, float *y, size_t count)
{
    for (size_t i = 0; i < count; i++)
        switch (activation) {
        case OCT_ACT_RELU:
            y[i] = fmaxf(0.f, y[i]);
            break;
        case OCT_ACT_RELU_N1_TO_1:
            y[i] = fmaxf(-1.f, fminf(y[i], 1.f));
            break;
        case OCT_ACT_RELU6:
            y[i] = fmaxf(0.f, fminf(y[i], 6.f));
            break;
        case OCT_ACT_TANH:
            y[i] = tanhf(y[i]);
            break;
        case OCT_ACT_SIGN_BIT:
            y[i] = signbit(y[i]) ? 1.f : 0.f;
            break;
        default:
            return;
        }
}

void oct_sigmoid_f32(float *y, size_t count)
{
    for (size_t i = 0; i < count; i++)
        y[i] = 1.f / (1.f + expf(-y[i]));
}

void oct_vectors_start(
    const oct_value *bias, float *y, int32_t batch, int32_t length, size_t y_stride)
{
    for (int32_t b = 0; b < batch; b++) {
        if (length == 0)
            continue;
        if (bias != NULL)
            memcpy(y + (size_t)b * y_stride, bias->data, (size_t)length * sizeof *y);
        else
            memset(y + (size_t)b * y_stride, 0, (size_t)length * sizeof *y);
    }
}

oct_sequence oct_sequence_of(const oct_value *value, bool time_major)
{
    int32_t rank = value->rank, n = value->dims[rank - 1];
    if (rank == 2)
        return (oct_sequence){ 1, value->dims[0], n, 0, (size_t)n };
    if (time_major)
        return (oct_sequence){ value->dims[0], value->dims[1], n,
            (size_t)value->dims[1] * (size_t)n, (size_t)n };
    return (oct_sequence){ value->dims[1], value->dims[0], n, (size_t)n,
        (size_t)value->dims[1] * (size_t)n };
}

oct_status oct_op_need_state(
    const oct_op *op, int32_t slot, oct_type type, size_t count, oct_error *err)
{
    const oct_value *state = slot < op->in_count ? op->in[slot] : NULL;
    if (state == NULL || !state->variable || state->type != type || oct_value_count(state) != count)
        return oct_op_fail(op, OCT_E_INVALID, err, "input %d must be a variable of %zu %s",
            (int)slot, count, oct_type_name(type));
    return OCT_OK;
}

oct_status oct_op_need_matrix(
    const oct_op *op, int32_t slot, int32_t rows, int32_t columns, oct_error *err)
{
    const oct_value *m = slot < op->in_count ? op->in[slot] : NULL;
    if (m == NULL || m->rank != 2 || m->dims[0] != rows || m->dims[1] != columns)
        return oct_op_fail(
            op, OCT_E_INVALID, err, "weights %d are not %dx%d", (int)slot, (int)rows, (int)columns);
    if (m->type == OCT_FLOAT32)
        return OCT_OK;
    if (m->type != OCT_INT8 || m->quant->count != 1 || oct_value_zero(m) != 0 ||
        !(oct_value_scale(m) >= 0.f) || isinf(oct_value_scale(m)))
        return oct_op_fail(op, OCT_E_INVALID, err,
            "%s must be float32, or int8 with one scale and zero point 0", m->label);
    return OCT_OK;
}
