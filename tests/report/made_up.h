/*
 * Results made up for the decision tree: forms with the measurements a test wants.
 */
#ifndef OCT_TESTS_REPORT_MADE_UP_H
#define OCT_TESTS_REPORT_MADE_UP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "report/results.h"

/*
 * One form's measurements; lost and won against float32 among 10000 samples, 9000 of them right in
 * float.
 */
typedef struct form {
    const char *name;
    int bytes, lost, won;
    double ms;
} form;

enum { SAMPLES = 10000, FLOAT_RIGHT = 9000 };

static inline json_t *interval(double value, double spread)
{
    return json_pack(
        "{s:f, s:f, s:f}", "value", value, "low", value - spread, "high", value + spread);
}

static inline json_t *form_json(const form *f, double float_ms, bool labelled)
{
    if (f->bytes == 0)
        return json_pack(
            "{s:s, s:s, s:s}", "form", f->name, "status", "failed", "reason", "no kernel");
    json_t *accuracy = json_pack("{s:i, s:i}", "samples", SAMPLES, "invalid", 0);
    json_t *against = json_pack("{s:{s:i}}", "agree", "count", SAMPLES - f->lost - f->won);
    if (labelled) {
        double d = (double)(f->won - f->lost) / SAMPLES;
        json_object_set_new(accuracy, "top1",
            json_pack("{s:i, s:f, s:f}", "correct", FLOAT_RIGHT - f->lost + f->won, "low", 0.894,
                "high", 0.906));
        json_object_set_new(against, "lost", json_integer(f->lost));
        json_object_set_new(against, "won", json_integer(f->won));
        json_object_set_new(against, "difference", interval(d, 0.002));
    }
    json_t *latency = f->ms == 0
                          ? json_null()
                          : json_pack("{s:o, s:o}", "median_ns", interval(f->ms * 1e6, f->ms * 1e4),
                                "ratio", interval(f->ms / float_ms, 0.01));
    return json_pack("{s:s, s:s, s:i, s:o, s:o, s:o}", "form", f->name, "status", "ok", "bytes",
        f->bytes, "accuracy", accuracy, "against_float", against, "latency", latency);
}

static inline oct_results *results_of(const form *forms, int count, bool labelled)
{
    json_t *rows = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(rows, form_json(&forms[i], forms[0].ms, labelled));
    json_t *root = json_pack("{s:i, s:{s:b, s:b}, s:o}", "schema", 1, "data", "labelled", labelled,
        "random", false, "forms", rows);
    oct_error err = { 0 };
    oct_results *results = NULL;
    if (oct_results_create(root, "made up", &results, &err) != OCT_OK)
        fail_msg("%s", err.text);
    return results;
}

#endif
