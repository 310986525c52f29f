/*
 * What keeping a layer in float would cost: the question that a blamed layer raises.
 */
#ifndef OCTAVO_COST_H
#define OCTAVO_COST_H

#include <stdbool.h>
#include <stdint.h>
#include <octavo/bench.h>
#include <octavo/diff.h>
#include <octavo/error.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef struct oct_layer_cost {
    int64_t bytes; /* constants in float minus as they are: what the file grows by */
    bool timed;    /* both profiles have the operator */
    /* Medians of the operator in the float model and in the other, and of the conversions to and from
     * integers that would stand around it. Keeping it costs float_ns - ns + convert_ns. */
    double float_ns, ns, convert_ns;
} oct_layer_cost;

/**
 * Prices layers of a comparison from the profiles of both models, and from the time that DEQUANTIZE
 * and QUANTIZE of as many values take, which is measured here.
 *
 * bench           NULL: bytes only. Of oct_bench_run() with a profile; float_model and model are the places in it of A
 *                 and B of the comparison
 * layers          [count] of oct_diff_layer()
 * out             [count], filled in
 * Errors: those of oct_bench_run(), OCT_E_MEMORY.
 */
oct_status oct_layer_costs(const oct_bench *bench, int32_t float_model, int32_t model,
    const oct_layer_error *const *layers, int32_t count, oct_layer_cost *out, oct_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
