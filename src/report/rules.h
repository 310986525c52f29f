/*
 * The decision tree: TensorFlow's published one
 * (https://ai.google.dev/edge/litert/conversion/tensorflow/quantization/post_training_quantization)
 * with every fork turned into a measurement.
 */
#ifndef OCT_REPORT_RULES_H
#define OCT_REPORT_RULES_H

#include <stdio.h>
#include "report/results.h"

/* A fork's answer for one form. */
typedef enum oct_verdict { OCT_VERDICT_YES, OCT_VERDICT_UNCLEAR, OCT_VERDICT_NO } oct_verdict;

typedef struct oct_weighing {
    const oct_results *results;
    oct_constraints constraints; /* max_drop filled in */
} oct_weighing;

/* One fork: a question every form still standing is asked. */
typedef struct oct_rule {
    const char *verdict; /* what the table says about a form that falls here: "target", "drop" */
    /** False: the fork does not arise under these constraints and data. */
    bool (*arises)(const oct_weighing *w);
    /** The question for people: "loses at most 0.50 points of accuracy?" */
    void (*question)(const oct_weighing *w, char *text, size_t size);
    /** The answer for one form, and the number it rests on for people ("97 % sure"). */
    oct_verdict (*ask)(const oct_weighing *w, const oct_row *row, char *number, size_t size);
} oct_rule;

/** The forks in the order they are taken; *count of them. Static storage. */
const oct_rule *oct_rules(int32_t *count);

/** True when forms are chosen by measured latency (this CPU is the target), else by a fixed order.
 */
bool oct_rule_measures(oct_target target);

/** Place of a form in the target's order of preference; lower is better. */
int32_t oct_rule_preference(oct_target target, const char *form);

/** The statement about "loses at most max_drop" for a row: from pairs, or from disagreement without
 * labels. */
void oct_rule_equivalence(const oct_weighing *w, const oct_row *row, oct_equivalence *out);

/** Smallest drop that the samples show to hold for a row, one-sided 95 %, 0..1. */
double oct_rule_provable_drop(const oct_weighing *w, const oct_row *row);

#endif
