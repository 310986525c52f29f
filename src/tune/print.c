/*
 * A finished search as JSON and as a table.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "tune/tuner.h"

static const char *layer_of(const oct_tuner *t, int32_t node, char *label, size_t size)
{
    const oct_subgraph *sub = t->plain->subgraphs[0];
    return oct_tensor_label(sub, sub->nodes[node]->outputs[0], label, size);
}

static const char *op_of(const oct_tuner *t, int32_t node)
{
    return oct_builtin_name(t->plain->subgraphs[0]->nodes[node]->op);
}

/* JSON. */

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *loss_json(const oct_loss *loss)
{
    return json_pack("{s:I, s:I, s:I, s:f, s:[f, f], s:f, s:b}", "samples", (json_int_t)loss->samples,
        "lost", (json_int_t)loss->lost, "won", (json_int_t)loss->won, "drop", loss->drop, "drop_95",
        loss->low, loss->high, "confidence", loss->confidence, "holds", loss->holds);
}

static json_t *kept_json(const oct_tuner *t, const oct_mode *forms)
{
    char label[512];
    json_t *list = json_array();
    for (int32_t i = 0; i < t->nodes && forms != NULL; i++)
        if (forms[i] != OCT_MODE_COUNT)
            json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "layer",
                layer_of(t, i, label, sizeof label), "op", op_of(t, i), "form", oct_mode_name(forms[i])));
    return list;
}

static json_t *point_json(const oct_tuner *t, const oct_point *p)
{
    bool step = p->forms != NULL && p != t->points;
    json_t *object = json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:b, s:b}", "name", p->name, "bytes",
        (json_int_t)p->trial.bytes, "sqnr_db", number(p->trial.sqnr), "loss", loss_json(&p->trial.loss),
        "kept", kept_json(t, p->forms), "latency_ms", p->median_ms > 0 ?
            json_pack("{s:f, s:[f, f]}", "median", p->median_ms, "median_95", p->ms_interval.low,
                p->ms_interval.high) : json_null(),
        "front", p->front, "chosen", p->chosen);
    if (step)
        json_object_set_new(object, "gain_db", json_pack("{s:f, s:[f, f]}", "value", p->trial.gain,
            "interval_95", p->trial.gain_low, p->trial.gain_high));
    return object;
}

static json_t *candidates_json(const oct_tuner *t)
{
    char label[512];
    json_t *list = json_array();
    for (int32_t i = 0; i < t->candidate_count; i++) {
        const oct_candidate *c = &t->candidates[i];
        if (c->known && c->trial.ok)
            json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:f, s:[f, f], s:I, s:f}", "layer",
                layer_of(t, c->node, label, sizeof label), "op", op_of(t, c->node), "form",
                oct_mode_name(c->form), "gain_db", c->trial.gain, "gain_95", c->trial.gain_low,
                c->trial.gain_high, "bytes", (json_int_t)(c->trial.bytes - t->points[0].trial.bytes),
                "ms", c->trial.ms));
    }
    return list;
}

oct_status oct_tuned_json(const oct_tuned *tuned, char **text, oct_error *err)
{
    const oct_tuner *t = &tuned->t;
    json_t *points = json_array();
    for (int32_t i = 0; i < t->point_count; i++)
        json_array_append_new(points, point_json(t, &t->points[i]));
    json_t *root = json_pack("{s:s, s:s, s:{s:I, s:I, s:I, s:I}, s:o, s:o, s:s, s:o, s:o}", "measure",
        tuned->measure, "preprocess", t->choice.preprocess.name, "samples", "calibration",
        (json_int_t)t->counts[0], "ranking", (json_int_t)t->counts[1], "verifying",
        (json_int_t)t->counts[2], "held_out", (json_int_t)t->counts[3], "points",
        points, "layers", candidates_json(t), "ended", tuned->ended, "held_out", loss_json(&tuned->held),
        "recipe", json_loads(tuned->recipe, 0, NULL));
    char *lines = root == NULL ? NULL : json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    *text = lines == NULL ? NULL : realloc(lines, strlen(lines) + 2);
    if (*text == NULL) {
        free(lines);
        return oct_fail_memory(err, 1, "the result");
    }
    strcat(*text, "\n");
    return OCT_OK;
}

/* The table. */

static void print_point(FILE *out, const oct_tuner *t, const oct_point *p)
{
    char gain[48] = "", drop[64], latency[48] = "";
    if (p->forms != NULL && p != t->points)
        snprintf(gain, sizeof gain, "%+.2f [%+.2f, %+.2f]", p->trial.gain, p->trial.gain_low, p->trial.gain_high);
    snprintf(drop, sizeof drop, "%.2f [%.2f, %.2f]", 100 * p->trial.loss.drop, 100 * p->trial.loss.low,
        100 * p->trial.loss.high);
    if (p->median_ms > 0)
        snprintf(latency, sizeof latency, "%.3g", p->median_ms);
    fprintf(out, "%c%c %-16s %9.1f  %7.1f  %-22s  %-22s  %s\n", p->front ? '*' : ' ', p->chosen ? '>' : ' ',
        p->name, (double)p->trial.bytes * 1e-3, p->trial.sqnr, gain, drop, latency);
}

static void print_held(FILE *out, const oct_tuned *tuned)
{
    const oct_loss *held = &tuned->held;
    double bound = 100 * tuned->t.options->max_drop;
    fprintf(out, "on %lld samples held out to the end: drop of %s %.2f points [%.2f, %.2f]", (long long)held->samples,
        tuned->measure, 100 * held->drop, 100 * held->low, 100 * held->high);
    if (held->lost + held->won > 0)
        fprintf(out, ", %lld lost, %lld won", (long long)held->lost, (long long)held->won);
    fprintf(out, "; %s %.2f points\n", held->holds ? "within the bound of" :
        held->low > tuned->t.options->max_drop ? "beyond the bound of" : "not shown to be within the bound of", bound);
}

static void print_layers(FILE *out, const oct_tuner *t)
{
    enum { MOST = 10 };
    char label[512];
    if (t->ranked > 0)
        fprintf(out, "\n%-44s %-8s  %-22s  %9s  %8s\n", "layers by gain for their cost", "kept", "gain dB (95 %)",
            "kB", "ms");
    for (int32_t i = 0; i < t->ranked && i < MOST; i++) {
        const oct_candidate *c = &t->candidates[t->order[i]];
        char gain[48];
        snprintf(gain, sizeof gain, "%+.2f [%+.2f, %+.2f]", c->trial.gain, c->trial.gain_low, c->trial.gain_high);
        fprintf(out, "%-44.44s %-8s  %-22s  %+9.1f  %+8.3f\n", layer_of(t, c->node, label, sizeof label),
            c->form == OCT_MODE_FLOAT32 ? "float" : "16-bit", gain,
            (double)(c->trial.bytes - t->points[0].trial.bytes) * 1e-3, c->trial.ms);
    }
}

oct_status oct_tuned_table(const oct_tuned *tuned, char **text, oct_error *err)
{
    const oct_tuner *t = &tuned->t;
    size_t size = 0;
    FILE *out = open_memstream(text, &size);
    if (out == NULL)
        return oct_fail_memory(err, 1, "the table");
    fprintf(out, "   %-16s %9s  %7s  %-22s  %-22s  %s\n", "model", "kB", "SQNR dB", "gain dB (95 %)",
        "drop, points (95 %)", "ms");
    for (int32_t i = 0; i < t->point_count; i++)
        print_point(out, t, &t->points[i]);
    fprintf(out, "* on the front of size and SQNR; > chosen; %s\n", tuned->ended);
    fprintf(out, "measured on %lld samples, layers ranked on %lld others\n",
        (long long)t->counts[2], (long long)t->counts[1]);
    print_held(out, tuned);
    print_layers(out, t);
    return fclose(out) == 0 ? OCT_OK : oct_fail_memory(err, size, "the table");
}
