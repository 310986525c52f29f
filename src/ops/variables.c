/*
 * VAR_HANDLE, READ_VARIABLE, ASSIGN_VARIABLE: values that the session keeps from run to run (op->host).
 * A handle is the variable's number in that session.
 * Sources: LiteRT tflite/kernels/var_handle.cc, read_variable.cc, assign_variable.cc.
 */
#include <string.h>

#include "ops/arith.h"

static oct_status infer_handle(oct_op *op, oct_error *err)
{
    if (op->out[0]->type != OCT_RESOURCE)
        return oct_op_fail(op, OCT_E_INVALID, err, "output is %s, not a resource",
            oct_type_name(op->out[0]->type));
    return oct_op_set_shape(op, 0, OCT_RESOURCE, 0, NULL, err);
}

static oct_status eval_handle(oct_op *op, oct_error *err)
{
    const oct_var_handle_options *o = op->options;
    if (op->host == NULL)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "cannot run here");
    int32_t index = op->host->variable(op->host, o->container, o->shared_name);
    if (index < 0)
        return oct_fail_memory(err, sizeof(int32_t), op->out[0]->label);
    memcpy(op->out[0]->data, &index, sizeof index);
    return OCT_OK;
}

static oct_status read_handle(const oct_op *op, int32_t *index, oct_error *err)
{
    if (op->in[0]->type != OCT_RESOURCE || oct_value_count(op->in[0]) != 1)
        return oct_op_fail(
            op, OCT_E_INVALID, err, "%s is no handle of a variable", op->in[0]->label);
    if (op->host == NULL)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "cannot run here");
    memcpy(index, op->in[0]->data, sizeof *index);
    return OCT_OK;
}

static oct_status infer_read(oct_op *op, oct_error *err)
{
    int32_t index;
    OCT_TRY(oct_op_need_run(op, err));
    OCT_TRY(read_handle(op, &index, err));
    const oct_value *value = op->host->read(op->host, index);
    if (value == NULL)
        return oct_op_fail(op, OCT_E_INVALID, err, "the variable is read before it is assigned");
    op->prepared = (void *)(uintptr_t)value; /* only read */
    return oct_op_set_shape(op, 0, value->type, value->rank, value->dims, err);
}

static oct_status eval_read(oct_op *op, oct_error *err)
{
    (void)err;
    const oct_value *value = op->prepared;
    if (value->size > 0)
        memcpy(op->out[0]->data, value->data, value->size);
    return OCT_OK;
}

static oct_status infer_assign(oct_op *op, oct_error *err)
{
    (void)op, (void)err;
    return OCT_OK;
}

static oct_status eval_assign(oct_op *op, oct_error *err)
{
    int32_t index;
    OCT_TRY(read_handle(op, &index, err));
    return op->host->assign(op->host, index, op->in[1], err);
}

const oct_op_def oct_op_var_handle = {
    .name = "VAR_HANDLE",
    .code = OCT_OP_VAR_HANDLE,
    .min_in = 0,
    .max_in = 0,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_VarHandle,
    .traits = OCT_TRAIT_STATEFUL,
    .runtime = "2.6",
    .infer = infer_handle,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_handle } },
};
const oct_op_def oct_op_read_variable = {
    .name = "READ_VARIABLE",
    .code = OCT_OP_READ_VARIABLE,
    .min_in = 1,
    .max_in = 1,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_ReadVariable,
    .traits = OCT_TRAIT_STATEFUL,
    .runtime = "2.6",
    .infer = infer_read,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_read } },
};
const oct_op_def oct_op_assign_variable = {
    .name = "ASSIGN_VARIABLE",
    .code = OCT_OP_ASSIGN_VARIABLE,
    .min_in = 2,
    .max_in = 2,
    .min_out = 0,
    .max_out = 0,
    .options = OCT_OPTIONS_AssignVariable,
    .traits = OCT_TRAIT_STATEFUL,
    .runtime = "2.6",
    .infer = infer_assign,
    .ref = { [OCT_FORM_ANY] = { .eval = eval_assign } },
};
