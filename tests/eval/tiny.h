/*
 * A classifier small enough to be computed by hand: x [1, 8] -> FULLY_CONNECTED -> SOFTMAX -> y [1,
 * 7], with seeded weights, and data sets whose labels are its answers under a known preprocessing.
 */
#ifndef OCT_TESTS_EVAL_TINY_H
#define OCT_TESTS_EVAL_TINY_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eval/random.h"
#include "exec/build.h"
#include "model/model.h"

enum { TINY_INPUTS = 8, TINY_CLASSES = 7 };

typedef struct tiny {
    float weights[TINY_CLASSES][TINY_INPUTS];
    oct_model *model;
} tiny;

/* Weights differ from those of noise 0 by up to `noise`. */
static inline tiny tiny_create(float noise)
{
    tiny t = { .model = NULL };
    oct_random random = oct_random_seed(11), other = oct_random_seed(12);
    for (int k = 0; k < TINY_CLASSES; k++)
        for (int i = 0; i < TINY_INPUTS; i++)
            t.weights[k][i] = (float)(oct_random_uniform(&random) * 4 - 2) +
                              noise * (float)(oct_random_uniform(&other) * 2 - 1);
    builder b = build_begin();
    const int32_t x_dims[] = { 1, TINY_INPUTS }, y_dims[] = { 1, TINY_CLASSES };
    const int32_t w_dims[] = { TINY_CLASSES, TINY_INPUTS };
    int32_t x = build_tensor(&b, "x", OCT_FLOAT32, 2, x_dims);
    int32_t w = build_constant(&b, "w", OCT_FLOAT32, 2, w_dims, t.weights);
    int32_t logits = build_tensor(&b, "logits", OCT_FLOAT32, 2, y_dims);
    int32_t y = build_tensor(&b, "y", OCT_FLOAT32, 2, y_dims);
    build_node(&b, OCT_OP_FULLY_CONNECTED, x, w, logits, OCT_OPTIONS_FullyConnected);
    oct_softmax_options *softmax =
        build_node(&b, OCT_OP_SOFTMAX, logits, -1, y, OCT_OPTIONS_Softmax)->options;
    softmax->beta = 1;
    build_end(&b, x, y);
    assert_int_equal(oct_model_create(b.graph, "tflite", &t.model, NULL), OCT_OK);
    return t;
}

/* Softmax of the model for one input, in double. */
static inline void tiny_probabilities(const tiny *t, const float *x, double p[TINY_CLASSES])
{
    double sum = 0;
    for (int k = 0; k < TINY_CLASSES; k++) {
        double logit = 0;
        for (int i = 0; i < TINY_INPUTS; i++)
            logit += (double)t->weights[k][i] * (double)x[i];
        sum += p[k] = exp(logit);
    }
    for (int k = 0; k < TINY_CLASSES; k++)
        p[k] /= sum;
}

/* Place of a label among the outputs for one input: 0 is the answer. */
static inline int tiny_place(const tiny *t, const float *x, int label)
{
    double p[TINY_CLASSES];
    int place = 0;
    tiny_probabilities(t, x, p);
    for (int k = 0; k < TINY_CLASSES; k++)
        place += p[k] > p[label];
    return place;
}

static inline int tiny_answer(const tiny *t, const float *x)
{
    for (int k = 0; k < TINY_CLASSES; k++)
        if (tiny_place(t, x, k) == 0)
            return k;
    return -1;
}

#endif
