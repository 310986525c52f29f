/*
 * Control flow: IF, WHILE, CALL_ONCE, STABLEHLO_COMPOSITE. They run other subgraphs by way of op->host.
 *
 * What comes out may have any shape, so these nodes are planned in the middle of a run, and the work is done
 * there: infer runs the subgraphs, eval copies their results.
 * Sources: LiteRT tflite/kernels/if.cc, while.cc, call_once.cc, stablehlo_composite.cc.
 */
#include <string.h>

#include "ops/arith.h"

typedef struct results {
    oct_value *const *values;
    int32_t count;
} results;

static oct_status take(oct_op *op, const results *r, oct_error *err)
{
    if (r->count != op->out_count)
        return oct_op_fail(op, OCT_E_INVALID, err, "the subgraph gives %d results for %d outputs",
            (int)r->count, (int)op->out_count);
    for (int32_t i = 0; i < op->out_count; i++)
        OCT_TRY(oct_op_set_shape(
            op, i, r->values[i]->type, r->values[i]->rank, r->values[i]->dims, err));
    results *kept = oct_op_alloc(op, sizeof *kept);
    if (kept == NULL)
        return oct_fail_memory(err, sizeof *kept, op->out[0]->label);
    *kept = *r;
    op->prepared = kept;
    return OCT_OK;
}

static oct_status eval_results(oct_op *op, oct_error *err)
{
    (void)err;
    const results *r = op->prepared;
    for (int32_t i = 0; i < op->out_count; i++)
        if (op->out[i]->size > 0)
            memcpy(op->out[i]->data, r->values[i]->data, op->out[i]->size);
    return OCT_OK;
}

static oct_status need_host(const oct_op *op, oct_error *err)
{
    OCT_TRY(oct_op_need_run(op, err));
    for (int32_t i = 0; i < op->in_count; i++)
        if (op->in[i] == NULL)
            return oct_op_fail(op, OCT_E_INVALID, err, "input %d is missing", (int)i);
    return op->host ? OCT_OK : oct_op_fail(op, OCT_E_UNSUPPORTED, err, "cannot run here");
}

static oct_status read_bool(const oct_op *op, const oct_value *value, bool *out, oct_error *err)
{
    if (value->type != OCT_BOOL || oct_value_count(value) != 1)
        return oct_op_fail(op, OCT_E_INVALID, err, "condition %s is no single bool", value->label);
    *out = *(const bool *)value->data;
    return OCT_OK;
}

static oct_status infer_if(oct_op *op, oct_error *err)
{
    const oct_if_options *o = op->options;
    results r;
    bool condition;
    OCT_TRY(need_host(op, err));
    OCT_TRY(read_bool(op, op->in[0], &condition, err));
    OCT_TRY(op->host->call(op->host, condition ? o->then_subgraph_index : o->else_subgraph_index,
        op->in + 1, op->in_count - 1, &r.values, &r.count, err));
    return take(op, &r, err);
}

static oct_status infer_while(oct_op *op, oct_error *err)
{
    const oct_while_options *o = op->options;
    results state = { op->in, op->in_count };
    OCT_TRY(need_host(op, err));
    if (o->cond_subgraph_index == o->body_subgraph_index)
        return oct_op_fail(op, OCT_E_INVALID, err, "condition and body are one subgraph");
    for (;;) {
        results answer;
        bool again;
        OCT_TRY(op->host->call(op->host, o->cond_subgraph_index, state.values, state.count,
            &answer.values, &answer.count, err));
        if (answer.count != 1)
            return oct_op_fail(
                op, OCT_E_INVALID, err, "the condition gives %d results", (int)answer.count);
        OCT_TRY(read_bool(op, answer.values[0], &again, err));
        if (!again)
            return take(op, &state, err);
        OCT_TRY(op->host->call(op->host, o->body_subgraph_index, state.values, state.count,
            &state.values, &state.count, err));
    }
}

static oct_status infer_composite(oct_op *op, oct_error *err)
{
    const oct_stablehlo_composite_options *o = op->options;
    results r;
    OCT_TRY(need_host(op, err));
    OCT_TRY(op->host->call(
        op->host, o->decomposition_subgraph_index, op->in, op->in_count, &r.values, &r.count, err));
    return take(op, &r, err);
}

static oct_status infer_nothing(oct_op *op, oct_error *err)
{
    (void)op, (void)err;
    return OCT_OK;
}

static oct_status eval_call_once(oct_op *op, oct_error *err)
{
    const oct_call_once_options *o = op->options;
    if (op->host == NULL)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "cannot run here");
    return op->host->call_once(op->host, o->init_subgraph_index, err);
}

const oct_op_def oct_op_if = {
    .name = "IF",
    .code = OCT_OP_IF,
    .min_in = 1,
    .max_in = -1,
    .min_out = 0,
    .max_out = -1,
    .options = OCT_OPTIONS_If,
    .traits = OCT_TRAIT_STATEFUL,
    .runtime = "1.15",
    .infer = infer_if,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_results } },
};
const oct_op_def oct_op_while = {
    .name = "WHILE",
    .code = OCT_OP_WHILE,
    .min_in = 1,
    .max_in = -1,
    .min_out = 1,
    .max_out = -1,
    .options = OCT_OPTIONS_While,
    .traits = OCT_TRAIT_STATEFUL,
    .runtime = "1.15",
    .infer = infer_while,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_results } },
};
const oct_op_def oct_op_call_once = {
    .name = "CALL_ONCE",
    .code = OCT_OP_CALL_ONCE,
    .min_in = 0,
    .max_in = 0,
    .min_out = 0,
    .max_out = 0,
    .options = OCT_OPTIONS_CallOnce,
    .traits = OCT_TRAIT_STATEFUL,
    .runtime = "2.5",
    .infer = infer_nothing,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_call_once } },
};
const oct_op_def oct_op_stablehlo_composite = {
    .name = "STABLEHLO_COMPOSITE",
    .code = OCT_OP_STABLEHLO_COMPOSITE,
    .min_in = 0,
    .max_in = -1,
    .min_out = 1,
    .max_out = -1,
    .options = OCT_OPTIONS_StableHLOComposite,
    .traits = OCT_TRAIT_STATEFUL,
    .runtime = "2.17",
    .infer = infer_composite,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_results } },
};
