/*
 * Outputs that were kept: written as arrays, or given to the user's own metric.
 */
#include <octavo/data.h>

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "eval/evaluate.h"

extern char **environ;

enum { MAX_ARRAYS = 17, MAX_ANSWER = 1 << 16 };

/* Copies one output of all samples together: [samples][elements]; owned by the caller. */
static float *gather(const oct_eval *e, int32_t model, int32_t output)
{
    size_t elements = e->outputs[output].elements;
    float *values = malloc((size_t)e->samples * elements * sizeof *values + 1);
    const float *from = e->kept + (size_t)model * (size_t)e->samples * e->elements;
    for (int64_t i = 0; i < e->samples && values != NULL; i++)
        memcpy(values + (size_t)i * elements,
            from + (size_t)i * e->elements + e->outputs[output].at, elements * sizeof *values);
    return values;
}

static int32_t shape_of(const oct_eval *e, int32_t output, int64_t dims[8])
{
    int32_t rank = e->outputs[output].rank < 1 ? 1 : e->outputs[output].rank;
    dims[0] = e->samples;
    for (int32_t i = 1; i < rank; i++)
        dims[i] = e->outputs[output].dims[i];
    return rank;
}

oct_status oct_eval_write_outputs(
    const oct_eval *eval, int32_t model, int32_t output, const char *path, oct_error *err)
{
    if (eval->kept == NULL || output < 0 || output >= eval->output_count)
        return oct_fail(err, OCT_E_USAGE, "output %d was not kept", (int)output);
    int64_t dims[8];
    int32_t rank = shape_of(eval, output, dims);
    float *values = gather(eval, model, output);
    if (values == NULL)
        return oct_fail_memory(err, (size_t)eval->samples * eval->elements * 4, "outputs");
    oct_status status = oct_npy_write(path, "float32", rank, dims, values, err);
    free(values);
    return status;
}

/* "labels", when there are some: the output index of each sample's. */
static oct_status add_labels(
    const oct_eval *e, int32_t model, oct_npz_entry *entry, void **owned, oct_error *err)
{
    int32_t *labels = malloc((size_t)e->samples * sizeof *labels);
    if (labels == NULL)
        return oct_fail_memory(err, (size_t)e->samples * sizeof *labels, "labels");
    for (int64_t i = 0; i < e->samples; i++)
        labels[i] = e->outcomes[i * e->models + model].label;
    *owned = labels;
    *entry = (oct_npz_entry){
        .name = "labels", .type = "int32", .rank = 1, .dims = { e->samples }, .bytes = labels
    };
    return OCT_OK;
}

oct_status oct_eval_save_outputs(
    const oct_eval *eval, int32_t model, const char *path, oct_error *err)
{
    oct_npz_entry entries[MAX_ARRAYS];
    void *owned[MAX_ARRAYS] = { NULL };
    char names[MAX_ARRAYS][24];
    int32_t count = 0;
    if (eval->kept == NULL)
        return oct_fail(err, OCT_E_USAGE, "outputs were not kept");
    oct_status status = OCT_OK;
    for (; count < eval->output_count && status == OCT_OK; count++) {
        oct_npz_entry *entry = &entries[count];
        snprintf(names[count], sizeof names[count], "output%d", (int)count);
        owned[count] = gather(eval, model, count);
        *entry = (oct_npz_entry){ .name = names[count], .type = "float32", .bytes = owned[count] };
        entry->rank = shape_of(eval, count, entry->dims);
        if (owned[count] == NULL)
            status = oct_fail_memory(err, (size_t)eval->samples * eval->elements * 4, "outputs");
    }
    if (status == OCT_OK && eval->has_labels) {
        status = add_labels(eval, model, &entries[count], &owned[count], err);
        count++;
    }
    if (status == OCT_OK)
        status = oct_npz_write(path, entries, count, err);
    for (int32_t i = 0; i < MAX_ARRAYS; i++)
        free(owned[i]);
    return status;
}

/* The user's metric: a shell command that gets the file as its last argument. */

static oct_status read_answer(int from, char *answer, const char *command, oct_error *err)
{
    size_t at = 0;
    for (;;) {
        ssize_t got = read(from, answer + at, MAX_ANSWER - 1 - at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        at += (size_t)got;
        if (at == MAX_ANSWER - 1)
            return oct_fail(err, OCT_E_INVALID, "%s: printed over %d bytes", command, MAX_ANSWER);
    }
    answer[at] = '\0';
    return OCT_OK;
}

static oct_status run_command(const char *command, const char *path, char *answer, oct_error *err)
{
    int ends[2], code = 0;
    pid_t child;
    size_t room = strlen(command) + 8;
    char *script = malloc(room);
    if (script == NULL || pipe(ends) != 0) {
        free(script);
        return oct_fail(err, OCT_E_SYSTEM, "%s: %s", command, strerror(errno));
    }
    snprintf(script, room, "%s \"$1\"", command);
    char *words[] = { "sh", "-c", script, "octavo", (char *)(uintptr_t)path, NULL };
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    int failed = posix_spawnp(&child, "sh", &actions, NULL, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    oct_status status = failed != 0
                            ? oct_fail(err, OCT_E_SYSTEM, "%s: %s", command, strerror(failed))
                            : read_answer(ends[0], answer, command, err);
    close(ends[0]);
    free(script);
    if (failed != 0)
        return status;
    while (waitpid(child, &code, 0) < 0 && errno == EINTR)
        continue;
    if (status == OCT_OK && (!WIFEXITED(code) || WEXITSTATUS(code) != 0))
        return oct_fail(err, OCT_E_SYSTEM, "%s: exit code %d", command,
            WIFEXITED(code) ? WEXITSTATUS(code) : 128 + WTERMSIG(code));
    return status;
}

/* Lines "name value". */
static oct_status parse_answer(const char *command, char *answer, oct_named_value *values,
    int32_t room, int32_t *count, oct_error *err)
{
    *count = 0;
    char *rest = NULL;
    for (char *line = strtok_r(answer, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        oct_named_value v;
        char end;
        if (sscanf(line, "%63s %lf %c", v.name, &v.value, &end) != 2)
            return oct_fail(
                err, OCT_E_INVALID, "%s: '%.80s' is no line \"name value\"", command, line);
        if (*count == room)
            return oct_fail(err, OCT_E_INVALID, "%s: more than %d values", command, (int)room);
        values[(*count)++] = v;
    }
    return *count > 0 ? OCT_OK : oct_fail(err, OCT_E_INVALID, "%s: printed nothing", command);
}

oct_status oct_eval_run_metric(const oct_eval *eval, int32_t model, const char *command,
    oct_named_value *values, int32_t room, int32_t *count, oct_error *err)
{
    const char *temporary = getenv("TMPDIR");
    char folder[512], path[540];
    snprintf(folder, sizeof folder, "%.400s/octavo-XXXXXX",
        temporary == NULL || *temporary == '\0' ? "/tmp" : temporary);
    *count = 0;
    if (mkdtemp(folder) == NULL)
        return oct_fail(err, OCT_E_SYSTEM, "%s: %s", folder, strerror(errno));
    snprintf(path, sizeof path, "%s/outputs.npz", folder);
    char *answer = malloc(MAX_ANSWER);
    oct_status status = answer == NULL ? oct_fail_memory(err, MAX_ANSWER, "metric")
                                       : oct_eval_save_outputs(eval, model, path, err);
    if (status == OCT_OK)
        status = run_command(command, path, answer, err);
    if (status == OCT_OK)
        status = parse_answer(command, answer, values, room, count, err);
    free(answer);
    unlink(path);
    rmdir(folder);
    return status;
}
