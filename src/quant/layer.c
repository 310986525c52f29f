/*
 * One layer alone: cut from the replay, its constants expanded, its codes dequantized in front.
 */
#include "quant/layer.h"

#include <float.h>
#include <string.h>

#include "quant/sweep.h"

bool oct_layer_limits(oct_node *node, float *low, float *high)
{
    const int8_t *activation = oct_node_option(node, "fused_activation");
    int kind = activation == NULL ? OCT_ACT_NONE : *activation;
    *low = kind == OCT_ACT_RELU_N1_TO_1 ? -1.f : kind == OCT_ACT_NONE ? -FLT_MAX : 0.f;
    *high = kind == OCT_ACT_RELU6 ? 6.f : kind == OCT_ACT_RELU_N1_TO_1 ? 1.f : FLT_MAX;
    return kind != OCT_ACT_NONE;
}

static const oct_tensor *input_of(const oct_subgraph *sub, const oct_node *node, int32_t slot)
{
    return slot < 0 || slot >= node->input_count || node->inputs[slot] < 0
               ? NULL
               : sub->tensors[node->inputs[slot]];
}

static bool is_readable(const oct_tensor *tensor, oct_type a, oct_type b)
{
    return tensor != NULL &&
           (oct_tensor_is_float(tensor) ||
               ((tensor->type == a || tensor->type == b) && tensor->quant.count > 0));
}

bool oct_layer_look_at(const oct_replay *replay, const oct_node *node, oct_layer *out)
{
    const oct_op_def *def = oct_op_find(node->op);
    if (def == NULL || (def->traits & OCT_TRAIT_LINEAR) == 0 || node->output_count != 1)
        return false;
    *out = (oct_layer){ .data = oct_node_slot_with(node, OCT_ROLE_ACT),
        .weight = oct_node_slot_with(node, OCT_ROLE_WEIGHT),
        .bias = oct_node_slot_with(node, OCT_ROLE_BIAS) };
    const oct_tensor *data = input_of(replay->sub, node, out->data);
    const oct_tensor *weight = input_of(replay->sub, node, out->weight);
    const oct_tensor *bias = input_of(replay->sub, node, out->bias);
    const oct_tensor *result = replay->sub->tensors[node->outputs[0]];
    if (!is_readable(data, OCT_INT8, OCT_INT16) || !is_readable(weight, OCT_INT8, OCT_INT8) ||
        !is_readable(bias, OCT_INT32, OCT_INT64) || oct_tensor_is_constant(data) ||
        !oct_tensor_is_constant(weight) || !oct_tensor_is_constant(bias) || result->rank == 0)
        return false;
    out->channels = result->dims[result->rank - 1];
    return oct_tensor_elements(result) > 0 && oct_tensor_elements(bias) == out->channels;
}

static int64_t code_at(const oct_tensor *tensor, int64_t i)
{
    switch (tensor->type) {
    case OCT_INT8:
        return ((const int8_t *)tensor->data)[i];
    case OCT_INT16:
        return ((const int16_t *)tensor->data)[i];
    case OCT_INT32:
        return ((const int32_t *)tensor->data)[i];
    default:
        return ((const int64_t *)tensor->data)[i];
    }
}

double oct_layer_value(const oct_tensor *tensor, int64_t i, int64_t channel)
{
    if (oct_tensor_is_float(tensor))
        return (double)((const float *)tensor->data)[i];
    const oct_quant *quant = &tensor->quant;
    int64_t at = quant->count > 1 ? channel : 0;
    return (double)quant->scale[at] * (double)(code_at(tensor, i) - quant->zero_point[at]);
}

/* A float32 constant of the piece; *index names it. */
static oct_status add_floats(oct_graph *piece, const oct_tensor *like, int32_t first_dim,
    float **values, int32_t *index, oct_error *err)
{
    oct_subgraph *sub = piece->subgraphs[0];
    OCT_TRY(oct_graph_add_tensor(
        piece, sub, like->name, OCT_FLOAT32, like->rank, like->dims, index, err));
    oct_tensor *real = sub->tensors[*index];
    if (first_dim > 0)
        real->dims[0] = first_dim;
    real->size = (size_t)oct_tensor_elements(real) * sizeof **values;
    *values = oct_graph_new_bytes(piece, real->size);
    real->data = *values;
    return *values != NULL ? OCT_OK : oct_fail_memory(err, real->size, "expanded weights");
}

/* A constant input of the piece's node becomes float32. */
static oct_status expand_constant(oct_graph *piece, oct_node *node, int32_t slot, oct_error *err)
{
    const oct_tensor *tensor = piece->subgraphs[0]->tensors[node->inputs[slot]];
    if (oct_tensor_is_float(tensor))
        return OCT_OK;
    int64_t count = oct_tensor_elements(tensor), inner = 1;
    const oct_quant *quant = &tensor->quant;
    for (int32_t i = quant->axis + 1; quant->count > 1 && i < tensor->rank; i++)
        inner *= tensor->dims[i];
    float *values;
    OCT_TRY(add_floats(piece, tensor, 0, &values, &node->inputs[slot], err));
    for (int64_t i = 0; i < count; i++)
        values[i] = (float)oct_layer_value(tensor, i, i / inner % quant->count);
    return OCT_OK;
}

/* Other weights and no bias, so that the results are sums of what is read. */
static oct_status replace_weights(oct_graph *piece, const oct_layer *l, const float *weights,
    int32_t filters, oct_error *err)
{
    oct_subgraph *sub = piece->subgraphs[0];
    oct_node *node = sub->nodes[0];
    bool first = oct_node_rule(node)->weight_axis == 0;
    float *values, *zeros;
    OCT_TRY(add_floats(piece, sub->tensors[node->inputs[l->weight]], first ? filters : 0, &values,
        &node->inputs[l->weight], err));
    memcpy(values, weights, sub->tensors[node->inputs[l->weight]]->size);
    return add_floats(piece, sub->tensors[node->inputs[l->bias]], first ? filters : 0, &zeros,
        &node->inputs[l->bias], err);
}

/* An input or output of the piece's node as float32; *index is replaced by it. */
static oct_status float_twin(oct_graph *piece, int32_t *index, oct_error *err)
{
    oct_subgraph *sub = piece->subgraphs[0];
    const oct_tensor *tensor = sub->tensors[*index];
    return oct_graph_add_tensor(
        piece, sub, tensor->name, OCT_FLOAT32, tensor->rank, tensor->dims, index, err);
}

static oct_status make_float(oct_graph *piece, const oct_layer *l, oct_error *err)
{
    oct_subgraph *sub = piece->subgraphs[0];
    oct_node *node = sub->nodes[0];
    int8_t *activation = oct_node_option(node, "fused_activation");
    int32_t data = node->inputs[l->data];
    if (activation != NULL)
        *activation = OCT_ACT_NONE;
    OCT_TRY(expand_constant(piece, node, l->weight, err));
    OCT_TRY(expand_constant(piece, node, l->bias, err));
    if (!oct_tensor_is_float(sub->tensors[data])) {
        OCT_TRY(float_twin(piece, &node->inputs[l->data], err));
        OCT_TRY(oct_graph_insert_node(piece, sub, 0, OCT_OP_DEQUANTIZE, &data, 1,
            &node->inputs[l->data], 1, OCT_OPTIONS_Dequantize, NULL, err));
    }
    OCT_TRY(float_twin(piece, &node->outputs[0], err));
    sub->outputs = node->outputs;
    sub->output_count = 1;
    return OCT_OK;
}

typedef struct alone {
    oct_layer_take take;
    void *user;
} alone;

static void take_values(void *user, const oct_session *session, int64_t sample)
{
    const alone *a = user;
    size_t size;
    const void *values = oct_session_output(session, 0, &size);
    a->take(a->user, sample, values, size / sizeof(float));
}

oct_status oct_layer_run(const oct_replay *replay, const oct_layer *layer, const float *weights,
    int32_t filters, oct_layer_take take, void *user, oct_error *err)
{
    oct_graph *piece;
    alone a = { take, user };
    OCT_TRY(oct_replay_cut(replay, layer->position, layer->position + 1, &piece, err));
    oct_status status =
        weights == NULL ? OCT_OK : replace_weights(piece, layer, weights, filters, err);
    if (status == OCT_OK)
        status = make_float(piece, layer, err);
    if (status == OCT_OK)
        status = oct_replay_run_piece(replay, piece, take_values, &a, err);
    oct_graph_free(piece);
    return status;
}
