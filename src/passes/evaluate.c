/*
 * Single nodes, run through their descriptors: the constant folder and shape inference share this.
 */
#include "passes/evaluate.h"

#include <stdlib.h>
#include <string.h>

static const char *label_of(const oct_evaluator *ev, int32_t index)
{
    const char *name = ev->sub->tensors[index]->name;
    return name != NULL ? name : "a tensor without name";
}

oct_status oct_evaluator_init(oct_evaluator *ev, const oct_subgraph *sub, oct_error *err)
{
    *ev = (oct_evaluator){ .sub = sub };
    ev->values = oct_arena_array(&ev->arena, (size_t)sub->tensor_count, sizeof *ev->values);
    if (ev->values == NULL)
        return oct_fail_memory(err, (size_t)sub->tensor_count * sizeof *ev->values, "values");
    for (int32_t i = 0; i < sub->tensor_count; i++) {
        const oct_tensor *tensor = sub->tensors[i];
        int64_t bytes = oct_tensor_bytes(tensor);
        ev->values[i] = (oct_value){ .type = tensor->type, .rank = tensor->rank,
            .dims = tensor->dims, .size = bytes < 0 ? tensor->size : (size_t)bytes,
            .quant = &tensor->quant, .known = tensor->data != NULL && tensor->sparsity == NULL,
            .label = label_of(ev, i) };
        /* Kernels take a plain pointer for inputs and outputs alike; they never write to constants. */
        ev->values[i].data = (void *)(uintptr_t)tensor->data;
    }
    return OCT_OK;
}

void oct_evaluator_deinit(oct_evaluator *ev)
{
    oct_arena_free(&ev->arena);
}

static oct_value **gather(oct_evaluator *ev, const int32_t *indices, int32_t count)
{
    oct_value **list = oct_arena_array(&ev->arena, (size_t)count, sizeof *list);
    for (int32_t i = 0; list != NULL && i < count; i++)
        list[i] = indices[i] < 0 ? NULL : &ev->values[indices[i]];
    return list;
}

static oct_status make_op(oct_evaluator *ev, const oct_node *node, oct_op *op, oct_error *err)
{
    *op = (oct_op){ .node = node, .options = node->options, .in_count = node->input_count,
        .out_count = node->output_count, .arena = &ev->arena };
    op->in = gather(ev, node->inputs, node->input_count);
    op->out = gather(ev, node->outputs, node->output_count);
    if (op->in == NULL || op->out == NULL)
        return oct_fail_memory(err, (size_t)node->input_count * sizeof *op->in, "a node");
    return OCT_OK;
}

oct_status oct_evaluator_infer(oct_evaluator *ev, const oct_node *node, oct_error *err)
{
    const oct_op_def *def = oct_op_find(node->op);
    if (def == NULL)
        return OCT_OK;
    if (!oct_op_accepts(def, node))
        return oct_fail(err, OCT_E_INVALID, "%s: wrong number of inputs or outputs", def->name);
    oct_op op;
    OCT_TRY(make_op(ev, node, &op, err));
    bool late = false;
    for (int32_t i = 0; i < op.in_count; i++)
        late |= op.in[i] != NULL && op.in[i]->late;
    op.late = &late;
    oct_status status = late ? OCT_OK : def->infer(&op, err);
    if (!late)
        return status;
    for (int32_t i = 0; i < op.out_count; i++)
        op.out[i]->late = true; /* its shape follows from data: what the file says stays */
    if (err != NULL)
        *err = (oct_error){ 0 };
    return OCT_OK;
}

bool oct_evaluator_can_compute(const oct_evaluator *ev, const oct_node *node, size_t max_bytes)
{
    const oct_op_def *def = oct_op_find(node->op);
    if (def == NULL || (def->traits & OCT_TRAIT_STATEFUL) != 0)
        return false;
    for (int32_t i = 0; i < node->output_count; i++)
        if (ev->values[node->outputs[i]].late)
            return false;
    bool shape_only = (def->traits & OCT_TRAIT_SHAPE_ONLY) != 0;
    for (int32_t i = 0; i < node->input_count; i++)
        if (node->inputs[i] >= 0 && !ev->values[node->inputs[i]].known && !shape_only)
            return false;
    size_t bytes = 0;
    for (int32_t i = 0; i < node->output_count; i++) {
        const oct_value *value = &ev->values[node->outputs[i]];
        if (oct_type_bits(value->type) == 0 || value->size > max_bytes - bytes)
            return false;
        bytes += value->size;
    }
    return true;
}

static oct_status run(oct_evaluator *ev, const oct_op_def *def, oct_op *op, bool *done,
    oct_error *err)
{
    const oct_kernel *kernel = &def->ref[op->form];
    if (def->prepare != NULL)
        OCT_TRY(def->prepare(op, err));
    bool usable = true;
    if (kernel->prepare != NULL)
        OCT_TRY(kernel->prepare(op, &usable, err));
    for (int32_t i = 0; i < OCT_MAX_SCRATCH; i++)
        if (op->scratch_bytes[i] != 0 &&
            (op->scratch[i] = oct_arena_alloc(&ev->arena, op->scratch_bytes[i])) == NULL)
            return oct_fail_memory(err, op->scratch_bytes[i], "scratch");
    for (int32_t i = 0; i < op->out_count; i++)
        if ((op->out[i]->data = oct_arena_alloc(&ev->arena, op->out[i]->size)) == NULL)
            return oct_fail_memory(err, op->out[i]->size, "a constant");
    if (usable)
        OCT_TRY(kernel->eval(op, err));
    *done = usable;
    return OCT_OK;
}

oct_status oct_evaluator_compute(oct_evaluator *ev, const oct_node *node, bool *done,
    oct_error *err)
{
    *done = false;
    const oct_op_def *def = oct_op_find(node->op);
    oct_op op;
    OCT_TRY(make_op(ev, node, &op, err));
    OCT_TRY(def->infer(&op, err)); /* SPLIT and others keep what they find there for their kernels */
    op.form = oct_op_form(def, &op);
    if (op.form == OCT_FORM_COUNT || def->ref[op.form].eval == NULL)
        return OCT_OK;
    OCT_TRY(run(ev, def, &op, done, err));
    for (int32_t i = 0; *done && i < node->output_count; i++)
        ev->values[node->outputs[i]].known = true;
    return OCT_OK;
}
