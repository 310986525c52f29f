/*
 * Rounds: every model once per round, in an order shuffled anew, one untimed run before the timed
 * ones so that each starts from the caches it would have had alone. Ratios are taken within rounds,
 * where both models met the same machine; a slow minute then moves medians, not ratios.
 */
#include <octavo/bench.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "bench/summary.h"
#include "eval/random.h"
#include "eval/stats.h"
#include "exec/session.h"

enum { MIN_ROUNDS = 15, MAX_ROUNDS = 1000, MIN_WARMUP_RUNS = 3, MAX_MODELS = 64 };

static const double seconds_per_model = 2, shortest_timing_ns = 200e3, longest_warmup_ns = 1e9;
static const double settled =
    0.98; /* a run that is no faster than this share of the best has settled */

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/*
 * Seeded bytes for integer inputs, [-1, 1) for float ones; small whole numbers where they may be
 * indices.
 */
static void fill_input(
    const oct_model *model, int32_t index, void *bytes, size_t size, uint64_t seed)
{
    oct_tensor_info info;
    oct_model_input(model, index, &info);
    oct_random random = oct_random_seed(seed + (uint64_t)index);
    if (strcmp(info.type, "float32") == 0) {
        for (size_t i = 0; i < size / 4; i++)
            ((float *)bytes)[i] = (float)(oct_random_uniform(&random) * 2 - 1);
    } else if (info.scale > 0) {
        for (size_t i = 0; i < size; i++)
            ((unsigned char *)bytes)[i] = (unsigned char)oct_random_next(&random);
    } else {
        memset(bytes, 0, size);
    }
}

static oct_status open_subject(const oct_model *model, const oct_engine *engine,
    const oct_bench_options *options, int32_t threads, oct_subject *s, oct_error *err)
{
    oct_session_options session = { .kernels = options->kernels, .threads = threads };
    double begin = now_ns();
    OCT_TRY(oct_runner_create(engine, model, &session, &s->runner, err));
    s->latency.load_ns = now_ns() - begin;
    s->session = oct_runner_session(s->runner);
    s->latency.arena_bytes = s->session == NULL ? 0 : oct_session_arena_bytes(s->session);
    for (int32_t i = 0; i < oct_model_input_count(model); i++) {
        size_t size;
        void *bytes = oct_runner_input(s->runner, i, &size);
        fill_input(model, i, bytes, size, options->seed);
    }
    return OCT_OK;
}

static oct_status timed_run(oct_subject *s, int64_t runs, double *ns, oct_error *err)
{
    double begin = now_ns();
    for (int64_t i = 0; i < runs; i++)
        OCT_TRY(oct_runner_run(s->runner, err));
    *ns = (now_ns() - begin) / (double)runs;
    return OCT_OK;
}

/*
 * Runs until three runs in a row were no faster than the best so far, or a second has passed. Gives
 * the time of a settled run and, from it, how many runs one timing needs.
 */
static oct_status warm_up(oct_subject *s, double *ns, oct_error *err)
{
    double best = 0, spent = 0;
    int calm = 0;
    for (int64_t run = 0; calm < MIN_WARMUP_RUNS && spent < longest_warmup_ns; run++) {
        double time;
        OCT_TRY(timed_run(s, 1, &time, err));
        calm = run > 0 && time >= best * settled ? calm + 1 : 0;
        best = run == 0 || time < best ? time : best;
        spent += time;
        s->latency.warmup_runs = run + 1;
    }
    *ns = best;
    s->latency.runs_per_round =
        best < shortest_timing_ns ? (int64_t)(shortest_timing_ns / best) + 1 : 1;
    return OCT_OK;
}

static int32_t choose_rounds(const oct_bench_options *options, int32_t models, double round_ns)
{
    if (options->rounds > 0)
        return options->rounds;
    double seconds = options->seconds > 0 ? options->seconds : seconds_per_model * models;
    double rounds = seconds * 1e9 / (round_ns > 0 ? round_ns : 1);
    return rounds < MIN_ROUNDS ? MIN_ROUNDS : rounds > MAX_ROUNDS ? MAX_ROUNDS : (int32_t)rounds;
}

static void shuffle(int32_t *order, int32_t count, oct_random *random)
{
    for (int32_t i = count - 1; i > 0; i--) {
        uint32_t k = oct_random_below(random, (uint32_t)i + 1);
        int32_t kept = order[i];
        order[i] = order[k];
        order[k] = kept;
    }
}

static oct_status run_rounds(oct_bench *b, const oct_bench_options *options, oct_error *err)
{
    int32_t order[MAX_MODELS];
    oct_random random = oct_random_seed(options->seed);
    for (int32_t i = 0; i < b->model_count; i++)
        order[i] = i;
    for (int32_t round = 0; round < b->rounds; round++) {
        shuffle(order, b->model_count, &random);
        for (int32_t i = 0; i < b->model_count; i++) {
            oct_subject *s = &b->subjects[order[i]];
            OCT_TRY(oct_runner_run(s->runner, err));
            OCT_TRY(timed_run(s, s->latency.runs_per_round, &s->times[round], err));
        }
        if (options->progress != NULL)
            options->progress(options->progress_user, "measure", round + 1, b->rounds);
    }
    return OCT_OK;
}

/* The profile: the time is stamped after each operator. */

enum { PROFILE_RUNS = 21 };

typedef struct stamps {
    oct_subject *subject;
    double last;
    int32_t run;
} stamps;

static void stamp(void *user, int32_t node)
{
    stamps *t = user;
    double now = now_ns();
    if (node >= 0)
        t->subject->op_times[(size_t)node * PROFILE_RUNS + (size_t)t->run] = now - t->last;
    t->last = now_ns();
}

static oct_status name_operators(oct_subject *s, oct_error *err)
{
    size_t bytes = 1;
    for (int32_t i = 0; i < s->op_count; i++)
        bytes += strlen(oct_session_node(s->session, i)->out[0]->label) + 1;
    s->names = malloc(bytes);
    if (s->names == NULL)
        return oct_fail_memory(err, bytes, "profile");
    char *at = s->names;
    for (int32_t i = 0; i < s->op_count; i++) {
        const oct_op *op = oct_session_node(s->session, i);
        const char *builtin = oct_builtin_name(op->node->op);
        size_t length = strlen(op->out[0]->label) + 1;
        memcpy(at, op->out[0]->label, length);
        s->ops[i].tensor = at;
        s->ops[i].op = builtin != NULL ? builtin : "CUSTOM";
        at += length;
    }
    return OCT_OK;
}

/* Work and share of the peak of all threads, from the time. */
static void rate_operator(const oct_bench *b, const oct_op *op, oct_op_time *time)
{
    double peak = oct_peak_of(&b->peaks, op) * b->threads;
    time->macs = oct_op_macs(op);
    if (peak > 0 && time->median_ns > 0)
        time->share = time->macs / (time->median_ns * 1e-9) / peak;
}

static oct_status profile(const oct_bench *b, oct_subject *s, oct_error *err)
{
    s->op_count = oct_session_node_count(s->session);
    s->ops = calloc((size_t)s->op_count + 1, sizeof *s->ops);
    s->op_times = calloc((size_t)s->op_count * PROFILE_RUNS + 1, sizeof *s->op_times);
    if (s->ops == NULL || s->op_times == NULL)
        return oct_fail_memory(err, (size_t)s->op_count * sizeof *s->ops, "profile");
    OCT_TRY(name_operators(s, err));
    oct_status status = OCT_OK;
    for (int32_t run = 0; run < PROFILE_RUNS && status == OCT_OK; run++) {
        stamps t = { .subject = s, .run = run };
        oct_session_set_watch(s->session, stamp, &t);
        status = oct_runner_run(s->runner, err);
    }
    oct_session_set_watch(s->session, NULL, NULL);
    for (int32_t i = 0; i < s->op_count && status == OCT_OK; i++) {
        double *times = s->op_times + (size_t)i * PROFILE_RUNS;
        oct_sort(times, PROFILE_RUNS);
        s->ops[i].median_ns = oct_quantile(times, PROFILE_RUNS, 0.5);
        rate_operator(b, oct_session_node(s->session, i), &s->ops[i]);
    }
    return status;
}

static oct_status measure(
    oct_bench *b, const oct_model *const *models, const oct_bench_options *options, oct_error *err)
{
    double round_ns = 0;
    b->threads = options->threads == 0 ? b->machine.cores : options->threads;
    for (int32_t i = 0; i < b->model_count; i++) {
        double ns;
        oct_subject *s = &b->subjects[i];
        const oct_engine *engine = options->engines == NULL ? NULL : options->engines[i];
        OCT_TRY(open_subject(models[i], engine, options, b->threads, s, err));
        OCT_TRY(warm_up(s, &ns, err));
        round_ns += ns * (double)(s->latency.runs_per_round + 1);
    }
    b->rounds = choose_rounds(options, b->model_count, round_ns);
    for (int32_t i = 0; i < b->model_count; i++) {
        b->subjects[i].times = calloc((size_t)b->rounds, sizeof(double));
        if (b->subjects[i].times == NULL)
            return oct_fail_memory(err, (size_t)b->rounds * sizeof(double), "benchmark");
    }
    OCT_TRY(run_rounds(b, options, err));
    if (options->profile)
        b->peaks = oct_peaks_probe();
    for (int32_t i = 0; i < b->model_count && options->profile; i++)
        if (b->subjects[i].session != NULL)
            OCT_TRY(profile(b, &b->subjects[i], err));
    return oct_bench_summarise(b, err);
}

static void close_sessions(oct_bench *b)
{
    for (int32_t i = 0; i < b->model_count; i++) {
        oct_runner_free(b->subjects[i].runner);
        b->subjects[i].runner = NULL;
        b->subjects[i].session = NULL;
    }
}

oct_status oct_bench_run(const oct_model *const *models, int32_t model_count,
    const oct_bench_options *options, oct_bench **out, oct_error *err)
{
    static const oct_bench_options plain = { 0 };
    *out = NULL;
    if (model_count < 1 || model_count > MAX_MODELS)
        return oct_fail(err, OCT_E_USAGE, "%d models; 1 to %d can be measured together",
            (int)model_count, (int)MAX_MODELS);
    oct_bench *b = calloc(1, sizeof *b);
    oct_subject *subjects = calloc((size_t)model_count, sizeof *subjects);
    if (b == NULL || subjects == NULL) {
        free(b);
        free(subjects);
        return oct_fail_memory(err, sizeof *b, "benchmark");
    }
    b->subjects = subjects;
    b->model_count = model_count;
    oct_machine_read(&b->machine);
    oct_status status = measure(b, models, options == NULL ? &plain : options, err);
    close_sessions(b);
    if (status != OCT_OK) {
        oct_bench_free(b);
        return status;
    }
    *out = b;
    return OCT_OK;
}

void oct_bench_free(oct_bench *bench)
{
    if (bench == NULL)
        return;
    close_sessions(bench);
    for (int32_t i = 0; i < bench->model_count; i++) {
        oct_subject *s = &bench->subjects[i];
        free(s->times);
        free(s->ops);
        free(s->op_times);
        free(s->names);
    }
    free(bench->subjects);
    free(bench);
}

const oct_machine *oct_bench_machine(const oct_bench *bench)
{
    return &bench->machine;
}

int32_t oct_bench_threads(const oct_bench *bench)
{
    return bench->threads;
}

const oct_latency *oct_bench_latency(const oct_bench *bench, int32_t model)
{
    return &bench->subjects[model].latency;
}

const double *oct_bench_times(const oct_bench *bench, int32_t model)
{
    return bench->subjects[model].times;
}

void oct_bench_peaks(const oct_bench *bench, double *float32, double *int8)
{
    *float32 = bench->peaks.f32;
    *int8 = bench->peaks.s8;
}

const oct_op_time *oct_bench_profile(const oct_bench *bench, int32_t model, int32_t *count)
{
    *count = bench->subjects[model].op_count;
    return bench->subjects[model].ops;
}
