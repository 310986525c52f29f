/*
 * A Keras model as its configuration describes it: layers, their calls, their variables.
 *
 * Both dialects (Keras 3, Keras 2) and both kinds (functional, sequential) become one form here: a list of
 * layers, each with its calls in order, each call with operands that are tensors or constants.
 */
#ifndef OCT_KERAS_MODEL_H
#define OCT_KERAS_MODEL_H

#include <jansson.h>
#include <octavo/model.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "keras/h5.h"

typedef struct oct_keras_model oct_keras_model;
typedef struct oct_keras_def oct_keras_def;

/* Output `output` of call `call` of layer `layer` of the same model. */
typedef struct oct_keras_ref {
    int32_t layer, call, output;
} oct_keras_ref;

/* An argument of a call: a tensor, or a constant (a number, a list, null, ...). */
typedef struct oct_keras_operand {
    const char *keyword; /* NULL: positional */
    const json_t *value; /* the constant; NULL: a tensor */
    oct_keras_ref ref;
} oct_keras_operand;

typedef struct oct_keras_node {
    oct_keras_operand *operands;
    int32_t operand_count, operand_capacity;
} oct_keras_node;

typedef struct oct_keras_variable {
    const char *name;    /* "kernel", "gamma": Keras's own name for its role; "cell/kernel": of a part */
    bool trainable_kind; /* false for statistics such as moving_mean */
    bool bound;
    const char *path;    /* where the array lies in the weights, for messages */
    oct_h5_dataset set;  /* valid when bound */
} oct_keras_variable;

enum { OCT_KERAS_MAX_VARIABLES = 32, OCT_KERAS_MAX_MADE = 64 };

/* A constant made of a layer's variables; calls of a shared layer share it. */
typedef struct oct_keras_made {
    const char *name; /* scope and suffix */
    const struct oct_subgraph *sub;
    int32_t tensor;
} oct_keras_made;

typedef struct oct_keras_layer {
    const char *name, *class_name;
    const char *module;          /* NULL when the file does not say */
    const char *registered_name; /* NULL likewise */
    const json_t *config;        /* never NULL: an empty object stands in */
    const json_t *entry;         /* the whole layer entry */
    const oct_keras_def *def;    /* NULL: nested model, or not known here */
    const oct_layer_class *user; /* of the user's own class; then def is NULL */
    const oct_keras_def *inner;  /* of the layer that a wrapper holds; NULL otherwise or not known */
    oct_keras_model *nested;
    bool trainable, is_operation;
    oct_keras_variable variables[OCT_KERAS_MAX_VARIABLES];
    int32_t variable_count;
    oct_keras_node *nodes;
    int32_t node_count;
    oct_keras_made made[OCT_KERAS_MAX_MADE];
    int32_t made_count;
} oct_keras_layer;

struct oct_keras_model {
    const char *name;
    bool sequential, keras2;
    bool trainable;
    const json_t *entry; /* the whole model entry */
    oct_keras_layer *layers;
    int32_t layer_count;
    oct_keras_ref *inputs, *outputs;
    const char **output_keys; /* [output_count] keys of a model with named outputs; NULL: none */
    int32_t input_count, output_count;
};

/**
 * Parses the object {"class_name", "config", ...} of a model and everything in it.
 *
 * arena  owns what is made; `root` is borrowed as long as the model is used.
 * options  classes of the user's own; may be NULL.
 * out    the model, in the arena.
 * Errors: OCT_E_INVALID (malformed, names that refer to nothing), OCT_E_UNSUPPORTED (subclassed model),
 * OCT_E_MEMORY.
 */
oct_status oct_keras_model_parse(oct_arena *arena, const json_t *root, bool keras2,
    const oct_load_options *options, oct_keras_model **out, oct_error *err);

/**
 * Parses JSON text as Python writes it: the bare words NaN, Infinity and -Infinity become null.
 * out  owned by the caller, json_decref(). Errors: OCT_E_INVALID with line and column, OCT_E_MEMORY.
 */
oct_status oct_keras_json(const char *text, size_t size, json_t **out, oct_error *err);

/** Keras's name of a class in paths: Conv2DTranspose is conv2d_transpose. NULL: no memory. */
char *oct_keras_snake_case(oct_arena *arena, const char *class_name);

/** Where the variables of a stacked cell lie: "cell/cells/lstm_cell_1/". NULL: no memory. */
char *oct_keras_place_of_cell(oct_arena *arena, const json_t *cells, size_t index);

/**
 * Finds the arrays of every layer in the weights of a .keras file, which are numbered by class.
 * Errors: OCT_E_INVALID (missing array, with layer and path), those of the HDF5 reader.
 */
oct_status oct_keras_bind_paths(oct_arena *arena, oct_keras_model *model, oct_h5 *h5,
    oct_error *err);

/** The same for a legacy .h5 file, whose arrays are listed in order by layer name. */
oct_status oct_keras_bind_lists(oct_arena *arena, oct_keras_model *model, oct_h5 *h5,
    oct_error *err);

#endif
