/*
 * The values of a session before any node is looked at: constants point into the model, inputs and
 * variables get buffers of their own, all other shapes are still unknown.
 */
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "exec/internal.h"
#include "graph/sparsity.h"

enum { ALIGNMENT = 64, SLACK = 64 };

bool oct_session_affordable(size_t bytes)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages <= 0 || page <= 0 || bytes / (size_t)page < (size_t)pages;
}

void *oct_session_bytes(oct_arena *arena, size_t size)
{
    if (size > SIZE_MAX - ALIGNMENT - SLACK || !oct_session_affordable(size))
        return NULL;
    unsigned char *bytes = oct_arena_alloc(arena, size + ALIGNMENT + SLACK);
    if (bytes == NULL)
        return NULL;
    return bytes + (ALIGNMENT - (uintptr_t)bytes % ALIGNMENT) % ALIGNMENT;
}

static oct_status own_buffer(oct_session *session, oct_value *value, oct_error *err)
{
    int64_t bits = oct_value_bits(value->type), elements = 1;
    if (bits == 0)
        return oct_fail(err, OCT_E_UNSUPPORTED, "%s: type %s cannot be computed with", value->label,
            oct_type_name(value->type));
    for (int32_t i = 0; i < value->rank; i++)
        if (value->dims[i] < 0 || __builtin_mul_overflow(elements, (int64_t)value->dims[i], &elements)
            || elements > INT64_MAX / 64 / bits)
            return oct_fail(err, OCT_E_INVALID, "%s: impossible shape", value->label);
    value->size = (size_t)((elements * bits + 7) / 8);
    value->data = oct_session_bytes(&session->arena, value->size);
    return value->data ? OCT_OK : oct_fail_memory(err, value->size, value->label);
}

/* The leading dimension of an input follows options.batch, except where the model fixes others only. */
static oct_status set_batch(oct_session *session, int32_t input, oct_value *value, oct_error *err)
{
    const oct_tensor *tensor = session->sub->tensors[session->sub->inputs[input]];
    int32_t batch = session->options.batch;
    if (batch == 0 || !oct_input_has_batch(session->sub, input) || value->dims[0] == batch)
        return OCT_OK;
    if (batch < 0)
        return oct_fail(err, OCT_E_USAGE, "batch %d", (int)batch);
    bool dynamic_elsewhere = false;
    for (int32_t i = 1; tensor->signature != NULL && i < tensor->rank; i++)
        dynamic_elsewhere |= tensor->signature[i] == -1;
    if (dynamic_elsewhere && tensor->signature[0] != -1)
        return OCT_OK;
    int32_t *dims = oct_arena_copy(&session->arena, value->dims, (size_t)value->rank * sizeof *dims);
    if (dims == NULL)
        return oct_fail_memory(err, (size_t)value->rank * sizeof *dims, "shapes");
    dims[0] = batch;
    value->dims = dims;
    return OCT_OK;
}

/* The shape of an input is that of the value which the caller gives. */
static oct_status take_given(oct_session *session, int32_t position, oct_value *value,
    oct_error *err)
{
    const oct_value *given = session->given[position];
    if (given->type != value->type)
        return oct_fail(err, OCT_E_INVALID, "%s: is %s, but is given %s", value->label,
            oct_type_name(value->type), oct_type_name(given->type));
    value->rank = given->rank;
    value->dims = oct_arena_copy(&session->arena, given->dims,
        (size_t)given->rank * sizeof *given->dims);
    return value->dims ? OCT_OK
                       : oct_fail_memory(err, (size_t)given->rank * sizeof *given->dims, "shapes");
}

static bool is_input(const oct_subgraph *sub, int32_t index)
{
    for (int32_t i = 0; i < sub->input_count; i++)
        if (sub->inputs[i] == index)
            return true;
    return false;
}

static bool is_packed(oct_type type)
{
    return type == OCT_INT4 || type == OCT_INT2;
}

/* Elements of 4 or 2 bits, lowest bits first, as the int8 values that kernels compute with. */
static oct_status unpack(oct_session *session, const oct_tensor *tensor, oct_value *value,
    oct_error *err)
{
    int32_t bits = oct_type_bits(tensor->type), each = 8 / bits;
    size_t count = (size_t)oct_tensor_elements(tensor);
    int8_t *out = oct_session_bytes(&session->arena, count);
    if (out == NULL)
        return oct_fail_memory(err, count, value->label);
    const uint8_t *packed = tensor->data;
    for (size_t i = 0; i < count; i++) {
        uint8_t high = (uint8_t)(packed[i / (size_t)each] << (8 - bits - (int32_t)(i % (size_t)each) * bits));
        out[i] = (int8_t)((int8_t)high >> (8 - bits));
    }
    value->data = out;
    value->size = count;
    return OCT_OK;
}

/* Sparse constants are held dense, so that every kernel takes them. */
static oct_status expand_sparse(oct_session *session, const oct_tensor *tensor, oct_value *value,
    oct_error *err)
{
    size_t bytes = (size_t)oct_tensor_bytes(tensor);
    void *dense = oct_session_bytes(&session->arena, bytes);
    if (dense == NULL)
        return oct_fail_memory(err, bytes, value->label);
    value->data = dense;
    value->size = bytes;
    return oct_sparse_expand(tensor, dense, err);
}

/* States start at a real 0. */
static void start_state(const oct_tensor *tensor, const oct_value *value)
{
    bool coded = tensor->type == OCT_INT8 && tensor->quant.count == 1;
    memset(value->data, coded ? (int8_t)tensor->quant.zero_point[0] : 0, value->size);
}

void oct_session_start_states(oct_session *session)
{
    for (int32_t i = 0; i < session->sub->tensor_count; i++)
        if (session->sub->tensors[i]->is_variable && session->values[i].data != NULL)
            start_state(session->sub->tensors[i], &session->values[i]);
}

static oct_status make_value(oct_session *session, int32_t index, oct_error *err)
{
    const oct_tensor *tensor = session->sub->tensors[index];
    char label[256];
    oct_tensor_label(session->sub, index, label, sizeof label);
    session->values[index] = (oct_value){
        .type = is_packed(tensor->type) ? OCT_INT8 : tensor->type,
        .code_bits = is_packed(tensor->type) ? oct_type_bits(tensor->type) : 0,
        .rank = tensor->rank,
        .dims = tensor->dims,
        .quant = &tensor->quant,
        .variable = tensor->is_variable,
        .label = oct_arena_text(&session->arena, label, strlen(label)),
    };
    oct_value *value = &session->values[index];
    if (value->label == NULL)
        return oct_fail_memory(err, sizeof label, "names");
    if (tensor->data != NULL) {
        /* Kernels never write to a known value; the cast only lets all values share one struct. */
        value->data = (void *)(uintptr_t)tensor->data;
        value->size = tensor->size;
        value->known = true;
        if (tensor->sparsity != NULL)
            OCT_TRY(expand_sparse(session, tensor, value, err));
        else if (value->code_bits > 0)
            OCT_TRY(unpack(session, tensor, value, err));
    } else if (tensor->is_variable) {
        OCT_TRY(own_buffer(session, value, err));
        start_state(tensor, value);
    } else if (oct_tensor_elements(tensor) == 0 && oct_graph_producer(session->sub, index) < 0
        && !is_input(session->sub, index)) {
        OCT_TRY(own_buffer(session, value, err)); /* an empty constant, which files store as no data */
        value->known = true;
    }
    return OCT_OK;
}

/* Elements of less than a byte have no buffer that a caller could fill or read. */
static oct_status check_boundary(const oct_session *session, int32_t index, oct_error *err)
{
    if (!is_packed(session->sub->tensors[index]->type))
        return OCT_OK;
    return oct_fail(err, OCT_E_UNSUPPORTED, "%s: inputs and outputs of type %s",
        session->values[index].label, oct_type_name(session->sub->tensors[index]->type));
}

oct_status oct_session_make_values(oct_session *session, oct_error *err)
{
    const oct_subgraph *sub = session->sub;
    session->values = oct_arena_array(&session->arena, (size_t)sub->tensor_count,
        sizeof *session->values);
    if (session->values == NULL)
        return oct_fail_memory(err, (size_t)sub->tensor_count * sizeof *session->values, "values");
    for (int32_t i = 0; i < sub->tensor_count; i++)
        OCT_TRY(make_value(session, i, err));
    for (int32_t i = 0; i < sub->output_count && session->caller == NULL; i++)
        OCT_TRY(check_boundary(session, sub->outputs[i], err));
    for (int32_t i = 0; i < sub->input_count; i++) {
        oct_value *value = &session->values[sub->inputs[i]];
        if (session->caller == NULL)
            OCT_TRY(check_boundary(session, sub->inputs[i], err));
        if (value->data != NULL)
            continue;
        if (i < session->given_count)
            OCT_TRY(take_given(session, i, value, err));
        else
            OCT_TRY(set_batch(session, i, value, err));
        OCT_TRY(own_buffer(session, value, err));
    }
    return OCT_OK;
}
