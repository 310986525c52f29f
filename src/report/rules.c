/*
 * The rules as a table. Change the tree here and nowhere else.
 */
#include "report/rules.h"

#include <string.h>

#include "eval/stats.h"

/* Forms a target runs, best first. Source: the table "Decision tree" of the page named in rules.h.
 */
static const char *const runs_on[OCT_TARGET_COUNT][OCT_VARIANTS + 1] = {
    [OCT_TARGET_CPU] = { "int8", "int8-full", "int8-full-uint8", "dynamic", "int16x8", "float16",
        "float32" },
    [OCT_TARGET_GPU] = { "float16", "float32" },
    [OCT_TARGET_INT_ONLY] = { "int8-full", "int8-full-uint8" },
    [OCT_TARGET_MCU] = { "int8-full", "int16x8" },
};

bool oct_rule_measures(oct_target target)
{
    return target == OCT_TARGET_CPU;
}

int32_t oct_rule_preference(oct_target target, const char *form)
{
    /* "int8#2" is a second file of form int8. */
    size_t length = strcspn(form, "#");
    int32_t at = 0;
    while (runs_on[target][at] != NULL && (strlen(runs_on[target][at]) != length ||
                                              strncmp(runs_on[target][at], form, length) != 0))
        at++;
    return runs_on[target][at] == NULL ? INT32_MAX : at;
}

static bool always(const oct_weighing *w)
{
    (void)w;
    return true;
}

/* Could it be made? */

static void made_question(const oct_weighing *w, char *text, size_t size)
{
    (void)w;
    snprintf(text, size, "could be made and run?");
}

static oct_verdict ask_made(const oct_weighing *w, const oct_row *row, char *number, size_t size)
{
    (void)w;
    snprintf(number, size, "%.60s", row->ok ? "" : row->failure);
    return row->ok ? OCT_VERDICT_YES : OCT_VERDICT_NO;
}

/* Does the target run it? */

static void target_question(const oct_weighing *w, char *text, size_t size)
{
    static const char *const where[] = {
#define OCT_TARGET_TEXT(enumerator, name, description) [enumerator] = description,
        OCT_TARGET_LIST(OCT_TARGET_TEXT)
#undef OCT_TARGET_TEXT
    };
    snprintf(text, size, "suits the target (%s)?", where[w->constraints.target]);
}

static oct_verdict ask_target(const oct_weighing *w, const oct_row *row, char *number, size_t size)
{
    snprintf(number, size, "%s", "");
    return oct_rule_preference(w->constraints.target, row->form) != INT32_MAX ? OCT_VERDICT_YES
                                                                              : OCT_VERDICT_NO;
}

/* Is it small enough? */

static bool size_arises(const oct_weighing *w)
{
    return w->constraints.max_bytes > 0;
}

static void size_question(const oct_weighing *w, char *text, size_t size)
{
    char bytes[32];
    snprintf(text, size, "file of at most %s?",
        oct_format_bytes((double)w->constraints.max_bytes, bytes, sizeof bytes));
}

static oct_verdict ask_size(const oct_weighing *w, const oct_row *row, char *number, size_t size)
{
    oct_format_bytes(row->bytes, number, size);
    return row->bytes <= (double)w->constraints.max_bytes ? OCT_VERDICT_YES : OCT_VERDICT_NO;
}

/* Is it fast enough? The whole interval has to lie on one side. */

static bool latency_arises(const oct_weighing *w)
{
    return w->constraints.max_latency_ns > 0 && w->results->rows[0].has_latency;
}

static void latency_question(const oct_weighing *w, char *text, size_t size)
{
    char ns[32];
    snprintf(text, size, "latency of at most %s?",
        oct_format_ns(w->constraints.max_latency_ns, ns, sizeof ns));
}

static oct_verdict ask_latency(const oct_weighing *w, const oct_row *row, char *number, size_t size)
{
    if (!row->has_latency) {
        snprintf(number, size, "not measured");
        return OCT_VERDICT_UNCLEAR;
    }
    oct_format_ns(row->median_ns, number, size);
    if (row->median_interval.high <= w->constraints.max_latency_ns)
        return OCT_VERDICT_YES;
    return row->median_interval.low > w->constraints.max_latency_ns ? OCT_VERDICT_NO
                                                                    : OCT_VERDICT_UNCLEAR;
}

/* Is it accurate enough? */

static void drop_question(const oct_weighing *w, char *text, size_t size)
{
    if (w->results->labelled)
        snprintf(
            text, size, "loses at most %.2f points of accuracy?", w->constraints.max_drop * 100);
    else
        snprintf(text, size, "answers otherwise than float32 at most %.2f %% of the time?",
            w->constraints.max_drop * 100);
}

void oct_rule_equivalence(const oct_weighing *w, const oct_row *row, oct_equivalence *out)
{
    /* Without labels every changed answer counts as lost: a bound on the drop, whatever the truth
     * is. */
    bool labelled = w->results->labelled;
    oct_equivalence_test(row->samples, labelled ? row->lost : row->samples - row->agree,
        labelled ? row->won : 0, w->constraints.max_drop, out);
}

double oct_rule_provable_drop(const oct_weighing *w, const oct_row *row)
{
    oct_weighing trial = *w;
    double low = 0, high = 1;
    for (int i = 0; i < 40; i++) {
        oct_equivalence e;
        trial.constraints.max_drop = (low + high) / 2;
        oct_rule_equivalence(&trial, row, &e);
        *(e.holds ? &high : &low) = trial.constraints.max_drop;
    }
    return high;
}

static oct_verdict ask_drop(const oct_weighing *w, const oct_row *row, char *number, size_t size)
{
    if (row == &w->results->rows[0]) {
        snprintf(number, size, "the measure");
        return OCT_VERDICT_YES;
    }
    oct_equivalence e;
    oct_rule_equivalence(w, row, &e);
    double percent = e.confidence * 100;
    snprintf(number, size,
        percent >= 99.95 ? "over 99.9 %% sure"
        : percent < 0.05 ? "under 0.1 %% sure"
                         : "%.*f %% sure",
        percent > 99 ? 1 : 0, percent);
    return e.holds ? OCT_VERDICT_YES : e.fails ? OCT_VERDICT_NO : OCT_VERDICT_UNCLEAR;
}

static const oct_rule rules[] = {
    { "failed", always, made_question, ask_made },
    { "target", always, target_question, ask_target },
    { "size", size_arises, size_question, ask_size },
    { "slow", latency_arises, latency_question, ask_latency },
    { "drop", always, drop_question, ask_drop },
};

const oct_rule *oct_rules(int32_t *count)
{
    *count = (int32_t)(sizeof rules / sizeof rules[0]);
    return rules;
}
