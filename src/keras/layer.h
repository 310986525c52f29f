/*
 * What a layer family sees: a call to lower, its configuration, its variables, and a graph to emit into.
 *
 * A family is one file with one lowering function a group of classes; layers.def has one line a class.
 * Shapes are exact here: -1 stands for an unknown dimension, and every lowering states the shape it makes.
 */
#ifndef OCT_KERAS_LAYER_H
#define OCT_KERAS_LAYER_H

#include "graph/graph.h"
#include "keras/model.h"

typedef enum oct_keras_kind {
    OCT_KERAS_LAYER,     /* a class of keras.layers */
    OCT_KERAS_OPERATION, /* an operation of keras.ops that Keras 3 stores as a layer */
    OCT_KERAS_FUNCTION,  /* a TensorFlow function in a Keras 2 TFOpLambda or SlicingOpLambda */
} oct_keras_kind;

typedef struct oct_keras_shape {
    int32_t rank;
    int32_t dims[8]; /* -1: unknown */
} oct_keras_shape;

/* An operand of the call, resolved. */
typedef struct oct_keras_argument {
    const char *keyword; /* NULL: positional */
    const json_t *value; /* NULL: a tensor */
    int32_t tensor;
} oct_keras_argument;

typedef struct oct_keras_call {
    oct_graph *graph;
    oct_subgraph *sub;
    oct_keras_layer *layer;
    const oct_keras_def *def;     /* of the class that is being lowered: the layer's, or of one it holds */
    const json_t *config;
    const char *path;             /* "block/conv": names the tensors */
    int32_t variant;              /* from layers.def */
    const char *scope;            /* "forward_layer/": stands before the names of variables */
    bool keras2;
    bool turned;                  /* the file has channels first, the input has been turned */
    const oct_keras_argument *arguments;
    int32_t argument_count;
    const int32_t *inputs; /* the tensors among the arguments */
    int32_t input_count;
    const int32_t *masks;  /* [input_count]: what Keras passes along with each input; see mask.c */
    int32_t *outputs;     /* set by a lowering of several results, of which *y is the first; else NULL */
    int32_t output_count;
} oct_keras_call;

/**
 * Emits operators for one call. *y is the result; it may be an input (identity).
 * Errors: OCT_E_INVALID, OCT_E_UNSUPPORTED; the caller puts layer and class in front of the text.
 */
typedef oct_status oct_keras_lower(oct_keras_call *call, int32_t *y, oct_error *err);

struct oct_keras_def {
    oct_keras_kind kind;
    const char *name;
    oct_keras_lower *lower;
    int32_t variant;       /* tells the members of a family apart: an operator, a rank, a mode */
    const char *variables; /* see layers.def */
};

/** NULL when layers.def has no such entry. */
const oct_keras_def *oct_keras_def_find(oct_keras_kind kind, const char *name);

/** Lists the variables of a layer whose definition is known. Errors: OCT_E_UNSUPPORTED (too many). */
oct_status oct_keras_declare(oct_arena *arena, oct_keras_layer *layer, oct_error *err);

/** The entry of the layer or cell in a wrapper's configuration; NULL: it holds none. */
const json_t *oct_keras_held_entry(const json_t *config);

/** True for layers that hold another one under the key `layer`. */
bool oct_keras_def_wraps(const oct_keras_def *def);

/** Lowers by the function of the user's class, which must have returned something. */
oct_status oct_keras_lower_user(oct_keras_call *call, const oct_layer_class *user, int32_t *y,
    oct_error *err);

#define OCT_KERAS(kind, name, family, variant, variables) oct_keras_lower oct_keras_lower_##family;
#include "keras/layers.def"
#undef OCT_KERAS

/** Lowers by a definition; axes are turned round layers of one input that has its channels first. */
oct_status oct_keras_lower_call(oct_keras_call *call, const oct_keras_def *def, int32_t *y,
    oct_error *err);

/* ---- configuration: `fallback` is Keras's default, used when the key is absent or null ---- */

bool oct_keras_flag(const json_t *config, const char *key, bool fallback);
double oct_keras_number(const json_t *config, const char *key, double fallback);
const char *oct_keras_text(const json_t *config, const char *key, const char *fallback);

/** True when the key holds a value other than null. */
bool oct_keras_has(const json_t *config, const char *key);

/** An integer in [low, INT32_MAX]. Errors: OCT_E_INVALID with the key. */
oct_status oct_keras_int(const json_t *config, const char *key, int32_t fallback, int32_t low,
    int32_t *out, oct_error *err);

/** count integers >= low from a list of that length, or one number for all. */
oct_status oct_keras_ints(const json_t *config, const char *key, int32_t count, int32_t fallback,
    int32_t low, int32_t *out, oct_error *err);

/** A list of at most `capacity` integers of any sign, or one number. */
oct_status oct_keras_list(const json_t *value, const char *key, int32_t capacity, int32_t *out,
    int32_t *count, oct_error *err);

/** [[before, after], ...] for count axes; a list of numbers and one number are older forms. */
oct_status oct_keras_sides(const json_t *config, const char *key, int32_t count,
    int32_t out[][2], oct_error *err);

/** An axis from the configuration counted from the front; fallback may be negative. */
oct_status oct_keras_axis(int32_t axis, int32_t rank, int32_t *out, oct_error *err);

/** Refuses a data_format other than channels_last, and channels_first that is not turned (layout.c). */
oct_status oct_keras_channels_last(const oct_keras_call *call, oct_error *err);

/* ---- variables ---- */

/** The array of a role; NULL when this layer has no such variable. */
const oct_h5_dataset *oct_keras_variable_find(const oct_keras_call *call, const char *name);

/**
 * The array of a role, checked against its shape; dims -1 fits anything and is then set.
 * Errors: OCT_E_INVALID "kernel: expected [3,3,3,8], found [3,3,3,4]".
 */
oct_status oct_keras_weight(const oct_keras_call *call, const char *name, int32_t rank, int64_t *dims,
    const oct_h5_dataset **out, oct_error *err);

/* ---- graph ---- */

oct_keras_shape oct_keras_shape_of(const oct_keras_call *call, int32_t tensor);
oct_type oct_keras_type_of(const oct_keras_call *call, int32_t tensor);

/** Product of the dimensions from `first` on; -1 when one is unknown. */
int64_t oct_keras_elements(const oct_keras_shape *shape, int32_t first);

/** Errors: OCT_E_UNSUPPORTED when dimensions from `first` on are unknown: "give the input shape". */
oct_status oct_keras_require_known(const oct_keras_shape *shape, int32_t first, oct_error *err);

/** Errors: OCT_E_INVALID when the tensor's rank is another. */
oct_status oct_keras_require_rank(const oct_keras_call *call, int32_t tensor, int32_t rank,
    oct_error *err);

/**
 * Appends a node with one new output.
 * options  may be NULL; else receives the node's option struct with the schema's defaults.
 * Errors: OCT_E_INVALID for a shape with a dimension below 1 or too many elements.
 */
oct_status oct_keras_emit(oct_keras_call *call, oct_builtin op, const int32_t *inputs,
    int32_t input_count, oct_options_type options_type, oct_type type, const oct_keras_shape *shape,
    int32_t *y, void *options, oct_error *err);

/** A tensor for emit_node() to write, named after the operator. */
oct_status oct_keras_new_output(oct_keras_call *call, oct_builtin op, oct_type type,
    const oct_keras_shape *shape, int32_t *y, oct_error *err);

/** oct_keras_emit() for operators of several outputs, made with oct_keras_new_output(). */
oct_status oct_keras_emit_node(oct_keras_call *call, oct_builtin op, const int32_t *inputs,
    int32_t input_count, const int32_t *outputs, int32_t output_count, oct_options_type options_type,
    void *options, oct_error *err);

/** Room for `count` results of the call in call->outputs. */
oct_status oct_keras_several(oct_keras_call *call, int32_t count, oct_error *err);

/** y = op(x), same shape and type. */
oct_status oct_keras_emit_unary(oct_keras_call *call, oct_builtin op, oct_options_type options_type,
    int32_t x, int32_t *y, oct_error *err);

/** y = op(a, b) with NumPy's broadcasting. */
oct_status oct_keras_emit_binary(oct_keras_call *call, oct_builtin op, int32_t a, int32_t b,
    int32_t *y, oct_error *err);

/** The shape of a and b broadcast as NumPy does. Errors: OCT_E_INVALID when they do not fit. */
oct_status oct_keras_broadcast(const oct_keras_shape *a, const oct_keras_shape *b,
    oct_keras_shape *out, oct_error *err);

/** Matrix products over the last two axes, the others broadcast; adj: read transposed. */
oct_status oct_keras_emit_matmul(oct_keras_call *call, int32_t a, int32_t b, bool adj_a, bool adj_b,
    int32_t *y, oct_error *err);

/** y = op(x, number): ADD, SUB, MUL, DIV, MAXIMUM, MINIMUM, POW. */
oct_status oct_keras_emit_scalar(oct_keras_call *call, oct_builtin op, int32_t x, float number,
    int32_t *y, oct_error *err);

/** y = x as shape; an unknown first dimension, or the first when all are known, is written as -1. */
oct_status oct_keras_emit_reshape(oct_keras_call *call, int32_t x, const oct_keras_shape *shape,
    int32_t *y, oct_error *err);

/** y = x with its axes in the order of perm. */
oct_status oct_keras_emit_transpose(oct_keras_call *call, int32_t x, const int32_t *perm, int32_t *y,
    oct_error *err);

/** PAD with zeros: sides[axis] = { before, after }; all zero gives x itself. */
oct_status oct_keras_emit_pad(oct_keras_call *call, int32_t x, int32_t sides[][2], int32_t *y,
    oct_error *err);

/** The same with another number than zero. */
oct_status oct_keras_emit_pad_with(oct_keras_call *call, int32_t x, int32_t sides[][2], float fill,
    int32_t *y, oct_error *err);

/** y = x without sides[axis] = { before, after }; ends are counted from the back, open sizes work too. */
oct_status oct_keras_emit_crop(oct_keras_call *call, int32_t x, int32_t sides[][2], int32_t *y,
    oct_error *err);

/** y = x with an axis in the opposite order. */
oct_status oct_keras_emit_reversed(oct_keras_call *call, int32_t x, int32_t axis, int32_t *y,
    oct_error *err);

/** Every element along an axis (not the first) `times` times; sizes behind the first are known. */
oct_status oct_keras_emit_repeat(oct_keras_call *call, int32_t x, int32_t axis, int32_t times, int32_t *y,
    oct_error *err);

/** x of another type becomes `type` by CAST. */
oct_status oct_keras_emit_cast(oct_keras_call *call, int32_t x, oct_type type, int32_t *y,
    oct_error *err);

/** MEAN, SUM, REDUCE_MAX, ... over axes (counted from the front). */
oct_status oct_keras_emit_reduce(oct_keras_call *call, oct_builtin op, int32_t x, const int32_t *axes,
    int32_t axis_count, bool keep_dims, int32_t *y, oct_error *err);

/** A constant int32 vector. */
oct_status oct_keras_constant_ints(oct_keras_call *call, const char *suffix, int32_t count,
    const int32_t *values, int32_t *tensor, oct_error *err);

/** A constant int32 scalar. */
oct_status oct_keras_constant_int(oct_keras_call *call, const char *suffix, int32_t value,
    int32_t *tensor, oct_error *err);

/** A constant float32 scalar. */
oct_status oct_keras_constant_scalar(oct_keras_call *call, float value, int32_t *tensor,
    oct_error *err);

/**
 * A float32 constant named PATH/suffix for the caller to fill through *values.
 * *values NULL: an earlier call of this layer made it already, *tensor is that one. So the contents may
 * depend on the layer only, never on the call.
 */
oct_status oct_keras_constant_floats(oct_keras_call *call, const char *suffix, int32_t rank,
    const int32_t *dims, float **values, int32_t *tensor, oct_error *err);

/** oct_keras_constant_floats() of a variable as it lies, with the checks of oct_keras_weight(). */
oct_status oct_keras_constant_variable(oct_keras_call *call, const char *name, int32_t rank,
    int64_t *dims, int32_t *tensor, oct_error *err);

/**
 * dst = transpose of the array seen as [a][b][run]: dst[b][a][run].
 * HWIO to OHWI is (H*W*I, O, 1); [in, out] to [out, in] is (in, out, 1); HWOI to OHWI is (H*W, O, I).
 */
void oct_keras_transpose(const oct_h5_dataset *set, int64_t a, int64_t b, int64_t run, float *dst);

/** SAME or VALID output size of a window; -1 for an unknown input. */
int32_t oct_keras_window(int32_t in, int32_t kernel, int32_t stride, int32_t dilation, bool same);

/** Output size of a transposed convolution; extra < 0: output_padding is not given. */
int64_t oct_keras_transposed_size(int64_t in, int64_t kernel, int64_t stride, bool same, int64_t extra);

/**
 * A shape as a tensor: a constant, or packed from the batch that x has when it runs. The sizes behind the
 * first are known.
 */
oct_status oct_keras_shape_tensor(oct_keras_call *call, int32_t x, const oct_keras_shape *shape,
    int32_t *tensor, oct_error *err);

/* ---- masks: bool [n, steps], true where a step counts ---- */

enum { OCT_KERAS_UNMASKED = -1, OCT_KERAS_UNKNOWN_MASK = -2 };

/**
 * The mask that comes with an input; OCT_KERAS_UNMASKED when there is none.
 * Errors: OCT_E_UNSUPPORTED when one was lost on the way.
 */
oct_status oct_keras_input_mask(const oct_keras_call *call, int32_t input, int32_t *mask,
    oct_error *err);

/** Errors: OCT_E_UNSUPPORTED when an input has a mask, for layers that would heed it. */
oct_status oct_keras_refuse_masks(const oct_keras_call *call, oct_error *err);

/** y = mask ? a : b, with NumPy's broadcasting; the mask [n, ...] gets axes of one element behind. */
oct_status oct_keras_emit_select(oct_keras_call *call, int32_t mask, int32_t a, int32_t b, int32_t *y,
    oct_error *err);

/** *mask is the mask of what the call gave; the inputs' masks pass through most layers. */
oct_status oct_keras_result_mask(oct_keras_call *call, const oct_keras_def *def, int32_t *mask,
    oct_error *err);

/* ---- shared lowerings ---- */

/** The value of an `activation` key: name, layer object or null. */
oct_status oct_keras_activate(oct_keras_call *call, const json_t *activation, int32_t x, int32_t *y,
    oct_error *err);

/** The tensor of argument `position`, or of `keyword`; a constant becomes a float32 constant. */
oct_status oct_keras_argument_tensor(oct_keras_call *call, int32_t position, const char *keyword,
    int32_t *tensor, oct_error *err);

/**
 * The same for operands that must agree in type: a number becomes a constant of `type`, a nested list of
 * numbers (or what Keras 3 writes for an array) one of its shape.
 * Errors: OCT_E_UNSUPPORTED for other values and for types other than float32 and int32.
 */
oct_status oct_keras_argument_typed(oct_keras_call *call, int32_t position, const char *keyword,
    oct_type type, int32_t *tensor, oct_error *err);

/**
 * An option of an operation, which Keras 3 has in the configuration and Keras 2 among the arguments;
 * NULL when it is absent or null.
 */
const json_t *oct_keras_setting(const oct_keras_call *call, const char *key);

/** A constant argument; NULL when it is absent. */
const json_t *oct_keras_argument_value(const oct_keras_call *call, int32_t position,
    const char *keyword);

#endif
