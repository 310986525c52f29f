/*
 * Layer by layer: where a quantized model departs from its original.
 */
#ifndef OCTAVO_DIFF_H
#define OCTAVO_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <octavo/data.h>
#include <octavo/error.h>
#include <octavo/eval.h>
#include <octavo/model.h>
#include <octavo/session.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*
 * One tensor that both models have under the same name. Strings live as long as the oct_diff.
 *
 * Where a channel (last axis) of B is a multiple of A's and whoever reads it divides the factor out
 * again, as quantizers do that equalise channels, B's values are divided by it first. Inputs and
 * outputs of B never are.
 */
typedef struct oct_layer_error {
    const char *layer;
    const char *op; /* operator that computes it in B: "CONV_2D" */
    const char
        *computed;    /* that operator's output: another tensor where B converts its type after */
    const char *type; /* of the tensor in B: "int8", "float32" */
    double sqnr_db;   /* 10 log10(sum of a^2 / sum of (a - b)^2) over all samples; inf: equal */
    int64_t channels_rescaled; /* that were divided by a factor; 0: none */
    double loss_db;            /* how far it lies below the worst of the operator's inputs */
    double largest_error;      /* max of |a - b| */
    double saturated;   /* share of B's values at an end of the integer range, zero not counted */
    int32_t codes_used; /* different values of an 8-bit tensor, 1..256; 0 for other types */
    /*
     * A's operator was run on B's inputs, dequantized. entering_db: SQNR of its result against A's,
     * what an exact layer would make of the errors it gets. added_db: signal against the difference
     * between B's output and that result, what this layer adds. As TensorFlow's QuantizationDebugger,
     * which checks each layer on the quantized model's inputs. Meaningful when `alone`.
     */
    bool alone;
    double entering_db, added_db; /* inf: no error */
    /*
     * This layer's share of the error added by all layers, 0..1: noise to signal of each layer adds up
     * to that of the output (Lin, Talathi, Annapureddy, arXiv 1511.06393, section 3.2), as far as
     * layers pass noise and signal on alike.
     */
    double blame;
    /* What the integers of a tensor with one scale cover, and where all but 0.01 % of A's values at
     * each end lie (in B's scale). */
    bool has_range;
    double range_low, range_high, most_low, most_high;
    /* To keep the layer in float: bytes of its constants in A and in B, and how many integers would
     * be converted where it reads and where it writes, of one sample. */
    int64_t float_bytes, bytes, integer_inputs, integer_outputs;
} oct_layer_error;

typedef struct oct_diff_options {
    int32_t threads; /* inside one inference; never changes the result */
    oct_kernels kernels;
    oct_progress progress; /* may be NULL; samples */
    void *progress_user;
} oct_diff_options;

typedef struct oct_diff oct_diff;

/**
 * Runs every sample of `data` through both models and compares the tensors that are computed in
 * both, integer ones dequantized, in B's order of execution. Every sample runs twice: factors between
 * channels come first.
 *
 * options  may be NULL.
 * out      owned by the caller, oct_diff_free(); NULL after failure.
 * Nothing is borrowed after the call.
 * Errors: OCT_E_INVALID (no tensor in common), those of data and sessions, OCT_E_MEMORY.
 */
oct_status oct_diff_run(const oct_model *a, const oct_model *b, const oct_data *data,
    const oct_preprocess *preprocess, const oct_diff_options *options, oct_diff **out,
    oct_error *err);

void oct_diff_free(oct_diff *diff);

/** Layers compared. */
int32_t oct_diff_count(const oct_diff *diff);

/** Samples run. */
int64_t oct_diff_samples(const oct_diff *diff);

/** In B's order of execution; lives as long as diff. */
const oct_layer_error *oct_diff_layer(const oct_diff *diff, int32_t index);

/**
 * The layers with the largest blame, worst first, none without any: layers[room] is filled in.
 * Returns how many. They live as long as diff.
 */
int32_t oct_diff_blame(const oct_diff *diff, const oct_layer_error **layers, int32_t room);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
