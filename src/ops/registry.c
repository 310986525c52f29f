/*
 * The list of operators, made from ops.def, and the choice of a node's form.
 */
#include "ops/op.h"

#include <string.h>

#define OCT_OP(code, suffix) extern const oct_op_def oct_op_##suffix;
#define OCT_CUSTOM_OP(suffix) extern const oct_op_def oct_op_##suffix;
#include "ops/ops.def"
#undef OCT_OP
#undef OCT_CUSTOM_OP

#define OCT_OP(code, suffix) &oct_op_##suffix,
#define OCT_CUSTOM_OP(suffix) &oct_op_##suffix,
static const oct_op_def *const all[] = {
#include "ops/ops.def"
};
#undef OCT_OP

#define OCT_OP(code, suffix)
static const oct_op_def *const custom[] = {
#include "ops/ops.def"
};
#undef OCT_OP
#undef OCT_CUSTOM_OP

#define OCT_OP(code, suffix) [code] = &oct_op_##suffix,
#define OCT_CUSTOM_OP(suffix)
static const oct_op_def *const by_code[OCT_OP_COUNT] = {
#include "ops/ops.def"
};
#undef OCT_OP
#undef OCT_CUSTOM_OP

const char *oct_op_absence(oct_builtin op)
{
#define OCT_ABSENT(code, reason) [code] = reason,
    static const char *const reasons[OCT_OP_COUNT] = {
#include "ops/absent.def"
    };
#undef OCT_ABSENT
    return (unsigned)op < OCT_OP_COUNT ? reasons[op] : NULL;
}

const oct_op_def *oct_op_find(oct_builtin op)
{
    return (unsigned)op < OCT_OP_COUNT ? by_code[op] : NULL;
}

const oct_op_def *oct_op_find_custom(const char *name)
{
    for (size_t i = 0; name != NULL && i < sizeof custom / sizeof *custom; i++)
        if (strcmp(custom[i]->name, name) == 0)
            return custom[i];
    return NULL;
}

const oct_op_def *oct_op_of(const oct_node *node)
{
    return node->op == OCT_OP_CUSTOM ? oct_op_find_custom(node->custom_code) : oct_op_find(node->op);
}

const oct_op_def *const *oct_op_all(int32_t *count)
{
    *count = (int32_t)(sizeof all / sizeof *all);
    return all;
}

oct_role oct_op_input_role(const oct_op_def *def, int32_t slot)
{
    int32_t slots = def->quant.in_slots;
    if (slots == 0)
        return OCT_ROLE_NONE;
    return (oct_role)def->quant.in[slot < slots ? slot : slots - 1];
}

oct_role oct_op_output_role(const oct_op_def *def, int32_t slot)
{
    int32_t slots = def->quant.out_slots;
    if (slots == 0)
        return OCT_ROLE_NONE;
    return (oct_role)def->quant.out[slot < slots ? slot : slots - 1];
}

const char *oct_form_name(oct_form form)
{
#define FORM_NAME(name, text) [OCT_FORM_##name] = text,
    static const char *const names[OCT_FORM_COUNT] = { OCT_FORM_LIST(FORM_NAME) };
#undef FORM_NAME
    return (unsigned)form < OCT_FORM_COUNT ? names[form] : "?";
}

static oct_form form_of_type(oct_type type)
{
    switch (type) {
    case OCT_FLOAT32: return OCT_FORM_F32;
    case OCT_INT8: return OCT_FORM_S8;
    case OCT_UINT8: return OCT_FORM_U8;
    case OCT_INT16: return OCT_FORM_S16;
    case OCT_INT32: return OCT_FORM_I32;
    case OCT_INT64: return OCT_FORM_I64;
    case OCT_BOOL: return OCT_FORM_BOOL;
    default: return OCT_FORM_ANY;
    }
}

/* The value whose type decides: the first activation; output 0 where all inputs are tables or indices. */
static const oct_value *deciding_value(const oct_op_def *def, const oct_op *op)
{
    if (def->quant.in_slots == 0)
        return op->in_count > 0 ? op->in[0] : op->out[0];
    for (int32_t i = 0; i < op->in_count; i++)
        if (op->in[i] != NULL && oct_op_input_role(def, i) == OCT_ROLE_ACT)
            return op->in[i];
    return op->out[0];
}

static bool has_int8_coefficients(const oct_op_def *def, const oct_op *op)
{
    for (int32_t i = 0; i < op->in_count; i++) {
        oct_role role = oct_op_input_role(def, i);
        if (op->in[i] == NULL || (role != OCT_ROLE_WEIGHT && role != OCT_ROLE_ACT))
            continue;
        if (op->in[i]->type == OCT_INT8 || op->in[i]->type == OCT_INT4)
            return true;
    }
    return false;
}

oct_form oct_op_form(const oct_op_def *def, const oct_op *op)
{
    const oct_value *value = deciding_value(def, op);
    oct_form form = value == NULL ? OCT_FORM_ANY : form_of_type(value->type);
    if (form == OCT_FORM_F32 && def->ref[OCT_FORM_HYBRID].eval && has_int8_coefficients(def, op))
        return OCT_FORM_HYBRID;
    if (def->ref[form].eval)
        return form;
    return def->ref[OCT_FORM_ANY].eval ? OCT_FORM_ANY : OCT_FORM_COUNT;
}

bool oct_op_accepts(const oct_op_def *def, const oct_node *node)
{
    if (node->input_count < def->min_in || (def->max_in >= 0 && node->input_count > def->max_in) ||
        node->output_count < def->min_out ||
        (def->max_out >= 0 && node->output_count > def->max_out))
        return false;
    for (int32_t i = 0; i < def->min_in; i++)
        if (node->inputs[i] < 0 && oct_op_input_role(def, i) != OCT_ROLE_BIAS)
            return false;
    for (int32_t i = 0; i < node->output_count; i++)
        if (node->outputs[i] < 0)
            return false;
    return true;
}
