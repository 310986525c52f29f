/*
 * The layers of two models side by side: which tensor and which node of B is which of A's, and which
 * of the errors that were summed in different looks tells the truth.
 */
#ifndef OCT_EVAL_TWINS_H
#define OCT_EVAL_TWINS_H

#include <octavo/diff.h>
#include "eval/tensor_sums.h"
#include "eval/isolated.h"
#include "exec/session.h"

/* One tensor of B. */
typedef struct oct_twin {
    int32_t partner;          /* A's tensor of the same name, or -1 */
    int32_t maker_a, maker_b; /* nodes that make it, or -1; B's behind QUANTIZE and DEQUANTIZE */
    int32_t place;            /* in the result, or -1: not computed */
    bool boundary;            /* input or output of B: never rescaled */
    bool alone;               /* A's node runs alone on B's inputs */
    oct_tensor_sums sums;
    /* Squared errors at the output of A's node on B's inputs, by the look at these: against A's own
     * output, and of B's output, in either look, against it. */
    double entering[OCT_LOOKS], added[OCT_LOOKS][OCT_LOOKS];
    oct_look look, look_at_inputs; /* the ones that are true */
} oct_twin;

typedef struct oct_twins {
    const oct_subgraph *a, *b;
    oct_twin *of_b; /* [tensors of B] */
    int32_t *of_a;  /* [tensors of A]: B's tensor of the same name, or -1 */
} oct_twins;

/** Pairs tensors by name. False when memory is short; oct_twins_free() also then. */
bool oct_twins_pair(const oct_graph *a, const oct_graph *b, oct_twins *out);

/**
 * Marks the layers whose node in A does with values from B what the node in B does: same operator,
 * inputs of the same numbers of elements. wanted [nodes of A] tells which nodes these are.
 */
void oct_twins_match(oct_twins *layers, const oct_graph *graph_a, const oct_session *a,
    const oct_session *b, bool *wanted);

/**
 * Decides which factors to believe: those that explain what their readers give better than values
 * as they are do. A channel that is wrong by a factor nobody divides out again is an error.
 */
void oct_twins_decide(oct_twins *layers);

/** Fills in what the sums say of a layer; strings are borrowed. Errors: OCT_E_MEMORY. */
oct_status oct_twins_describe(
    const oct_twins *layers, int32_t tensor, oct_layer_error *out, oct_error *err);

void oct_twins_free(oct_twins *layers);

#endif
