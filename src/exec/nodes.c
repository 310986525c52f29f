/*
 * Nodes of a session: shapes, kernels, and everything that can be computed once instead of at each run.
 *
 * A node whose inputs are all known (constants, shapes, what earlier such nodes gave) is evaluated here:
 * shape arithmetic disappears and float16 or int8 weights behind a DEQUANTIZE become float constants.
 */
#include <stdlib.h>
#include <string.h>

#include "exec/internal.h"
#include "exec/memory_plan.h"

/* A struct with the schema's defaults, for a node that came without its options table. */
static void *default_options(oct_session *session, oct_options_type type)
{
    const oct_record *record = oct_options_record(type);
    unsigned char *options = record ? oct_arena_alloc(&session->arena, record->size) : NULL;
    if (options == NULL)
        return NULL;
    for (uint16_t i = 0; i < record->field_count; i++) {
        const oct_field *field = &record->fields[i];
        void *place = options + field->offset;
        if (field->fallback == 0)
            continue;
        switch (field->kind) {
        case OCT_KIND_bool: *(bool *)place = true; break;
        case OCT_KIND_i32: *(int32_t *)place = (int32_t)field->fallback; break;
        case OCT_KIND_f32: *(float *)place = (float)field->fallback; break;
        default: *(int8_t *)place = (int8_t)field->fallback; break; /* enumerations of one byte */
        }
    }
    return options;
}

static oct_status set_options(oct_session *session, const oct_op_def *def, oct_op *op,
    oct_error *err)
{
    const oct_node *node = op->node;
    op->options = node->options;
    if (def->options == OCT_OPTIONS_NONE || (node->options_type == def->options && node->options))
        return OCT_OK;
    if (node->options_type != OCT_OPTIONS_NONE && node->options_type != def->options)
        return oct_op_fail(op, OCT_E_INVALID, err, "has the options of another operator");
    op->options = default_options(session, def->options);
    return op->options ? OCT_OK : oct_fail_memory(err, 64, "operator options");
}

static oct_status check_counts(const oct_op_def *def, const oct_op *op, oct_error *err)
{
    if (op->in_count < def->min_in || (def->max_in >= 0 && op->in_count > def->max_in))
        return oct_op_fail(op, OCT_E_INVALID, err, "has %d inputs", (int)op->in_count);
    if (op->out_count < def->min_out || (def->max_out >= 0 && op->out_count > def->max_out))
        return oct_op_fail(op, OCT_E_INVALID, err, "has %d outputs", (int)op->out_count);
    for (int32_t i = 0; i < def->min_in; i++)
        if (op->in[i] == NULL && oct_op_input_role(def, i) != OCT_ROLE_BIAS)
            return oct_op_fail(op, OCT_E_INVALID, err, "input %d is missing", (int)i);
    return OCT_OK;
}

static oct_op *new_op(oct_session *session, const oct_node *node)
{
    oct_op *op = oct_arena_alloc(&session->arena, sizeof *op);
    int32_t between = (int32_t)node->intermediates.count;
    size_t slots = (size_t)node->input_count + (size_t)node->output_count + (size_t)between;
    oct_value **values = oct_arena_array(&session->arena, slots, sizeof *values);
    if (op == NULL || values == NULL)
        return NULL;
    *op = (oct_op){ .node = node, .in = values, .out = values + node->input_count,
        .in_count = node->input_count, .out_count = node->output_count,
        .arena = &session->arena, .pool = session->pool, .host = &session->host };
    for (int32_t i = 0; i < node->input_count; i++)
        values[i] = node->inputs[i] < 0 ? NULL : &session->values[node->inputs[i]];
    for (int32_t i = 0; i < node->output_count; i++)
        op->out[i] = &session->values[node->outputs[i]];
    op->intermediates = op->out + node->output_count;
    for (int32_t i = 0; i < between; i++) {
        int32_t index = node->intermediates.data[i];
        bool good = index >= 0 && index < session->sub->tensor_count;
        op->intermediate_count = good && op->intermediate_count == i ? i + 1 : op->intermediate_count;
        op->intermediates[i] = good ? &session->values[index] : NULL;
    }
    return op;
}

/* "float32, int8, none" */
static void list_types(const oct_op *op, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (int32_t i = 0; i < op->in_count && used + 24 < size; i++) {
        const char *name = op->in[i] ? oct_type_name(op->in[i]->type) : "none";
        const char *separator = i > 0 ? ", " : "";
        size_t length = strlen(separator) + strlen(name);
        memcpy(text + used, separator, strlen(separator));
        memcpy(text + used + strlen(separator), name, strlen(name) + 1);
        used += length;
    }
}

/* The fast kernel where it is asked for, exists and covers the node; else ref. */
static oct_status choose_kernel(const oct_session *session, const oct_op_def *def, oct_op *op,
    oct_error *err)
{
    const oct_kernel *fast = &def->fast[op->form], *ref = &def->ref[op->form];
    if (session->options.kernels == OCT_KERNELS_FAST && fast->eval != NULL) {
        size_t scratch[OCT_MAX_SCRATCH];
        memcpy(scratch, op->scratch_bytes, sizeof scratch);
        bool usable = true;
        if (fast->prepare != NULL)
            OCT_TRY(fast->prepare(op, &usable, err));
        if (usable) {
            op->eval = fast->eval;
            return OCT_OK;
        }
        memcpy(op->scratch_bytes, scratch, sizeof scratch);
    }
    bool usable = true;
    if (ref->prepare != NULL)
        OCT_TRY(ref->prepare(op, &usable, err));
    if (!usable)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "the %s kernel does not cover this case",
            oct_form_name(op->form));
    op->eval = ref->eval;
    return OCT_OK;
}

static bool all_inputs_known(const oct_op_def *def, const oct_op *op)
{
    if (def->traits & OCT_TRAIT_STATEFUL)
        return false;
    for (int32_t i = 0; i < op->in_count && !(def->traits & OCT_TRAIT_SHAPE_ONLY); i++)
        if (op->in[i] != NULL && !op->in[i]->known)
            return false;
    return true;
}

/* Runs a node in memory of its own arena; scratch is never NULL, as in planned runs. */
static oct_status evaluate(oct_op *op, oct_error *err)
{
    for (int32_t i = 0; i < op->out_count; i++) {
        op->out[i]->data = oct_session_bytes(op->arena, op->out[i]->size);
        if (op->out[i]->data == NULL)
            return oct_fail_memory(err, op->out[i]->size, op->out[i]->label);
    }
    oct_status status = OCT_OK;
    for (int i = 0; i < OCT_MAX_SCRATCH && status == OCT_OK; i++) {
        size_t bytes = (op->scratch_bytes[i] / OCT_ARENA_ALIGNMENT + 2) * OCT_ARENA_ALIGNMENT;
        if (oct_session_affordable(bytes))
            op->scratch[i] = aligned_alloc(OCT_ARENA_ALIGNMENT, bytes);
        if (op->scratch[i] == NULL)
            status = oct_fail_memory(err, bytes, "scratch");
    }
    if (status == OCT_OK)
        status = op->eval(op, err);
    for (int i = 0; i < OCT_MAX_SCRATCH; i++) {
        free(op->scratch[i]);
        op->scratch[i] = NULL;
    }
    return status;
}

static oct_status find_def(const oct_op *op, const oct_op_def **def, oct_error *err)
{
    const oct_node *node = op->node;
    const char *label = op->out_count > 0 ? op->out[0]->label : "node without outputs";
    *def = oct_op_of(node);
    if (*def != NULL)
        return OCT_OK;
    if (node->op == OCT_OP_CUSTOM)
        return oct_fail(err, OCT_E_UNSUPPORTED, "%s: no kernel for the custom operator %s", label,
            node->custom_code ? node->custom_code : "without a name");
    return oct_fail(err, OCT_E_UNSUPPORTED, "%s: no kernel for %s", label,
        oct_builtin_name(node->op) ? oct_builtin_name(node->op) : "an unknown operator");
}

/* Form, shapes, checks and kernel. */
static oct_status plan(const oct_session *session, const oct_op_def *def, oct_op *op, oct_error *err)
{
    op->form = oct_op_form(def, op);
    if (op->form == OCT_FORM_COUNT) {
        char types[200];
        list_types(op, types, sizeof types);
        return oct_fail(err, OCT_E_UNSUPPORTED, "%s: no kernel for %s with inputs of type %s",
            op->out_count > 0 ? op->out[0]->label : def->name, def->name, types);
    }
    OCT_TRY(def->infer(op, err));
    if (def->prepare != NULL)
        OCT_TRY(def->prepare(op, err));
    return choose_kernel(session, def, op, err);
}

oct_status oct_session_run_late(oct_session *session, oct_op *op, oct_error *err)
{
    const oct_op_def *def = oct_op_of(op->node);
    op->arena = &session->late;
    op->running = true;
    op->prepared = op->packed = NULL;
    memset(op->scratch, 0, sizeof op->scratch);
    memset(op->scratch_bytes, 0, sizeof op->scratch_bytes);
    for (int32_t i = 0; i < op->in_count; i++)
        if (op->in[i] != NULL)
            op->in[i]->known = true;
    oct_status status = plan(session, def, op, err);
    if (status == OCT_OK)
        status = evaluate(op, err);
    for (int32_t i = 0; i < op->in_count; i++)
        if (op->in[i] != NULL)
            op->in[i]->known = session->planned_known[op->in[i] - session->values];
    return status;
}

void oct_session_forget_late(oct_session *session)
{
    for (int32_t i = 0; session->planned_known != NULL && i < session->sub->tensor_count; i++) {
        oct_value *value = &session->values[i];
        if (!value->late)
            continue;
        value->rank = session->sub->tensors[i]->rank;
        value->dims = session->sub->tensors[i]->dims;
        value->data = NULL;
        value->size = 0;
    }
    oct_arena_free(&session->late);
    session->late = (oct_arena){ 0 };
}

/* Every run will plan this node anew. */
static void postpone(oct_op *op)
{
    memset(op->scratch_bytes, 0, sizeof op->scratch_bytes);
    op->postponed = true;
    for (int32_t i = 0; i < op->out_count; i++) {
        op->out[i]->late = true;
        op->out[i]->size = 0;
    }
}

static bool has_late_input(const oct_op *op)
{
    for (int32_t i = 0; i < op->in_count; i++)
        if (op->in[i] != NULL && op->in[i]->late)
            return true;
    return false;
}

static oct_status make_node(oct_session *session, const oct_node *node, oct_error *err)
{
    oct_op *op = new_op(session, node);
    const oct_op_def *def;
    if (op == NULL)
        return oct_fail_memory(err, sizeof *op, "nodes");
    OCT_TRY(find_def(op, &def, err));
    OCT_TRY(check_counts(def, op, err));
    OCT_TRY(set_options(session, def, op, err));
    bool late = has_late_input(op);
    if (!late) {
        op->late = &late;
        oct_status status = plan(session, def, op, err);
        op->late = NULL;
        if (status != OCT_OK && !late)
            return status;
    }
    if (late) {
        postpone(op);
        if (err != NULL)
            *err = (oct_error){ 0 };
    } else if (all_inputs_known(def, op)) {
        OCT_TRY(evaluate(op, err));
        for (int32_t i = 0; i < op->out_count; i++)
            op->out[i]->known = true;
        return OCT_OK;
    }
    session->run[session->run_count++] = op;
    return OCT_OK;
}

/* What late nodes change while they run and put back. */
static oct_status remember_known(oct_session *session, oct_error *err)
{
    size_t count = (size_t)session->sub->tensor_count;
    bool any = false;
    for (int32_t i = 0; i < session->run_count; i++)
        any |= session->run[i]->postponed;
    if (!any)
        return OCT_OK;
    session->planned_known = oct_arena_array(&session->arena, count, sizeof(bool));
    if (session->planned_known == NULL)
        return oct_fail_memory(err, count, "values");
    for (size_t i = 0; i < count; i++)
        session->planned_known[i] = session->values[i].known;
    return OCT_OK;
}

oct_status oct_session_make_nodes(oct_session *session, oct_error *err)
{
    const oct_subgraph *sub = session->sub;
    size_t count = (size_t)sub->node_count;
    session->run = oct_arena_array(&session->arena, count, sizeof *session->run);
    if (session->run == NULL)
        return oct_fail_memory(err, count * sizeof *session->run, "nodes");
    for (int32_t i = 0; i < sub->node_count; i++)
        OCT_TRY(make_node(session, sub->nodes[i], err));
    return remember_known(session, err);
}
