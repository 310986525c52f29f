/*
 * Latency in both engines is measured in one benchmark, Octavo's sessions first, so that the ratio
 * of the two for one form comes from the same rounds.
 */
#include "report/other.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "engine/engine.h"
#include "eval/stats.h"

struct oct_other {
    const oct_engine *engine;
    int32_t count;               /* forms it takes */
    int32_t place[OCT_MAX_ROWS]; /* of made[i] among them; -1: refused or not made */
    oct_error refused[OCT_MAX_ROWS];
    const oct_model *models[2 * OCT_MAX_ROWS]; /* [count] for one engine, then for the other */
    const oct_engine *engines[2 * OCT_MAX_ROWS];
    int32_t threads;
    oct_eval *eval;
    oct_bench *bench; /* NULL: not measured */
};

static oct_status try_form(const oct_engine *engine, const oct_model *model, oct_error *err)
{
    oct_runner *runner = NULL;
    oct_session_options options = { .threads = 1, .batch = 1 };
    oct_status status = oct_runner_create(engine, model, &options, &runner, err);
    if (status == OCT_OK)
        status = oct_runner_run(runner, err);
    oct_runner_free(runner);
    return status;
}

static void choose_forms(oct_other *o, const oct_comparison *c)
{
    for (int32_t i = 0; i < c->made_count; i++) {
        o->place[i] = -1;
        if (!c->made[i].ok || try_form(o->engine, c->made[i].model, &o->refused[i]) != OCT_OK)
            continue;
        o->place[i] = o->count;
        o->models[o->count++] = c->made[i].model;
    }
    for (int32_t k = 0; k < o->count; k++) {
        o->models[o->count + k] = o->models[k];
        o->engines[o->count + k] = o->engine;
    }
}

oct_status oct_other_measure(const oct_comparison *c, const oct_engine *engine,
    const oct_eval_options *eval, const oct_bench_options *bench, oct_other **out, oct_error *err)
{
    *out = NULL;
    oct_other *o = calloc(1, sizeof *o);
    if (o == NULL)
        return oct_fail_memory(err, sizeof *o, "comparison");
    o->engine = engine;
    choose_forms(o, c);
    oct_eval_options there = *eval;
    there.engines = o->engines + o->count;
    there.resume = NULL;
    there.group = NULL;
    oct_status status = o->count == 0 ? OCT_OK
                                      : oct_evaluate(o->models, o->count, c->eval_data,
                                            &c->choice.preprocess, &there, &o->eval, err);
    if (status == OCT_OK && bench != NULL && o->count > 0) {
        oct_bench_options both = *bench;
        both.engines = o->engines;
        both.profile = false;
        status = oct_bench_run(o->models, 2 * o->count, &both, &o->bench, err);
    }
    if (status != OCT_OK) {
        oct_other_free(o);
        return status;
    }
    *out = o;
    return OCT_OK;
}

void oct_other_free(oct_other *o)
{
    if (o == NULL)
        return;
    oct_eval_free(o->eval);
    oct_bench_free(o->bench);
    free(o);
}

/* Median over rounds of one subject's time by another's. */
static json_t *ratio_json(const oct_bench *bench, int32_t subject, int32_t to)
{
    int32_t rounds = oct_bench_latency(bench, 0)->rounds;
    double *ratios = malloc((size_t)rounds * sizeof *ratios);
    if (ratios == NULL)
        return NULL;
    for (int32_t i = 0; i < rounds; i++)
        ratios[i] = oct_bench_times(bench, subject)[i] / oct_bench_times(bench, to)[i];
    oct_sort(ratios, rounds);
    oct_interval interval = oct_median_interval(ratios, rounds);
    double median = oct_quantile(ratios, rounds, 0.5);
    free(ratios);
    return json_pack(
        "{s:f, s:f, s:f}", "value", median, "low", interval.low, "high", interval.high);
}

static json_t *latency_json(const oct_other *o, int32_t place)
{
    int32_t there = o->count + place;
    const oct_latency *l = oct_bench_latency(o->bench, there);
    json_t *times = json_array();
    for (int32_t i = 0; i < l->rounds; i++)
        json_array_append_new(
            times, json_integer((json_int_t)(oct_bench_times(o->bench, there)[i] + 0.5)));
    return json_pack("{s:{s:f, s:f, s:f}, s:o, s:o, s:o}", "median_ns", "value", l->median_ns,
        "low", l->median_interval.low, "high", l->median_interval.high, "ratio",
        ratio_json(o->bench, there, o->count), "to_octavo", ratio_json(o->bench, there, place),
        "times_ns", times);
}

/* Samples to which both engines give the same answer. */
static int64_t count_same(const oct_other *o, const oct_comparison *c, int32_t place, int32_t index)
{
    int64_t same = 0;
    for (int64_t i = 0; i < oct_eval_sample_count(o->eval); i++)
        same += oct_eval_answer(o->eval, place, i) == oct_eval_answer(c->eval, index, i);
    return same;
}

json_t *oct_other_json(const oct_other *o, const oct_comparison *c, int32_t index)
{
    int32_t place = o->place[index];
    const char *name = oct_engine_name(o->engine);
    json_t *entry =
        json_pack("{s:s, s:b, s:i, s:s}", "engine", name, "xnnpack", strcmp(name, "litert") == 0,
            "threads", o->bench == NULL ? 1 : (int)oct_bench_threads(o->bench), "status",
            place < 0 ? "failed" : "ok");
    if (place < 0) {
        json_object_set_new(entry, "reason", oct_report_text(o->refused[index].text));
        return entry;
    }
    const oct_metrics *m = oct_eval_metrics(o->eval, place);
    json_object_set_new(entry, "samples", json_integer(m->samples));
    json_object_set_new(
        entry, "same_as_octavo", json_integer(count_same(o, c, place, c->made[index].index)));
    if (m->has_labels)
        json_object_set_new(entry, "top1", json_integer(m->top1));
    if (o->bench != NULL)
        json_object_set_new(entry, "latency", latency_json(o, place));
    return entry;
}

/* The table. */

static double value_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(json_object_get(object, key), "value"));
}

static void line(FILE *out, const char *form, const json_t *entry)
{
    const json_t *latency = json_object_get(entry, "latency");
    const char *reason = json_string_value(json_object_get(entry, "reason"));
    const json_t *top1 = json_object_get(entry, "top1"),
                 *same = json_object_get(entry, "same_as_octavo");
    fprintf(out, "%-16s %-15s ", form, json_string_value(json_object_get(entry, "engine")));
    if (reason != NULL) {
        fprintf(out, "refused: %.60s\n", reason);
        return;
    }
    json_int_t samples = json_integer_value(json_object_get(entry, "samples"));
    char text[40] = "—";
    if (top1 != NULL && samples > 0)
        snprintf(
            text, sizeof text, "%.2f %%", 100 * (double)json_integer_value(top1) / (double)samples);
    fprintf(out, "%-9s%s ", text, top1 == NULL ? "  " : ""); /* a dash has three bytes, one column */
    snprintf(text, sizeof text, "—");
    if (same != NULL)
        snprintf(text, sizeof text, "%lld", (long long)(samples - json_integer_value(same)));
    fprintf(out, "%-15s ", text);
    if (latency == NULL) {
        fputc('\n', out);
        return;
    }
    fprintf(out, "%-9s %-8.2f", oct_format_ns(value_of(latency, "median_ns"), text, sizeof text),
        value_of(latency, "ratio"));
    if (json_object_get(latency, "to_octavo") != NULL)
        fprintf(out, " %.2f", value_of(latency, "to_octavo"));
    fputc('\n', out);
}

void oct_other_table(FILE *out, const oct_results *results)
{
    size_t at, k;
    json_t *form, *entry;
    bool titled = false;
    json_array_foreach(json_object_get(results->root, "forms"), at, form)
    {
        json_array_foreach(json_object_get(form, "engines"), k, entry)
        {
            if (!titled)
                fprintf(out, "\n%-16s %-15s %-9s %-15s %-9s %-8s %s\n", "form", "engine",
                    "accuracy", "other answers", "latency", "× float", "× octavo");
            titled = true;
            line(out, json_string_value(json_object_get(form, "form")), entry);
        }
    }
}
