/*
 * SVDF: a layer with a memory, each filter the product of a vector over features and one over time.
 *
 * state [batch][filters][memory] moves one place to the left in every run, the newest feature product comes
 * in at the right; the dot product with the time weights, summed over `rank` filters, is one unit's output.
 * Sources: LiteRT tflite/kernels/svdf.cc, internal/reference/svdf.h.
 */
#include <string.h>

#include "numeric/fixedpoint.h"
#include "ops/arith.h"
#include "ops/recurrent.h"
#include "ops/version.h"

enum { DATA, FEATURE, TIME, BIAS, STATE };

typedef struct params {
    int32_t batch, inputs, filters, units, memory, rank;
    oct_multiplier to_state, to_output; /* int8 */
} params;

static oct_status infer(oct_op *op, oct_error *err)
{
    const oct_svdf_options *o = op->options;
    const oct_value *in = op->in[DATA], *feature = op->in[FEATURE];
    if (in->rank != 2 || feature->rank != 2 || o->rank < 1 || feature->dims[0] % o->rank != 0)
        return oct_op_fail(
            op, OCT_E_INVALID, err, "%d dimensions, rank %d", (int)in->rank, (int)o->rank);
    int32_t dims[2] = { in->dims[0], feature->dims[0] / o->rank };
    return oct_op_set_shape(op, 0, in->type, 2, dims, err);
}

static oct_status check_integer(oct_op *op, params *p, oct_error *err)
{
    const oct_svdf_options *o = op->options;
    const oct_value *bias = op->in[BIAS];
    for (int32_t i = DATA; i <= STATE; i++)
        if (i != BIAS)
            OCT_TRY(oct_op_need_quant(op, op->in[i], err));
    OCT_TRY(oct_op_need_quant(op, op->out[0], err));
    if (op->in[TIME]->type != OCT_INT16 || o->fused_activation != OCT_ACT_RELU ||
        oct_value_zero(op->in[FEATURE]) != 0 || (bias != NULL && bias->type != OCT_INT32))
        return oct_op_fail(
            op, OCT_E_UNSUPPORTED, err, "int8 needs int16 time weights, an int32 bias and RELU");
    float state = oct_value_scale(op->in[STATE]);
    OCT_TRY(oct_op_multiplier(op,
        (double)(oct_value_scale(op->in[DATA]) * oct_value_scale(op->in[FEATURE]) / state),
        &p->to_state, err));
    return oct_op_multiplier(op,
        (double)(state * oct_value_scale(op->in[TIME]) / oct_value_scale(op->out[0])),
        &p->to_output, err);
}

static oct_status check_float(oct_op *op, const params *p, oct_error *err)
{
    const oct_value *bias = op->in[BIAS];
    OCT_TRY(oct_op_need_matrix(op, FEATURE, p->filters, p->inputs, err));
    OCT_TRY(oct_op_need_matrix(op, TIME, p->filters, p->memory, err));
    if (op->in[TIME]->type != op->in[FEATURE]->type || (bias != NULL && bias->type != OCT_FLOAT32))
        return oct_op_fail(op, OCT_E_INVALID, err, "weights and bias differ in type");
    size_t batch = (size_t)p->batch;
    if (op->form == OCT_FORM_HYBRID) {
        op->scratch_bytes[1] = batch * (size_t)p->inputs + 1;
        op->scratch_bytes[2] = batch * 8;
    }
    op->scratch_bytes[3] = (size_t)p->filters * (size_t)p->memory * sizeof(float) + 1;
    return OCT_OK;
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[DATA], *time = op->in[TIME], *bias = op->in[BIAS];
    params *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, op->out[0]->label);
    op->prepared = p;
    *p = (params){ .batch = in->dims[0],
        .inputs = in->dims[1],
        .filters = op->in[FEATURE]->dims[0],
        .units = op->out[0]->dims[1],
        .memory = time->rank == 2 ? time->dims[1] : 0,
        .rank = ((const oct_svdf_options *)op->options)->rank };
    if (op->in[FEATURE]->dims[1] != p->inputs || p->memory < 1 || time->dims[0] != p->filters ||
        (bias != NULL && oct_value_count(bias) != (size_t)p->units))
        return oct_op_fail(op, OCT_E_INVALID, err, "weights, bias and input do not fit");
    size_t states = (size_t)p->batch * (size_t)p->filters * (size_t)p->memory;
    OCT_TRY(oct_op_need_state(
        op, STATE, op->form == OCT_FORM_S8 ? OCT_INT16 : OCT_FLOAT32, states, err));
    op->scratch_bytes[0] = (size_t)p->batch * (size_t)p->filters * 4 + 1;
    return op->form == OCT_FORM_S8 ? check_integer(op, p, err) : check_float(op, p, err);
}

static void shift_state(const oct_op *op, size_t element)
{
    char *state = op->in[STATE]->data;
    size_t size = op->in[STATE]->size;
    if (size > element)
        memmove(state, state + element, size - element);
}

static void time_f32(const oct_op *op, const float *time)
{
    const params *p = op->prepared;
    const oct_value *bias = op->in[BIAS];
    const float *state = op->in[STATE]->data;
    float *y = op->out[0]->data, *product = op->scratch[0];
    for (int32_t i = 0; i < p->batch * p->filters; i++, state += p->memory) {
        const float *w = time + (size_t)(i % p->filters) * (size_t)p->memory;
        product[i] = 0.f;
        for (int32_t m = 0; m < p->memory; m++)
            product[i] += w[m] * state[m];
    }
    for (int32_t i = 0; i < p->batch * p->units; i++) {
        y[i] = 0.f;
        for (int32_t r = 0; r < p->rank; r++)
            y[i] += product[i * p->rank + r];
        if (bias != NULL)
            y[i] += ((const float *)bias->data)[i % p->units];
    }
    oct_activate_f32(((const oct_svdf_options *)op->options)->fused_activation, y,
        (size_t)p->batch * (size_t)p->units);
}

static oct_status eval_float(oct_op *op, oct_error *err)
{
    (void)err;
    const params *p = op->prepared;
    bool hybrid = op->form == OCT_FORM_HYBRID;
    float *newest = op->scratch[0], *state = op->in[STATE]->data, *time = op->scratch[3];
    oct_vectors x = { op->in[DATA]->data, p->batch, p->inputs, hybrid ? op->scratch[1] : NULL,
        op->scratch[2], (int32_t *)op->scratch[2] + p->batch };
    oct_vectors_quantize(&x, ((const oct_svdf_options *)op->options)->asymmetric_quantize_inputs);
    oct_vectors_start(NULL, newest, p->batch, p->filters, (size_t)p->filters);
    oct_vectors_multiply(&x, op->in[FEATURE], newest, (size_t)p->filters);
    shift_state(op, sizeof *state);
    for (int32_t i = 0; i < p->batch * p->filters; i++)
        state[(size_t)i * (size_t)p->memory + (size_t)p->memory - 1] = newest[i];
    for (size_t i = 0; hybrid && i < oct_value_count(op->in[TIME]); i++)
        time[i] = (float)((const int8_t *)op->in[TIME]->data)[i] * oct_value_scale(op->in[TIME]);
    time_f32(op, hybrid ? time : op->in[TIME]->data);
    return OCT_OK;
}

static void feature_s8(const oct_op *op)
{
    const params *p = op->prepared;
    const int8_t *x = op->in[DATA]->data;
    int16_t *state = op->in[STATE]->data;
    int32_t zero = oct_value_zero(op->in[DATA]);
    for (int32_t i = 0; i < p->batch * p->filters; i++) {
        const int8_t *w =
            (const int8_t *)op->in[FEATURE]->data + (size_t)(i % p->filters) * (size_t)p->inputs;
        uint32_t sum = 0;
        for (int32_t c = 0; c < p->inputs; c++)
            sum += (uint32_t)(w[c] * (x[i / p->filters * p->inputs + c] - zero));
        state[(size_t)i * (size_t)p->memory + (size_t)p->memory - 1] =
            (int16_t)oct_clamp_i32(oct_mbqm((int32_t)sum, p->to_state), INT16_MIN, INT16_MAX);
    }
}

static oct_status eval_s8(oct_op *op, oct_error *err)
{
    (void)err;
    const params *p = op->prepared;
    const oct_value *bias = op->in[BIAS];
    shift_state(op, sizeof(int16_t));
    feature_s8(op);
    const int16_t *state = op->in[STATE]->data;
    for (int32_t i = 0; i < p->batch * p->units; i++) {
        uint32_t sum = bias != NULL ? (uint32_t)((const int32_t *)bias->data)[i % p->units] : 0;
        for (int32_t r = 0; r < p->rank; r++) {
            int32_t filter = i * p->rank + r;
            const int16_t *w = (const int16_t *)op->in[TIME]->data +
                               (size_t)(filter % p->filters) * (size_t)p->memory;
            for (int32_t m = 0; m < p->memory; m++)
                sum += (uint32_t)(w[m] * state[(size_t)filter * (size_t)p->memory + (size_t)m]);
        }
        int64_t code = (int64_t)oct_mbqm((int32_t)sum, p->to_output) + oct_value_zero(op->out[0]);
        ((int8_t *)op->out[0]->data)[i] = (int8_t)(code < INT8_MIN   ? INT8_MIN
                                                   : code > INT8_MAX ? INT8_MAX
                                                                     : code);
    }
    return OCT_OK;
}

static int32_t version(const oct_subgraph *sub, const oct_node *node)
{
    const oct_svdf_options *o = node->options;
    oct_type weights = oct_node_type(sub, node, FEATURE);
    if (oct_node_type(sub, node, DATA) == OCT_INT8)
        return 3;
    if (weights != OCT_INT8)
        return 1;
    return o != NULL && o->asymmetric_quantize_inputs ? 4 : 2;
}

const oct_op_def oct_op_svdf = {
    .name = "SVDF",
    .code = OCT_OP_SVDF,
    .min_in = 5,
    .max_in = 5,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_SVDF,
    .traits = OCT_TRAIT_STATEFUL,
    .quant = { .in = { OCT_ROLE_ACT, OCT_ROLE_WEIGHT, OCT_ROLE_WEIGHT, OCT_ROLE_BIAS },
        .in_slots = 4,
        .out = { OCT_ROLE_ACT },
        .out_slots = 1,
        .weight_axis = -1,
        .dynamic = OCT_DYNAMIC_HYBRID,
        .dynamic_slot = FEATURE,
        .dynamic_more = 1 << TIME,
        .dynamic_axis = -1,
        .dynamic_asymmetric = true },
    .version = version,
    .runtime = "1.5 1.14 2.2 2.3",
    .infer = infer,
    .prepare = prepare,
    .ref = { [OCT_FORM_F32] = { .eval = eval_float },
        [OCT_FORM_HYBRID] = { .eval = eval_float },
        [OCT_FORM_S8] = { .eval = eval_s8 } },
};
