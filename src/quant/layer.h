/*
 * Conv-like layers of a replay: where their operands are, and their results in float before rounding.
 */
#ifndef OCT_QUANT_LAYER_H
#define OCT_QUANT_LAYER_H

#include "quant/replay.h"
#include "quant/rewrite.h"

typedef struct oct_layer {
    int32_t index;              /* node of the float graph */
    int32_t position;           /* in the replay */
    int32_t data, weight, bias; /* input slots */
    int32_t channels;           /* of the result */
} oct_layer;

/**
 * Whether a node of the replay is conv-like, with activations that can be read as float and constant
 * weights and bias; fills slots and channels.
 */
bool oct_layer_look_at(const oct_replay *replay, const oct_node *node, oct_layer *out);

/** The fused activation as limits. False: none. */
bool oct_layer_limits(oct_node *node, float *low, float *high);

/** Takes the float results of one sample of a layer that runs alone: [elements]. */
typedef void (*oct_layer_take)(void *user, int64_t sample, const float *values, size_t elements);

/**
 * Runs a layer in float, without its activation, on the activations stored for it.
 *
 * weights  float values in the layer's layout instead of its own, or NULL; filters [count of them] may
 *          differ from the layer's where its weights have the output channel first.
 * take     called from several threads for different samples.
 * Errors: those of sessions; OCT_E_MEMORY.
 */
oct_status oct_layer_run(const oct_replay *replay, const oct_layer *layer, const float *weights,
    int32_t filters, oct_layer_take take, void *user, oct_error *err);

/** The value of an element of a float or quantized tensor. */
double oct_layer_value(const oct_tensor *tensor, int64_t i, int64_t channel);

#endif
