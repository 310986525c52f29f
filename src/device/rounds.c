/*
 * Latency on the device: the rounds in slices, each one call of the program's `bench`, which interleaves
 * the models within. Between slices the device is looked at, so that heat is noticed while it matters, and a
 * lost connection costs one slice.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "bench/summary.h"
#include "device/device.h"
#include "device/process.h"
#include "eval/stats.h"

enum {
    MAX_MODELS = 64,
    PROBE_ROUNDS = 3,
    MIN_ROUNDS = 15,
    MAX_ROUNDS = 1000,
    MAX_SPOILT = 3,
    SEVERE = 3
};

static const double seconds_per_model = 2, slice_seconds = 4, most_wait_seconds = 120,
                    look_seconds = 5, drift = 1.1;

/* What the slices so far have given for one model. */
typedef struct collected {
    double *times; /* [rounds] */
    int64_t runs_per_round, warmup_runs;
    double load_ns;
    size_t arena_bytes;
} collected;

typedef struct job {
    oct_device *d;
    const oct_bench_options *options;
    int32_t model_count;
    char names[MAX_MODELS][OCT_DEVICE_NAME]; /* on the device */
    collected got[MAX_MODELS];
    int32_t rounds, capacity;
    int32_t threads;
    oct_machine machine;
    json_t *last;      /* answer of the last slice, for the profile */
    double slice_took; /* seconds of its rounds, as the host saw it */
    int32_t slice_number, spoilt;
} job;

/* Asking for a slice. */

static oct_status words_for(
    const job *j, int32_t rounds, bool profile, char **words, oct_error *err)
{
    size_t size = 256 + (size_t)j->model_count * (OCT_DEVICE_NAME + 1), at;
    *words = malloc(size);
    if (*words == NULL)
        return oct_fail_memory(err, size, "command");
    at = (size_t)snprintf(*words, size,
        "bench --json --quiet --rounds %d --threads %d --kernels %s --seed %llu%s%s%s", (int)rounds,
        (int)j->threads, j->options->kernels == OCT_KERNELS_REF ? "ref" : "fast",
        (unsigned long long)j->options->seed + (unsigned)j->slice_number,
        *j->d->cpus != 0 ? " --cpus " : "", j->d->cpus, profile ? " --profile" : "");
    for (int32_t m = 0; m < j->model_count; m++)
        at += (size_t)snprintf(*words + at, size - at, " %s", j->names[m]);
    return OCT_OK;
}

/* Reading its answer. */

static oct_status fail_answer(const job *j, const char *key, oct_error *err)
{
    return oct_fail(err, OCT_E_SYSTEM, "%s: the answer of the program there cannot be read: %s",
        j->d->name, key);
}

static oct_status grow(job *j, int32_t more, oct_error *err)
{
    if (j->rounds + more <= j->capacity)
        return OCT_OK;
    int32_t capacity = 2 * (j->rounds + more);
    for (int32_t m = 0; m < j->model_count; m++) {
        double *times = realloc(j->got[m].times, (size_t)capacity * sizeof *times);
        if (times == NULL)
            return oct_fail_memory(err, (size_t)capacity * sizeof *times, "rounds");
        j->got[m].times = times;
    }
    j->capacity = capacity;
    return OCT_OK;
}

/* Appends the times of a model behind j->rounds; *worked gets the nanoseconds they stand for. */
static oct_status take_times(
    job *j, const json_t *model, int32_t m, int32_t rounds, double *worked, oct_error *err)
{
    const json_t *times = json_object_get(model, "times_ns");
    double runs = (double)json_integer_value(json_object_get(model, "runs_per_round"));
    if (json_array_size(times) != (size_t)rounds || runs < 1)
        return fail_answer(j, "times_ns", err);
    for (int32_t i = 0; i < rounds; i++) {
        double ns = json_number_value(json_array_get(times, (size_t)i));
        j->got[m].times[j->rounds + i] = ns;
        *worked = ns > 0 && isfinite(ns) ? *worked + ns * runs : INFINITY;
    }
    collected *got = &j->got[m];
    if (j->rounds > 0)
        return OCT_OK;
    got->runs_per_round = (int64_t)runs;
    got->warmup_runs = json_integer_value(json_object_get(model, "warmup_runs"));
    got->load_ns = json_number_value(json_object_get(model, "load_ns"));
    got->arena_bytes = (size_t)json_integer_value(json_object_get(model, "arena_bytes"));
    return OCT_OK;
}

static void take_text(const json_t *object, const char *key, char *text, size_t size)
{
    const char *value = json_string_value(json_object_get(object, key));
    if (value != NULL)
        snprintf(text, size, "%s", value);
}

static void take_machine(job *j, const json_t *root)
{
    const json_t *machine = json_object_get(root, "machine");
    take_text(machine, "cpu", j->machine.cpu, sizeof j->machine.cpu);
    take_text(machine, "system", j->machine.system, sizeof j->machine.system);
    take_text(machine, "governor", j->machine.governor, sizeof j->machine.governor);
    take_text(root, "cpus", j->d->given_cpus, sizeof j->d->given_cpus);
    j->machine.cores = (int32_t)json_integer_value(json_object_get(machine, "cores"));
    j->machine.load = json_number_value(json_object_get(machine, "load"));
}

/*
 * Takes the rounds of an answer. They are left out when their times cannot be: none, or more time than
 * passed on the host meanwhile, as when the device's clock jumps.
 */
static oct_status take_answer(job *j, json_t *root, int32_t rounds, double passed, oct_error *err)
{
    const json_t *models = json_object_get(root, "models");
    if (json_array_size(models) != (size_t)j->model_count)
        return fail_answer(j, "models", err);
    OCT_TRY(grow(j, rounds, err));
    double worked = 0;
    for (int32_t m = 0; m < j->model_count; m++)
        OCT_TRY(take_times(j, json_array_get(models, (size_t)m), m, rounds, &worked, err));
    if (worked > passed * 1e9) {
        oct_device_note(
            j->d, "the clock of %.100s jumped: %d rounds are left out", j->d->name, (int)rounds);
        return ++j->spoilt < MAX_SPOILT
                   ? OCT_OK
                   : oct_fail(err, OCT_E_SYSTEM, "%s: its clock jumps; times cannot be taken",
                         j->d->name);
    }
    take_machine(j, root);
    j->slice_took =
        2 * worked / 1e9 / rounds; /* a round has an untimed run before the timed ones */
    j->rounds += rounds;
    json_decref(j->last);
    j->last = json_incref(root);
    return OCT_OK;
}

static oct_status run_slice(job *j, int32_t rounds, bool profile, oct_error *err)
{
    char *words, path[4096];
    OCT_TRY(words_for(j, rounds, profile, &words, err));
    double begin = oct_seconds();
    oct_status status = oct_device_call(j->d, words, err);
    double passed = oct_seconds() - begin;
    free(words);
    OCT_TRY(status);
    OCT_TRY(oct_device_fetch(j->d, "run/out", path, sizeof path, err));
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    if (root == NULL)
        return fail_answer(j, "not JSON", err);
    status = take_answer(j, root, rounds, passed, err);
    json_decref(root);
    j->slice_number++;
    return status;
}

/* Heat. */

/* Looks; while the device throttles hard, waits for it to cool down. */
static oct_status cool_down(job *j, oct_error *err)
{
    const oct_device_state *state;
    double begin = oct_seconds();
    for (;;) {
        OCT_TRY(oct_device_look(j->d, &state, err));
        int first = j->d->states[0].thermal;
        if (first >= 0 && state->thermal > first && !j->d->throttled) {
            j->d->throttled = true;
            oct_device_note(j->d,
                "%.100s is getting hot: its thermal status rose from %d to %d; "
                "latencies are those of a hot phone",
                j->d->name, first, state->thermal);
        }
        if (state->thermal < SEVERE)
            return OCT_OK;
        if (oct_seconds() - begin > most_wait_seconds)
            return oct_fail(err, OCT_E_SYSTEM,
                "%s is too hot (thermal status %d) and does not cool down; "
                "let it rest",
                j->d->name, state->thermal);
        oct_device_note(j->d, "%.100s is hot: waiting for it to cool down", j->d->name);
        for (int i = 0; i < (int)(look_seconds * 10); i++) {
            if (j->d->adb.cancelled(j->d->adb.user))
                return oct_fail(err, OCT_E_SYSTEM, "interrupted");
            nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
        }
    }
}

/* First and last third of the rounds by their medians. */
static void look_for_drift(job *j)
{
    int32_t third = j->rounds / 3;
    for (int32_t m = 0; m < j->model_count && third >= 3; m++) {
        double *first = j->got[m].times, *last = first + j->rounds - third;
        double a[MAX_ROUNDS], b[MAX_ROUNDS];
        int32_t count = third < MAX_ROUNDS ? third : MAX_ROUNDS;
        memcpy(a, first, (size_t)count * sizeof *a);
        memcpy(b, last, (size_t)count * sizeof *b);
        oct_sort(a, count);
        oct_sort(b, count);
        double ratio = oct_quantile(b, count, 0.5) / oct_quantile(a, count, 0.5);
        if (ratio < drift && ratio > 1 / drift)
            continue;
        j->d->drifted = true;
        oct_device_note(j->d,
            "model %d: the last rounds on %.100s took %.2f times as long as the first", (int)m + 1,
            j->d->name, ratio);
    }
}

/* All of it. */

static int32_t rounds_wanted(const job *j)
{
    const oct_bench_options *o = j->options;
    if (o->rounds > 0)
        return o->rounds;
    double seconds = o->seconds > 0 ? o->seconds : seconds_per_model * j->model_count;
    double rounds = j->slice_took > 0 ? seconds / j->slice_took : MAX_ROUNDS;
    return rounds < MIN_ROUNDS ? MIN_ROUNDS : rounds > MAX_ROUNDS ? MAX_ROUNDS : (int32_t)rounds;
}

/* The first slice is short and tells how long a round takes. */
static int32_t next_slice(const job *j, int32_t wanted)
{
    if (j->rounds == 0)
        return wanted < PROBE_ROUNDS ? wanted : PROBE_ROUNDS;
    int32_t left = wanted - j->rounds;
    double fit = slice_seconds / j->slice_took;
    int32_t rounds = fit < PROBE_ROUNDS ? PROBE_ROUNDS : fit > left ? left : (int32_t)fit;
    return rounds < left ? rounds : left;
}

static oct_status run_slices(job *j, oct_error *err)
{
    int32_t wanted = j->options->rounds > 0 ? j->options->rounds : MIN_ROUNDS;
    while (j->rounds < wanted) {
        OCT_TRY(cool_down(j, err));
        int32_t rounds = next_slice(j, wanted);
        OCT_TRY(run_slice(j, rounds, j->options->profile && j->rounds + rounds >= wanted, err));
        if (j->rounds > 0)
            wanted = rounds_wanted(j);
        if (j->options->progress != NULL)
            j->options->progress(
                j->options->progress_user, "measure on the device", j->rounds, wanted);
    }
    look_for_drift(j);
    return oct_device_look(j->d, NULL, err);
}

static int32_t read_profile(const json_t *model, oct_op_time **ops)
{
    const json_t *profile = json_object_get(model, "profile");
    int32_t count = (int32_t)json_array_size(profile);
    *ops = calloc((size_t)count + 1, sizeof **ops);
    for (int32_t i = 0; i < count && *ops != NULL; i++) {
        const json_t *op = json_array_get(profile, (size_t)i);
        const char *name = json_string_value(json_object_get(op, "op"));
        const char *tensor = json_string_value(json_object_get(op, "tensor"));
        (*ops)[i] = (oct_op_time){ name != NULL ? name : "", tensor != NULL ? tensor : "",
            json_number_value(json_object_get(op, "median_ns")),
            json_number_value(json_object_get(op, "macs")),
            json_number_value(json_object_get(op, "share")) };
    }
    return *ops != NULL ? count : 0;
}

static oct_status assemble(const job *j, oct_bench **out, oct_error *err)
{
    oct_bench_record records[MAX_MODELS] = { { 0 } };
    oct_op_time *ops[MAX_MODELS] = { NULL };
    const json_t *models = json_object_get(j->last, "models");
    for (int32_t m = 0; m < j->model_count; m++) {
        const collected *got = &j->got[m];
        int32_t count = read_profile(json_array_get(models, (size_t)m), &ops[m]);
        records[m] = (oct_bench_record){ got->times, got->runs_per_round, got->warmup_runs,
            got->load_ns, got->arena_bytes, ops[m], count };
    }
    oct_status status =
        oct_bench_assemble(&j->machine, j->threads, records, j->model_count, j->rounds, out, err);
    for (int32_t m = 0; m < j->model_count; m++)
        free(ops[m]);
    return status;
}

static oct_status measure(job *j, const oct_model *const *models, oct_error *err)
{
    for (int32_t m = 0; m < j->model_count; m++)
        OCT_TRY(oct_device_store_model(j->d, models[m], j->names[m], err));
    return run_slices(j, err);
}

oct_status oct_device_bench(oct_device *device, const oct_model *const *models, int32_t model_count,
    const oct_bench_options *options, oct_bench **out, oct_error *err)
{
    static const oct_bench_options plain = { 0 };
    *out = NULL;
    if (model_count < 1 || model_count > MAX_MODELS)
        return oct_fail(err, OCT_E_USAGE, "%d models; 1 to %d can be measured together",
            (int)model_count, (int)MAX_MODELS);
    job *j = calloc(1, sizeof *j);
    if (j == NULL)
        return oct_fail_memory(err, sizeof *j, "benchmark");
    *j = (job){
        .d = device, .options = options == NULL ? &plain : options, .model_count = model_count
    };
    j->threads = j->options->threads > 0 ? j->options->threads : 1;
    oct_status status = oct_device_begin(device, err);
    if (status == OCT_OK) {
        status = measure(j, models, err);
        status = oct_device_end(device, status, err);
    }
    if (j->rounds > 0) {
        oct_status kept = assemble(j, out, status == OCT_OK ? err : NULL);
        status = status == OCT_OK ? kept : status;
    }
    for (int32_t m = 0; m < model_count; m++)
        free(j->got[m].times);
    json_decref(j->last);
    free(j);
    return status;
}
