/*
 * Activations: by name, as layers, as operations. Each becomes operators of its own; passes fuse them.
 *
 * A name is looked up without case, underscores and module ("hard_sigmoid", "HardSigmoid", "nn.relu6").
 */
#include "keras/curve.h"

#include <ctype.h>
#include <string.h>

typedef oct_status activation_fn(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err);

static oct_status linear(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err)
{
    (void)call;
    (void)err;
    *y = x;
    return OCT_OK;
}

#define SIMPLE(name, op, options)                                                                  \
    static oct_status name(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err)            \
    {                                                                                              \
        return oct_keras_emit_unary(call, op, options, x, y, err);                                 \
    }
SIMPLE(relu, OCT_OP_RELU, OCT_OPTIONS_NONE)
SIMPLE(relu6, OCT_OP_RELU6, OCT_OPTIONS_NONE)
SIMPLE(hard_tanh, OCT_OP_RELU_N1_TO_1, OCT_OPTIONS_NONE)
SIMPLE(sigmoid, OCT_OP_LOGISTIC, OCT_OPTIONS_NONE)
SIMPLE(hyperbolic_tangent, OCT_OP_TANH, OCT_OPTIONS_NONE)
SIMPLE(elu, OCT_OP_ELU, OCT_OPTIONS_NONE)
SIMPLE(exponential, OCT_OP_EXP, OCT_OPTIONS_Exp)
SIMPLE(log_softmax, OCT_OP_LOG_SOFTMAX, OCT_OPTIONS_LogSoftmax)
SIMPLE(hard_silu, OCT_OP_HARD_SWISH, OCT_OPTIONS_HardSwish)
#undef SIMPLE

static oct_status softmax(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    oct_softmax_options *options;
    OCT_TRY(oct_keras_emit(call, OCT_OP_SOFTMAX, &x, 1, OCT_OPTIONS_Softmax, OCT_FLOAT32, &shape, y,
        &options, err));
    options->beta = 1;
    return OCT_OK;
}

static oct_status leaky(oct_keras_call *call, int32_t x, double slope, int32_t *y, oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    oct_leaky_relu_options *options;
    OCT_TRY(oct_keras_emit(call, OCT_OP_LEAKY_RELU, &x, 1, OCT_OPTIONS_LeakyRelu, OCT_FLOAT32, &shape,
        y, &options, err));
    options->alpha = (float)slope;
    return OCT_OK;
}

static oct_status leaky_relu(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err)
{
    return leaky(call, x, 0.2, y, err);
}

static oct_status gelu_of_kind(oct_keras_call *call, int32_t x, bool approximate, int32_t *y,
    oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    oct_gelu_options *options;
    OCT_TRY(oct_keras_emit(call, OCT_OP_GELU, &x, 1, OCT_OPTIONS_Gelu, OCT_FLOAT32, &shape, y,
        &options, err));
    options->approximate = approximate;
    return OCT_OK;
}

static oct_status gelu(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err)
{
    return gelu_of_kind(call, x, false, y, err);
}

static oct_status silu(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err)
{
    int32_t gate;
    OCT_TRY(sigmoid(call, x, &gate, err));
    return oct_keras_emit_binary(call, OCT_OP_MUL, x, gate, y, err);
}

/* Keras 3: relu6(x + 3) / 6. Keras 2: clip(0.2 x + 0.5, 0, 1). */
static oct_status hard_sigmoid(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err)
{
    if (call->keras2) {
        OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_MUL, x, 0.2f, y, err));
        OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_ADD, *y, 0.5f, y, err));
        OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_MINIMUM, *y, 1.0f, y, err));
        return relu(call, *y, y, err);
    }
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_ADD, x, 3.0f, y, err));
    OCT_TRY(relu6(call, *y, y, err));
    return oct_keras_emit_scalar(call, OCT_OP_MUL, *y, 1.0f / 6.0f, y, err);
}

/* positive * max(x, 0) + negative * (e^min(x, 0) - 1) */
static oct_status scaled_elu(oct_keras_call *call, int32_t x, float positive, float negative,
    int32_t *y, oct_error *err)
{
    int32_t above, below;
    OCT_TRY(relu(call, x, &above, err));
    if (positive != 1.0f)
        OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_MUL, above, positive, &above, err));
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_MINIMUM, x, 0.0f, &below, err));
    OCT_TRY(elu(call, below, &below, err));
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_MUL, below, negative, &below, err));
    return oct_keras_emit_binary(call, OCT_OP_ADD, above, below, y, err);
}

static oct_status selu(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err)
{
    const double scale = 1.05070098735548049342, alpha = 1.67326324235437728481;
    return scaled_elu(call, x, (float)scale, (float)(scale * alpha), y, err);
}

/* max(x, 0) + log(1 + e^-|x|): log(1 + e^x) itself overflows above 88. */
static oct_status softplus(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err)
{
    int32_t above, rest;
    OCT_TRY(relu(call, x, &above, err));
    OCT_TRY(oct_keras_emit_unary(call, OCT_OP_ABS, OCT_OPTIONS_Abs, x, &rest, err));
    OCT_TRY(oct_keras_emit_unary(call, OCT_OP_NEG, OCT_OPTIONS_Neg, rest, &rest, err));
    OCT_TRY(exponential(call, rest, &rest, err));
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_ADD, rest, 1.0f, &rest, err));
    OCT_TRY(oct_keras_emit_unary(call, OCT_OP_LOG, OCT_OPTIONS_NONE, rest, &rest, err));
    return oct_keras_emit_binary(call, OCT_OP_ADD, above, rest, y, err);
}

static oct_status softsign(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err)
{
    int32_t below;
    OCT_TRY(oct_keras_emit_unary(call, OCT_OP_ABS, OCT_OPTIONS_Abs, x, &below, err));
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_ADD, below, 1.0f, &below, err));
    return oct_keras_emit_binary(call, OCT_OP_DIV, x, below, y, err);
}

static oct_status mish(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err)
{
    int32_t gate;
    OCT_TRY(softplus(call, x, &gate, err));
    OCT_TRY(hyperbolic_tangent(call, gate, &gate, err));
    return oct_keras_emit_binary(call, OCT_OP_MUL, x, gate, y, err);
}

/* log(sigmoid(x)) = -softplus(-x) */
static oct_status log_sigmoid(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err)
{
    OCT_TRY(oct_keras_emit_unary(call, OCT_OP_NEG, OCT_OPTIONS_Neg, x, y, err));
    OCT_TRY(softplus(call, *y, y, err));
    return oct_keras_emit_unary(call, OCT_OP_NEG, OCT_OPTIONS_Neg, *y, y, err);
}

/* By name alone every option has its default. */
static oct_status celu(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err)
{
    return oct_keras_curve_celu(call, x, 1, y, err);
}

static oct_status glu(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err)
{
    return oct_keras_curve_glu(call, x, -1, y, err);
}

static oct_status hard_shrink(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err)
{
    return oct_keras_curve_hard_shrink(call, x, 0.5, y, err);
}

static oct_status soft_shrink(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err)
{
    return oct_keras_curve_soft_shrink(call, x, 0.5, y, err);
}

static oct_status squareplus(oct_keras_call *call, int32_t x, int32_t *y, oct_error *err)
{
    return oct_keras_curve_squareplus(call, x, 4, y, err);
}

static const struct {
    const char *name;
    activation_fn *emit;
} activations[] = {
    { "linear", linear }, { "relu", relu }, { "relu6", relu6 }, { "hardtanh", hard_tanh },
    { "sigmoid", sigmoid }, { "tanh", hyperbolic_tangent }, { "softmax", softmax },
    { "logsoftmax", log_softmax }, { "silu", silu }, { "swish", silu }, { "hardsilu", hard_silu },
    { "hardswish", hard_silu }, { "hardsigmoid", hard_sigmoid }, { "gelu", gelu }, { "elu", elu },
    { "selu", selu }, { "leakyrelu", leaky_relu }, { "exponential", exponential },
    { "softplus", softplus }, { "softsign", softsign }, { "mish", mish }, { "celu", celu },
    { "glu", glu }, { "hardshrink", hard_shrink }, { "softshrink", soft_shrink },
    { "logsigmoid", log_sigmoid }, { "squareplus", squareplus },
    { "tanhshrink", oct_keras_curve_tanh_shrink }, { "sparseplus", oct_keras_curve_sparse_plus },
    { "sparsesigmoid", oct_keras_curve_sparse_sigmoid }
};

static bool same_name(const char *name, const char *known)
{
    const char *dot = strrchr(name, '.');
    for (name = dot == NULL ? name : dot + 1; *name != 0; name++) {
        if (*name == '_')
            continue;
        if (tolower((unsigned char)*name) != *known)
            return false;
        known++;
    }
    return *known == 0;
}

static oct_status apply_named(oct_keras_call *call, const char *name, int32_t x, int32_t *y,
    oct_error *err)
{
    for (size_t i = 0; i < sizeof activations / sizeof activations[0]; i++)
        if (same_name(name, activations[i].name))
            return activations[i].emit(call, x, y, err);
    return oct_fail(err, OCT_E_UNSUPPORTED, "the activation '%s' is not supported", name);
}

/* An activation given as a layer object: {"class_name": "ReLU", "config": {...}}. */
static oct_status apply_layer(oct_keras_call *call, const json_t *value, int32_t x, int32_t *y,
    oct_error *err)
{
    const char *class_name = oct_keras_text(value, "class_name", "");
    const oct_keras_def *def = oct_keras_def_find(OCT_KERAS_LAYER, class_name);
    if (strcmp(class_name, "function") == 0)
        return oct_fail(err, OCT_E_UNSUPPORTED,
            "its activation '%s' is a custom function; its Python code cannot be imported",
            oct_keras_text(value, "config", ""));
    if (def == NULL || *def->variables != 0)
        return oct_fail(err, OCT_E_UNSUPPORTED, "its activation is of the class '%s'", class_name);
    oct_keras_call inner = *call;
    inner.config = json_object_get(value, "config");
    inner.variant = def->variant;
    inner.inputs = &x;
    inner.input_count = 1;
    *y = x;
    return def->lower(&inner, y, err);
}

oct_status oct_keras_activate(oct_keras_call *call, const json_t *activation, int32_t x, int32_t *y,
    oct_error *err)
{
    *y = x;
    if (activation == NULL || json_is_null(activation))
        return OCT_OK;
    if (json_is_string(activation))
        return apply_named(call, json_string_value(activation), x, y, err);
    if (json_object_get(activation, "class_name") != NULL &&
        strcmp(oct_keras_text(activation, "class_name", ""), "__lambda__") != 0)
        return apply_layer(call, activation, x, y, err);
    return oct_fail(err, OCT_E_UNSUPPORTED,
        "its activation is a Python lambda, which cannot be imported; name a Keras activation and "
        "save again");
}

oct_status oct_keras_lower_activation(oct_keras_call *call, int32_t *y, oct_error *err)
{
    return oct_keras_activate(call, json_object_get(call->config, "activation"), call->inputs[0], y,
        err);
}

oct_status oct_keras_lower_named_activation(oct_keras_call *call, int32_t *y, oct_error *err)
{
    const char *name = oct_keras_text(call->config, "function", call->layer->class_name);
    return apply_named(call, name, call->inputs[0], y, err);
}

/* x above the threshold, the slope's line through it below; then the ceiling. */
static oct_status relu_with_threshold(oct_keras_call *call, int32_t x, double threshold, double slope,
    int32_t *y, oct_error *err)
{
    oct_keras_shape shape = oct_keras_shape_of(call, x);
    int32_t compare[2] = { x }, select[3] = { -1, x, -1 };
    OCT_TRY(oct_keras_constant_scalar(call, (float)threshold, &compare[1], err));
    OCT_TRY(oct_keras_emit(call, OCT_OP_GREATER, compare, 2, OCT_OPTIONS_Greater, OCT_BOOL, &shape,
        &select[0], NULL, err));
    OCT_TRY(oct_keras_emit_binary(call, OCT_OP_SUB, x, compare[1], &select[2], err));
    OCT_TRY(oct_keras_emit_scalar(call, OCT_OP_MUL, select[2], (float)slope, &select[2], err));
    return oct_keras_emit(call, OCT_OP_SELECT_V2, select, 3, OCT_OPTIONS_SelectV2, OCT_FLOAT32, &shape,
        y, NULL, err);
}

oct_status oct_keras_lower_relu(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t x = call->inputs[0];
    bool has_ceiling = oct_keras_has(call->config, "max_value");
    double ceiling = oct_keras_number(call->config, "max_value", 0);
    double slope = oct_keras_number(call->config, "negative_slope", 0);
    double threshold = oct_keras_number(call->config, "threshold", 0);
    if (threshold == 0 && slope == 0 && has_ceiling && ceiling == 6)
        return relu6(call, x, y, err);
    if (threshold != 0)
        OCT_TRY(relu_with_threshold(call, x, threshold, slope, y, err));
    else if (slope != 0)
        OCT_TRY(leaky(call, x, slope, y, err));
    else
        OCT_TRY(relu(call, x, y, err));
    return has_ceiling ? oct_keras_emit_scalar(call, OCT_OP_MINIMUM, *y, (float)ceiling, y, err)
                       : OCT_OK;
}

oct_status oct_keras_lower_leaky_relu(oct_keras_call *call, int32_t *y, oct_error *err)
{
    double fallback = call->layer->def->kind == OCT_KERAS_LAYER ? 0.3 : 0.2;
    const json_t *given = oct_keras_setting(call, "negative_slope");
    given = given != NULL ? given : oct_keras_setting(call, "alpha");
    double slope = json_is_number(given) ? json_number_value(given) : fallback;
    return leaky(call, call->inputs[0], slope, y, err);
}

oct_status oct_keras_lower_elu(oct_keras_call *call, int32_t *y, oct_error *err)
{
    double alpha = oct_keras_number(call->config, "alpha", 1);
    return alpha == 1 ? elu(call, call->inputs[0], y, err)
                      : scaled_elu(call, call->inputs[0], 1.0f, (float)alpha, y, err);
}

oct_status oct_keras_lower_gelu(oct_keras_call *call, int32_t *y, oct_error *err)
{
    const json_t *given = oct_keras_setting(call, "approximate");
    bool approximate = given != NULL ? json_is_true(given) : !call->keras2;
    return gelu_of_kind(call, call->inputs[0], approximate, y, err);
}

/* Softmax over several axes, which the operator cannot: e^(x - max) / sum. */
static oct_status softmax_over(oct_keras_call *call, int32_t x, const int32_t *axes, int32_t count,
    int32_t *y, oct_error *err)
{
    int32_t part;
    OCT_TRY(oct_keras_emit_reduce(call, OCT_OP_REDUCE_MAX, x, axes, count, true, &part, err));
    OCT_TRY(oct_keras_emit_binary(call, OCT_OP_SUB, x, part, y, err));
    OCT_TRY(exponential(call, *y, y, err));
    OCT_TRY(oct_keras_emit_reduce(call, OCT_OP_SUM, *y, axes, count, true, &part, err));
    return oct_keras_emit_binary(call, OCT_OP_DIV, *y, part, y, err);
}

/* The operators work on the last axis. Variant 1: the logarithm. */
oct_status oct_keras_lower_softmax(oct_keras_call *call, int32_t *y, oct_error *err)
{
    activation_fn *emit = call->variant == 1 ? log_softmax : softmax;
    int32_t x = call->inputs[0], list[8] = { -1 }, count = 1, perm[8];
    int32_t rank = oct_keras_shape_of(call, x).rank;
    const json_t *given = oct_keras_setting(call, "axis");
    OCT_TRY(oct_keras_refuse_masks(call, err));
    if (given != NULL)
        OCT_TRY(oct_keras_list(given, "axis", 8, list, &count, err));
    for (int32_t i = 0; i < count; i++)
        OCT_TRY(oct_keras_axis(list[i], rank, &list[i], err));
    if (count != 1 && call->variant == 1)
        return oct_fail(err, OCT_E_UNSUPPORTED, "log_softmax over %d axes", count);
    if (count != 1)
        return softmax_over(call, x, list, count, y, err);
    if (list[0] == rank - 1)
        return emit(call, x, y, err);
    for (int32_t i = 0; i < rank; i++)
        perm[i] = i;
    perm[list[0]] = rank - 1;
    perm[rank - 1] = list[0];
    OCT_TRY(oct_keras_emit_transpose(call, x, perm, y, err));
    OCT_TRY(emit(call, *y, y, err));
    return oct_keras_emit_transpose(call, *y, perm, y, err);
}

oct_status oct_keras_lower_prelu(oct_keras_call *call, int32_t *y, oct_error *err)
{
    int32_t inputs[2] = { call->inputs[0] };
    oct_keras_shape shape = oct_keras_shape_of(call, inputs[0]);
    const oct_h5_dataset *set = oct_keras_variable_find(call, "alpha");
    int64_t dims[8];
    for (int32_t i = 1; i < shape.rank; i++) {
        bool shared = set != NULL && set->rank == shape.rank - 1 && set->dims[i - 1] == 1;
        dims[i - 1] = shared ? 1 : shape.dims[i];
    }
    OCT_TRY(oct_keras_constant_variable(call, "alpha", shape.rank - 1, dims, &inputs[1], err));
    return oct_keras_emit(call, OCT_OP_PRELU, inputs, 2, OCT_OPTIONS_NONE, OCT_FLOAT32, &shape, y, NULL,
        err);
}
