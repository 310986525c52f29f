/*
 * A search for mixed precision: its samples, its candidates, what was measured.
 */
#ifndef OCT_TUNE_TUNER_H
#define OCT_TUNE_TUNER_H

#include <octavo/tune.h>

#include "base/arena.h"
#include "base/error.h"
#include "eval/journal.h"
#include "graph/graph.h"

/* How much worse than the float model. */
typedef struct oct_loss {
    int64_t samples, lost, won;
    double drop, low, high; /* a fraction; 95 % */
    double confidence;      /* that the drop is within the bound, where a test says it; else 0 or 1 */
    int32_t holds;          /* the bound is shown to hold, one-sided 95 % or better */
} oct_loss;

/* What is kept of one trial, in memory and in the journal. */
typedef struct oct_trial {
    int64_t bytes;                   /* of the file */
    double sqnr;                     /* against float, dB */
    double gain, gain_low, gain_high; /* over what it was compared with, dB; 95 % */
    double ms;                       /* candidates: more per inference, by the profile */
    oct_loss loss;
    int32_t ok;                      /* 0: it could not be made */
} oct_trial;

/* A layer that could be kept in a form of more bits. */
typedef struct oct_candidate {
    int32_t node;
    oct_mode form; /* FLOAT32 or INT16X8 */
    double blame;  /* share of the error that all layers add: those most to blame are tried first */
    bool known;    /* the budget sufficed to try it */
    oct_trial trial;
    double score;
} oct_candidate;

/* A set of layers that was tried as a whole. */
typedef struct oct_point {
    char name[32]; /* "int8", "int8 + 3", "float32" */
    oct_mode *forms; /* [nodes]: COUNT: as the rest; NULL: the form of all is `whole` */
    oct_mode whole;
    oct_model *model;
    oct_trial trial;
    double median_ms; /* 0: not measured */
    oct_interval ms_interval;
    bool front, chosen;
} oct_point;

typedef struct oct_tuner {
    const oct_model *model;
    const oct_tune_options *options;
    oct_graph *plain; /* prepared for quantization: its nodes are the layers */
    oct_preprocess_choice choice;
    oct_data *calib, *rank, *verify, *held;
    int64_t counts[4];   /* of these four, when they are gone */
    oct_data_view *view; /* of calib */
    oct_journal *journal; /* NULL: none */
    double began;
    int32_t nodes;
    oct_candidate *candidates; /* [candidate_count], in the order they are tried in */
    int32_t candidate_count;
    int32_t *order;            /* [ranked]: candidates by score */
    int32_t ranked;
    oct_point *points; /* [point_count]: int8, accepted steps, whole forms */
    int32_t point_count, point_capacity;
    int32_t last, chosen; /* of the search's points */
    int32_t tries;     /* steps tried */
    oct_arena arena;
} oct_tuner;

struct oct_tuned {
    oct_tuner t;
    oct_tune_options options; /* its pointers are the caller's and not looked at afterwards */
    oct_loss held;  /* of the chosen point, on the held-out half */
    char *recipe;
    const char *measure; /* "accuracy", "agreement", "mean IoU", "R2"; static */
    const char *ended;   /* why the search did; static */
};

double oct_tune_now(void);

/** Deals out samples and finds the preprocessing. Errors: OCT_E_USAGE for too few. */
oct_status oct_tune_split(oct_tuner *t, const oct_data *data, oct_error *err);

/**
 * The recipe of forms [nodes], or with NULL of one form for all, as a text.
 * *text is the caller's, free(). Errors: OCT_E_MEMORY.
 */
oct_status oct_tune_recipe(
    const oct_tuner *t, const oct_mode *forms, oct_mode whole, char **text, oct_error *err);

/**
 * Makes the model of forms, or with NULL that of one form.
 * report  may be NULL.
 */
oct_status oct_tune_make(const oct_tuner *t, const oct_mode *forms, oct_mode whole, oct_model **out,
    int64_t *bytes, oct_quant_report **report, oct_error *err);

/**
 * Runs the float model, `before` and `model` on samples, and fills a trial's sqnr, gain and, unless only
 * ranks are asked for, loss.
 */
oct_status oct_tune_measure(const oct_tuner *t, const oct_model *before, const oct_model *model,
    const oct_data *samples, bool loss, oct_trial *trial, oct_error *err);

/** What a drop is of for this model and data; NULL: nothing. */
const char *oct_tune_measure_name(const oct_eval *eval);

oct_status oct_tune_loss(const oct_eval *eval, int32_t model, double max_drop, oct_loss *out, oct_error *err);

/** Lists candidates from the report on the model in 8 bits, and their cost in time from profiles. */
oct_status oct_tune_list(oct_tuner *t, const oct_quant_report *report, const oct_model *base, oct_error *err);

/** Takes what the journal has of a slot, or false. */
bool oct_tune_recall(const oct_tuner *t, int64_t slot, oct_trial *trial);
oct_status oct_tune_note(oct_tuner *t, int64_t slot, const oct_trial *trial, oct_error *err);

/** Measures latency of all points in turns, and marks those that none is better than in all respects. */
oct_status oct_tune_weigh(oct_tuner *t, oct_error *err);

#endif
