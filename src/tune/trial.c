/*
 * One trial: a set of layers made into a model and measured beside the float one.
 *
 * Of a sample the errors of both models that are compared are known, so the gain's interval is drawn from
 * samples, not from models: the bootstrap of the ratio of summed squared errors.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include <octavo/recipe.h>

#include "eval/evaluate.h"
#include "eval/stats.h"
#include "ops/op.h"
#include "tune/tuner.h"

double oct_tune_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

oct_status oct_tune_recipe(
    const oct_tuner *t, const oct_mode *forms, oct_mode whole, char **text, oct_error *err)
{
    const oct_subgraph *sub = t->plain->subgraphs[0];
    char label[512];
    json_t *rules = json_array();
    for (int32_t i = 0; i < t->nodes && forms != NULL; i++)
        if (forms[i] != OCT_MODE_COUNT)
            json_array_append_new(rules,
                json_pack("{s:s, s:s, s:s}", "layer",
                    oct_tensor_label(sub, sub->nodes[i]->outputs[0], label, sizeof label), "op",
                    oct_builtin_name(sub->nodes[i]->op), "keep",
                    forms[i] == OCT_MODE_FLOAT32 ? "float" : "16-bit"));
    json_t *root = json_pack("{s:i, s:{s:s, s:s}, s:o}", "octavo_recipe", 1, "default", "form",
        oct_mode_name(whole), "effort", oct_effort_name(t->options->effort), "rules", rules);
    char *lines = root == NULL ? NULL : json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    *text = lines == NULL ? NULL : realloc(lines, strlen(lines) + 2);
    if (*text == NULL) {
        free(lines);
        return oct_fail_memory(err, (size_t)t->nodes, "a recipe");
    }
    strcat(*text, "\n");
    return OCT_OK;
}

static oct_status size_of(const oct_model *model, int64_t *bytes, oct_error *err)
{
    void *file = NULL;
    size_t size;
    OCT_TRY(oct_model_serialize(model, &file, &size, err));
    *bytes = (int64_t)size;
    free(file);
    return OCT_OK;
}

oct_status oct_tune_make(const oct_tuner *t, const oct_mode *forms, oct_mode whole, oct_model **out,
    int64_t *bytes, oct_quant_report **report, oct_error *err)
{
    oct_quant_options quant = { .mode = whole,
        .effort = t->options->effort,
        .calib = oct_data_view_samples(t->view),
        .threads = t->options->threads };
    oct_recipe *recipe = NULL;
    oct_status status = OCT_OK;
    *out = NULL;
    if (forms != NULL) {
        char *text;
        OCT_TRY(oct_tune_recipe(t, forms, whole, &text, err));
        status = oct_recipe_parse(text, strlen(text), "the recipe", &recipe, err);
        free(text);
        quant.recipe = recipe;
    }
    if (status == OCT_OK)
        status = oct_quantize(t->model, &quant, out, report, err);
    if (status == OCT_OK)
        status = size_of(*out, bytes, err);
    oct_recipe_free(recipe);
    if (status != OCT_OK) {
        oct_model_free(*out);
        *out = NULL;
    }
    return status;
}

/* rows are {squared error before, squared error now} of samples. */
static double gain_of(const void *unused, const double *sums)
{
    (void)unused;
    return 10 * log10(fmax(sums[0], 1e-30) / fmax(sums[1], 1e-30));
}

static oct_status measure_gain(const oct_eval *eval, uint64_t seed, oct_trial *trial, oct_error *err)
{
    double *rows = malloc((size_t)eval->samples * 2 * sizeof *rows), sums[2] = { 0, 0 };
    oct_interval interval = { 0, 0 };
    if (rows == NULL)
        return oct_fail_memory(err, (size_t)eval->samples * 2 * sizeof *rows, "errors");
    for (int64_t i = 0; i < eval->samples; i++) {
        const oct_outcome *of = &eval->outcomes[i * eval->models];
        rows[2 * i] = of[1].noise;
        rows[2 * i + 1] = of[2].noise;
        sums[0] += of[1].noise;
        sums[1] += of[2].noise;
    }
    oct_status status =
        oct_bootstrap_measure(rows, eval->samples, 2, gain_of, NULL, seed, &interval, err);
    trial->gain = gain_of(NULL, sums);
    trial->gain_low = interval.low;
    trial->gain_high = interval.high;
    free(rows);
    return status;
}

oct_status oct_tune_measure(const oct_tuner *t, const oct_model *before, const oct_model *model,
    const oct_data *samples, bool loss, oct_trial *trial, oct_error *err)
{
    const oct_model *models[] = { t->model, before, model };
    oct_eval_options options = { .threads = t->options->threads,
        .label_offset = t->choice.label_offset,
        .seed = t->options->seed };
    oct_eval *eval;
    OCT_TRY(oct_evaluate(models, 3, samples, &t->choice.preprocess, &options, &eval, err));
    oct_status status = measure_gain(eval, t->options->seed, trial, err);
    trial->sqnr = oct_eval_paired(eval, 2)->sqnr_db;
    if (status == OCT_OK && loss)
        status = oct_tune_loss(eval, 2, t->options->max_drop, &trial->loss, err);
    oct_eval_free(eval);
    return status;
}

bool oct_tune_recall(const oct_tuner *t, int64_t slot, oct_trial *trial)
{
    return t->journal != NULL && oct_journal_take(t->journal, slot, trial);
}

oct_status oct_tune_note(oct_tuner *t, int64_t slot, const oct_trial *trial, oct_error *err)
{
    return t->journal == NULL ? OCT_OK : oct_journal_add(t->journal, slot, trial, err);
}
