/*
 * What calibration saw of the float model's activations.
 *
 * One run over the samples gathers all of it. Extremes, counts and sorted sums do not care for order, so
 * every thread keeps its own and they are folded at the end: any number of threads, any order of the
 * samples and any division of them gives the same numbers.
 */
#ifndef OCT_QUANT_EVIDENCE_H
#define OCT_QUANT_EVIDENCE_H

#include "quant/choose.h"
#include "quant/histogram.h"
#include "quant/settings.h"

/* The channels of an activation: its last dimension. */
typedef struct oct_channels {
    int32_t count;         /* 0: nothing is known */
    float *min, *max;      /* [count] over all samples */
    double *mean, *square; /* [count] means of x and of x * x over the chosen samples */
} oct_channels;

typedef struct oct_evidence {
    const oct_settings *settings; /* of the layers, set by the caller; NULL: as the options say. Borrowed */
    int32_t tensors;            /* of the main subgraph */
    oct_range *ranges;          /* [tensors] */
    oct_range *halves[2];       /* [tensors]: of the samples with even and with odd index */
    oct_channels *channels;     /* [tensors]; for results and inputs of conv-like operators */
    oct_histogram *histograms;  /* [tensors] where the range method counts values, or NULL */
    float *extremes;            /* [samples][tensors][2]: minima and maxima, for moving averages, or NULL */
    int64_t samples;            /* that extremes are of */
    int64_t failed;             /* the sample that a failure is of, or -1 */
    const oct_samples *from;    /* what the choice counts in; borrowed */
    oct_choice choice;          /* count 0: effort none */
    oct_statistics *shared;     /* that all this is from; owned, or NULL */
    oct_arena arena;
} oct_evidence;

/**
 * Runs calibration samples through the float graph: all of them where the mode needs ranges, else the
 * chosen ones.
 *
 * With options->group calib holds this process's share, and failures name the sample among all.
 * evidence  filled; free with oct_evidence_free() also after failure.
 * Errors: NaN or infinity in an activation: OCT_E_INVALID naming tensor and sample; those of sessions
 *         and of calib->read; OCT_E_MEMORY.
 */
oct_status oct_evidence_gather(const oct_graph *graph, const oct_quant_options *options,
    oct_evidence *evidence, oct_error *err);

void oct_evidence_free(oct_evidence *evidence);

/** The mean of `count` numbers, whatever their order; sorts them. */
double oct_mean_of(double *values, int64_t count);

#endif
