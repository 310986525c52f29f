/*
 * Which calibration samples are looked at layer by layer: few enough for their activations to be stored.
 *
 * A hash of a sample's bytes decides, not its place, so that neither the order of the samples nor the
 * files they come from matter; the chosen ones are also visited in the order of their hashes.
 */
#ifndef OCT_QUANT_CHOOSE_H
#define OCT_QUANT_CHOOSE_H

#include "base/pool.h"
#include "quant/quant.h"

typedef struct oct_choice {
    int64_t count;
    int64_t *samples; /* [count] indices into the calibration samples */
    uint64_t *hashes; /* [count] of the samples, ascending */
    int64_t most;     /* chosen of more samples; the same for any */
    const size_t *tensor_bytes; /* [tensors] of one sample, in float32 */
} oct_choice;

/**
 * Chooses up to 32 samples, with effort high or float activations 128, fewer where the activations stored between two layers of the mode's graph
 * would need more than 192 MB.
 *
 * out  its list comes from the arena.
 * Errors: those of sessions and of calib->read; OCT_E_MEMORY.
 */
oct_status oct_choose_samples(const oct_graph *graph, const oct_quant_options *options,
    oct_pool *pool, oct_arena *arena, oct_choice *out, oct_error *err);

#endif
