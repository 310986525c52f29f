/*
 * A data set: a source and a choice of its samples, from "DATA:CHOICE".
 */
#include <octavo/data.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "eval/cache.h"
#include "eval/source.h"

static oct_status bad_choice(const char *spec, const char *choice, oct_error *err)
{
    return oct_fail(err, OCT_E_USAGE,
        "%s: ':%s' is no choice of samples; N, A-B or every=K is expected", spec, choice);
}

/* Digits only; *end is left behind them. */
static bool take_number(const char **text, int64_t *value)
{
    char *end;
    if (**text < '0' || **text > '9')
        return false;
    errno = 0;
    long long number = strtoll(*text, &end, 10);
    *text = end;
    *value = number;
    return errno == 0;
}

/* A choice as begin, end (exclusive, -1: all) and step. */
typedef struct choice {
    int64_t begin, end, step;
} choice;

static bool parse_choice(const char *text, choice *c)
{
    *c = (choice){ 0, -1, 1 };
    if (strncmp(text, "every=", 6) == 0) {
        text += 6;
        return take_number(&text, &c->step) && *text == 0 && c->step > 0;
    }
    if (!take_number(&text, &c->end))
        return false;
    if (*text == '-') {
        text++;
        c->begin = c->end;
        return take_number(&text, &c->end) && *text == 0;
    }
    return *text == 0;
}

/* Replaces data->chosen by what the choice leaves of it. */
static oct_status choose(oct_data *data, const choice *c, oct_error *err)
{
    int64_t end = c->end < 0 || c->end > data->count ? data->count : c->end;
    if (c->begin >= end)
        return oct_fail(
            err, OCT_E_USAGE, "%s: no sample is left of %lld", data->spec, (long long)data->count);
    int64_t count = (end - c->begin + c->step - 1) / c->step;
    int64_t *chosen = malloc((size_t)count * sizeof *chosen);
    if (chosen == NULL)
        return oct_fail_memory(err, (size_t)count * sizeof *chosen, "choice of samples");
    for (int64_t i = 0; i < count; i++) {
        int64_t at = c->begin + i * c->step;
        chosen[i] = data->chosen == NULL ? at : data->chosen[at];
    }
    free(data->chosen);
    data->chosen = chosen;
    data->count = count;
    return OCT_OK;
}

static oct_status open_random(const char *text, oct_data *data, oct_error *err)
{
    if (!take_number(&text, &data->own.count) || *text != 0 || data->own.count < 1)
        return oct_fail(
            err, OCT_E_USAGE, "%s: random:N, a number of samples, is expected", data->spec);
    data->own.random = true;
    return OCT_OK;
}

/* Cuts choices off the end until what is left exists; they are applied from left to right. */
static oct_status open_chosen(char *path, oct_data *data, oct_error *err)
{
    enum { MAX_CHOICES = 8 };
    choice choices[MAX_CHOICES];
    int count = 0;
    while (access(path, F_OK) != 0) {
        char *colon = strrchr(path, ':');
        if (colon == NULL)
            break;
        if (count == MAX_CHOICES || !parse_choice(colon + 1, &choices[count]))
            return bad_choice(data->spec, colon + 1, err);
        count++;
        *colon = 0;
    }
    OCT_TRY(oct_source_open(path, &data->own, err));
    data->count = data->own.count;
    while (count-- > 0)
        OCT_TRY(choose(data, &choices[count], err));
    return OCT_OK;
}

static oct_status open_spec(const char *spec, oct_data *data, oct_error *err)
{
    data->source = &data->own;
    data->spec = strdup(spec);
    char *path = strdup(spec);
    oct_status status;
    if (data->spec == NULL || path == NULL)
        status = oct_fail_memory(err, strlen(spec), "data");
    else if (strncmp(spec, "random:", 7) == 0)
        status = open_random(spec + 7, data, err);
    else
        status = open_chosen(path, data, err);
    free(path);
    if (data->chosen == NULL)
        data->count = data->own.count;
    return status;
}

oct_status oct_data_open(const char *spec, oct_data **out, oct_error *err)
{
    *out = NULL;
    oct_data *data = calloc(1, sizeof *data);
    if (data == NULL)
        return oct_fail_memory(err, sizeof *data, "data");
    oct_status status = open_spec(spec, data, err);
    if (status != OCT_OK) {
        oct_data_free(data);
        return status;
    }
    *out = data;
    return OCT_OK;
}

oct_status oct_data_subset(
    const oct_data *parent, const int64_t *indices, int64_t count, oct_data **out, oct_error *err)
{
    *out = NULL;
    oct_data *data = calloc(1, sizeof *data);
    if (data == NULL)
        return oct_fail_memory(err, sizeof *data, "data");
    data->source = parent->source;
    data->cache = parent->cache;
    data->count = count;
    data->spec = strdup(parent->spec);
    data->chosen = malloc((size_t)count * sizeof *indices + 1);
    if (data->spec == NULL || data->chosen == NULL) {
        oct_data_free(data);
        return oct_fail_memory(err, (size_t)count * sizeof *indices, "choice of samples");
    }
    for (int64_t i = 0; i < count; i++)
        data->chosen[i] = parent->chosen == NULL ? indices[i] : parent->chosen[indices[i]];
    *out = data;
    return OCT_OK;
}

oct_status oct_data_use_cache(oct_data *data, const char *folder, oct_error *err)
{
    oct_cache *cache;
    OCT_TRY(oct_cache_open(folder, &cache, err));
    if (data->owns_cache)
        oct_cache_close(data->cache);
    data->cache = cache;
    data->owns_cache = true;
    return OCT_OK;
}

void oct_data_free(oct_data *data)
{
    if (data == NULL)
        return;
    oct_source_close(&data->own);
    if (data->owns_cache)
        oct_cache_close(data->cache);
    free(data->chosen);
    free(data->spec);
    free(data);
}

static int64_t source_index(const oct_data *data, int64_t index)
{
    return data->chosen == NULL ? index : data->chosen[index];
}

int64_t oct_data_count(const oct_data *data)
{
    return data->count;
}

const char *oct_data_spec(const oct_data *data)
{
    return data->spec;
}

bool oct_data_is_random(const oct_data *data)
{
    return data->source->random;
}

bool oct_data_has_labels(const oct_data *data)
{
    return data->source->labels != NULL;
}

int32_t oct_data_class_count(const oct_data *data)
{
    return data->source->class_count;
}

const char *oct_data_class_name(const oct_data *data, int32_t label)
{
    const oct_source *source = data->source;
    if (source->class_names == NULL || label < 0 || label >= source->class_count)
        return NULL;
    return source->class_names[label];
}

int32_t oct_data_label(const oct_data *data, int64_t index)
{
    const oct_source *source = data->source;
    return source->labels == NULL ? -1 : source->labels[source_index(data, index)];
}

const char *oct_data_sample_name(const oct_data *data, int64_t index, char *text, size_t size)
{
    int64_t at = source_index(data, index);
    if (data->source->files != NULL)
        snprintf(text, size, "%s", data->source->files[at]);
    else
        snprintf(text, size, "sample %lld", (long long)at);
    return text;
}
