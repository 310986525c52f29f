/*
 * Processes deal the samples out like cards and exchange fixed-size records afterwards; what is
 * folded from the records is then the same whatever their number.
 */
#include "eval/work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/sha256.h"

/* Names the work: what the models are, on what, and how. */
static oct_status name_work(const oct_eval *e, const oct_model *const *models, const oct_data *data,
    const oct_preprocess *p, const oct_eval_options *options, char key[65], oct_error *err)
{
    size_t room = 2048 + strlen(oct_data_spec(data)) + (size_t)e->models * 128, at;
    char *text = malloc(room);
    if (text == NULL)
        return oct_fail_memory(err, room, "journal");
    at = (size_t)snprintf(text, room, "%s %lld %d %d %s %d %d %d %d %g %g", oct_data_spec(data),
        (long long)e->samples, (int)options->kernels, (int)options->label_offset, p->name,
        (int)p->filter, p->antialias, p->keep_aspect, p->bgr, (double)p->crop, (double)p->divisor);
    for (int k = 0; k < 4; k++)
        at += (size_t)snprintf(
            text + at, room - at, " %.9g %.9g", (double)p->mean[k], (double)p->std[k]);
    oct_status status = OCT_OK;
    for (int32_t m = 0; m < e->models && status == OCT_OK; m++) {
        void *bytes = NULL;
        size_t size;
        char digest[65];
        status = oct_model_serialize(models[m], &bytes, &size, err);
        if (status != OCT_OK)
            break;
        oct_sha256(bytes, size, digest);
        free(bytes);
        at += (size_t)snprintf(text + at, room - at, " %s %.40s", digest,
            oct_engine_name(options->engines == NULL ? NULL : options->engines[m]));
    }
    oct_sha256(text, at, key);
    free(text);
    return status;
}

/* A record: outcomes of all models, counts of pixels, outputs; each where the task has it. */

static size_t outcome_bytes(const oct_eval *e)
{
    return (size_t)e->models * sizeof *e->outcomes;
}

static size_t pixel_bytes(const oct_eval *e)
{
    return (size_t)e->models * (size_t)e->pixels.classes * sizeof *e->pixel_counts;
}

static size_t record_bytes(const oct_work *work, const oct_eval *e)
{
    size_t outputs = work->keeps ? (size_t)e->models * e->elements * sizeof *e->kept : 0;
    return outcome_bytes(e) + pixel_bytes(e) + outputs;
}

static char *move(char *record, void *place, size_t bytes, bool into_record)
{
    if (bytes > 0)
        memcpy(into_record ? record : place, into_record ? place : record, bytes);
    return record + bytes;
}

static void move_record(
    const oct_work *work, const oct_eval *e, int64_t sample, char *record, bool into_record)
{
    size_t at = (size_t)sample, models = (size_t)e->models;
    record = move(record, e->outcomes + at * models, outcome_bytes(e), into_record);
    if (pixel_bytes(e) > 0)
        record = move(record, e->pixel_counts + at * models * (size_t)e->pixels.classes,
            pixel_bytes(e), into_record);
    for (size_t m = 0; m < models && work->keeps; m++)
        record = move(record, e->kept + (m * (size_t)e->samples + at) * e->elements,
            e->elements * sizeof *e->kept, into_record);
}

oct_status oct_work_begin(oct_work *work, const oct_eval *eval, const oct_model *const *models,
    const oct_data *data, const oct_preprocess *preprocess, const oct_eval_options *options,
    oct_error *err)
{
    char key[65];
    *work = (oct_work){ .group = options->group };
    if (options->resume == NULL)
        return OCT_OK;
    work->keeps = options->keep_outputs || eval->task == OCT_TASK_DETECTION;
    OCT_TRY(name_work(eval, models, data, preprocess, options, key, err));
    size_t room = strlen(options->resume) + 32;
    char *path = malloc(room);
    if (path == NULL)
        return oct_fail_memory(err, room, "journal");
    if (work->group == NULL)
        snprintf(path, room, "%s", options->resume);
    else
        snprintf(path, room, "%s.%d-of-%d", options->resume, (int)work->group->rank + 1,
            (int)work->group->size);
    oct_status status =
        oct_journal_open(path, key, record_bytes(work, eval), eval->samples, &work->journal, err);
    free(path);
    return status;
}

/* Samples that a process of the group gets. */
static int64_t count_of(const oct_group *g, int32_t rank, int64_t samples)
{
    return samples > rank ? (samples - rank - 1) / g->size + 1 : 0;
}

int64_t oct_work_count(const oct_work *work, int64_t samples)
{
    return work->group == NULL ? samples : count_of(work->group, work->group->rank, samples);
}

int64_t oct_work_sample(const oct_work *work, int64_t i)
{
    return work->group == NULL ? i : work->group->rank + i * work->group->size;
}

bool oct_work_known(const oct_work *work, oct_eval *eval, int64_t sample)
{
    char *record = work->journal == NULL ? NULL : malloc(record_bytes(work, eval));
    bool known = record != NULL && oct_journal_take(work->journal, sample, record);
    if (known)
        move_record(work, eval, sample, record, false);
    free(record);
    return known;
}

oct_status oct_work_note(const oct_work *work, const oct_eval *eval, int64_t sample, oct_error *err)
{
    if (work->journal == NULL)
        return OCT_OK;
    char *record = malloc(record_bytes(work, eval));
    if (record == NULL)
        return oct_fail_memory(err, record_bytes(work, eval), "journal");
    move_record(work, eval, sample, record, true);
    oct_status status = oct_journal_add(work->journal, sample, record, err);
    free(record);
    return status;
}

/* How a process fared. */
typedef struct verdict {
    oct_status status;
    int64_t failed_at;
    oct_error error;
} verdict;

static oct_status agree(const oct_group *g, oct_status status, int64_t failed_at, oct_error *err)
{
    verdict worst = { .status = OCT_OK };
    for (int32_t rank = 0; rank < g->size; rank++) {
        verdict v = { .status = status, .failed_at = failed_at };
        if (rank == g->rank && err != NULL)
            v.error = *err;
        OCT_TRY(g->share(g->user, rank, &v, sizeof v, err));
        if (v.status != OCT_OK && (worst.status == OCT_OK || v.failed_at < worst.failed_at))
            worst = v;
    }
    if (worst.status != OCT_OK && err != NULL)
        *err = worst.error;
    return worst.status;
}

/* Moves a process's rows of an array between their places and one block. */
static void move_rows(const oct_group *g, int32_t rank, int64_t samples, char *array, char *block,
    size_t row, bool gather)
{
    for (int64_t i = 0; i < count_of(g, rank, samples); i++) {
        char *place = array + (size_t)(rank + i * g->size) * row;
        char *packed = block + (size_t)i * row;
        memcpy(gather ? packed : place, gather ? place : packed, row);
    }
}

/* Every process's rows of array [samples][row bytes] to all. */
static oct_status exchange_rows(
    const oct_group *g, int64_t samples, void *array, size_t row, oct_error *err)
{
    size_t room = (size_t)count_of(g, 0, samples) * row;
    char *block = malloc(room + 1);
    oct_status status = block == NULL ? oct_fail_memory(err, room, "exchange") : OCT_OK;
    for (int32_t rank = 0; rank < g->size && status == OCT_OK; rank++) {
        if (rank == g->rank)
            move_rows(g, rank, samples, array, block, row, true);
        status = g->share(g->user, rank, block, (size_t)count_of(g, rank, samples) * row, err);
        if (status == OCT_OK && rank != g->rank)
            move_rows(g, rank, samples, array, block, row, false);
    }
    free(block);
    return status;
}

oct_status oct_work_exchange(
    const oct_work *work, oct_eval *eval, oct_status status, int64_t failed_at, oct_error *err)
{
    const oct_group *g = work->group;
    if (g == NULL)
        return status;
    OCT_TRY(agree(g, status, failed_at, err));
    OCT_TRY(exchange_rows(
        g, eval->samples, eval->outcomes, (size_t)eval->models * sizeof *eval->outcomes, err));
    if (eval->pixel_counts != NULL)
        OCT_TRY(exchange_rows(g, eval->samples, eval->pixel_counts,
            (size_t)eval->models * (size_t)eval->pixels.classes * sizeof *eval->pixel_counts, err));
    for (int32_t m = 0; m < eval->models && eval->kept != NULL; m++)
        OCT_TRY(exchange_rows(g, eval->samples,
            eval->kept + (size_t)m * (size_t)eval->samples * eval->elements,
            eval->elements * sizeof *eval->kept, err));
    return OCT_OK;
}

void oct_work_end(oct_work *work, bool done)
{
    oct_journal_close(work->journal, done);
    work->journal = NULL;
}
