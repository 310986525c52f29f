/*
 * Which layers could be kept, in which order they are tried, and what each would cost in time.
 *
 * The order is that of blame, found in one comparison layer by layer, so that a budget cuts off those that
 * hardly matter.
 *
 * Time follows from profiles of the float, the 16-bit and the 8-bit model, measured in turns: the layer's
 * own difference, and codes converted on its way in and out, at the rate of the model's own QUANTIZE.
 */
#include <stdlib.h>
#include <string.h>

#include <octavo/bench.h>
#include <octavo/diff.h>

#include "ops/op.h"
#include "quant/recipe.h"
#include "tune/tuner.h"

enum { BLAME_SAMPLES = 8 };

static int worst_first(const void *a, const void *b)
{
    const oct_candidate *p = a, *q = b;
    if (p->blame != q->blame)
        return p->blame > q->blame ? -1 : 1;
    if (p->node != q->node)
        return p->node < q->node ? -1 : 1;
    return (p->form > q->form) - (p->form < q->form);
}

static double blame_of(const oct_diff *diff, const char *layer)
{
    for (int32_t i = 0; i < oct_diff_count(diff); i++)
        if (layer != NULL && strcmp(oct_diff_layer(diff, i)->layer, layer) == 0)
            return oct_diff_layer(diff, i)->blame;
    return 0;
}

static void add(oct_tuner *t, int32_t node, oct_mode form, const oct_diff *diff)
{
    const oct_subgraph *sub = t->plain->subgraphs[0];
    t->candidates[t->candidate_count++] = (oct_candidate){ .node = node, .form = form,
        .blame = blame_of(diff, sub->tensors[sub->nodes[node]->outputs[0]]->name) };
}

static oct_status compare_layers(const oct_tuner *t, const oct_model *base, oct_diff **diff, oct_error *err)
{
    int64_t first[BLAME_SAMPLES], count = oct_data_count(t->rank);
    oct_data *few;
    count = count < BLAME_SAMPLES ? count : BLAME_SAMPLES;
    for (int64_t i = 0; i < count; i++)
        first[i] = i;
    OCT_TRY(oct_data_subset(t->rank, first, count, &few, err));
    oct_diff_options options = { .threads = 1 };
    oct_status status = oct_diff_run(t->model, base, few, &t->choice.preprocess, &options, diff, err);
    oct_data_free(few);
    return status;
}

static double time_of(const oct_bench *bench, int32_t model, const char *tensor)
{
    int32_t count;
    const oct_op_time *times = oct_bench_profile(bench, model, &count);
    for (int32_t i = 0; i < count; i++)
        if (tensor != NULL && times[i].tensor != NULL && strcmp(times[i].tensor, tensor) == 0)
            return times[i].median_ns;
    return 0;
}

static int64_t activation_elements(const oct_subgraph *sub, const oct_node *node)
{
    int64_t elements = 0;
    for (int32_t i = 0; i < node->input_count + node->output_count; i++) {
        int32_t tensor = i < node->input_count ? node->inputs[i] : node->outputs[i - node->input_count];
        if (tensor >= 0 && sub->tensors[tensor]->type == OCT_FLOAT32 && sub->tensors[tensor]->data == NULL)
            elements += oct_tensor_elements(sub->tensors[tensor]);
    }
    return elements;
}

/* Nanoseconds for each value that QUANTIZE makes of an input. */
static double conversion_rate(const oct_tuner *t, const oct_bench *bench)
{
    const oct_subgraph *sub = t->plain->subgraphs[0];
    int32_t count;
    const oct_op_time *times = oct_bench_profile(bench, 0, &count);
    int64_t elements = 0;
    double ns = 0;
    for (int32_t i = 0; i < count; i++)
        ns += strcmp(times[i].op, "QUANTIZE") == 0 ? times[i].median_ns : 0;
    for (int32_t i = 0; i < sub->input_count; i++)
        elements += oct_tensor_elements(sub->tensors[sub->inputs[i]]);
    return elements > 0 ? ns / (double)elements : 0;
}

static void cost(oct_tuner *t, const oct_bench *bench)
{
    const oct_subgraph *sub = t->plain->subgraphs[0];
    double rate = conversion_rate(t, bench);
    for (int32_t i = 0; i < t->candidate_count; i++) {
        oct_candidate *c = &t->candidates[i];
        const oct_node *node = sub->nodes[c->node];
        const char *name = sub->tensors[node->outputs[0]]->name;
        double more = time_of(bench, c->form == OCT_MODE_FLOAT32 ? 1 : 2, name) - time_of(bench, 0, name);
        c->trial.ms = (more + rate * (double)activation_elements(sub, node)) * 1e-6;
    }
}

/* Models without a 16-bit form are profiled in the other two. */
static oct_status profile(oct_tuner *t, const oct_model *base, oct_error *err)
{
    oct_model *wide;
    int64_t bytes;
    oct_error none;
    oct_bench *bench = NULL;
    bool has_wide = oct_tune_make(t, NULL, OCT_MODE_INT16X8, &wide, &bytes, NULL, &none) == OCT_OK;
    const oct_model *models[] = { base, t->model, wide };
    oct_bench_options options = { .threads = 1, .profile = true, .rounds = 15, .seed = t->options->seed };
    oct_status status = oct_bench_run(models, has_wide ? 3 : 2, &options, &bench, err);
    if (status == OCT_OK)
        cost(t, bench);
    oct_bench_free(bench);
    oct_model_free(wide);
    return status;
}

oct_status oct_tune_list(oct_tuner *t, const oct_quant_report *report, const oct_model *base, oct_error *err)
{
    const oct_subgraph *sub = t->plain->subgraphs[0];
    t->candidates = oct_arena_array(&t->arena, 2 * (size_t)t->nodes, sizeof *t->candidates);
    if (t->candidates == NULL)
        return oct_fail_memory(err, 2 * (size_t)t->nodes * sizeof *t->candidates, "candidates");
    oct_diff *diff;
    OCT_TRY(compare_layers(t, base, &diff, err));
    for (int32_t i = 0; i < t->nodes; i++) {
        const oct_layer_note *note = oct_quant_report_note(report, i);
        const oct_op_def *def = oct_op_find(sub->nodes[i]->op);
        /* What only moves codes has nothing to gain. */
        if (strncmp(note->result, "int8", 4) != 0 || def == NULL || def->quant.link == OCT_LINK_SAME)
            continue;
        add(t, i, OCT_MODE_FLOAT32, diff);
        if (oct_node_has_form(sub->nodes[i], OCT_MODE_INT16X8))
            add(t, i, OCT_MODE_INT16X8, diff);
    }
    qsort(t->candidates, (size_t)t->candidate_count, sizeof *t->candidates, worst_first);
    oct_diff_free(diff);
    return t->options->bench_seconds < 0 ? OCT_OK : profile(t, base, err);
}
