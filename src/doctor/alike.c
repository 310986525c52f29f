/*
 * Equal samples and nearly equal ones.
 *
 * Nearly equal: at most 3 of 64 difference bits apart, which leaves one of four groups of 16 bits equal,
 * so that sorting by each group brings candidates together; and thumbnails within 4 of 255 levels.
 */
#include "doctor/diagnosis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum { BITS = 3, BANDS = 4, LEVELS = 4, NEIGHBOURS = 4096 };

/* A sample among those of the data, then of calibration. */
typedef struct entry {
    const oct_look *look;
    int64_t index;
} entry;

typedef struct search {
    oct_examination *e;
    entry *entries; /* [count], sorted in turn by digest and by bands */
    size_t count;
    int64_t data;   /* entries with a lower index are data */
    int64_t *equal; /* [count] by index: the earliest equal sample of the same set, or -1 */
    int64_t *across; /* [count]: for calibration samples, the first equal sample of the data, or -1 */
    int64_t *near;  /* [count]: the earliest nearly equal sample of the data, or -1 */
} search;

static int by_digest(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    int order = memcmp(x->look->digest, y->look->digest, sizeof x->look->digest);
    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

static int by_band(const void *a, const void *b, void *shift)
{
    const entry *x = a, *y = b;
    int s = *(const int *)shift;
    uint64_t p = x->look->differences, q = y->look->differences;
    /* The band first, then the other bits. */
    p = p << s | (s == 0 ? 0 : p >> (64 - s));
    q = q << s | (s == 0 ? 0 : q >> (64 - s));
    return p != q ? (p > q) - (p < q) : (x->index > y->index) - (x->index < y->index);
}

static bool same_digest(const entry *a, const entry *b)
{
    return memcmp(a->look->digest, b->look->digest, sizeof a->look->digest) == 0;
}

/* Runs of equal digests; the lowest index comes first, so data come before calibration. */
static void find_equal(search *s)
{
    qsort(s->entries, s->count, sizeof *s->entries, by_digest);
    const entry *first = NULL, *first_calib = NULL;
    for (size_t i = 0; i < s->count; i++) {
        const entry *at = &s->entries[i];
        if (first == NULL || !same_digest(first, at)) {
            first = at;
            first_calib = NULL;
        }
        if (at->index >= s->data && first->index < s->data)
            s->across[at->index] = first->index;
        if (at->index >= s->data && first_calib == NULL)
            first_calib = at;
        const entry *earliest = at->index < s->data ? first : first_calib;
        if (earliest->index != at->index)
            s->equal[at->index] = earliest->index;
    }
}

static bool nearly(const oct_look *a, const oct_look *b)
{
    if (__builtin_popcountll(a->differences ^ b->differences) > BITS)
        return false;
    int32_t squares = 0;
    for (int i = 0; i < OCT_THUMB * OCT_THUMB; i++)
        squares += (a->thumb[i] - b->thumb[i]) * (a->thumb[i] - b->thumb[i]);
    return squares <= LEVELS * LEVELS * OCT_THUMB * OCT_THUMB;
}

static void note_near(search *s, const entry *a, const entry *b)
{
    int64_t low = a->index < b->index ? a->index : b->index;
    int64_t high = a->index < b->index ? b->index : a->index;
    if (low < s->data && (s->near[high] < 0 || low < s->near[high]))
        s->near[high] = low;
}

static void find_near_in(search *s, const entry *run, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count && k - i <= NEIGHBOURS; k++)
            if (nearly(run[i].look, run[k].look) && !same_digest(&run[i], &run[k]))
                note_near(s, &run[i], &run[k]);
}

static void find_near(search *s)
{
    size_t images = 0;
    for (size_t i = 0; i < s->count; i++)
        if (s->entries[i].look->has_thumb)
            s->entries[images++] = s->entries[i];
    for (int band = 0; band < BANDS; band++) {
        int shift = 16 * band;
        qsort_r(s->entries, images, sizeof *s->entries, by_band, &shift);
        for (size_t begin = 0, end; begin < images; begin = end) {
            uint64_t mask = UINT64_C(0xffff) << (48 - shift);
            uint64_t value = s->entries[begin].look->differences & mask;
            for (end = begin; end < images && (s->entries[end].look->differences & mask) == value;)
                end++;
            find_near_in(s, s->entries + begin, end - begin);
        }
    }
}

/* Saying what was found. */

static const char *name_of(const search *s, int64_t index, char text[256])
{
    const oct_examination *e = s->e;
    bool data = index < s->data;
    char own[200];
    oct_data_sample_name(data ? e->data : e->calib, data ? index : index - s->data, own, sizeof own);
    snprintf(text, 256, "%s%s", data ? "" : "calibration ", own);
    return text;
}

static void add_pairs(search *s, oct_finding *finding, const int64_t *partner, int64_t from,
    int64_t to, const char *sign)
{
    char a[256], b[256];
    for (int64_t i = from; i < to; i++)
        if (partner[i] >= 0)
            oct_finding_place(s->e->out, finding, "%s %s %s", name_of(s, i, a), sign,
                name_of(s, partner[i], b));
}

static int64_t count_pairs(const int64_t *partner, int64_t from, int64_t to)
{
    int64_t count = 0;
    for (int64_t i = from; i < to; i++)
        count += partner[i] >= 0;
    return count;
}

/* A finding about pairs, unless there are none. */
static void say(search *s, oct_finding_kind kind, oct_severity severity, const int64_t *partner,
    bool calib, const char *sign, const char *what, const char *advice)
{
    int64_t from = calib ? s->data : 0, to = calib ? (int64_t)s->count : s->data;
    int64_t count = count_pairs(partner, from, to);
    if (count == 0)
        return;
    oct_finding *finding = oct_diagnosis_add(s->e->out, kind, severity, count, advice,
        "%lld of %lld %s %s", (long long)count, (long long)(to - from),
        calib ? "calibration samples" : "samples", what);
    add_pairs(s, finding, partner, from, to, sign);
}

static void say_conflicts(search *s)
{
    const oct_data *data = s->e->data;
    int64_t count = 0;
    for (int pass = 0; pass < 2; pass++) {
        oct_finding *finding = NULL;
        if (pass == 1 && count > 0)
            finding = oct_diagnosis_add(s->e->out, OCT_FINDING_CONFLICT, OCT_SEVERITY_MEND, count,
                "decide which label is right: no model can answer both",
                "%lld samples are equal to an earlier one that has another label", (long long)count);
        for (int64_t i = 0; i < s->data; i++) {
            int64_t other = s->equal[i];
            if (other < 0 || oct_data_label(data, i) == oct_data_label(data, other))
                continue;
            char a[256], b[256];
            count += pass == 0;
            oct_finding_place(s->e->out, finding, "%s (label %d) = %s (label %d)", name_of(s, i, a),
                (int)oct_data_label(data, i), name_of(s, other, b), (int)oct_data_label(data, other));
        }
        if (count == 0)
            return;
    }
}

static void say_all(search *s)
{
    say(s, OCT_FINDING_LEAKAGE, OCT_SEVERITY_MEND, s->across, true, "=", "are evaluated too",
        "take them out of one of the two: accuracy is measured on what calibration has seen");
    say(s, OCT_FINDING_NEAR_LEAKAGE, OCT_SEVERITY_WARNING, s->near, true, "~",
        "look like one that is evaluated",
        "look at them: copies at another size or quality leak as much as equal ones");
    if (oct_data_has_labels(s->e->data))
        say_conflicts(s);
    say(s, OCT_FINDING_DUPLICATES, OCT_SEVERITY_WARNING, s->equal, false, "=",
        "are equal to an earlier one",
        "take them out: they count twice, and intervals come out too narrow");
    say(s, OCT_FINDING_DUPLICATES, OCT_SEVERITY_NOTE, s->equal, true, "=",
        "are equal to an earlier one", "take others instead: ranges learn nothing from them");
    say(s, OCT_FINDING_NEAR_DUPLICATES, OCT_SEVERITY_NOTE, s->near, false, "~",
        "look like an earlier one", "look at them: copies, or frames of one film, count twice");
}

static oct_status search_all(search *s, oct_error *err)
{
    const oct_examination *e = s->e;
    size_t calib = e->calib_looks == NULL ? 0 : (size_t)e->calib->count;
    size_t all = (size_t)s->data + calib;
    s->entries = malloc(all * sizeof *s->entries + 1);
    s->equal = malloc(3 * all * sizeof *s->equal + 1);
    if (s->entries == NULL || s->equal == NULL)
        return oct_fail_memory(err, 3 * all * sizeof *s->equal, "comparing samples");
    s->across = s->equal + all;
    s->near = s->across + all;
    for (size_t i = 0; i < 3 * all; i++)
        s->equal[i] = -1;
    for (size_t i = 0; i < all; i++) {
        const oct_look *look =
            i < (size_t)s->data ? &e->looks[i] : &e->calib_looks[i - (size_t)s->data];
        if (!look->broken)
            s->entries[s->count++] = (entry){ look, (int64_t)i };
    }
    find_equal(s);
    find_near(s);
    s->count = all;
    for (size_t i = 0; i < all; i++)
        if (s->equal[i] >= 0 || s->across[i] >= 0)
            s->near[i] = -1; /* said already */
    say_all(s);
    return OCT_OK;
}

oct_status oct_examine_alike(oct_examination *e, oct_error *err)
{
    search s = { .e = e, .data = e->data->count };
    oct_status status = search_all(&s, err);
    free(s.entries);
    free(s.equal);
    return status;
}
