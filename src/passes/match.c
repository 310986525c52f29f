/*
 * Questions about a graph, answered from the descriptors and the option records: no operator is named.
 */
#include "passes/match.h"

#include <string.h>

oct_tensor *oct_node_in(const oct_subgraph *sub, const oct_node *node, int32_t slot)
{
    if (slot < 0 || slot >= node->input_count || node->inputs[slot] < 0)
        return NULL;
    return sub->tensors[node->inputs[slot]];
}

int32_t oct_node_slot(const oct_op_def *def, oct_role role)
{
    for (int32_t i = 0; i < def->quant.in_slots; i++)
        if (def->quant.in[i] == role)
            return i;
    return -1;
}

int8_t *oct_node_activation(oct_node *node)
{
    const oct_op_def *def = oct_op_find(node->op);
    if (def == NULL || (def->traits & OCT_TRAIT_FUSES_RELU) == 0 || node->options == NULL)
        return NULL;
    const oct_record *record = oct_options_record(node->options_type);
    for (int32_t i = 0; i < record->field_count; i++)
        if (record->fields[i].kind == OCT_KIND_activation)
            return (int8_t *)node->options + record->fields[i].offset;
    return NULL;
}

/* Bytes of a scalar, or of a vector's element. */
static const uint8_t kind_bytes[] = {
#define OCT_KIND_BYTES(kind, ctype, bytes) [OCT_KIND_##kind] = (bytes),
    OCT_FIELD_KINDS(OCT_KIND_BYTES)
#undef OCT_KIND_BYTES
};

static bool same_vector(const void *a, const void *b, size_t element_bytes)
{
    const oct_vec_u8 *x = a, *y = b; /* vectors of all kinds look alike */
    return x->count == y->count &&
        (x->count == 0 || memcmp(x->data, y->data, x->count * element_bytes) == 0);
}

static bool same_field(const oct_field *field, const char *a, const char *b)
{
    switch (field->kind) {
    case OCT_KIND_str:
    case OCT_KIND_table:
    case OCT_KIND_vec_table:
    case OCT_KIND_union:
        return false;
    case OCT_KIND_vec_i32:
    case OCT_KIND_vec_u32:
    case OCT_KIND_vec_i64:
    case OCT_KIND_vec_f32:
    case OCT_KIND_vec_u8:
    case OCT_KIND_vec_u16:
    case OCT_KIND_vec_bool:
        return same_vector(a + field->offset, b + field->offset, kind_bytes[field->kind]);
    default:
        return memcmp(a + field->offset, b + field->offset, kind_bytes[field->kind]) == 0;
    }
}

bool oct_node_same_options(const oct_node *a, const oct_node *b)
{
    if (a->options_type != b->options_type || (a->options == NULL) != (b->options == NULL))
        return false;
    const oct_record *record = a->options == NULL ? NULL : oct_options_record(a->options_type);
    for (int32_t i = 0; record != NULL && i < record->field_count; i++)
        if (!same_field(&record->fields[i], a->options, b->options))
            return false;
    return true;
}

int32_t oct_sole_producer(const oct_subgraph *sub, int32_t tensor)
{
    for (int32_t i = 0; i < sub->output_count; i++)
        if (sub->outputs[i] == tensor)
            return -1;
    return oct_graph_use_count(sub, tensor) == 1 ? oct_graph_producer(sub, tensor) : -1;
}

static int32_t known_dim(const oct_tensor *tensor, int32_t axis)
{
    return tensor->signature == NULL ? tensor->dims[axis] : tensor->signature[axis];
}

bool oct_tensor_same_shape(const oct_tensor *a, const oct_tensor *b)
{
    if (a->type != b->type || a->rank != b->rank)
        return false;
    for (int32_t i = 0; i < a->rank; i++)
        if (a->dims[i] != b->dims[i] || known_dim(a, i) != known_dim(b, i))
            return false;
    return true;
}

bool oct_read_channels(const oct_tensor *tensor, int32_t channels, oct_channel_constant *out)
{
    if (tensor->data == NULL || tensor->type != OCT_FLOAT32)
        return false;
    int64_t elements = oct_tensor_elements(tensor);
    bool vector = elements == channels && tensor->rank > 0 &&
        tensor->dims[tensor->rank - 1] == channels;
    *out = (oct_channel_constant){ tensor->data, vector && channels != 1 };
    return elements == 1 || vector;
}

bool oct_split_binary(const oct_subgraph *sub, const oct_node *node, bool commutes,
    int32_t *variable, const oct_tensor **constant)
{
    if (node->input_count != 2)
        return false;
    for (int32_t slot = 1; slot >= (commutes ? 0 : 1); slot--) {
        const oct_tensor *tensor = oct_node_in(sub, node, slot);
        const oct_tensor *other = oct_node_in(sub, node, 1 - slot);
        if (tensor == NULL || other == NULL || tensor->data == NULL || other->data != NULL)
            continue;
        *constant = tensor;
        *variable = node->inputs[1 - slot];
        return tensor->type == OCT_FLOAT32;
    }
    return false;
}

oct_status oct_new_like(oct_graph *graph, oct_subgraph *sub, const oct_tensor *like, float **data,
    int32_t *index, oct_error *err)
{
    OCT_TRY(oct_graph_add_tensor(graph, sub, like->name, OCT_FLOAT32, like->rank, like->dims, index,
        err));
    oct_tensor *tensor = sub->tensors[*index];
    int64_t size = oct_tensor_bytes(tensor);
    *data = size < 0 ? NULL : oct_graph_new_bytes(graph, (size_t)size);
    if (*data == NULL)
        return oct_fail_memory(err, (size_t)size, "constant");
    tensor->data = *data;
    tensor->size = (size_t)size;
    return OCT_OK;
}
