/*
 * A layer's weights rounded on the covariance of what the layer reads, in the quantized network.
 */
#ifndef OCT_QUANT_REROUND_H
#define OCT_QUANT_REROUND_H

#include "quant/layer.h"

typedef struct oct_reround {
    const oct_replay *replay;  /* of the quantized network, up to the layer */
    const oct_layer *layer;    /* in `replay` */
    const oct_replay *floats;  /* of the float network, up to the layer; NULL: weights are not fitted */
    const oct_layer *original; /* in `floats` */
    const oct_tensor *weights; /* the layer's before rounding */
    const oct_tensor *codes;   /* rounded */
    int32_t limit;             /* their largest magnitude */
} oct_reround;

/**
 * Whether a look at a few samples is enough, and cheap beside running the network on all of them: an
 * output of the layer has at most 32 weights, as in depthwise layers and the first one.
 */
bool oct_reround_is_cheap(const oct_reround *task);

/**
 * New codes for the weights of a layer.
 *
 * With `floats` the float weights are first fitted to what the quantized network gives them to read, but
 * only where there are 20 rows of data for each weight of an output: with fewer they would learn the data
 * by heart.
 * codes  [elements of the weights]; those the layer has in, new ones out.
 * Layers that this does not cover (grouped and transposed convolutions, more than 2304 weights an
 * output) keep their codes.
 * Errors: those of sessions; OCT_E_MEMORY.
 * Sources: GPTQ (arXiv 2210.17323) for the covariance, QuantEase (2309.01885) for the descent.
 */
oct_status oct_reround_layer(const oct_reround *task, int8_t *codes, oct_error *err);

#endif
