/*
 * Calibration in parts: what each part of the samples gave, kept in files, added up, quantized by.
 */
#ifndef OCTAVO_STATISTICS_H
#define OCTAVO_STATISTICS_H

#include <stdint.h>
#include <octavo/error.h>
#include <octavo/model.h>
#include <octavo/quantize.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef struct oct_statistics oct_statistics;

/**
 * What the calibration samples of the options give: ranges, counts, and up to 128 samples with their
 * values, which efforts above none look at layer by layer.
 *
 * preprocess  how samples became inputs, in words: statistics with others are not added up.
 * out         owned by the caller, oct_statistics_free(); NULL after failure.
 * Mode, effort and range must be those the model is quantized with later.
 * Errors: OCT_E_USAGE (no samples, a mode that uses none, a recipe), those of calibration.
 */
oct_status oct_statistics_gather(const oct_model *model, const oct_quant_options *options,
    const char *preprocess, oct_statistics **out, oct_error *err);

/**
 * Adds the samples of another part. In any order, and however the samples were divided, the sum leads to
 * the same bytes of a model; only, samples in two parts count twice where counts matter.
 * Errors: OCT_E_INVALID when they are of another model, mode, effort, range or preprocessing.
 */
oct_status oct_statistics_merge(
    oct_statistics *into, const oct_statistics *other, oct_error *err);

/** Samples that were looked at. */
int64_t oct_statistics_samples(const oct_statistics *statistics);

/** Writes a file (temporary name, synced, renamed). */
oct_status oct_statistics_save(const oct_statistics *statistics, const char *path, oct_error *err);

/** Errors: OCT_E_INVALID (damaged), OCT_E_SYSTEM, OCT_E_MEMORY. */
oct_status oct_statistics_load(const char *path, oct_statistics **out, oct_error *err);

void oct_statistics_free(oct_statistics *statistics);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
