/*
 * Evaluation inside the library: the outcomes that metrics are folded from.
 */
#ifndef OCT_EVAL_EVALUATE_H
#define OCT_EVAL_EVALUATE_H

#include <octavo/eval.h>

/* What is kept of one sample in one model. */
typedef struct oct_outcome {
    double signal, noise; /* sum of the first model's outputs squared; of the differences squared */
    double absolute, squared;              /* regression: sums of errors over the first output */
    float loss_probabilities, loss_logits; /* cross-entropy, the output read as either */
    float sure_probabilities, sure_logits; /* the answer's probability, the output read as either */
    float second, margin;                  /* value of class 1, and how far above that of class 0 */
    int32_t answer;    /* index of the largest output, the lowest among equals; -1: no vector */
    int32_t label;     /* output index of the label; -1 without */
    int32_t place;     /* of the label's output among all, 0 is best; -1 without label */
    bool distribution; /* outputs are >= 0 and add up to 1 */
    bool invalid;      /* an output is NaN or infinite */
} oct_outcome;

struct oct_eval {
    int64_t samples;
    int32_t models;
    int32_t classes;
    bool has_labels;
    bool single; /* one output: the probability of class 1, or its logit */
    bool single_is_probability;
    bool ends_in_sigmoid;     /* the first output is a LOGISTIC's */
    oct_class_counts *counts; /* [models][classes]; NULL without labels */
    oct_outcome *outcomes;    /* [samples][models] */
    oct_metrics *metrics;     /* [models] */
    oct_paired *paired;       /* [models] */
    int32_t output_count;
    struct {
        size_t elements, at; /* of batch 1; place in a sample's outputs */
        int32_t rank;
        int32_t dims[8];
    } outputs[16];
    size_t elements;          /* of all outputs together */
    float *kept;              /* [models][samples][elements], or NULL */
    oct_task task;            /* what is measured besides; eval/task.h */
    int32_t input_h, input_w; /* how images become inputs, which truth follows */
    oct_preprocess preprocess;
    struct {
        int32_t h, w, depth; /* of the output; depth 1: class numbers, or a probability */
        int32_t classes;
    } pixels;
    struct {
        size_t boxes, classes, scores, count; /* places in a sample's outputs */
        int64_t room;                         /* boxes of a sample */
    } found;
    oct_class_numbers class_numbers;
    oct_class_counts *pixel_counts;   /* [samples][models][pixels.classes] */
    oct_segmentation *segmentation;   /* [models] */
    oct_detection_metrics *detection; /* [models] */
    oct_detection_compared *detection_compared; /* [models] */
    oct_regression *regression;       /* [models] */
};

/**
 * Scores one sample: outputs is a model's, first the first model's (the same pointer for itself).
 * label_output is the output index of the label, or -1.
 */
void oct_score(const oct_eval *eval, const float *outputs, const float *first, int32_t label_output,
    oct_outcome *outcome);

/** Folds outcomes into metrics and paired, in sample order. Errors: OCT_E_MEMORY. */
oct_status oct_fold(oct_eval *eval, uint64_t seed, oct_error *err);

/** oct_evaluate() that leaves labels alone when use_labels is false. */
oct_status oct_evaluate_samples(const oct_model *const *models, int32_t model_count,
    const oct_data *data, const oct_preprocess *preprocess, const oct_eval_options *options,
    bool use_labels, oct_eval **out, oct_error *err);

#endif
