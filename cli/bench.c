/*
 * octavo bench: latency of several models, measured in turns.
 */
#include "cpus.h"
#include "device.h"
#include "engines.h"

static const cli_option options[] = {
    { "rounds", 0, "N", "rounds in which every model runs once (default: as fit the time)" },
    { "seconds", 0, "S", "time to aim at for all models together (default: 2 for each)" },
    { "profile", 0, NULL, "time of each operator, and its share of what the processor could do" },
    CLI_ENGINE_OPTIONS,
    CLI_CPUS_OPTION,
    CLI_DEVICE_OPTIONS,
    { 0 },
};

typedef struct job {
    const cli_args *args;
    cli_engines engines;
    oct_device *device; /* NULL: here */
    oct_bench *bench;
} job;

static void show_progress(void *user, const char *what, int64_t done, int64_t total)
{
    cli_progress(user, what, done, total);
}

static json_t *times_json(const oct_bench *bench, int32_t m)
{
    json_t *times = json_array();
    for (int32_t i = 0; i < oct_bench_latency(bench, m)->rounds; i++)
        json_array_append_new(times, json_real(oct_bench_times(bench, m)[i]));
    return times;
}

static json_t *profile_json(const oct_bench *bench, int32_t m)
{
    int32_t count;
    const oct_op_time *profile = oct_bench_profile(bench, m, &count);
    json_t *ops = count == 0 ? NULL : json_array();
    for (int32_t i = 0; i < count; i++)
        json_array_append_new(ops, json_pack("{s:s, s:s, s:f, s:f, s:f}", "op", profile[i].op,
            "tensor", profile[i].tensor, "median_ns", profile[i].median_ns, "macs", profile[i].macs,
            "share", profile[i].share));
    return ops;
}

static json_t *latency_json(const cli_engines *engines, const oct_bench *bench, int32_t m)
{
    const oct_latency *l = oct_bench_latency(bench, m);
    json_t *object = json_pack("{s:s, s:s, s:i, s:f, s:[f, f], s:f, s:f, s:f, s:[f, f], s:f, s:I}",
        "model", engines->subject_names[m], "engine", oct_engine_name(engines->subject_engines[m]),
        "rounds", (int)l->rounds, "median_ns", l->median_ns, "median_interval_ns",
        l->median_interval.low, l->median_interval.high, "min_ns", l->min_ns, "p90_ns", l->p90_ns,
        "ratio", l->ratio, "ratio_interval", l->ratio_interval.low, l->ratio_interval.high, "load_ns",
        l->load_ns, "arena_bytes", (json_int_t)l->arena_bytes);
    json_object_set_new(object, "warmup_runs", json_integer(l->warmup_runs));
    json_object_set_new(object, "runs_per_round", json_integer(l->runs_per_round));
    json_object_set_new(object, "steadiness",
        json_pack("{s:f, s:f, s:b, s:i, s:f}", "drift", l->drift, "drift_p", l->drift_p, "drifted",
            l->drifted, "outliers", (int)l->outliers, "outlier_ns", l->outlier_ns));
    json_object_set_new(object, "times_ns", times_json(bench, m));
    json_t *ops = profile_json(bench, m);
    if (ops != NULL)
        json_object_set_new(object, "profile", ops);
    return object;
}

static oct_status print_json(const job *j, oct_error *err)
{
    const oct_machine *machine = oct_bench_machine(j->bench);
    json_t *models = json_array();
    for (int32_t m = 0; m < j->engines.subject_count; m++)
        json_array_append_new(models, latency_json(&j->engines, j->bench, m));
    char cpus[64];
    json_t *object = json_pack("{s:{s:s, s:s, s:s, s:i, s:f}, s:s, s:i, s:o}", "machine", "cpu",
        machine->cpu, "system", machine->system, "governor", machine->governor, "cores",
        (int)machine->cores, "load", machine->load, "cpus", cli_cpus(cpus, sizeof cpus), "threads",
        (int)oct_bench_threads(j->bench), "models", models);
    double peak_f32, peak_s8;
    oct_bench_peaks(j->bench, &peak_f32, &peak_s8);
    if (peak_f32 > 0)
        json_object_set_new(object, "peak_macs_per_s",
            json_pack("{s:f, s:f}", "float32", peak_f32, "int8", peak_s8));
    if (j->device != NULL) {
        json_object_del(object, "cpus"); /* the device's are in its own object */
        json_object_set_new(object, "device", cli_device_json(j->device));
    }
    oct_status status = cli_print_json(object, err);
    json_decref(object);
    return status;
}

static void print_profile(const oct_bench *bench, int32_t m)
{
    int32_t count;
    const oct_op_time *profile = oct_bench_profile(bench, m, &count);
    double total = 0;
    for (int32_t i = 0; i < count; i++)
        total += profile[i].median_ns;
    for (int32_t i = 0; i < count; i++) {
        char rate[40] = "";
        if (profile[i].macs > 0)
            snprintf(rate, sizeof rate, "%.1f", profile[i].macs / profile[i].median_ns);
        char share[16] = "";
        if (profile[i].share > 0)
            snprintf(share, sizeof share, "%.0f %%", 100 * profile[i].share);
        printf("  %9.1f us %5.1f %%  %-20s %7s %6s  %s\n", profile[i].median_ns / 1e3,
            100 * profile[i].median_ns / total, profile[i].op, rate, share, profile[i].tensor);
    }
}

/* What the columns of the profile are, and the peaks the shares are of. */
static void print_peaks(const oct_bench *bench)
{
    double f32, s8;
    oct_bench_peaks(bench, &f32, &s8);
    if (f32 > 0)
        printf("profile: time, its share of all, operator, GMAC/s, share of the peak, output\n"
               "peak of one core: float32 %.1f GMAC/s, int8 vectors %.1f GMAC/s\n", f32 / 1e9,
            s8 / 1e9);
}

static void print_machine(const job *j)
{
    const oct_machine *machine = oct_bench_machine(j->bench);
    int threads = (int)oct_bench_threads(j->bench);
    printf("%s, %d cores, %d thread%s, governor %s, load %.2f\n",
        j->device == NULL ? machine->cpu : oct_device_name(j->device), (int)machine->cores, threads,
        threads == 1 ? "" : "s", machine->governor, machine->load);
}

static void print_steadiness(const oct_latency *l)
{
    if (l->outliers > 0)
        printf(", %d outlier%s", (int)l->outliers, l->outliers == 1 ? "" : "s");
    if (l->drifted)
        printf(", drift %+.1f %%", 100 * l->drift);
    printf("\n");
}

static oct_status print_table(const job *j, oct_error *err)
{
    print_machine(j);
    print_peaks(j->bench);
    for (int32_t m = 0; m < j->engines.subject_count; m++) {
        char label[256];
        const oct_latency *l = oct_bench_latency(j->bench, m);
        printf("%-32.32s %9.3f ms [%.3f, %.3f]  x%.3f [%.3f, %.3f]  %d rounds",
            cli_subject_label(&j->engines, m, label, sizeof label), l->median_ns / 1e6,
            l->median_interval.low / 1e6, l->median_interval.high / 1e6, l->ratio,
            l->ratio_interval.low, l->ratio_interval.high, (int)l->rounds);
        print_steadiness(l);
        print_profile(j->bench, m);
    }
    return cli_print_text("", err);
}

static oct_status read_options(const cli_args *args, oct_bench_options *bench, oct_error *err)
{
    int64_t rounds;
    oct_status status = cli_get_int(args, "rounds", 1, 100000, 0, &rounds, err);
    if (status == OCT_OK)
        status = cli_get_number(args, "seconds", 0, &bench->seconds, err);
    bench->rounds = (int32_t)rounds;
    bench->threads = args->threads == 0 ? 1 : args->threads;
    bench->profile = cli_get(args, "profile") != NULL;
    bench->seed = args->seed;
    bench->progress = show_progress;
    bench->progress_user = (void *)(uintptr_t)args;
    return status;
}

/* What a device measured before it failed is printed all the same. */
static oct_status measure(job *j, const oct_bench_options *how, oct_error *err)
{
    oct_status status = j->device == NULL ?
        oct_bench_run(j->engines.subjects, j->engines.subject_count, how, &j->bench, err) :
        oct_device_bench(j->device, j->engines.subjects, j->engines.subject_count, how, &j->bench, err);
    if (j->bench == NULL)
        return status;
    oct_status printed = j->args->json ? print_json(j, err) : print_table(j, err);
    return status == OCT_OK ? printed : status;
}

static oct_status work(job *j, oct_error *err)
{
    oct_bench_options options_read = { 0 };
    oct_status status = cli_pin(j->args, err);
    if (status == OCT_OK)
        status = read_options(j->args, &options_read, err);
    if (status == OCT_OK)
        status = cli_device_open(j->args, options_read.threads, &j->device, err);
    if (status == OCT_OK)
        status = cli_engines_open(j->args, &j->engines, err);
    options_read.kernels = j->engines.kernels;
    options_read.engines = j->device == NULL ? j->engines.subject_engines : NULL;
    return status == OCT_OK ? measure(j, &options_read, err) : status;
}

static oct_status run(const cli_args *args, oct_error *err)
{
    job j = { .args = args };
    oct_status status = work(&j, err);
    oct_bench_free(j.bench);
    oct_device_close(j.device);
    cli_engines_close(&j.engines);
    return status;
}

const cli_command cli_bench = {
    .name = "bench",
    .words = "MODEL…",
    .min_words = 1,
    .max_words = CLI_MAX_SUBJECTS,
    .summary = "latency of several models, measured in turns",
    .text = "Every round runs each model once in a shuffled order; ratios are taken within rounds, so that\n"
            "what disturbs the machine disturbs all alike. Intervals are at least 95 %, distribution-free.\n"
            "Outliers are rounds far above the median (3.5 by the modified z-score); a drift is a trend from\n"
            "the first round to the last of more than 2 % that is no chance (Mann-Kendall, p < 0.01).\n"
            "One thread unless --threads is given. LiteRT is loaded from its shared library where asked for.",
    .options = options,
    .examples = "  octavo bench float.tflite int8.tflite\n"
                "  octavo bench int8.tflite --profile --threads 2\n"
                "  octavo bench float.tflite int8.tflite --engine octavo,litert\n"
                "  octavo bench float.tflite int8.tflite --device adb",
    .run = run,
};
