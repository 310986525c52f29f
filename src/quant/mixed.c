/*
 * Layers of different forms in one graph: a pass of each form's quantizer over the layers that are its own.
 *
 * int8 goes first, since it may give constants copies; int16 next, which finds the int8 tensors it reads
 * through their DEQUANTIZE. Where forms meet, codes go through float, or by one QUANTIZE from code to code.
 */
#include <stdlib.h>

#include "quant/boundary.h"
#include "quant/rewrite.h"
#include "quant/settings.h"

static const struct {
    oct_mode form;
    oct_status (*quantize)(oct_work *work, oct_error *err);
} passes[] = {
    { OCT_MODE_INT8, oct_quantize_int8 },
    { OCT_MODE_INT16X8, oct_quantize_int16x8 },
    { OCT_MODE_DYNAMIC, oct_quantize_dynamic },
    { OCT_MODE_WEIGHT_ONLY, oct_quantize_dynamic },
    { OCT_MODE_FLOAT16, oct_quantize_float16 },
};

/* Conversions that nothing reads any more. */
static void remove_unread(oct_work *work)
{
    for (int32_t i = work->sub->node_count - 1; i >= 0; i--) {
        const oct_node *node = work->sub->nodes[i];
        const oct_op_def *def = oct_op_find(node->op);
        if (oct_work_index(work, node) < 0 && def != NULL &&
            (def->traits & (OCT_TRAIT_DEQUANTIZES | OCT_TRAIT_QUANTIZES)) != 0 &&
            oct_graph_use_count(work->sub, node->outputs[0]) == 0)
            oct_graph_remove_node(work->sub, i);
    }
}

oct_status oct_quantize_mixed(oct_work *work, oct_error *err)
{
    for (int32_t i = 0; i < work->node_count; i++)
        if (work->settings->of[i].form == OCT_MODE_FLOAT32)
            OCT_TRY(oct_report_set(work->report, i, "float32", err, "the recipe keeps it"));
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
        work->form = passes[i].form;
        if (oct_settings_have(work->settings, work->form))
            OCT_TRY(passes[i].quantize(work, err));
    }
    remove_unread(work);
    return work->options->mode == OCT_MODE_INT8_FULL ? oct_boundary_to_integer(work, err) : OCT_OK;
}
