/*
 * A comparison under way: what is made and measured before it becomes a document.
 */
#ifndef OCT_REPORT_COMPARISON_H
#define OCT_REPORT_COMPARISON_H

#include <octavo/compare.h>
#include <octavo/cost.h>
#include <octavo/diff.h>
#include "report/results.h"
#include "tflite/tflite.h"

enum { OCT_BLAMED = 5 };

/* One form. */
typedef struct oct_made {
    oct_variant variant;
    char name[48];            /* of the variant; "int8#2" for the second given file of one */
    bool by_recipe;           /* made by options->recipe; `variant` is then what its types say */
    bool ok;
    oct_error failure;        /* why not */
    oct_model *model;         /* read back from the bytes that were written: what users ship */
    oct_quant_report *report; /* NULL for float32 */
    size_t bytes;
    char sha256[65];
    oct_tflite_ledger ledger;
    double seconds; /* to quantize and serialise */
    char file[256]; /* name in the folder, or of the given file; "" when not written */
    oct_diff *diff; /* layer by layer against float32; NULL for float32 */
    const oct_layer_error *blamed[OCT_BLAMED]; /* [blamed_count] of diff, worst first */
    oct_layer_cost costs[OCT_BLAMED];          /* of keeping each in float */
    int32_t blamed_count;
    int32_t index;  /* place among the models evaluated and measured; -1: none */
} oct_made;

typedef struct oct_comparison {
    const oct_model *model;
    const oct_data *data;
    const oct_compare_options *options;
    oct_made made[OCT_MAX_ROWS];
    int32_t made_count;
    oct_preprocess_choice choice;
    oct_data *calib_part, *eval_part; /* owned subsets, NULL where the caller's data is used */
    const oct_data *calib, *eval_data;
    int64_t calib_samples;
    bool held_out; /* calibration samples came from data and are kept out of the accuracy */
    const oct_model *models[OCT_MAX_ROWS];
    int32_t model_count;
    oct_eval *eval;
    oct_bench *bench; /* NULL: not measured */
    struct oct_other *other; /* the forms in options->other; NULL: none */
    oct_eval *device_eval; /* the same on options->device; NULL: not measured there */
    oct_bench *device_bench;
    oct_error device_failure; /* the first one there; OCT_OK: none */
} oct_comparison;

/** What a graph's types say it is; weights of 8 bits alone make it dynamic. */
oct_variant oct_variant_of(const oct_graph *graph);

/**
 * Reads options->given[index] into c->made[index]: model, bytes, digest, ledger, variant and name.
 * Errors: those of oct_model_load(), OCT_E_USAGE when the first file is not float32.
 */
oct_status oct_comparison_take(oct_comparison *c, int32_t index, oct_error *err);

/** The document of a finished comparison, without advice. *out is the caller's. Errors:
 * OCT_E_MEMORY. */
oct_status oct_comparison_document(const oct_comparison *c, json_t **out, oct_error *err);

#endif
