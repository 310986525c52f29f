/*
 * Which cores to measure on. A phone's cores come in groups of different speed; a measurement that
 * wanders between groups measures the scheduler, and threads spread over two groups wait for the slower.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/facts.h"

/* Cores by number. */
typedef struct set {
    bool has[OCT_DEVICE_CPUS];
} set;

static bool add_range(set *s, const char *text, char **end)
{
    long first = strtol(text, end, 10), last = first;
    if (*end == text || first < 0)
        return false;
    if (**end == '-') {
        const char *second = *end + 1;
        last = strtol(second, end, 10);
        if (*end == second)
            return false;
    }
    if (last < first || last >= (long)(sizeof s->has / sizeof *s->has))
        return false;
    for (long i = first; i <= last; i++)
        s->has[i] = true;
    return true;
}

/* "0,4-7" */
static bool parse(const char *text, set *s)
{
    char *end;
    *s = (set){ { false } };
    for (;; text = end + 1) {
        if (!add_range(s, text, &end))
            return false;
        if (*end == 0)
            return true;
        if (*end != ',')
            return false;
    }
}

static void print(const set *s, char *text, size_t size)
{
    int count = (int)(sizeof s->has / sizeof *s->has);
    size_t at = 0;
    *text = 0;
    for (int i = 0; i < count && at < size; i++) {
        if (!s->has[i])
            continue;
        int last = i;
        while (last + 1 < count && s->has[last + 1])
            last++;
        at += (size_t)snprintf(
            text + at, size - at, last > i ? "%s%d-%d" : "%s%d", at > 0 ? "," : "", i, last);
        i = last;
    }
}

static bool is_allowed(const oct_device_facts *facts, const set *allowed, int i)
{
    return *facts->allowed == 0 || allowed->has[facts->cores[i].cpu];
}

/* The group of the highest frequency that has enough cores, or all that are allowed. */
static void take_fast(
    const oct_device_facts *facts, const set *allowed, int32_t threads, set *chosen)
{
    int64_t best = -1;
    for (int i = 0; i < facts->core_count; i++) {
        int64_t khz = facts->cores[i].max_khz;
        int32_t group = 0;
        for (int k = 0; k < facts->core_count; k++)
            group += facts->cores[k].max_khz == khz && is_allowed(facts, allowed, k);
        if (khz > best && group >= threads && is_allowed(facts, allowed, i))
            best = khz;
    }
    for (int i = 0; i < facts->core_count; i++)
        if (is_allowed(facts, allowed, i) && (best < 0 || facts->cores[i].max_khz == best))
            chosen->has[facts->cores[i].cpu] = true;
}

oct_status oct_device_choose_cores(const oct_device_facts *facts, const char *asked,
    int32_t threads, char *list, size_t size, oct_error *err)
{
    set allowed, chosen = { { false } };
    bool all = strcmp(asked, "all") == 0, fast = strcmp(asked, "fast") == 0;
    (void)parse(facts->allowed, &allowed);
    if (fast)
        take_fast(facts, &allowed, threads, &chosen);
    for (int i = 0; i < facts->core_count && all; i++)
        chosen.has[facts->cores[i].cpu] = is_allowed(facts, &allowed, i);
    if (!all && !fast && !parse(asked, &chosen))
        return oct_fail(
            err, OCT_E_USAGE, "--cores: '%s' is neither fast nor all nor a list as 0,4-7", asked);
    for (int i = 0; i < (int)(sizeof chosen.has / sizeof *chosen.has); i++) {
        bool known = false;
        for (int k = 0; k < facts->core_count; k++)
            known = known || (facts->cores[k].cpu == i && is_allowed(facts, &allowed, k));
        if (chosen.has[i] && !known)
            return oct_fail(err, OCT_E_USAGE,
                "--cores: the device does not give core %d (it gives %s)", i,
                *facts->allowed != 0 ? facts->allowed : "none that it names");
    }
    print(&chosen, list, size);
    return OCT_OK;
}
