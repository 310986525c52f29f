/*
 * Quantization of a model object.
 */
#include <octavo/quantize.h>

#include "model/model.h"
#include "model/statistics.h"
#include "quant/prepare.h"
#include "quant/quant.h"
#include "quant/recipe.h"

oct_status oct_quantize(const oct_model *model, const oct_quant_options *options, oct_model **out,
    oct_quant_report **report, oct_error *err)
{
    oct_graph *graph;
    *out = NULL;
    if (options->statistics != NULL)
        OCT_TRY(oct_statistics_fit(model, options, err));
    OCT_TRY(oct_quantize_graph(model->graph, options, &graph, report, err));
    oct_status status = oct_model_create(graph, model->source, out, err);
    if (status != OCT_OK && report != NULL) {
        oct_quant_report_free(*report);
        *report = NULL;
    }
    return status;
}

oct_status oct_recipe_resolve(const oct_model *model, const oct_quant_options *options, char **text,
    char **unused, oct_error *err)
{
    oct_graph *plain;
    *text = NULL;
    if (unused != NULL)
        *unused = NULL;
    OCT_TRY(oct_quant_prepare(model->graph, &plain, err));
    oct_status status = oct_recipe_resolve_graph(plain, options, text, unused, err);
    oct_graph_free(plain);
    return status;
}
