/*
 * Equalisation: channels that share a scale are brought to the same size, in the float model.
 *
 * A channel multiplied by t where it is made and divided by t where it is read changes nothing in float.
 * In int8 the rows it is made by have scales of their own, so only two things change: small channels use
 * more of the activation's codes, and the columns that read them shrink beside their neighbours.
 */
#ifndef OCT_QUANT_EQUALISE_H
#define OCT_QUANT_EQUALISE_H

#include "quant/evidence.h"

/**
 * Rescales channels of groups of tensors that have to keep the same factors (sums, pooling), where all
 * makers and readers are conv-like operators with constant weights of their own.
 *
 * graph     the float model, prepared for quantization; its weights and biases are replaced.
 * evidence  of that graph; follows: ranges, channels' extremes and means are those of the new graph.
 * Without a clip the factors are (M / max(m, M / 64))^a for channel maxima m and their largest M, a with
 * the least predicted noise. Where RELU6 makes a tensor that only depthwise operators read, channels
 * grow to at most half of the clip, so that unseen data twice as large is not cut off.
 * Errors: OCT_E_MEMORY.
 * Sources: Nagel et al. 2019 (arXiv 1906.04721), Meller et al. 2019 (arXiv 1902.01917).
 */
oct_status oct_equalise(oct_graph *graph, oct_evidence *evidence, oct_error *err);

#endif
