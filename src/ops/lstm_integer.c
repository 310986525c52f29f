/*
 * The LSTM cell on int8 vectors with an int16 cell state (lstm.h): gates are int16 in Q3.12, their sigmoids
 * and tanh in Q0.15, the state has a power of two as its scale. Everything is exact.
 * Source: LiteRT tflite/kernels/lstm_eval.cc (8x8_16), lstm.cc, internal/reference/portable_tensor_utils.cc.
 */
#include <math.h>
#include <string.h>

#include "numeric/fixedpoint16.h"
#include "numeric/fixedpoint_math.h"
#include "ops/arith.h"
#include "ops/lstm.h"

enum { HIDDEN = 4, INTERMEDIATES = 5 };

static int16_t to_s16(int64_t x)
{
    return (int16_t)(x > INT16_MAX ? INT16_MAX : x < INT16_MIN ? INT16_MIN : x);
}

static int8_t to_s8(int64_t x)
{
    return (int8_t)(x > INT8_MAX ? INT8_MAX : x < INT8_MIN ? INT8_MIN : x);
}

/* bias[r] + zero * sum of row r of the weights; wraps. */
static oct_status fold_zero(oct_op *op, const oct_value *weights, const oct_value *bias,
    int32_t zero, int32_t **out, oct_error *err)
{
    int32_t rows = weights->dims[0], columns = weights->dims[1];
    *out = oct_op_alloc(op, (size_t)rows * sizeof **out);
    if (*out == NULL)
        return oct_fail_memory(err, (size_t)rows * sizeof **out, "biases");
    const int8_t *w = weights->data;
    for (int32_t r = 0; r < rows; r++) {
        uint32_t sum = bias != NULL ? (uint32_t)((const int32_t *)bias->data)[r] : 0;
        for (int32_t c = 0; c < columns; c++)
            sum += (uint32_t)(*w++ * zero);
        (*out)[r] = (int32_t)sum;
    }
    return OCT_OK;
}

static oct_status multiplier(const oct_op *op, float d, oct_multiplier *out, oct_error *err)
{
    return oct_op_multiplier(op, (double)d, out, err);
}

static oct_status prepare_gate(oct_op *op, oct_lstm *l, int g, float gate_scale, oct_error *err)
{
    const oct_value *in = op->in[0];
    oct_lstm_integer *n = &l->integer;
    float to_gate = oct_value_scale(l->input[g]) * oct_value_scale(in) / gate_scale;
    OCT_TRY(multiplier(op, to_gate, &n->gate[g].input, err));
    to_gate = oct_value_scale(l->recurrent[g]) * oct_value_scale(l->hidden) / gate_scale;
    OCT_TRY(multiplier(op, to_gate, &n->gate[g].recurrent, err));
    OCT_TRY(fold_zero(op, l->input[g], l->norm[g] != NULL ? NULL : l->bias[g], -oct_value_zero(in),
        &n->gate[g].input_bias, err));
    OCT_TRY(fold_zero(
        op, l->recurrent[g], NULL, -oct_value_zero(l->hidden), &n->gate[g].recurrent_bias, err));
    if (l->peephole[g] != NULL) {
        to_gate = (float)(ldexp(1.0, n->cell_log2) * (double)oct_value_scale(l->peephole[g]) /
                          (double)gate_scale);
        OCT_TRY(multiplier(op, to_gate, &n->gate[g].peephole, err));
    }
    if (l->norm[g] == NULL)
        return OCT_OK;
    float scale = oct_value_scale(l->norm[g]);
    n->gate[g].variance_guard = scale * 10000.f > 1.f ? (int32_t)(10000.f * scale) : 1;
    return multiplier(op, scale, &n->gate[g].norm, err);
}

static oct_status check_types(const oct_op *op, const oct_lstm *l, oct_error *err)
{
    OCT_TRY(oct_op_need_quant(op, op->in[0], err));
    OCT_TRY(oct_op_need_quant(op, op->out[0], err));
    OCT_TRY(oct_op_need_quant(op, l->hidden, err));
    OCT_TRY(oct_op_need_quant(op, l->cell, err));
    if (l->hidden->type != OCT_INT8 || l->cell->type != OCT_INT16)
        return oct_op_fail(op, OCT_E_INVALID, err, "states are %s and %s, not int8 and int16",
            oct_type_name(l->hidden->type), oct_type_name(l->cell->type));
    for (int g = 0; g < OCT_GATES; g++) {
        if (l->input[g] == NULL)
            continue;
        bool good = l->input[g]->type == OCT_INT8 && l->recurrent[g]->type == OCT_INT8 &&
                    l->bias[g] != NULL && l->bias[g]->type == OCT_INT32 &&
                    (l->peephole[g] == NULL || l->peephole[g]->type == OCT_INT16) &&
                    (l->norm[g] == NULL || l->norm[g]->type == OCT_INT16);
        if (!good)
            return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "gate %d mixes types", g);
        if (l->peephole[g] != NULL && l->cells != l->outputs)
            return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "peepholes and a projection on int8");
    }
    if (l->projection != NULL &&
        (l->projection->type != OCT_INT8 ||
            (l->projection_bias != NULL && l->projection_bias->type != OCT_INT32)))
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "projection of another type");
    return OCT_OK;
}

static oct_status read_scale(const oct_op *op, int32_t i, float *scale, oct_error *err)
{
    const oct_quant *quant = i < op->intermediate_count ? op->intermediates[i]->quant : NULL;
    if (quant == NULL || quant->count != 1 || !(quant->scale[0] > 0.f))
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "intermediate %d is not quantized", (int)i);
    *scale = quant->scale[0];
    return OCT_OK;
}

static int32_t clip_code(float clip, float scale, float most)
{
    float code = clip / scale;
    return clip > 0.f ? (int32_t)(code < most ? code : most) : 0;
}

oct_status oct_lstm_prepare_integer(oct_op *op, oct_lstm *l, oct_error *err)
{
    oct_lstm_integer *n = &l->integer;
    int exponent;
    float hidden_scale;
    if (op->intermediate_count != INTERMEDIATES)
        return oct_op_fail(
            op, OCT_E_UNSUPPORTED, err, "%d intermediates, not 5", (int)op->intermediate_count);
    OCT_TRY(check_types(op, l, err));
    if (frexpf(oct_value_scale(l->cell), &exponent) != 0.5f || exponent < -14 || exponent > -8)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err,
            "the cell state's scale is %g, not a power of two from 2^-15 to 2^-9",
            (double)oct_value_scale(l->cell));
    n->cell_log2 = exponent - 1;
    OCT_TRY(read_scale(op, HIDDEN, &hidden_scale, err));
    n->hidden_zero = oct_value_zero(op->intermediates[HIDDEN]);
    n->output_zero = oct_value_zero(l->hidden);
    for (int g = 0; g < OCT_GATES; g++) {
        float gate_scale = ldexpf(1.f, -12);
        if (l->norm[g] != NULL)
            OCT_TRY(read_scale(op, g, &gate_scale, err));
        if (l->input[g] != NULL)
            OCT_TRY(prepare_gate(op, l, g, gate_scale, err));
    }
    float to_hidden = (float)(ldexp(1.0, -15) / (double)hidden_scale * ldexp(1.0, -15));
    OCT_TRY(multiplier(op, to_hidden, &n->hidden, err));
    n->cell_clip = clip_code(l->cell_clip, oct_value_scale(l->cell), INT16_MAX);
    n->projection_clip = clip_code(l->projection_clip, oct_value_scale(l->hidden), INT8_MAX);
    if (l->projection == NULL)
        return OCT_OK;
    float to_output = oct_value_scale(l->projection) * hidden_scale / oct_value_scale(l->hidden);
    OCT_TRY(multiplier(op, to_output, &n->projection, err));
    return fold_zero(
        op, l->projection, l->projection_bias, n->hidden_zero, &n->projection_bias, err);
}

/* bias[r] + row r of the weights times x; wraps. */
static int32_t dot(const oct_value *weights, const int32_t *bias, int32_t r, const int8_t *x)
{
    int32_t columns = weights->dims[1];
    const int8_t *w = (const int8_t *)weights->data + (size_t)r * (size_t)columns;
    uint32_t sum = (uint32_t)bias[r];
    for (int32_t c = 0; c < columns; c++)
        sum += (uint32_t)(w[c] * x[c]);
    return (int32_t)sum;
}

/* Zero mean and unit variance in 10 more bits, then factor and bias. */
static void normalize(const oct_lstm *l, int g, int16_t *y)
{
    const int16_t *factor = l->norm[g]->data;
    const int32_t *bias = l->bias[g]->data;
    oct_multiplier to_gate = { l->integer.gate[g].norm.m, l->integer.gate[g].norm.e + 12 };
    int64_t sum = 0, squares = 0;
    for (int32_t i = 0; i < l->cells; i++) {
        sum += y[i];
        squares += (int64_t)y[i] * y[i];
    }
    int32_t mean = (int32_t)(sum * 1024 / l->cells), part = (1 << 20) / l->cells;
    int32_t variance = (int32_t)((squares * part - (int64_t)mean * mean) / (1 << 20));
    oct_multiplier inverse =
        oct_inverse_sqrt(variance < 1 ? l->integer.gate[g].variance_guard : variance);
    for (int32_t i = 0; i < l->cells; i++) {
        int32_t normal = oct_mbqm(1024 * y[i] - mean, inverse);
        int32_t scaled =
            (int32_t)((uint32_t)normal * (uint32_t)(int32_t)factor[i] + (uint32_t)bias[i]);
        int32_t rounded = (int32_t)(((int64_t)scaled + (scaled > 0 ? 512 : -512)) / 1024);
        y[i] = to_s16(oct_mbqm(rounded, to_gate));
    }
}

static void run_gate(const oct_lstm *l, int g, const int8_t *x, const int8_t *hidden,
    const int16_t *cell, int16_t *y)
{
    const oct_lstm_integer *n = &l->integer;
    for (int32_t r = 0; r < l->cells; r++) {
        y[r] = to_s16(oct_mbqm(dot(l->input[g], n->gate[g].input_bias, r, x), n->gate[g].input));
        y[r] = to_s16(
            (int64_t)y[r] + oct_mbqm(dot(l->recurrent[g], n->gate[g].recurrent_bias, r, hidden),
                                n->gate[g].recurrent));
        if (l->peephole[g] != NULL)
            y[r] = to_s16(
                (int64_t)y[r] + oct_mbqm(((const int16_t *)l->peephole[g]->data)[r] * cell[r],
                                    n->gate[g].peephole));
    }
    if (l->norm[g] != NULL)
        normalize(l, g, y);
    for (int32_t r = 0; r < l->cells; r++)
        y[r] = g == OCT_GATE_CELL ? oct_tanh_s16(y[r], 3) : oct_logistic_s16(y[r]);
}

static void update_cell(const oct_lstm *l, int16_t *const gate[OCT_GATES], int16_t *cell)
{
    int32_t limit = l->integer.cell_clip;
    for (int32_t i = 0; i < l->cells; i++) {
        int16_t keep = gate[OCT_GATE_FORGET][i];
        int16_t take = l->input[OCT_GATE_INPUT] == NULL ? (int16_t)(INT16_MAX - keep)
                                                        : gate[OCT_GATE_INPUT][i];
        int16_t old = (int16_t)oct_rdbp(keep * cell[i], 15);
        int16_t new = (int16_t)oct_rdbp(take * gate[OCT_GATE_CELL][i], 30 + l->integer.cell_log2);
        cell[i] = to_s16((int64_t)old + new);
        if (limit > 0)
            cell[i] = (int16_t)oct_clamp_i32(cell[i], -limit, limit);
    }
}

static void project(const oct_lstm *l, const int8_t *product, int8_t *hidden)
{
    const oct_lstm_integer *n = &l->integer;
    for (int32_t r = 0; r < l->outputs; r++) {
        hidden[r] = to_s8(
            (int64_t)oct_mbqm(dot(l->projection, n->projection_bias, r, product), n->projection) +
            n->output_zero);
        if (n->projection_clip > 0)
            hidden[r] = (int8_t)oct_clamp_i32(hidden[r], -n->projection_clip, n->projection_clip);
    }
}

void oct_lstm_step_integer(const oct_lstm *l, int32_t b, const int8_t *x, int8_t *y, void *scratch)
{
    const oct_lstm_integer *n = &l->integer;
    int16_t *gate[OCT_GATES], *at = scratch;
    for (int g = 0; g < OCT_GATES; g++, at += l->cells)
        gate[g] = at;
    int8_t *hidden = (int8_t *)l->hidden->data + (size_t)b * (size_t)l->outputs;
    int8_t *product = l->projection != NULL ? (int8_t *)at : hidden;
    int16_t *cell = (int16_t *)l->cell->data + (size_t)b * (size_t)l->cells;
    if (l->input[OCT_GATE_INPUT] != NULL)
        run_gate(l, OCT_GATE_INPUT, x, hidden, cell, gate[OCT_GATE_INPUT]);
    run_gate(l, OCT_GATE_FORGET, x, hidden, cell, gate[OCT_GATE_FORGET]);
    run_gate(l, OCT_GATE_CELL, x, hidden, cell, gate[OCT_GATE_CELL]);
    update_cell(l, gate, cell);
    run_gate(l, OCT_GATE_OUTPUT, x, hidden, cell, gate[OCT_GATE_OUTPUT]);
    /* A projection's operand has the negated zero point, which its folded bias undoes. */
    int32_t zero = l->projection != NULL ? -n->hidden_zero : n->hidden_zero;
    for (int32_t i = 0; i < l->cells; i++) {
        int32_t value = gate[OCT_GATE_OUTPUT][i] * oct_tanh_s16(cell[i], 15 + n->cell_log2);
        product[i] = to_s8((int64_t)oct_mbqm(value, n->hidden) + zero);
    }
    if (l->projection != NULL)
        project(l, product, hidden);
    memcpy(y, hidden, (size_t)l->outputs);
}
