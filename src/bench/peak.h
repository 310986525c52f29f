/*
 * Work of operators and the rate at which a core could do it.
 */
#ifndef OCT_BENCH_PEAK_H
#define OCT_BENCH_PEAK_H

#include "ops/op.h"

/* Multiply-adds a second of one core; 0: not known. */
typedef struct oct_peaks {
    double f32, s8;
} oct_peaks;

/** Measures for some 20 milliseconds, with the instructions of oct_cpu_level(). */
oct_peaks oct_peaks_probe(void);

/**
 * Multiply-adds of a convolution or a product with weights; 0 for others. Taps count whether or not
 * they meet an input: those in the padding, and those between the inputs of a transposed
 * convolution.
 */
double oct_op_macs(const oct_op *op);

/** The peak of the arithmetic a node is computed in; 0: not known. */
double oct_peak_of(const oct_peaks *peaks, const oct_op *op);

#endif
