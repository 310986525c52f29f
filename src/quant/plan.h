/*
 * Which parameters every tensor of an int8 model gets: the converter's propagation, as data.
 *
 * Calibrated ranges fix the parameters of activations. Operators whose operands share one set of
 * parameters spread them to neighbours that have none; what does not fit is noted as a requantization.
 * Sources: LiteRT quantization_utils.cc (RemoveRedundantStatsOps), tfl_quantization_driver.cc.
 */
#ifndef OCT_QUANT_PLAN_H
#define OCT_QUANT_PLAN_H

#include "quant/constants.h"
#include "quant/rewrite.h"

/* Some readers of a tensor need other parameters than it has. */
typedef struct oct_requant {
    oct_scheme scheme;
    bool at_producer; /* its producer makes it with these; all readers get the tensor's own */
    struct oct_requant_use {
        int32_t node, slot;
    } *uses; /* [use_count] */
    int32_t use_count, use_capacity;
    struct oct_requant *next;
} oct_requant;

typedef struct oct_state {
    bool set;
    bool fixed; /* calibrated: propagation does not change it */
    oct_scheme scheme;
    oct_requant *requants; /* in the order they were found */
    bool is_weight;        /* a constant whose values decide */
    bool is_coefficient;   /* of these: symmetric, with weight_axis */
    int32_t weight_axis;
    oct_magnitudes magnitudes;
} oct_state;

typedef struct oct_plan {
    oct_work *work;
    oct_state *states; /* [work->sub->tensor_count] */
    bool *integer;     /* [node_count]: the node computes in int8 */
} oct_plan;

/** Fills a plan for the work's graph; constants that several nodes share may be duplicated in it. */
oct_status oct_plan_make(oct_work *work, oct_plan *plan, oct_error *err);

/** Whether a tensor can be had in its planned parameters. */
bool oct_plan_reaches(const oct_plan *plan, int32_t tensor);

/** How many float inputs a node has. */
int32_t oct_node_float_inputs(const oct_work *work, const oct_node *node);

#endif
