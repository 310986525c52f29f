/*
 * Walking the tree: forms fall at forks, the best of those left standing is advised.
 *
 * A fork has three answers. Forms whose answer is unclear wait: they are taken only when no form
 * passes every fork, and then the advice says how many samples would settle it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "report/rules.h"

enum { MAX_RULES = 8, LINE_COLUMNS = 100 };

static const double default_max_drop = 0.005, as_fast = 1.05, as_small = 1.01;

typedef struct fork {
    char question[128];
    oct_verdict answers[OCT_MAX_ROWS];
    char numbers[OCT_MAX_ROWS][64];
    bool asked[OCT_MAX_ROWS]; /* the form was still standing */
} fork;

typedef struct walk {
    oct_weighing w;
    fork forks[MAX_RULES];
    int32_t fork_count;
    bool standing[OCT_MAX_ROWS];  /* no fork answered NO */
    bool unclear[OCT_MAX_ROWS];   /* some fork answered UNCLEAR */
    bool only_drop[OCT_MAX_ROWS]; /* fell at the last fork: accuracy alone speaks against it */
    int32_t pick;                 /* row, or -1 */
    bool sure;                    /* the pick passed every fork */
} walk;

/* The forks. */

static void take_fork(walk *k, const oct_rule *rule, oct_row *rows, bool last)
{
    fork *f = &k->forks[k->fork_count++];
    rule->question(&k->w, f->question, sizeof f->question);
    for (int32_t i = 0; i < k->w.results->row_count; i++) {
        f->asked[i] = k->standing[i];
        if (!k->standing[i])
            continue;
        f->answers[i] = rule->ask(&k->w, &rows[i], f->numbers[i], sizeof f->numbers[i]);
        k->unclear[i] = k->unclear[i] || f->answers[i] == OCT_VERDICT_UNCLEAR;
        k->standing[i] = f->answers[i] != OCT_VERDICT_NO;
        k->only_drop[i] = last && !k->standing[i];
        if (!k->standing[i] || f->answers[i] == OCT_VERDICT_UNCLEAR)
            snprintf(rows[i].verdict, sizeof rows[i].verdict, k->standing[i] ? "%s?" : "%s",
                rule->verdict);
    }
}

static void take_forks(walk *k, oct_row *rows)
{
    int32_t count;
    const oct_rule *rules = oct_rules(&count);
    for (int32_t i = 0; i < k->w.results->row_count; i++) {
        k->standing[i] = true;
        rows[i].verdict[0] = 0;
    }
    for (int32_t i = 0; i < count; i++)
        if (rules[i].arises(&k->w))
            take_fork(k, &rules[i], rows, i == count - 1);
}

/* The choice. */

static bool by_latency(const walk *k)
{
    return oct_rule_measures(k->w.constraints.target) && k->w.results->rows[0].has_latency;
}

/*
 * Negative when a is better: smaller beyond the tolerance, then more accurate, then the target's
 * order.
 */
static int compare_rows(const walk *k, const oct_row *a, const oct_row *b)
{
    int32_t order_a = oct_rule_preference(k->w.constraints.target, a->form);
    int32_t order_b = oct_rule_preference(k->w.constraints.target, b->form);
    if (!oct_rule_measures(k->w.constraints.target))
        return order_a < order_b ? -1 : order_a > order_b;
    if (a->bytes * as_small < b->bytes || b->bytes * as_small < a->bytes)
        return a->bytes < b->bytes ? -1 : 1;
    if (a->top1 != b->top1)
        return a->top1 > b->top1 ? -1 : 1;
    return order_a < order_b ? -1 : order_a > order_b;
}

/* Within 5 % of the fastest, or not told apart from it by the measurements. */
static bool is_as_fast(const oct_row *row, const oct_row *fastest)
{
    return row->has_latency && fastest != NULL &&
           (row->ratio <= fastest->ratio * as_fast ||
               row->ratio_interval.low <= fastest->ratio_interval.high);
}

/* Among eligible rows: the fastest and all that are as fast; of these the best by compare_rows().
 */
static int32_t choose(const walk *k, const bool *eligible)
{
    const oct_row *rows = k->w.results->rows;
    const oct_row *fastest = NULL;
    for (int32_t i = 0; i < k->w.results->row_count && by_latency(k); i++)
        if (eligible[i] && rows[i].has_latency &&
            (fastest == NULL || rows[i].ratio < fastest->ratio))
            fastest = &rows[i];
    int32_t best = -1;
    for (int32_t i = 0; i < k->w.results->row_count; i++) {
        bool fast = !by_latency(k) || is_as_fast(&rows[i], fastest);
        if (eligible[i] && fast && (best < 0 || compare_rows(k, &rows[i], &rows[best]) < 0))
            best = i;
    }
    return best;
}

static void pick(walk *k)
{
    bool clear[OCT_MAX_ROWS] = { false };
    for (int32_t i = 0; i < k->w.results->row_count; i++)
        clear[i] = k->standing[i] && !k->unclear[i];
    k->pick = choose(k, clear);
    k->sure = k->pick >= 0;
    if (k->pick < 0)
        k->pick = choose(k, k->standing);
}

/* The text. */

/* The forms with one answer, "title form (number), ...", broken at the line's end. */
static void write_group(
    FILE *out, const walk *k, const fork *f, oct_verdict answer, const char *title)
{
    int column = 0;
    for (int32_t i = 0; i < k->w.results->row_count; i++) {
        if (!f->asked[i] || f->answers[i] != answer)
            continue;
        char item[128];
        bool number = f->numbers[i][0] != 0;
        snprintf(item, sizeof item, "%s%s%s%s", k->w.results->rows[i].form, number ? " (" : "",
            f->numbers[i], number ? ")" : "");
        int length = (int)strlen(item);
        if (column == 0)
            column = fprintf(out, "     %-9s%s", title, item);
        else if (column + 2 + length < LINE_COLUMNS)
            column += fprintf(out, ", %s", item);
        else
            column = fprintf(out, ",\n%14s%s", "", item) - 2;
    }
    if (column != 0)
        fputc('\n', out);
}

/* What decides among the forms left standing. */
static const char *last_question(const walk *k)
{
    return by_latency(k) ? "the fastest (those within 5 % count as equal), of these the smallest:"
           : oct_rule_measures(k->w.constraints.target) ? "the smallest:"
                                                        : "the target's first choice:";
}

static const char *picked(const walk *k)
{
    return k->pick < 0 ? "none" : k->w.results->rows[k->pick].form;
}

static void write_forks(FILE *out, const walk *k)
{
    for (int32_t i = 0; i < k->fork_count; i++) {
        const fork *f = &k->forks[i];
        fprintf(out, "%d. %s\n", (int)i + 1, f->question);
        write_group(out, k, f, OCT_VERDICT_YES, "yes");
        write_group(out, k, f, OCT_VERDICT_UNCLEAR, "unclear");
        write_group(out, k, f, OCT_VERDICT_NO, "no");
    }
    fprintf(out, "%d. %s\n     %s\n", (int)k->fork_count + 1, last_question(k), picked(k));
}

static void write_headline(FILE *out, const walk *k)
{
    if (k->pick < 0) {
        fprintf(out, "Advice: no form keeps to these limits.\n");
        return;
    }
    const oct_row *r = &k->w.results->rows[k->pick], *base = &k->w.results->rows[0];
    char text[32];
    fprintf(out, "Advice%s%s: %s, %s", k->w.results->device != NULL ? " for " : "",
        k->w.results->device != NULL ? k->w.results->device : "", r->form,
        oct_format_bytes(r->bytes, text, sizeof text));
    if (r != base)
        fprintf(out, " (%.1f times smaller than float32)", base->bytes / r->bytes);
    if (r->has_latency)
        fprintf(
            out, ", %s (%.2f × float32)", oct_format_ns(r->median_ns, text, sizeof text), r->ratio);
    if (k->w.results->labelled)
        fprintf(out, ", accuracy %.2f %% (%s points)", 100.0 * (double)r->top1 / (double)r->samples,
            oct_format_points(r->difference, text, sizeof text));
    fprintf(out, ".\n");
}

/* float32 was picked, and forms that might be better wait for more samples. */
static void write_doubt(FILE *out, const walk *k)
{
    int64_t needed = 0;
    for (int32_t i = 1; i < k->w.results->row_count; i++) {
        oct_equivalence e;
        oct_rule_equivalence(&k->w, &k->w.results->rows[i], &e);
        if (k->standing[i] && k->unclear[i] && e.samples_needed > 0 &&
            (needed == 0 || e.samples_needed < needed))
            needed = e.samples_needed;
    }
    if (needed > 0)
        fprintf(out,
            "The data cannot tell whether a smaller form is accurate enough: %lld samples are too "
            "few,\n  about %lld would do.\n",
            (long long)k->w.results->rows[0].samples, (long long)needed);
}

/* How sure the pick's accuracy is, as one sentence. */
static void write_confidence(FILE *out, const walk *k, const oct_row *r, const oct_equivalence *e)
{
    const oct_results *results = k->w.results;
    if (r == &results->rows[0]) {
        write_doubt(out, k);
        return;
    }
    fprintf(out, "%s: with %.1f %% confidence %s %s at most %.2f %s (%lld samples: ",
        k->sure ? "Sure" : "Not sure", floor(e->confidence * 1000) / 10, r->form,
        results->labelled ? "loses" : "answers otherwise in", k->w.constraints.max_drop * 100,
        results->labelled ? "points" : "% of cases", (long long)r->samples);
    if (results->labelled)
        fprintf(out, "answers lost %lld, won %lld).\n", (long long)r->lost, (long long)r->won);
    else
        fprintf(out, "answers changed %lld).\n", (long long)(r->samples - r->agree));
    if (e->samples_needed > 0)
        fprintf(out, "  At these rates about %lld samples would decide it.\n",
            (long long)e->samples_needed);
}

/* A form that accuracy alone kept out, and what it would take. */
static void write_rival(FILE *out, const walk *k, int32_t i)
{
    const oct_row *r = &k->w.results->rows[i];
    oct_equivalence e;
    oct_rule_equivalence(&k->w, r, &e);
    bool open = !e.holds && !e.fails;
    if (k->only_drop[i] || (open && e.confidence < 0.5))
        fprintf(out, "  - %s, if %.2f %s could be lost.\n", r->form,
            oct_rule_provable_drop(&k->w, r) * 100,
            k->w.results->labelled ? "points" : "% of the answers");
    else if (open && e.samples_needed > 0)
        fprintf(out, "  - %s, if about %lld samples (there are %lld) confirm what these show.\n",
            r->form, (long long)e.samples_needed, (long long)r->samples);
    else
        fprintf(out, "  - %s, if a longer measurement shows it to be fast enough.\n", r->form);
}

/* Other forms that would be chosen if one fork went otherwise: better by what the choice went by.
 */
static void write_changes(FILE *out, const walk *k)
{
    const oct_row *rows = k->w.results->rows;
    bool titled = false;
    for (int32_t i = 0; i < k->w.results->row_count; i++) {
        bool kept_out = k->only_drop[i] || (k->standing[i] && k->unclear[i] && k->sure);
        bool pair[OCT_MAX_ROWS] = { false };
        pair[i] = true;
        if (k->pick >= 0)
            pair[k->pick] = true;
        if (i == k->pick || !kept_out || choose(k, pair) != i)
            continue;
        if (!titled)
            fprintf(out, "What would change the answer:\n");
        titled = true;
        write_rival(out, k, i);
    }
    int32_t smallest = k->pick;
    for (int32_t i = 0; i < k->w.results->row_count && k->pick >= 0; i++)
        if (k->standing[i] && !k->unclear[i] && rows[i].bytes * as_small < rows[smallest].bytes)
            smallest = i;
    char text[32];
    if (smallest != k->pick)
        fprintf(out, "%s  - %s (%s), if size mattered more than speed.\n",
            titled ? "" : "What would change the answer:\n", rows[smallest].form,
            oct_format_bytes(rows[smallest].bytes, text, sizeof text));
}

static void write_device_caveats(FILE *out, const oct_results *results)
{
    const json_t *device = json_object_get(results->root, "device");
    if (results->device == NULL)
        return;
    if (results->failure != NULL)
        fprintf(out, "Caution: the measurements on %s are incomplete: %s.\n", results->device,
            results->failure);
    if (!results->device_latency && results->rows[0].has_latency)
        fprintf(out, "Caution: the latencies are the host's, not those of %s.\n", results->device);
    if (!results->device_accuracy)
        fprintf(out, "Caution: the accuracies are the host's.\n");
    if (json_is_true(json_object_get(device, "throttled")) ||
        json_is_true(json_object_get(device, "drifted")))
        fprintf(out, "Caution: %s got hot or changed its clocks meanwhile; let it rest and measure "
                     "again.\n", results->device);
}

static void write_caveats(FILE *out, const walk *k)
{
    const oct_results *results = k->w.results;
    if (results->random)
        fprintf(out,
            "Caution: the data are noise; nothing here speaks about accuracy on real inputs.\n");
    else if (!results->labelled)
        fprintf(out,
            "Caution: the data have no labels; agreement with float32 stands in for accuracy.\n");
    if (!oct_rule_measures(k->w.constraints.target) && results->rows[0].has_latency)
        fprintf(out, "Caution: latency was measured on %s CPU, not on the target.\n",
            results->device_latency ? "the device's" : "this machine's");
    write_device_caveats(out, results);
    if (oct_rule_measures(k->w.constraints.target) && !results->rows[0].has_latency)
        fprintf(out, "Caution: latency was not measured; forms were chosen by size.\n");
}

static void write_text(FILE *out, const walk *k)
{
    write_headline(out, k);
    if (k->pick >= 0) {
        oct_equivalence e;
        const oct_row *r = &k->w.results->rows[k->pick];
        oct_rule_equivalence(&k->w, r, &e);
        write_confidence(out, k, r, &e);
    }
    write_caveats(out, k);
    fprintf(out, "\nHow it was decided:\n");
    write_forks(out, k);
    write_changes(out, k);
}

/* The same as JSON, for results.json and the report. */

static json_t *fork_json(const walk *k, const fork *f)
{
    static const char *const answers[] = { "yes", "unclear", "no" };
    json_t *forms = json_array();
    for (int32_t i = 0; i < k->w.results->row_count; i++)
        if (f->asked[i])
            json_array_append_new(
                forms, json_pack("{s:s, s:s, s:o}", "form", k->w.results->rows[i].form, "answer",
                           answers[f->answers[i]], "number", oct_report_text(f->numbers[i])));
    return json_pack("{s:s, s:o}", "question", f->question, "forms", forms);
}

static json_t *walk_json(const walk *k, const char *text)
{
    const oct_constraints *c = &k->w.constraints;
    const oct_results *results = k->w.results;
    json_t *forks = json_array();
    for (int32_t i = 0; i < k->fork_count; i++)
        json_array_append_new(forks, fork_json(k, &k->forks[i]));
    oct_equivalence e = { 0 };
    if (k->pick > 0)
        oct_rule_equivalence(&k->w, &results->rows[k->pick], &e);
    char choice[96];
    snprintf(choice, sizeof choice, "%s %s", last_question(k), picked(k));
    return json_pack("{s:{s:s, s:f, s:I, s:f}, s:s?, s:b, s:o, s:I, s:o, s:s, s:s}", "constraints",
        "target", oct_target_name(c->target), "max_drop", c->max_drop, "max_bytes",
        (json_int_t)c->max_bytes, "max_latency_ns", c->max_latency_ns, "form",
        k->pick < 0 ? NULL : results->rows[k->pick].form, "sure", k->sure, "confidence",
        k->pick > 0 ? json_real(e.confidence) : json_null(), "samples_needed",
        (json_int_t)e.samples_needed, "forks", forks, "choice", choice, "text", text);
}

oct_status oct_results_advise(
    oct_results *results, const oct_constraints *constraints, oct_error *err)
{
    walk *k = calloc(1, sizeof *k);
    if (k == NULL)
        return oct_fail_memory(err, sizeof *k, "advice");
    k->w = (oct_weighing){ results, *constraints };
    if (!constraints->has_max_drop)
        k->w.constraints.max_drop = default_max_drop;
    take_forks(k, results->rows);
    pick(k);
    results->advised = k->pick < 0 ? NULL : results->rows[k->pick].form;
    if (k->pick >= 0)
        snprintf(results->rows[k->pick].verdict, sizeof results->rows[0].verdict, "%s",
            k->sure ? "advised" : "advised?");
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out != NULL) {
        write_text(out, k);
        fclose(out);
    }
    free(results->advice);
    results->advice = text;
    json_t *json = text != NULL ? walk_json(k, text) : NULL;
    free(k);
    return json != NULL && json_object_set_new(results->root, "advice", json) == 0
               ? OCT_OK
               : oct_fail_memory(err, size, "advice");
}
