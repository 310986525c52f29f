/*
 * What the quantizers of all modes share: the graph in work, its notes, and edits of it.
 */
#ifndef OCT_QUANT_REWRITE_H
#define OCT_QUANT_REWRITE_H

#include "base/arena.h"
#include "ops/op.h"
#include "quant/quant.h"
#include "quant/report.h"
#include "quant/settings.h"

/* Parameters of a tensor to be: type and scales, per tensor or per channel. */
typedef struct oct_scheme {
    oct_type type;
    bool narrow;         /* int8 weights: [-127, 127] instead of [-128, 127] */
    int32_t axis;        /* per-channel axis, or -1: per tensor */
    int32_t count;       /* scales: 1, or channels */
    const float *scales; /* [count]; immutable, shared */
    int32_t zero_point;  /* 0 per channel */
} oct_scheme;

typedef struct oct_work {
    oct_graph *graph; /* the clone that becomes the result */
    oct_subgraph *sub;
    const oct_quant_options *options;
    const oct_range *ranges; /* [float_tensors]: by tensor of the float graph; NULL without calibration */
    int32_t float_tensors;   /* tensors past these were added by the quantizer */
    oct_quant_report *report;
    oct_node **nodes;        /* [node_count]: those of the float graph, in its order */
    int32_t node_count;
    oct_mode form;           /* that layers are given now */
    const oct_settings *settings;         /* of the layers; NULL: all get `form` */
    const struct oct_node_place *places;  /* [node_count]: nodes by address */
    const bool *kept;  /* [node_count]: quantized already or to be left as they are; NULL: none are */
    const bool *given; /* [float_tensors]: tensors that have codes in the float graph; NULL: none do */
    oct_arena arena; /* scratch that lives as long as the work */
} oct_work;

/**
 * Takes note of the nodes of the float graph, once, before it is changed.
 * Errors: OCT_E_MEMORY.
 */
oct_status oct_work_know_nodes(oct_work *work, oct_error *err);

/**
 * Takes note of the nodes that stay as they are: those that read or write codes, and those that read constants
 * which are not finite, such as the minus infinity of a mask. The report says so.
 */
oct_status oct_work_keep_nodes(oct_work *work, oct_error *err);

/** Place of a node in the float graph; -1: added by the quantizer. */
int32_t oct_work_index(const oct_work *work, const oct_node *node);

/** Whether a node of the float graph gets the work's present form; others are float to it. */
bool oct_work_takes(const oct_work *work, const oct_node *node);

/** The per-channel axis of a node's weights: `axis`, or -1 where its setting asks for one scale. */
int32_t oct_work_weight_axis(const oct_work *work, const oct_node *node, int32_t axis);

/** A scheme with one scale, whose storage comes from the work's arena; count 0 when memory is short. */
oct_scheme oct_scheme_single(oct_work *work, oct_type type, float scale, int32_t zero_point);

bool oct_scheme_equal(const oct_scheme *a, const oct_scheme *b);

/** Makes a tensor's quantization parameters those of a scheme; sets its type. */
oct_status oct_work_set_scheme(oct_work *work, oct_tensor *tensor, const oct_scheme *scheme,
    oct_error *err);

/** A tensor with the shape and signature of another, without data; the name is made unique. */
oct_status oct_work_new_tensor(oct_work *work, const oct_tensor *like, const char *name,
    oct_type type, int32_t *index, oct_error *err);

/** Inserts QUANTIZE or DEQUANTIZE from one tensor to another before position `at`. */
oct_status oct_work_convert(oct_work *work, int32_t at, oct_builtin op, int32_t from, int32_t to,
    oct_error *err);

/** A constant tensor with the same name and shape whose data is `bytes` (of the graph), of a type. */
oct_status oct_work_new_constant(oct_work *work, const oct_tensor *like, oct_type type,
    const void *bytes, size_t size, int32_t *index, oct_error *err);

/**
 * The tensor that users see becomes `to` where it was `from`: the subgraph's inputs or outputs and the
 * signatures' entries; names are exchanged, so that the boundary keeps its name.
 */
void oct_work_move_boundary(oct_work *work, bool input, int32_t from, int32_t to);

bool oct_tensor_is_float(const oct_tensor *tensor);
bool oct_tensor_is_constant(const oct_tensor *tensor);

/** The tensor of an input slot, or NULL when left out. */
oct_tensor *oct_work_input(const oct_work *work, const oct_node *node, int32_t slot);

/** The role of an input slot; NONE for operators without a rule. */
oct_role oct_work_role(const oct_node *node, int32_t slot);

/** The rule of a node in the present form: that of its operator, or none where others take the node. */
const oct_quant_rule *oct_work_rule(const oct_work *work, const oct_node *node);

/** The quantization rule of a node's operator; in_slots is 0 for operators without one. Never NULL. */
const oct_quant_rule *oct_node_rule(const oct_node *node);

/** First input slot with a role that is not left out, or -1. */
int32_t oct_node_slot_with(const oct_node *node, oct_role role);

/** Where a node of the work's subgraph stands now. */
int32_t oct_work_position(const oct_work *work, const oct_node *node);

/** Field of a node's options by its name in the schema; NULL when the options have none. */
void *oct_node_option(oct_node *node, const char *name);

/* One quantizer a mode: rewrites the work's graph and adds a note for every node. */
oct_status oct_quantize_float16(oct_work *work, oct_error *err);
oct_status oct_quantize_dynamic(oct_work *work, oct_error *err);
oct_status oct_quantize_int8(oct_work *work, oct_error *err);
oct_status oct_quantize_int16x8(oct_work *work, oct_error *err);
/* By the work's settings: each layer as its own says. */
oct_status oct_quantize_mixed(oct_work *work, oct_error *err);

#endif
