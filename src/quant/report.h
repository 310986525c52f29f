/*
 * Building the report: one note for every node of the float graph, in its order, subgraph after subgraph.
 */
#ifndef OCT_QUANT_REPORT_H
#define OCT_QUANT_REPORT_H

#include "base/arena.h"
#include "base/error.h"
#include "graph/graph.h"
#include <octavo/quantize.h>

struct oct_quant_report {
    oct_arena arena;
    oct_layer_note *notes; /* [count] */
    int32_t count;
    struct oct_quant_report *next; /* of the next subgraph */
    bool has_quality;
    oct_quant_quality quality;
};

/** Notes with layer, operator and float weight bytes of a subgraph; results still "float32". */
oct_status oct_report_create(
    const oct_graph *graph, int32_t subgraph, oct_quant_report **out, oct_error *err);

/** What became of node `index`; result is static text, reason is formatted and copied ("" for none). */
oct_status oct_report_set(oct_quant_report *report, int32_t index, const char *result,
    oct_error *err, const char *reason, ...) __attribute__((format(printf, 5, 6)));

#endif
