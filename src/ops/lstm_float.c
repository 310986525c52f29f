/*
 * The LSTM cell in float and hybrid arithmetic (lstm.h). Hybrid cells quantize their vectors anew in every
 * step; the products of int8 weights are summed as integers and added as floats.
 * Source: LiteRT tflite/kernels/lstm_eval.cc, LstmStepFloat and LstmStepHybrid.
 */
#include <math.h>
#include <string.h>

#include "ops/arith.h"
#include "ops/lstm.h"
#include "ops/recurrent.h"

/* The pieces of a step's scratch. */
typedef struct step {
    float *gate[OCT_GATES]; /* [cells] */
    float *out;             /* [cells] */
    oct_vectors x, aux, hidden, projected;
    float scale[4];
    int32_t zero[4];
} step;

static void open_step(const oct_lstm *l, step *s, const float *x, const float *aux,
    const float *hidden, void *scratch)
{
    float *at = scratch;
    for (int g = 0; g < OCT_GATES; g++, at += l->cells)
        s->gate[g] = at;
    s->out = at;
    int8_t *q = (int8_t *)(at + l->cells);
    s->x = (oct_vectors){ x, 1, l->inputs, q, &s->scale[0], &s->zero[0] };
    s->aux = (oct_vectors){ aux, 1, l->aux_inputs, q += l->inputs, &s->scale[1], &s->zero[1] };
    s->hidden =
        (oct_vectors){ hidden, 1, l->outputs, q += l->aux_inputs, &s->scale[2], &s->zero[2] };
    s->projected = (oct_vectors){ s->out, 1, l->cells, q + l->outputs, &s->scale[3], &s->zero[3] };
    if (!l->hybrid)
        s->x.q = s->aux.q = s->hidden.q = s->projected.q = NULL;
}

static float weight_at(const oct_value *weights, int32_t i)
{
    return weights->type == OCT_INT8
               ? (float)((const int8_t *)weights->data)[i] * oct_value_scale(weights)
               : ((const float *)weights->data)[i];
}

static void normalize(const oct_lstm *l, int g, float *y)
{
    const float *factor = l->norm[g]->data, *bias = l->bias[g]->data;
    float sum = 0.f, squares = 0.f;
    for (int32_t i = 0; i < l->cells; i++)
        sum += y[i];
    float mean = sum / (float)l->cells;
    for (int32_t i = 0; i < l->cells; i++)
        squares += (y[i] - mean) * (y[i] - mean);
    float inverse = 1.f / sqrtf(squares / (float)l->cells + 1e-8f);
    for (int32_t i = 0; i < l->cells; i++)
        y[i] = (y[i] - mean) * inverse * factor[i] + bias[i];
}

static void run_gate(const oct_lstm *l, int g, const step *s, const float *cell)
{
    float *y = s->gate[g];
    size_t cells = (size_t)l->cells;
    oct_vectors_start(l->norm[g] != NULL ? NULL : l->bias[g], y, 1, l->cells, cells);
    oct_vectors_multiply(&s->x, l->input[g], y, cells);
    if (l->aux[g] != NULL)
        oct_vectors_multiply(&s->aux, l->aux[g], y, cells);
    oct_vectors_multiply(&s->hidden, l->recurrent[g], y, cells);
    for (int32_t i = 0; l->peephole[g] != NULL && i < l->cells; i++)
        y[i] += weight_at(l->peephole[g], i) * cell[i];
    if (l->norm[g] != NULL)
        normalize(l, g, y);
    if (g == OCT_GATE_CELL)
        oct_activate_f32(l->activation, y, cells);
    else
        oct_sigmoid_f32(y, cells);
}

static void clip(float *y, int32_t count, float limit)
{
    for (int32_t i = 0; limit > 0.f && i < count; i++)
        y[i] = fmaxf(fminf(limit, y[i]), -limit);
}

void oct_lstm_step_float(
    const oct_lstm *l, int32_t b, const float *x, const float *aux, float *y, void *scratch)
{
    step s;
    float *hidden = (float *)l->hidden->data + (size_t)b * (size_t)l->outputs;
    float *cell = (float *)l->cell->data + (size_t)b * (size_t)l->cells;
    open_step(l, &s, x, aux, hidden, scratch);
    oct_vectors_quantize(&s.x, l->asymmetric);
    if (aux != NULL)
        oct_vectors_quantize(&s.aux, l->asymmetric);
    oct_vectors_quantize(&s.hidden, l->asymmetric);
    bool cifg = l->input[OCT_GATE_INPUT] == NULL;
    if (!cifg)
        run_gate(l, OCT_GATE_INPUT, &s, cell);
    run_gate(l, OCT_GATE_FORGET, &s, cell);
    run_gate(l, OCT_GATE_CELL, &s, cell);
    for (int32_t i = 0; i < l->cells; i++) {
        float keep = s.gate[OCT_GATE_FORGET][i];
        float take = cifg ? 1.f - keep : s.gate[OCT_GATE_INPUT][i];
        cell[i] = keep * cell[i] + s.gate[OCT_GATE_CELL][i] * take;
    }
    clip(cell, l->cells, l->cell_clip);
    run_gate(l, OCT_GATE_OUTPUT, &s, cell);
    memcpy(s.out, cell, (size_t)l->cells * sizeof *cell);
    oct_activate_f32(l->activation, s.out, (size_t)l->cells);
    for (int32_t i = 0; i < l->cells; i++)
        s.out[i] *= s.gate[OCT_GATE_OUTPUT][i];
    if (l->projection != NULL) {
        oct_vectors_quantize(&s.projected, l->asymmetric);
        oct_vectors_start(l->projection_bias, hidden, 1, l->outputs, (size_t)l->outputs);
        oct_vectors_multiply(&s.projected, l->projection, hidden, (size_t)l->outputs);
        clip(hidden, l->outputs, l->projection_clip);
    } else {
        memcpy(hidden, s.out, (size_t)l->outputs * sizeof *hidden);
    }
    memcpy(y, hidden, (size_t)l->outputs * sizeof *y);
}
