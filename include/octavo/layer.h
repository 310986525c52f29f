/*
 * Keras layers of your own: what a class means, told once, in TensorFlow Lite's operators.
 *
 * Classes are given in oct_load_options. While a model is read, each call of such a layer runs the
 * class's function, which looks at configuration, weights and inputs, emits operators, and says what the
 * layer gives. Python code in the file is never run. See examples/custom_layer.c.
 */
#ifndef OCTAVO_LAYER_H
#define OCTAVO_LAYER_H

#include <stdint.h>
#include <octavo/error.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/** One call of a layer, during the function that lowers it. */
typedef struct oct_layer oct_layer;

/**
 * Emits the operators of one call and ends with oct_layer_return().
 *
 * A layer that is called twice comes twice. What fails is reported through err, as everywhere; the caller
 * puts the layer's name in front.
 */
typedef oct_status (*oct_layer_lower)(oct_layer *layer, void *user, oct_error *err);

typedef struct oct_layer_class {
    const char *name;       /* as the file has it: registered ("package>Class"), or the bare class name */
    oct_layer_lower lower;
    void *user;             /* passed on */
} oct_layer_class;

/** The layer's name in the model; valid during the call. */
const char *oct_layer_name(const oct_layer *layer);

/** The layer's configuration, which its get_config() wrote, as a JSON text; valid during the call. */
const char *oct_layer_config(const oct_layer *layer);

/** Inputs are tensors among the call's arguments, in their order; each is named by a number. */
int32_t oct_layer_input_count(const oct_layer *layer);
int32_t oct_layer_input(const oct_layer *layer, int32_t index);

/** The shape of a tensor, batch first: dims[i] is -1 where the size is open. Returns the rank. */
int32_t oct_layer_shape(const oct_layer *layer, int32_t tensor, int32_t dims[8]);

/**
 * The layer's arrays in the order in which Keras made them, trainable ones first. In an .h5 file those of
 * a layer inside of a nested model are not found: the count is 0.
 */
int32_t oct_layer_weight_count(const oct_layer *layer);

/** The shape of an array; returns its rank. */
int32_t oct_layer_weight_shape(const oct_layer *layer, int32_t index, int32_t dims[8]);

/** Copies an array in row-major order to values[product of its shape], as float32. */
void oct_layer_weight_read(const oct_layer *layer, int32_t index, float *values);

/** An array as a constant tensor. Errors: OCT_E_INVALID when there is no such array, OCT_E_MEMORY. */
oct_status oct_layer_weight(oct_layer *layer, int32_t index, int32_t *tensor, oct_error *err);

/** A constant float32 tensor with a copy of the values, row-major; rank 0 makes a scalar. */
oct_status oct_layer_constant(oct_layer *layer, int32_t rank, const int32_t *dims,
    const float *values, int32_t *tensor, oct_error *err);

/** The same of int32: axes, shapes, permutations. */
oct_status oct_layer_constant_int(oct_layer *layer, int32_t rank, const int32_t *dims,
    const int32_t *values, int32_t *tensor, oct_error *err);

/**
 * Appends an operator with one output of the type of its first input.
 *
 * op       "MUL", "CONV_2D", ...: TensorFlow Lite's name. Its options have the schema's defaults.
 * inputs   input_count tensors; -1 leaves an optional one out.
 * dims     [rank] the shape of the output, -1 where open; NULL: that of the first input.
 * Errors: OCT_E_USAGE for names and tensors that do not exist, OCT_E_INVALID for a shape that cannot be.
 */
oct_status oct_layer_emit(oct_layer *layer, const char *op, const int32_t *inputs,
    int32_t input_count, int32_t rank, const int32_t *dims, int32_t *tensor, oct_error *err);

/**
 * Sets an option of the operator emitted last, by the schema's name ("stride_h", "keep_dims").
 * Errors: OCT_E_USAGE when it has no such option, or one that is no number.
 */
oct_status oct_layer_set(oct_layer *layer, const char *option, double value, oct_error *err);

/** What the layer gives: count tensors, at least one. Errors: OCT_E_USAGE. */
oct_status oct_layer_return(oct_layer *layer, const int32_t *tensors, int32_t count, oct_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
