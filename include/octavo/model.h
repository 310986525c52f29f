/*
 * A model: read from .tflite, .keras or .h5, inspected, written as .tflite.
 */
#ifndef OCTAVO_MODEL_H
#define OCTAVO_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <octavo/error.h>
#include <octavo/layer.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef struct oct_model oct_model;

/** A shape given by the user for one input: "NAME=1,224,224,3" of the command line. */
typedef struct oct_input_shape {
    const char *name; /* input name; NULL stands for the only input */
    int32_t rank;
    int32_t dims[8];
} oct_input_shape;

typedef struct oct_load_options {
    int32_t batch; /* 0: as the model says (a dynamic batch stays dynamic); else a fixed batch */
    const oct_input_shape *shapes; /* shape_count entries, borrowed for the call */
    int32_t shape_count;
    const oct_layer_class *layers; /* layer_count Keras classes of your own, borrowed for the call */
    int32_t layer_count;
} oct_load_options;

/** An input or output of the model as its users see it. Strings live as long as the model. */
typedef struct oct_tensor_info {
    const char *name;       /* signature name where there is one, else the tensor's name */
    const char *type;       /* "float32", "int8", ... */
    int32_t rank;
    int32_t dims[8];        /* -1: unknown (dynamic) */
    float scale;            /* 0 when not quantized per tensor */
    int64_t zero_point;
} oct_tensor_info;

/**
 * Reads a model file; the kind (.tflite, .keras, .h5) is decided by content, not by its name.
 * Keras models go through the float passes (batch-norm folding and so on); a .tflite is kept as is.
 *
 * options  may be NULL.
 * out      owned by the caller, oct_model_free(); NULL after failure.
 * Errors: OCT_E_INVALID (damaged), OCT_E_UNSUPPORTED (named layer or feature), OCT_E_SYSTEM,
 * OCT_E_MEMORY.
 */
oct_status oct_model_load(const char *path, const oct_load_options *options, oct_model **out,
    oct_error *err);

/** The same from memory; `name` is used in messages, `bytes` may be freed after the call. */
oct_status oct_model_load_bytes(const void *bytes, size_t size, const char *name,
    const oct_load_options *options, oct_model **out, oct_error *err);

void oct_model_free(oct_model *model);

/**
 * Writes a canonical .tflite: temporary file in the same folder, synced, renamed.
 * bytes_out  may be NULL; the size of the file.
 */
oct_status oct_model_save(const oct_model *model, const char *path, size_t *bytes_out,
    oct_error *err);

/** The bytes oct_model_save() would write; *bytes is owned by the caller, free(). */
oct_status oct_model_serialize(const oct_model *model, void **bytes, size_t *size, oct_error *err);

int32_t oct_model_input_count(const oct_model *model);
int32_t oct_model_output_count(const oct_model *model);

/** Describes an input or output, counted in the order of the main subgraph. */
void oct_model_input(const oct_model *model, int32_t index, oct_tensor_info *info);
void oct_model_output(const oct_model *model, int32_t index, oct_tensor_info *info);

/** True when the only input is a vector of open length, as sound of any duration. */
bool oct_model_has_open_length(const oct_model *model);

/**
 * Fixes the length of such an input, as oct_model_load() does with an input shape.
 * Errors: OCT_E_USAGE when the model has no such input; what inferring the other shapes says.
 */
oct_status oct_model_fix_length(oct_model *model, int32_t length, oct_error *err);

/** "keras", "h5" or "tflite": what the model was read from. */
const char *oct_model_source(const oct_model *model);

/** Graph, tensors, quantization and byte ledger as a JSON text; owned by the caller, free(). */
oct_status oct_model_describe(const oct_model *model, char **json, oct_error *err);

/** The operators known: forms, rules, versions as a JSON text; owned by the caller, free(). */
oct_status oct_ops_describe(char **json, oct_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
