/*
 * What calibration saw of a part of the samples, in a form that can be kept, sent and added up.
 *
 * Extremes and counts add up; the samples that are looked at layer by layer are those with the smallest
 * hashes, so each part brings its smallest and the smallest of all parts are the same ones. They travel
 * with their values. What is made from merged statistics is therefore, byte for byte, what is made from
 * all samples at once, with any effort.
 */
#ifndef OCT_QUANT_STATISTICS_H
#define OCT_QUANT_STATISTICS_H

#include <octavo/statistics.h>
#include "quant/evidence.h"

enum { OCT_STATISTICS_KEY = 256, OCT_STATISTICS_INPUTS = 16 };

/* A sample with its values: those of all inputs, one behind the other. */
typedef struct oct_kept_sample {
    uint64_t hash;
    const unsigned char *bytes;
} oct_kept_sample;

struct oct_statistics {
    char key[OCT_STATISTICS_KEY]; /* of what: only equal ones add up */
    int64_t samples;              /* that were looked at */
    int32_t tensors;
    oct_range *halves[2];      /* [tensors]; NULL where the mode needs no ranges */
    oct_channels *channels;    /* [tensors], means unset; NULL with effort none or without ranges */
    oct_histogram *histograms; /* [tensors] or NULL */
    float *extremes;           /* [samples][tensors][2] or NULL */
    int64_t most, kept;        /* samples kept: the `most` with the smallest hashes */
    oct_kept_sample *chosen;   /* [kept], ascending */
    int32_t inputs;
    size_t input_bytes[OCT_STATISTICS_INPUTS];
    oct_samples stored; /* reads the kept ones */
    oct_arena arena;
};

/**
 * Runs the calibration samples of the options.
 *
 * settings  as in oct_evidence; may be NULL.
 * failed    may be NULL; the sample that a failure is of, -1 where it is of none.
 * out       owned by the caller, oct_statistics_free().
 * Errors: as oct_evidence_gather().
 */
oct_status oct_statistics_take(const oct_graph *graph, const oct_quant_options *options,
    const oct_settings *settings, int64_t *failed, oct_statistics **out, oct_error *err);

/** No samples, as what others are added to. NULL when memory is short. */
oct_statistics *oct_statistics_create(void);

/**
 * The evidence that all samples together would give; as oct_evidence_gather(), whose fields it fills.
 * evidence->settings is set by the caller; evidence->from reads samples that the statistics keep.
 * Errors: OCT_E_INVALID when the statistics are of another graph or of other options.
 */
oct_status oct_statistics_evidence(const oct_statistics *statistics, const oct_graph *graph,
    const oct_quant_options *options, oct_evidence *evidence, oct_error *err);

/** The bytes of a file of statistics; owned by the caller, free(). Errors: OCT_E_MEMORY. */
oct_status oct_statistics_encode(
    const oct_statistics *statistics, unsigned char **bytes, size_t *size, oct_error *err);

/** The opposite; nothing is borrowed. name is for messages. Errors: OCT_E_INVALID, OCT_E_MEMORY. */
oct_status oct_statistics_decode(const unsigned char *bytes, size_t size, const char *name,
    oct_statistics **out, oct_error *err);

/**
 * Statistics of all samples, of which each process of options->group looks at its share.
 * All processes get the same, or the failure of the earliest sample.
 */
oct_status oct_statistics_share(const oct_graph *graph, const oct_quant_options *options,
    const oct_settings *settings, oct_statistics **out, oct_error *err);

#endif
