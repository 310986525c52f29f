/*
 * Property: a session over any graph of one operator is made and run, or refused with a sentence.
 *
 * The input bytes choose the operator, its options, and the types, shapes, quantization and contents of its
 * tensors. Sizes stay small, because how much memory a model may ask for is the user's decision.
 */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exec/session.h"

const char *__asan_default_options(void);

/* Shapes that follow from data may be of any size. */
const char *__asan_default_options(void)
{
    return "max_allocation_size_mb=64:allocator_may_return_null=1";
}

typedef struct reader { const uint8_t *bytes; size_t left; } reader;

static uint8_t take(reader *r)
{
    if (r->left == 0)
        return 0;
    r->left--;
    return *r->bytes++;
}

static int32_t small(reader *r)
{
    uint8_t byte = take(r);
    return byte == 255 ? INT32_MIN : byte == 254 ? -INT32_MAX : byte % 21 - 10;
}

static oct_type take_type(reader *r)
{
    static const oct_type types[] = { OCT_FLOAT32, OCT_INT8, OCT_INT8, OCT_UINT8, OCT_INT16, OCT_INT32,
        OCT_INT32, OCT_INT64, OCT_BOOL, OCT_FLOAT16, OCT_INT4, OCT_FLOAT32, OCT_COMPLEX64, OCT_RESOURCE };
    return types[take(r) % (sizeof types / sizeof *types)];
}

static float take_scale(reader *r)
{
    static const float scales[] = { 0.05f, 1.f, 1.f / 256, 1.f / 128, 1.f / 32768, 0.0625f, 1e-6f, 1e6f,
        1e-38f, 3e38f, 0.f, -1.f, INFINITY, NAN };
    return scales[take(r) % (sizeof scales / sizeof *scales)];
}

static bool quantize(reader *r, oct_graph *graph, oct_tensor *tensor)
{
    uint8_t kind = take(r) % 4;
    tensor->is_variable = take(r) % 8 == 0;
    if (tensor->type == OCT_FLOAT32 || kind == 0)
        return true;
    int32_t axis = tensor->rank > 0 ? take(r) % tensor->rank : 0;
    int32_t count = kind == 1 && tensor->rank > 0 ? tensor->dims[axis] : 1;
    float *scale = oct_arena_array(&graph->arena, (size_t)count + 1, sizeof *scale);
    int64_t *zero = oct_arena_array(&graph->arena, (size_t)count + 1, sizeof *zero);
    if (scale == NULL || zero == NULL)
        return false;
    for (int32_t i = 0; i < count; i++) {
        scale[i] = take_scale(r);
        zero[i] = kind == 3 ? 0 : (int64_t)(int8_t)take(r) * (take(r) == 7 ? INT64_C(1) << 40 : 1);
    }
    tensor->quant = (oct_quant){ .count = count, .axis = axis, .scale = scale, .zero_point = zero };
    return true;
}

static void fill(reader *r, oct_type type, void *bytes, size_t size)
{
    for (size_t i = 0; i < size / 4 && (type == OCT_INT32 || type == OCT_FLOAT32); i++) {
        int32_t number = small(r);
        float real = number == INT32_MIN ? NAN : (float)number * 0.37f;
        memcpy((char *)bytes + 4 * i, type == OCT_INT32 ? (void *)&number : (void *)&real, 4);
    }
    for (size_t i = 0; i < size / 8 && type == OCT_INT64; i++)
        ((int64_t *)bytes)[i] = small(r);
    for (size_t i = 0; i < size && type != OCT_INT32 && type != OCT_FLOAT32 && type != OCT_INT64; i++)
        ((uint8_t *)bytes)[i] = type == OCT_BOOL ? take(r) & 1 : take(r);
}

/* A constant one time in two; variable data otherwise. */
static void set_data(reader *r, oct_graph *graph, oct_tensor *tensor, bool always)
{
    int64_t bytes = oct_tensor_bytes(tensor);
    if (bytes < 0 || (take(r) % 2 == 0 && !always))
        return;
    void *data = oct_graph_new_bytes(graph, (size_t)bytes);
    if (data == NULL)
        return;
    fill(r, tensor->type, data, (size_t)bytes);
    tensor->data = data;
    tensor->size = (size_t)bytes;
}

/*
 * Index of a new tensor, -1 when it is left out or memory is short. Most are like tensor `model` (-1: none),
 * and most of what is no activation is a short list of constant numbers: else nearly all graphs were refused.
 */
static int32_t add_tensor(reader *r, oct_graph *graph, oct_subgraph *sub, int32_t model, oct_role role,
    bool output)
{
    int32_t index = -1, rank = take(r) % 6, dims[6];
    oct_type type = take_type(r);
    for (int32_t i = 0; i < rank; i++)
        dims[i] = take(r) % 16 == 0 ? 0 : take(r) % 5 + 1;
    bool plain = take(r) % 8 != 0, numbers = plain && role == OCT_ROLE_NONE && !output;
    if (numbers) {
        type = OCT_INT32;
        rank = rank % 3;
    } else if (plain && model >= 0) {
        const oct_tensor *like = sub->tensors[model];
        type = like->type;
        rank = like->rank;
        memcpy(dims, like->dims, (size_t)rank * sizeof *dims);
    }
    if (!output && take(r) % 32 == 0)
        return -1;
    if (oct_graph_add_tensor(graph, sub, NULL, type, rank, dims, &index, NULL) != OCT_OK)
        return -1;
    oct_tensor *tensor = sub->tensors[index];
    if (plain && model >= 0 && take(r) % 4 != 0)
        tensor->quant = sub->tensors[model]->quant;
    else if (!quantize(r, graph, tensor))
        return -1;
    if (!output)
        set_data(r, graph, tensor, numbers);
    return index;
}

static void set_options(reader *r, oct_graph *graph, oct_node *node)
{
    const oct_record *record = node->options ? oct_options_record(node->options_type) : NULL;
    for (uint16_t i = 0; record != NULL && i < record->field_count; i++) {
        const oct_field *field = &record->fields[i];
        void *place = (char *)node->options + field->offset;
        float real = (float)small(r) * 0.25f;
        switch (field->kind) {
        case OCT_KIND_bool: *(bool *)place = take(r) & 1; break;
        case OCT_KIND_i32: *(int32_t *)place = small(r); break;
        case OCT_KIND_f32: memcpy(place, &real, sizeof real); break;
        case OCT_KIND_i64: *(int64_t *)place = small(r); break;
        case OCT_KIND_type: *(int8_t *)place = (int8_t)take_type(r); break;
        case OCT_KIND_vec_f32: {
            uint32_t count = take(r) % 5;
            float *list = oct_arena_array(&graph->arena, count + 1, sizeof *list);
            for (uint32_t k = 0; list != NULL && k < count; k++)
                list[k] = (float)small(r);
            if (list != NULL)
                *(oct_vec_f32 *)place = (oct_vec_f32){ list, count };
            break;
        }
        case OCT_KIND_vec_i32: {
            uint32_t count = take(r) % 5;
            int32_t *list = oct_arena_array(&graph->arena, count + 1, sizeof *list);
            for (uint32_t k = 0; list != NULL && k < count; k++)
                list[k] = small(r);
            if (list != NULL)
                *(oct_vec_i32 *)place = (oct_vec_i32){ list, count };
            break;
        }
        case OCT_KIND_activation:
        case OCT_KIND_padding:
        case OCT_KIND_mirror_pad:
        case OCT_KIND_weights_format: *(int8_t *)place = (int8_t)(take(r) % 6); break;
        default: break;
        }
    }
}

static oct_graph *make_graph(reader *r)
{
    enum { MAX_SLOTS = 50 };
    int32_t count, in[MAX_SLOTS], out[MAX_SLOTS], inputs[MAX_SLOTS], input_count = 0;
    const oct_op_def *const *all = oct_op_all(&count);
    const oct_op_def *def = all[take(r) % count];
    int32_t in_count = def->min_in + take(r) % 3, out_count = def->min_out + take(r) % 2;
    oct_graph *graph = oct_graph_create();
    oct_subgraph *sub;
    oct_node *node;
    if (graph == NULL || in_count > MAX_SLOTS || out_count > MAX_SLOTS
        || oct_graph_add_subgraph(graph, "main", &sub, NULL) != OCT_OK)
        return graph;
    for (int32_t i = 0; i < in_count; i++) {
        in[i] = add_tensor(r, graph, sub, i > 0 ? in[0] : -1, oct_op_input_role(def, i), false);
        if (in[i] >= 0 && sub->tensors[in[i]]->data == NULL)
            inputs[input_count++] = in[i];
    }
    for (int32_t i = 0; i < out_count; i++) {
        out[i] = add_tensor(r, graph, sub, in_count > 0 ? in[0] : -1, OCT_ROLE_ACT, true);
        if (out[i] < 0)
            return graph;
    }
    if (oct_graph_insert_node(graph, sub, 0, def->code, in, in_count, out, out_count,
            take(r) % 8 == 0 ? OCT_OPTIONS_NONE : def->options, &node, NULL)
        != OCT_OK)
        return graph;
    set_options(r, graph, node);
    if (def->code == OCT_OP_CUSTOM)
        node->custom_code = def->name;
    sub->inputs = oct_arena_copy(&graph->arena, inputs, (size_t)input_count * sizeof *inputs);
    sub->outputs = oct_arena_copy(&graph->arena, out, (size_t)out_count * sizeof *out);
    sub->input_count = sub->inputs ? input_count : 0;
    sub->output_count = sub->outputs ? out_count : 0;
    return graph;
}

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void run(reader r, const oct_graph *graph, oct_kernels kernels)
{
    oct_session_options options = { kernels, 1, 0 };
    oct_session *session;
    oct_error err = { 0 };
    if (oct_session_create_graph(graph, &options, &session, &err) != OCT_OK) {
        require(session == NULL && err.text[0] != 0);
        return;
    }
    const oct_subgraph *sub = graph->subgraphs[0];
    for (int32_t i = 0; i < sub->input_count; i++) {
        size_t size;
        void *input = oct_session_input(session, i, &size);
        fill(&r, sub->tensors[sub->inputs[i]]->type, input, size);
    }
    require(oct_session_run(session, &err) == OCT_OK || err.text[0] != 0);
    oct_session_free(session);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    reader r = { data, size };
    oct_graph *graph = make_graph(&r);
    if (graph != NULL && graph->subgraph_count > 0 && graph->subgraphs[0]->node_count > 0
        && oct_graph_check(graph, NULL) == OCT_OK) {
        run(r, graph, OCT_KERNELS_REF);
        run(r, graph, OCT_KERNELS_FAST);
    }
    oct_graph_free(graph);
    return 0;
}
