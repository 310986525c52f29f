/*
 * The search: layers ranked by what each gains alone, then kept in that order as long as it pays.
 *
 * Once biases are corrected single layers gain little and few gains repeat on other samples, so a step is
 * as many of the next layers as gain 0.3 dB together where they were not ranked. Everything that decides
 * follows from samples and files, not from clocks, so that a search that is taken up again ends the same.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "eval/evaluate.h"
#include "model/model.h"
#include "quant/prepare.h"
#include "tune/tuner.h"

/* Ranking leaves some of the budget to the steps. */
static const double worth_a_step = 0.3, worth_a_rank = 0.02, share_of_ranking = 0.7;

/* Whether a share of the budget is spent. */
static bool is_spent(const oct_tuner *t, double share)
{
    double budget = t->options->budget_seconds;
    return budget > 0 && oct_tune_now() - t->began > budget * share;
}

static void tell(const oct_tuner *t, const char *what, int64_t done, int64_t total)
{
    if (t->options->progress != NULL)
        t->options->progress(t->options->progress_user, what, done, total);
}

/* Points. */

static oct_status add_point(oct_tuner *t, const oct_mode *forms, oct_mode whole, const char *name,
    oct_point **out, oct_error *err)
{
    if (t->point_count == t->point_capacity) {
        int32_t capacity = 2 * t->point_capacity + 8;
        oct_point *grown = oct_arena_array(&t->arena, (size_t)capacity, sizeof *grown);
        if (grown == NULL)
            return oct_fail_memory(err, (size_t)capacity * sizeof *grown, "points");
        if (t->point_count > 0)
            memcpy(grown, t->points, (size_t)t->point_count * sizeof *grown);
        t->points = grown;
        t->point_capacity = capacity;
    }
    oct_point *p = &t->points[t->point_count];
    *p = (oct_point){ .whole = whole };
    strncpy(p->name, name, sizeof p->name - 1);
    if (forms != NULL && (p->forms = oct_arena_copy(&t->arena, forms,
                              (size_t)t->nodes * sizeof *forms)) == NULL)
        return oct_fail_memory(err, (size_t)t->nodes * sizeof *forms, "points");
    t->point_count++;
    *out = p;
    return OCT_OK;
}

static oct_status start(oct_tuner *t, oct_quant_report **report, oct_error *err)
{
    oct_point *base;
    oct_mode *none = oct_arena_array(&t->arena, (size_t)t->nodes, sizeof *none);
    if (none == NULL)
        return oct_fail_memory(err, (size_t)t->nodes * sizeof *none, "layers");
    for (int32_t i = 0; i < t->nodes; i++)
        none[i] = OCT_MODE_COUNT;
    OCT_TRY(add_point(t, none, t->options->mode, oct_mode_name(t->options->mode), &base, err));
    OCT_TRY(oct_tune_make(t, none, t->options->mode, &base->model, &base->trial.bytes, report, err));
    base->trial.ok = 1;
    return oct_tune_measure(t, base->model, base->model, t->verify, true, &base->trial, err);
}

/* Forms of the whole model to compare with; one that cannot be made is left out. */
static oct_status add_whole(oct_tuner *t, oct_mode mode, oct_error *err)
{
    oct_point *p;
    oct_model *model;
    oct_error refused = { 0 };
    int64_t bytes;
    oct_status status = oct_tune_make(t, NULL, mode, &model, &bytes, NULL, &refused);
    if (status == OCT_E_UNSUPPORTED)
        return OCT_OK;
    if (status != OCT_OK && err != NULL)
        *err = refused;
    OCT_TRY(status);
    status = add_point(t, NULL, mode, oct_mode_name(mode), &p, err);
    if (status != OCT_OK) {
        oct_model_free(model);
        return status;
    }
    p->model = model;
    p->trial.bytes = bytes;
    p->trial.ok = 1;
    return oct_tune_measure(t, t->points[0].model, model, t->verify, true, &p->trial, err);
}

/* Ranking. */

static oct_status rank_one(oct_tuner *t, oct_candidate *c, oct_error *err)
{
    const oct_point *base = &t->points[0];
    oct_mode *forms = base->forms; /* changed for a moment */
    oct_model *model;
    oct_error refused = { 0 };
    forms[c->node] = c->form;
    oct_status status =
        oct_tune_make(t, forms, t->options->mode, &model, &c->trial.bytes, NULL, &refused);
    forms[c->node] = OCT_MODE_COUNT;
    c->trial.ok = status == OCT_OK;
    if (status == OCT_E_UNSUPPORTED || status == OCT_E_INVALID)
        return OCT_OK; /* it is no candidate after all */
    if (status != OCT_OK && err != NULL)
        *err = refused;
    OCT_TRY(status);
    status = oct_tune_measure(t, base->model, model, t->rank, false, &c->trial, err);
    oct_model_free(model);
    return status;
}

static int by_score(const void *a, const void *b)
{
    const oct_candidate *p = *(const oct_candidate *const *)a, *q = *(const oct_candidate *const *)b;
    if (p->score != q->score)
        return p->score > q->score ? -1 : 1;
    return p < q ? -1 : p > q;
}

/* Decibels for each percent that the model grows, in bytes or in time, and a percent for being there. */
static void score(oct_tuner *t, oct_candidate *c, double base_ms)
{
    double bytes = (double)(c->trial.bytes - t->points[0].trial.bytes) / (double)t->points[0].trial.bytes;
    double more = t->options->cost == OCT_TUNE_TIME ? c->trial.ms / fmax(base_ms, 1e-6) : bytes;
    c->score = c->trial.gain / (0.01 + fmax(more, 0));
}

static oct_status order_candidates(oct_tuner *t, oct_error *err)
{
    size_t count = (size_t)t->candidate_count;
    oct_candidate **list = oct_arena_array(&t->arena, count, sizeof *list);
    t->order = oct_arena_array(&t->arena, count, sizeof *t->order);
    double base_ms = 0;
    if (list == NULL || t->order == NULL)
        return oct_fail_memory(err, count * sizeof *list, "candidates");
    for (size_t i = 0; i < count; i++)
        base_ms += fabs(t->candidates[i].trial.ms);
    for (int32_t i = 0; i < t->candidate_count; i++) {
        oct_candidate *c = &t->candidates[i];
        if (!c->known || !c->trial.ok || c->trial.gain < worth_a_rank)
            continue;
        score(t, c, base_ms);
        list[t->ranked++] = c;
    }
    qsort(list, (size_t)t->ranked, sizeof *list, by_score);
    for (int32_t i = 0; i < t->ranked; i++)
        t->order[i] = (int32_t)(list[i] - t->candidates);
    return OCT_OK;
}

/* Slots of the journal: costs in time, ranks, steps. */
static oct_status rank_all(oct_tuner *t, oct_error *err)
{
    for (int32_t i = 0; i < t->candidate_count; i++) {
        oct_candidate *c = &t->candidates[i];
        if (!oct_tune_recall(t, i, &c->trial))
            OCT_TRY(oct_tune_note(t, i, &c->trial, err));
    }
    for (int32_t i = 0; i < t->candidate_count; i++) {
        oct_candidate *c = &t->candidates[i];
        double ms = c->trial.ms;
        c->known = oct_tune_recall(t, t->candidate_count + i, &c->trial);
        if (!c->known && !is_spent(t, share_of_ranking)) {
            OCT_TRY(rank_one(t, c, err));
            c->trial.ms = ms;
            c->known = true;
            OCT_TRY(oct_tune_note(t, t->candidate_count + i, &c->trial, err));
        }
        tell(t, "ranking layers", i + 1, t->candidate_count);
    }
    return order_candidates(t, err);
}

/* Steps. */

static int32_t kept_layers(const oct_tuner *t, const oct_mode *forms)
{
    int32_t count = 0;
    for (int32_t i = 0; i < t->nodes; i++)
        count += forms[i] != OCT_MODE_COUNT;
    return count;
}

static oct_status try_step(oct_tuner *t, const oct_point *from, const oct_mode *forms, oct_model **model,
    oct_trial *trial, oct_error *err)
{
    int64_t slot = 2 * (int64_t)t->candidate_count + t->tries++;
    bool known = oct_tune_recall(t, slot, trial);
    OCT_TRY(oct_tune_make(t, forms, t->options->mode, model, &trial->bytes, NULL, err));
    trial->ok = 1;
    if (known)
        return OCT_OK;
    OCT_TRY(oct_tune_measure(t, from->model, *model, t->verify, true, trial, err));
    return oct_tune_note(t, slot, trial, err);
}

static oct_status accept(oct_tuner *t, const oct_mode *forms, oct_model *model, const oct_trial *trial,
    oct_error *err)
{
    char name[32];
    oct_point *p;
    snprintf(name, sizeof name, "%s + %d", oct_mode_name(t->options->mode), (int)kept_layers(t, forms));
    OCT_TRY(add_point(t, forms, t->options->mode, name, &p, err));
    p->model = model;
    p->trial = *trial;
    t->last = t->point_count - 1;
    return OCT_OK;
}

/* The next `count` layers of the ranking are kept, too, unless they are already. */
static void keep_next(const oct_tuner *t, int32_t at, int32_t count, oct_mode *forms)
{
    for (int32_t i = at; i < at + count; i++) {
        const oct_candidate *c = &t->candidates[t->order[i]];
        if (forms[c->node] == OCT_MODE_COUNT)
            forms[c->node] = c->form;
    }
}

static bool goes_on(const oct_tuner *t)
{
    return t->options->whole_front || !t->points[t->last].trial.loss.holds;
}

/*
 * The smallest model with which the bound holds on the samples that verify, or the search's last one. With
 * many layers kept the whole in 16 bits can be smaller; float is what all are compared with.
 */
static int32_t choose(const oct_tuner *t)
{
    int32_t best = -1;
    for (int32_t i = 0; i < t->point_count; i++) {
        const oct_point *p = &t->points[i];
        if (p->trial.loss.holds && (p->forms != NULL || p->whole == OCT_MODE_INT16X8) &&
            (best < 0 || p->trial.bytes < t->points[best].trial.bytes))
            best = i;
    }
    return best < 0 ? t->last : best;
}

static oct_status search(oct_tuner *t, oct_mode *forms, const char **ended, oct_error *err)
{
    size_t bytes = (size_t)t->nodes * sizeof *forms;
    int32_t at = 0, batch = 1;
    *ended = "all layers left gain less than 0.3 dB together";
    while (goes_on(t) && at < t->ranked) {
        int32_t count = batch < t->ranked - at ? batch : t->ranked - at;
        oct_trial trial = { 0 };
        oct_model *model = NULL;
        if (is_spent(t, 1)) {
            *ended = "the time is up";
            return OCT_OK;
        }
        memcpy(forms, t->points[t->last].forms, bytes);
        keep_next(t, at, count, forms);
        oct_status status = try_step(t, &t->points[t->last], forms, &model, &trial, err);
        bool pays = status == OCT_OK && trial.gain >= worth_a_step && trial.gain_low > 0;
        if (pays)
            status = accept(t, forms, model, &trial, err);
        if (!pays || status != OCT_OK)
            oct_model_free(model);
        OCT_TRY(status);
        tell(t, "keeping layers", at + count, t->ranked);
        if (!pays && at + count == t->ranked)
            return OCT_OK;
        at += pays ? count : 0;
        batch = pays ? (count + 1) / 2 : 2 * batch;
    }
    if (!goes_on(t))
        *ended = "the bound holds on the samples that verify";
    return OCT_OK;
}

/* All of it. */

static oct_status open_journal(oct_tuner *t, const oct_data *data, oct_error *err)
{
    const oct_tune_options *o = t->options;
    char digest[65], key[65], text[4096];
    void *file = NULL;
    size_t size;
    if (o->resume == NULL)
        return OCT_OK;
    OCT_TRY(oct_model_serialize(t->model, &file, &size, err));
    oct_sha256(file, size, digest);
    free(file);
    int length = snprintf(text, sizeof text, "tune %s %.1500s %lld %.1500s %lld %d %d %.17g %d %d %s %llu %d",
        digest, oct_data_spec(data), (long long)oct_data_count(data), oct_data_spec(t->calib),
        (long long)oct_data_count(t->calib), (int)o->mode, (int)o->effort, o->max_drop, (int)o->cost, o->whole_front,
        t->choice.preprocess.name, (unsigned long long)o->seed, o->bench_seconds < 0);
    oct_sha256(text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1, key);
    return oct_journal_open(
        o->resume, key, sizeof(oct_trial), 4 * (int64_t)t->candidate_count + 64, &t->journal, err);
}

static oct_status look_for_layers(oct_tuner *t, oct_error *err)
{
    oct_quant_report *report = NULL;
    OCT_TRY(oct_quant_prepare(t->model->graph, &t->plain, err));
    t->nodes = t->plain->subgraphs[0]->node_count;
    oct_status status = start(t, &report, err);
    if (status == OCT_OK)
        status = oct_tune_list(t, report, t->points[0].model, err);
    oct_quant_report_free(report);
    return status;
}

static oct_status verify(oct_tuned *tuned, oct_error *err)
{
    oct_tuner *t = &tuned->t;
    oct_point *chosen = &t->points[t->chosen];
    const oct_model *models[] = { t->model, chosen->model };
    oct_eval_options options = { .threads = t->options->threads,
        .label_offset = t->choice.label_offset,
        .seed = t->options->seed,
        .progress = t->options->progress,
        .progress_user = t->options->progress_user };
    oct_eval *eval;
    chosen->chosen = true;
    OCT_TRY(oct_evaluate(models, 2, t->held, &t->choice.preprocess, &options, &eval, err));
    tuned->measure = oct_tune_measure_name(eval);
    oct_status status = oct_tune_loss(eval, 1, t->options->max_drop, &tuned->held, err);
    oct_eval_free(eval);
    return status;
}

static oct_status run(oct_tuned *tuned, const oct_data *data, oct_error *err)
{
    oct_tuner *t = &tuned->t;
    OCT_TRY(oct_tune_split(t, data, err));
    OCT_TRY(look_for_layers(t, err));
    OCT_TRY(open_journal(t, data, err));
    oct_mode *forms = oct_arena_array(&t->arena, (size_t)t->nodes, sizeof *forms);
    if (forms == NULL)
        return oct_fail_memory(err, (size_t)t->nodes * sizeof *forms, "layers");
    if (goes_on(t))
        OCT_TRY(rank_all(t, err));
    OCT_TRY(search(t, forms, &tuned->ended, err));
    OCT_TRY(add_whole(t, OCT_MODE_INT16X8, err));
    OCT_TRY(add_whole(t, OCT_MODE_FLOAT32, err));
    t->chosen = choose(t);
    OCT_TRY(oct_tune_weigh(t, err));
    OCT_TRY(verify(tuned, err));
    const oct_point *chosen = &t->points[t->chosen];
    return oct_tune_recipe(t, chosen->forms, chosen->whole, &tuned->recipe, err);
}

/* What was borrowed, and what stands on it. */
static void let_go(oct_tuner *t, bool done)
{
    oct_data **parts[] = { &t->calib, &t->rank, &t->verify, &t->held };
    oct_journal_close(t->journal, done);
    oct_data_view_free(t->view);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        t->counts[i] = *parts[i] == NULL ? 0 : oct_data_count(*parts[i]);
        oct_data_free(*parts[i]);
        *parts[i] = NULL;
    }
    t->journal = NULL;
    t->view = NULL;
    t->model = NULL;
}

oct_status oct_tune(const oct_model *model, const oct_data *data, const oct_tune_options *options,
    oct_tuned **out, oct_error *err)
{
    *out = NULL;
    if (options->mode != OCT_MODE_INT8 && options->mode != OCT_MODE_INT8_FULL)
        return oct_fail(err, OCT_E_USAGE, "%s: layers are kept in models of int8 or int8-full",
            oct_mode_name(options->mode));
    if (!(options->max_drop >= 0 && options->max_drop < 1))
        return oct_fail(err, OCT_E_USAGE, "a bound of %g is not in 0 … 1", options->max_drop);
    oct_tuned *tuned = calloc(1, sizeof *tuned);
    if (tuned == NULL)
        return oct_fail_memory(err, sizeof *tuned, "a search");
    tuned->t.model = model;
    tuned->options = *options;
    tuned->t.options = &tuned->options;
    tuned->t.began = oct_tune_now();
    oct_status status = run(tuned, data, err);
    let_go(&tuned->t, status == OCT_OK);
    if (status == OCT_OK)
        *out = tuned;
    else
        oct_tuned_free(tuned);
    return status;
}

void oct_tuned_free(oct_tuned *tuned)
{
    if (tuned == NULL)
        return;
    oct_tuner *t = &tuned->t;
    for (int32_t i = 0; i < t->point_count; i++)
        oct_model_free(t->points[i].model);
    oct_graph_free(t->plain);
    oct_arena_free(&t->arena);
    free(tuned->recipe);
    free(tuned);
}

bool oct_tuned_holds(const oct_tuned *tuned)
{
    return tuned->held.holds != 0;
}

const char *oct_tuned_recipe(const oct_tuned *tuned)
{
    return tuned->recipe;
}

const oct_model *oct_tuned_model(const oct_tuned *tuned)
{
    return tuned->t.points[tuned->t.chosen].model;
}
