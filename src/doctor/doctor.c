/*
 * The examination: one look at every sample, then what follows from all looks, then the model.
 */
#include "doctor/diagnosis.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* The list. */

static char *keep(oct_diagnosis *d, const char *text)
{
    char *copy = oct_arena_text(&d->arena, text, strlen(text));
    d->short_of_memory |= copy == NULL;
    return copy;
}

oct_finding *oct_diagnosis_add(oct_diagnosis *d, oct_finding_kind kind, oct_severity severity,
    int64_t count, const char *advice, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (d->count == OCT_MOST_FINDINGS)
        return NULL;
    oct_finding *finding = &d->findings[d->count++];
    *finding = (oct_finding){ .kind = kind,
        .severity = severity,
        .count = count,
        .text = keep(d, text),
        .advice = keep(d, advice) };
    return finding;
}

void oct_finding_place(oct_diagnosis *d, oct_finding *finding, const char *format, ...)
{
    char text[1024];
    va_list args;
    if (finding == NULL || finding->place_count == OCT_FINDING_PLACES)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    finding->places[finding->place_count++] = keep(d, text);
}

static int worst_first(const void *a, const void *b)
{
    const oct_finding *x = a, *y = b;
    return x->severity != y->severity ? (x->severity < y->severity) - (x->severity > y->severity)
           : x->kind != y->kind       ? (x->kind > y->kind) - (x->kind < y->kind)
                                      : (x > y) - (x < y);
}

oct_status oct_readable(const oct_data *data, const oct_look *looks, int64_t most, oct_data **out,
    oct_error *err)
{
    int64_t fine = 0, used = 0;
    *out = NULL;
    for (int64_t i = 0; i < data->count; i++)
        fine += looks == NULL || (!looks[i].broken && looks[i].finite);
    most = fine < most ? fine : most;
    if (most == 0)
        return OCT_OK;
    int64_t *indices = malloc((size_t)most * sizeof *indices);
    if (indices == NULL)
        return oct_fail_memory(err, (size_t)most * sizeof *indices, "a choice of samples");
    for (int64_t i = 0, at = 0; i < data->count && used < most; i++)
        if (looks == NULL || (!looks[i].broken && looks[i].finite)) {
            if (at == used * fine / most)
                indices[used++] = i;
            at++;
        }
    oct_status status = oct_data_subset(data, indices, used, out, err);
    free(indices);
    return status;
}

/* The examination. */

static oct_status look(oct_examination *e, const oct_data *data, oct_look **looks, oct_error *err)
{
    const oct_doctor_options *o = e->options;
    if (!oct_data_is_random(data)) {
        OCT_TRY(oct_look_at(data, e->pool, o->progress, o->progress_user, looks, err));
        oct_examine_samples(e, data, *looks);
        return OCT_OK;
    }
    oct_diagnosis_add(e->out, OCT_FINDING_NOISE, OCT_SEVERITY_MEND, data->count,
        "take real samples: noise says nothing about ranges or accuracy", "%s is noise",
        oct_data_spec(data));
    return OCT_OK;
}

static oct_status examine(oct_examination *e, oct_error *err)
{
    OCT_TRY(look(e, e->data, &e->looks, err));
    if (e->calib != NULL)
        OCT_TRY(look(e, e->calib, &e->calib_looks, err));
    if (e->looks != NULL)
        OCT_TRY(oct_examine_alike(e, err));
    OCT_TRY(oct_examine_classes(e, err));
    OCT_TRY(oct_examine_fit(e, err));
    OCT_TRY(oct_examine_growth(e, err));
    qsort(e->out->findings, (size_t)e->out->count, sizeof *e->out->findings, worst_first);
    return e->out->short_of_memory ? oct_fail_memory(err, 1024, "findings") : OCT_OK;
}

oct_status oct_doctor(const oct_model *model, const oct_data *data, const oct_data *calib,
    const oct_doctor_options *options, oct_diagnosis **out, oct_error *err)
{
    oct_examination e = { .model = model, .data = data, .calib = calib, .options = options };
    *out = e.out = calloc(1, sizeof *e.out);
    if (e.out == NULL)
        return oct_fail_memory(err, sizeof *e.out, "a diagnosis");
    oct_status status = oct_pool_create(options->threads, &e.pool, err);
    if (status == OCT_OK)
        status = examine(&e, err);
    oct_pool_free(e.pool);
    free(e.looks);
    free(e.calib_looks);
    if (status != OCT_OK) {
        oct_diagnosis_free(*out);
        *out = NULL;
    }
    return status;
}

void oct_diagnosis_free(oct_diagnosis *diagnosis)
{
    if (diagnosis != NULL)
        oct_arena_free(&diagnosis->arena);
    free(diagnosis);
}

int32_t oct_diagnosis_count(const oct_diagnosis *diagnosis)
{
    return diagnosis->count;
}

const oct_finding *oct_diagnosis_finding(const oct_diagnosis *diagnosis, int32_t index)
{
    return &diagnosis->findings[index];
}

const oct_growth *oct_diagnosis_growth(const oct_diagnosis *diagnosis)
{
    return &diagnosis->growth;
}

const char *oct_diagnosis_preprocess(const oct_diagnosis *diagnosis)
{
    return diagnosis->choice.reason;
}

const char *oct_finding_name(oct_finding_kind kind)
{
    static const char *const names[] = {
#define OCT_FINDING_NAME(enumerator, name) name,
        OCT_FINDING_LIST(OCT_FINDING_NAME)
#undef OCT_FINDING_NAME
    };
    return names[kind];
}

const char *oct_severity_name(oct_severity severity)
{
    static const char *const names[] = { "note", "warning", "mend" };
    return names[severity];
}
