/*
 * EinsumDense: a Dense layer whose equation says which axes it sums over and which it makes.
 *
 * "abc,cde->abde" is one matrix when the axes summed over are the input's last, and the new axes the
 * output's last. The kernel's axes may lie in any order; the matrix is gathered axis by axis.
 */
#include "keras/layer.h"

#include <string.h>

enum { MAX_AXES = 8 };

typedef struct equation {
    char kept[MAX_AXES + 1], summed[MAX_AXES + 1], made[MAX_AXES + 1], kernel[MAX_AXES + 1];
    bool open; /* "..." stands for any number of kept axes in front */
} equation;

/* Letters of a term of the equation; an ellipsis may stand in front. */
static bool read_term(const char *text, size_t length, char *letters, bool *open)
{
    *open = length >= 3 && memcmp(text, "...", 3) == 0;
    text += *open ? 3 : 0;
    length -= *open ? 3 : 0;
    if (length > MAX_AXES)
        return false;
    for (size_t i = 0; i < length; i++) {
        bool letter = (text[i] >= 'a' && text[i] <= 'z') || (text[i] >= 'A' && text[i] <= 'Z');
        if (!letter || memchr(text, text[i], i) != NULL)
            return false;
        letters[i] = text[i];
    }
    letters[length] = 0;
    return true;
}

/* input = kept + summed, output = kept + made, kernel = summed and made in any order. */
static bool read_equation(const char *text, equation *e)
{
    char input[MAX_AXES + 1], output[MAX_AXES + 1];
    const char *comma = strchr(text, ','), *arrow = strstr(text, "->");
    bool kernel_open, output_open;
    if (comma == NULL || arrow == NULL || arrow < comma ||
        !read_term(text, (size_t)(comma - text), input, &e->open) ||
        !read_term(comma + 1, (size_t)(arrow - comma - 1), e->kernel, &kernel_open) ||
        !read_term(arrow + 2, strlen(arrow + 2), output, &output_open))
        return false;
    size_t kept = 0;
    while (input[kept] != 0 && input[kept] == output[kept])
        kept++;
    memcpy(e->kept, input, kept);
    e->kept[kept] = 0;
    strcpy(e->summed, input + kept);
    strcpy(e->made, output + kept);
    if (kernel_open || output_open != e->open ||
        strlen(e->summed) + strlen(e->made) != strlen(e->kernel) || *e->summed == 0 || *e->made == 0)
        return false;
    for (const char *c = e->kernel; *c != 0; c++)
        if ((strchr(e->summed, *c) != NULL) == (strchr(e->made, *c) != NULL))
            return false;
    return true;
}

/* Elements between neighbours along the kernel's axis of a letter, and the size of that axis. */
static int64_t step_of(const equation *e, const int64_t *dims, char letter, int64_t *size)
{
    int64_t step = 1;
    for (size_t i = strlen(e->kernel); i-- > 0; step *= dims[i])
        if (e->kernel[i] == letter) {
            *size = dims[i];
            return step;
        }
    return 0;
}

/* The place in the kernel of element `index` of the axes `letters`, counted row by row. */
static int64_t place_of(const equation *e, const int64_t *dims, const char *letters, int64_t index)
{
    int64_t place = 0, size = 1;
    for (size_t i = strlen(letters); i-- > 0; index /= size) {
        int64_t step = step_of(e, dims, letters[i], &size);
        place += index % size * step;
    }
    return place;
}

static int64_t product_of(const equation *e, const int64_t *dims, const char *letters)
{
    int64_t product = 1, size;
    for (; *letters != 0; letters++) {
        step_of(e, dims, *letters, &size);
        product *= size;
    }
    return product;
}

/* A bias of all new axes in order is that of the matrix; another is added with its own shape. */
static oct_status read_bias(oct_keras_call *call, const equation *e, const int64_t *dims,
    int32_t *bias, bool *flat, oct_error *err)
{
    const oct_h5_dataset *set = oct_keras_variable_find(call, "bias");
    int64_t wanted[MAX_AXES], elements = product_of(e, dims, e->made);
    int32_t size = (int32_t)elements;
    float *values;
    if (set == NULL)
        return OCT_OK;
    *flat = strcmp(oct_keras_text(call->config, "bias_axes", ""), e->made) == 0;
    int32_t rank = *flat ? (int32_t)strlen(e->made) : set->rank;
    for (int32_t i = 0; i < MAX_AXES; i++)
        wanted[i] = -1;
    for (int32_t i = 0; *flat && i < rank; i++)
        step_of(e, dims, e->made[i], &wanted[i]);
    if (!*flat)
        return oct_keras_constant_variable(call, "bias", rank, wanted, bias, err);
    OCT_TRY(oct_keras_weight(call, "bias", rank, wanted, &set, err));
    OCT_TRY(oct_keras_constant_floats(call, "bias", 1, &size, &values, bias, err));
    if (values != NULL)
        oct_h5_dataset_floats(set, 0, elements, values);
    return OCT_OK;
}

static oct_status read_kernel(oct_keras_call *call, const equation *e, int64_t *dims, int32_t *kernel,
    oct_error *err)
{
    const oct_h5_dataset *set;
    float *values;
    OCT_TRY(oct_keras_weight(call, "kernel", (int32_t)strlen(e->kernel), dims, &set, err));
    if (set->elements > INT32_MAX)
        return oct_fail(err, OCT_E_INVALID, "kernel is too large");
    int64_t in = product_of(e, dims, e->summed), out = product_of(e, dims, e->made);
    int32_t sizes[2] = { (int32_t)out, (int32_t)in };
    OCT_TRY(oct_keras_constant_floats(call, "kernel", 2, sizes, &values, kernel, err));
    for (int64_t o = 0; values != NULL && o < out; o++) {
        int64_t row = place_of(e, dims, e->made, o);
        for (int64_t i = 0; i < in; i++)
            oct_h5_dataset_floats(set, row + place_of(e, dims, e->summed, i), 1, values + o * in + i);
    }
    return OCT_OK;
}

oct_status oct_keras_lower_einsum_dense(oct_keras_call *call, int32_t *y, oct_error *err)
{
    const char *text = oct_keras_text(call->config, "equation", "");
    int32_t inputs[3] = { call->inputs[0], -1, -1 };
    oct_keras_shape shape = oct_keras_shape_of(call, inputs[0]);
    int64_t dims[MAX_AXES];
    equation e;
    bool flat_bias = true;
    if (!read_equation(text, &e))
        return oct_fail(err, OCT_E_UNSUPPORTED, "the equation '%s' is not one matrix over the last axes",
            text);
    int32_t summed = (int32_t)strlen(e.summed), made = (int32_t)strlen(e.made);
    int32_t kept = shape.rank - summed;
    if (kept < 1 || kept + made > MAX_AXES || (!e.open && kept != (int32_t)strlen(e.kept)))
        return oct_fail(err, OCT_E_INVALID, "the equation '%s' does not fit an input of rank %d", text,
            shape.rank);
    for (int32_t i = 0; i < MAX_AXES; i++) {
        const char *at = e.kernel[0] != 0 && i < summed + made ? strchr(e.summed, e.kernel[i]) : NULL;
        dims[i] = at == NULL ? -1 : shape.dims[kept + (at - e.summed)];
    }
    OCT_TRY(read_kernel(call, &e, dims, &inputs[1], err));
    OCT_TRY(read_bias(call, &e, dims, &inputs[2], &flat_bias, err));
    int32_t bias = inputs[2];
    inputs[2] = flat_bias ? bias : -1;
    shape.rank = kept + 1;
    shape.dims[kept] = (int32_t)product_of(&e, dims, e.summed);
    if (summed > 1)
        OCT_TRY(oct_keras_emit_reshape(call, inputs[0], &shape, &inputs[0], err));
    oct_fully_connected_options *options;
    shape.dims[kept] = (int32_t)product_of(&e, dims, e.made);
    OCT_TRY(oct_keras_emit(call, OCT_OP_FULLY_CONNECTED, inputs, 3, OCT_OPTIONS_FullyConnected,
        OCT_FLOAT32, &shape, y, &options, err));
    options->keep_num_dims = shape.rank > 2;
    for (int32_t i = 0; i < made; i++) {
        int64_t size = 0;
        step_of(&e, dims, e.made[i], &size);
        shape.dims[kept + i] = (int32_t)size;
    }
    shape.rank = kept + made;
    if (made > 1)
        OCT_TRY(oct_keras_emit_reshape(call, *y, &shape, y, err));
    if (!flat_bias)
        OCT_TRY(oct_keras_emit_binary(call, OCT_OP_ADD, *y, bias, y, err));
    return oct_keras_activate(call, json_object_get(call->config, "activation"), *y, y, err);
}
