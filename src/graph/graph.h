/*
 * The intermediate representation: TensorFlow Lite's vocabulary, held in one arena.
 *
 * Importers produce it, passes and the quantizer rewrite it, sessions run it, the writer stores it.
 * It keeps everything a .tflite file says, also what nothing here interprets. Tensors are named by
 * their index in the subgraph; pointers to tensors and nodes stay valid while the graph lives.
 * Constants are views into reference-counted backings, so a clone shares them.
 */
#ifndef OCT_GRAPH_GRAPH_H
#define OCT_GRAPH_GRAPH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/backing.h"
#include "base/error.h"
#include "graph/options.h"
#include "graph/types.h"

/* Affine quantization: real = scale * (q - zero_point). count 0: not quantized. */
typedef struct oct_quant {
    int32_t count; /* scales: 0, 1 (per tensor) or dims[axis] (per channel) */
    int32_t axis;  /* meaningful when count > 1; kept as read */
    const float *scale;        /* [count] */
    const int64_t *zero_point; /* [count] */
    oct_vec_f32 min, max;      /* informative, usually absent */
    oct_union details;         /* CustomQuantization, Blockwise-, MultiAxisQuantization: kept as read */
} oct_quant;

typedef struct oct_tensor {
    const char *name; /* NULL: none */
    oct_type type;
    int32_t rank;
    int32_t *dims;       /* [rank]; 1 where unknown */
    int32_t *signature;  /* [rank]; -1 where unknown; NULL: the shape is static */
    bool has_rank;
    bool is_variable;
    const void *data;    /* constant bytes in a backing the graph retains; NULL: not a constant */
    size_t size;         /* bytes of data */
    oct_quant quant;
    void *sparsity;              /* SparsityParameters record as read, or NULL */
    oct_vec_table variants;      /* VariantSubType records as read */
    uint32_t external_buffer;    /* as read */
} oct_tensor;

typedef struct oct_node {
    oct_builtin op;
    const char *custom_code; /* for OCT_OP_CUSTOM */
    int32_t version;
    int32_t *inputs;  /* [input_count]; -1: optional input left out */
    int32_t *outputs; /* [output_count] */
    int32_t input_count, output_count;
    oct_options_type options_type; /* OCT_OPTIONS_NONE: no table */
    void *options;                 /* struct of the record of options_type; NULL for NONE or empty tables */
    oct_vec_u8 custom_options;
    int8_t custom_options_format;
    oct_vec_bool mutating_inputs;
    oct_vec_i32 intermediates;
    int32_t debug_metadata_index;  /* -1: none */
} oct_node;

typedef struct oct_subgraph {
    const char *name;
    oct_tensor **tensors; /* [tensor_count] */
    oct_node **nodes;     /* [node_count], in execution order */
    int32_t *inputs, *outputs;
    int32_t tensor_count, node_count, input_count, output_count;
    int32_t tensor_capacity, node_capacity;
    int32_t debug_metadata_index;
    bool is_whole; /* it cannot be computed for one sample: fixed leading dimensions of inputs are no batch */
} oct_subgraph;

typedef struct oct_signature_entry { const char *name; int32_t tensor; } oct_signature_entry;

typedef struct oct_signature {
    const char *key; /* "serving_default" */
    const char *deprecated_tag;
    int32_t subgraph;
    oct_signature_entry *inputs, *outputs;
    int32_t input_count, output_count;
} oct_signature;

typedef struct oct_metadata { const char *name; const void *data; size_t size; } oct_metadata;

typedef struct oct_graph {
    atomic_size_t references; /* the owner and living clones */
    struct oct_graph *origin; /* the graph this one was cloned from, kept alive; or NULL */
    oct_arena arena;
    oct_subgraph **subgraphs; /* [0] is the main one */
    oct_signature *signatures;
    oct_metadata *metadata;
    int32_t subgraph_count, signature_count, metadata_count;
    const char *description;
    oct_vec_table external_groups, external_buffers; /* records as read */
    oct_metadata *old_metadata; /* the deprecated Model.metadata_buffer, names NULL */
    int32_t old_metadata_count;
    oct_backing **backings;
    int32_t backing_count, backing_capacity;
    size_t heap_bytes; /* of constants made with oct_graph_new_bytes() */
    const oct_backing *spooled; /* the last of those that lie in files; NULL: none yet */
} oct_graph;

/** An empty graph; NULL when memory is short. */
oct_graph *oct_graph_create(void);

/** Frees structure, names and options and gives the backings back, once no clone lives. NULL is fine. */
void oct_graph_free(oct_graph *graph);

/**
 * A copy whose structure (tensors, nodes, options, shapes, lists) is independent. Names, constants,
 * quantization parameters and records read from files are shared with the original, whose memory lives
 * until the last clone is freed: replace such things, never edit them in place.
 */
oct_status oct_graph_clone(const oct_graph *graph, oct_graph **out, oct_error *err);

/** Keeps a backing alive as long as the graph; takes over the caller's reference, also on failure. */
oct_status oct_graph_adopt(oct_graph *graph, oct_backing *backing, oct_error *err);

/**
 * size zeroed writable bytes, 64-byte aligned, for a constant of this graph. NULL when memory is short.
 * What goes beyond 24 MiB of them lies in nameless files, and whatever was made before is put to rest.
 */
void *oct_graph_new_bytes(oct_graph *graph, size_t size);

/**
 * A constant was used and will not be for a while: memory under a mapped or spooled one is let go, to
 * come back from its file when it is read again. Also the constants of the graph this is a clone of.
 */
void oct_graph_rest(const oct_graph *graph, const void *data, size_t size);

oct_status oct_graph_add_subgraph(oct_graph *graph, const char *name, oct_subgraph **out,
    oct_error *err);

/**
 * Appends a tensor (copying name and dims into the arena; signature NULL); *index names it.
 * rank 0 makes a scalar.
 */
oct_status oct_graph_add_tensor(oct_graph *graph, oct_subgraph *sub, const char *name, oct_type type,
    int32_t rank, const int32_t *dims, int32_t *index, oct_error *err);

/** The same for a constant; the bytes are copied into a new backing. */
oct_status oct_graph_add_constant(oct_graph *graph, oct_subgraph *sub, const char *name,
    oct_type type, int32_t rank, const int32_t *dims, const void *bytes, int32_t *index,
    oct_error *err);

/**
 * Inserts a node before position `at` (node_count appends); inputs and outputs are copied, option
 * structs of options_type are allocated with schema defaults (node->options, to be filled by the caller).
 */
oct_status oct_graph_insert_node(oct_graph *graph, oct_subgraph *sub, int32_t at, oct_builtin op,
    const int32_t *inputs, int32_t input_count, const int32_t *outputs, int32_t output_count,
    oct_options_type options_type, oct_node **out, oct_error *err);

/** Removes the node at a position; its tensors stay. */
void oct_graph_remove_node(oct_subgraph *sub, int32_t at);

/** A new option struct of a type with the schema's defaults; NULL when memory is short or type empty. */
void *oct_graph_new_options(oct_graph *graph, oct_options_type type);

/** Per-tensor quantization parameters of a tensor are replaced; scale > 0. */
oct_status oct_graph_set_quant(oct_graph *graph, oct_tensor *tensor, float scale, int64_t zero_point,
    oct_error *err);

/** Per-channel parameters are replaced by copies of count scales and zero zero points. */
oct_status oct_graph_set_channel_quant(oct_graph *graph, oct_tensor *tensor, int32_t axis,
    int32_t count, const float *scales, oct_error *err);

/** Replaces every use of tensor `from` as a node input, subgraph output and signature output by `to`. */
void oct_graph_replace_uses(oct_graph *graph, oct_subgraph *sub, int32_t from, int32_t to);

/** Drops tensors that no node, input, output or signature names and renumbers the rest. */
oct_status oct_graph_compact(oct_graph *graph, oct_subgraph *sub, oct_error *err);

/** Uses of a tensor as node input plus uses as subgraph output. */
int32_t oct_graph_use_count(const oct_subgraph *sub, int32_t tensor);

/** Position of the node that produces a tensor, or -1. */
int32_t oct_graph_producer(const oct_subgraph *sub, int32_t tensor);

/**
 * Whether the leading dimension of input `input` counts samples. Of a vector [N] it is the length of one
 * sample, as of a waveform, unless N is 1 or open, or another input of higher rank has it too. One that the
 * model fixes above 1 counts samples when all outputs lead with it and the subgraph is not known to be whole.
 */
bool oct_input_has_batch(const oct_subgraph *sub, int32_t input);

/** Product of dims; -1 when it overflows int64 or a dimension is negative. */
int64_t oct_tensor_elements(const oct_tensor *tensor);

/** Bytes that elements of a type take (int4 and int2 packed); -1 for types without a fixed size. */
int64_t oct_tensor_bytes(const oct_tensor *tensor);

/** A name for messages: the tensor's, or "tensor N". Written into text[size]; returns text. */
const char *oct_tensor_label(const oct_subgraph *sub, int32_t index, char *text, size_t size);

/**
 * The invariants every graph holds: indices in range, producers before users, one producer a tensor,
 * constants of the right size, quantization counts that fit, signatures that name real tensors, option
 * structs of the type their operator uses.
 * Errors: OCT_E_INVALID with the tensor or node.
 */
oct_status oct_graph_check(const oct_graph *graph, oct_error *err);

#endif
