/*
 * The file: a head of one line, then records of [sample int64][record], all of one size. A record
 * goes out in one write(), so a killed process leaves at most one torn record, at the end.
 */
#include "eval/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

enum { HEAD = 128 };

struct oct_journal {
    char *path;
    int file;
    size_t record_size; /* with the sample's number */
    int64_t samples;
    unsigned char *records; /* [samples][record_size] as read; zero number + 1: none */
    unsigned char *scratch; /* [record_size] */
    pthread_mutex_t lock;
};

static oct_status fail(const oct_journal *j, const char *what, oct_error *err)
{
    return oct_fail(err, OCT_E_SYSTEM, "%s: %s: %s", j->path, what, strerror(errno));
}

static void make_head(const oct_journal *j, const char *key, char head[HEAD])
{
    memset(head, ' ', HEAD);
    int length = snprintf(
        head, HEAD, "octavo journal 1 %.64s %zu %lld", key, j->record_size, (long long)j->samples);
    head[length] = ' ';
    head[HEAD - 1] = '\n';
}

static oct_status begin(oct_journal *j, const char head[HEAD], oct_error *err)
{
    if (ftruncate(j->file, 0) != 0 || write(j->file, head, HEAD) != HEAD)
        return fail(j, "cannot be written", err);
    return OCT_OK;
}

/* Takes over whole records; what is torn is cut off. */
static oct_status read_records(oct_journal *j, int64_t size, oct_error *err)
{
    int64_t count = (size - HEAD) / (int64_t)j->record_size;
    for (int64_t i = 0; i < count; i++) {
        int64_t sample;
        if (read(j->file, j->scratch, j->record_size) != (ssize_t)j->record_size)
            return fail(j, "cannot be read", err);
        memcpy(&sample, j->scratch, sizeof sample);
        if (sample < 1 || sample > j->samples)
            return oct_fail(
                err, OCT_E_INVALID, "%s: record %lld is damaged", j->path, (long long)i);
        memcpy(j->records + (size_t)(sample - 1) * j->record_size, j->scratch, j->record_size);
    }
    if (ftruncate(j->file, HEAD + count * (int64_t)j->record_size) != 0)
        return fail(j, "cannot be cut", err);
    return OCT_OK;
}

static oct_status open_file(oct_journal *j, const char *key, oct_error *err)
{
    char want[HEAD], have[HEAD];
    struct stat info;
    make_head(j, key, want);
    j->file = open(j->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (j->file < 0 || fstat(j->file, &info) != 0)
        return fail(j, "cannot be opened", err);
    if (info.st_size == 0)
        return begin(j, want, err);
    if (info.st_size < HEAD || read(j->file, have, HEAD) != HEAD ||
        memcmp(have, "octavo journal ", 15) != 0)
        return oct_fail(err, OCT_E_INVALID, "%s: not a journal of an evaluation", j->path);
    if (memcmp(have, want, HEAD) != 0)
        return oct_fail(err, OCT_E_USAGE,
            "%s: belongs to other models, data or options; remove it or name another file",
            j->path);
    return read_records(j, info.st_size, err);
}

oct_status oct_journal_open(const char *path, const char *key, size_t record_size, int64_t samples,
    oct_journal **out, oct_error *err)
{
    *out = NULL;
    oct_journal *j = calloc(1, sizeof *j);
    if (j == NULL)
        return oct_fail_memory(err, sizeof *j, "journal");
    pthread_mutex_init(&j->lock, NULL);
    j->file = -1;
    j->record_size = record_size + sizeof(int64_t);
    j->samples = samples;
    j->path = strdup(path);
    j->records = calloc((size_t)samples + 1, j->record_size);
    j->scratch = malloc(j->record_size);
    oct_status status = j->path == NULL || j->records == NULL || j->scratch == NULL
                            ? oct_fail_memory(err, (size_t)samples * j->record_size, "journal")
                            : open_file(j, key, err);
    if (status != OCT_OK) {
        oct_journal_close(j, false);
        return status;
    }
    *out = j;
    return OCT_OK;
}

bool oct_journal_take(const oct_journal *j, int64_t sample, void *record)
{
    int64_t number;
    const unsigned char *from = j->records + (size_t)sample * j->record_size;
    memcpy(&number, from, sizeof number);
    if (number == 0)
        return false;
    memcpy(record, from + sizeof number, j->record_size - sizeof number);
    return true;
}

oct_status oct_journal_add(oct_journal *j, int64_t sample, const void *record, oct_error *err)
{
    int64_t number = sample + 1;
    pthread_mutex_lock(&j->lock);
    memcpy(j->scratch, &number, sizeof number);
    memcpy(j->scratch + sizeof number, record, j->record_size - sizeof number);
    ssize_t written = write(j->file, j->scratch, j->record_size);
    int reason = written < 0 ? errno : ENOSPC;
    pthread_mutex_unlock(&j->lock);
    if (written == (ssize_t)j->record_size)
        return OCT_OK;
    return oct_fail(err, OCT_E_SYSTEM, "%s: cannot be written: %s", j->path, strerror(reason));
}

void oct_journal_close(oct_journal *j, bool done)
{
    if (j == NULL)
        return;
    if (j->file >= 0)
        close(j->file);
    if (done)
        unlink(j->path);
    pthread_mutex_destroy(&j->lock);
    free(j->path);
    free(j->records);
    free(j->scratch);
    free(j);
}
