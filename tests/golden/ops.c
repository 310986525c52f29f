/*
 * Operators against LiteRT: every model of a folder is run with the inputs it carries, and its outputs
 * are compared with the answers it carries (format: tests/golden/ops/README.md).
 *
 *     test_golden_ops [FOLDER | FILE]      default: tests/golden/ops
 *
 * Each file runs with reference and fast kernels, with one and with two threads. Integers must be equal
 * byte for byte. Floats of reference kernels may differ by the golden_ulp units in the last place that the
 * file allows and golden_bound billionths of the largest magnitude (none where it says nothing), floats of fast
 * kernels by 1e-5 of the largest magnitude; golden_slack billionths are added, where errors go with the inputs.
 */
#include <dirent.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec/session.h"
#include "tflite/tflite.h"

typedef struct tally { int passed, failed; } tally;

/* One way to run a file. */
typedef struct variant { const char *name; oct_session_options options; } variant;

static const variant variants[] = {
    { "ref, 1 thread", { OCT_KERNELS_REF, 1, 0 } },
    { "fast, 1 thread", { OCT_KERNELS_FAST, 1, 0 } },
    { "ref, 2 threads", { OCT_KERNELS_REF, 2, 0 } },
    { "fast, 2 threads", { OCT_KERNELS_FAST, 2, 0 } },
};

static const oct_metadata *find(const oct_graph *graph, const char *name)
{
    for (int32_t i = 0; i < graph->metadata_count; i++)
        if (graph->metadata[i].name != NULL && strcmp(graph->metadata[i].name, name) == 0)
            return &graph->metadata[i];
    return NULL;
}

static const oct_metadata *find_indexed(const oct_graph *graph, const char *kind, int32_t index)
{
    char name[32];
    snprintf(name, sizeof name, "golden_%s_%d", kind, (int)index);
    return find(graph, name);
}

static long number(const oct_graph *graph, const char *name, long fallback)
{
    const oct_metadata *entry = find(graph, name);
    char text[16] = { 0 };
    if (entry == NULL || entry->size == 0 || entry->size >= sizeof text)
        return fallback;
    memcpy(text, entry->data, entry->size);
    return strtol(text, NULL, 10);
}

/* Floats in the order of their values as integers, so that neighbours differ by 1. */
static int64_t ordered(float value)
{
    int32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits >= 0 ? bits : (int64_t)INT32_MIN - bits;
}

static float largest_magnitude(const float *values, size_t count)
{
    float largest = 0;
    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i]) && fabsf(values[i]) > largest)
            largest = fabsf(values[i]);
    return largest;
}

typedef struct place { const char *file; const variant *variant; long sample; int32_t output; } place;

typedef struct tolerance { long ulp; float bound; } tolerance;

static bool same_float(float got, float want, tolerance t)
{
    if (got == want || (isnan(got) && isnan(want)))
        return true;
    return llabs(ordered(got) - ordered(want)) <= t.ulp || fabsf(got - want) <= t.bound;
}

static bool compare_floats(const place *at, const float *got, const float *want, size_t count,
    tolerance t)
{
    for (size_t i = 0; i < count; i++)
        if (!same_float(got[i], want[i], t)) {
            printf("%s (%s): sample %ld, output %d [%zu]: got %.9g, want %.9g\n", at->file,
                at->variant->name, at->sample, (int)at->output, i, (double)got[i], (double)want[i]);
            return false;
        }
    return true;
}

/* 64-bit floats come from the C library's functions, whose last place is its own. */
static bool compare_doubles(const place *at, const unsigned char *got, const unsigned char *want,
    size_t bytes)
{
    for (size_t i = 0; i < bytes; i += sizeof(double)) {
        double a, b;
        memcpy(&a, got + i, sizeof a);
        memcpy(&b, want + i, sizeof b);
        if (a == b || (isnan(a) && isnan(b)) || nextafter(a, b) == b)
            continue;
        printf("%s (%s): sample %ld, output %d [%zu]: got %.17g, want %.17g\n", at->file,
            at->variant->name, at->sample, (int)at->output, i / sizeof(double), a, b);
        return false;
    }
    return true;
}

/* The integer that starts at byte `at`, for the message. */
static long long element(const unsigned char *bytes, size_t index, size_t size)
{
    switch (size) {
    case 1: return ((const int8_t *)bytes)[index];
    case 2: return ((const int16_t *)bytes)[index];
    case 4: return ((const int32_t *)bytes)[index];
    default: return ((const long long *)bytes)[index];
    }
}

static bool compare_bytes(const place *at, const void *got, const void *want, size_t bytes,
    size_t element_size)
{
    if (bytes == 0 || memcmp(got, want, bytes) == 0)
        return true;
    size_t i = 0;
    while (((const unsigned char *)got)[i] == ((const unsigned char *)want)[i])
        i++;
    i /= element_size;
    printf("%s (%s): sample %ld, output %d [%zu]: got %lld, want %lld\n", at->file, at->variant->name,
        at->sample, (int)at->output, i, element(got, i, element_size),
        element(want, i, element_size));
    return false;
}

static bool compare_output(const oct_graph *graph, const oct_session *session, const place *at,
    long runs)
{
    const oct_metadata *entry = find_indexed(graph, "out", at->output);
    size_t bytes;
    const void *got = oct_session_output(session, at->output, &bytes);
    if (entry == NULL || entry->size != bytes * (size_t)runs) {
        printf("%s (%s): output %d has %zu bytes, the answers %zu for %ld samples\n", at->file,
            at->variant->name, (int)at->output, bytes, entry ? entry->size : 0, runs);
        return false;
    }
    if (bytes == 0)
        return true;
    const unsigned char *want = (const unsigned char *)entry->data + (size_t)at->sample * bytes;
    const oct_subgraph *sub = graph->subgraphs[0];
    oct_type type = sub->tensors[sub->outputs[at->output]]->type;
    if (type == OCT_FLOAT64)
        return compare_doubles(at, got, want, bytes);
    if (type != OCT_FLOAT32 && type != OCT_COMPLEX64) /* complex numbers are pairs of floats */
        return compare_bytes(at, got, want, bytes, (size_t)oct_type_bits(type) / 8);
    float *copy = malloc(bytes); /* the answers are not aligned to floats */
    if (copy == NULL)
        return false;
    memcpy(copy, want, bytes);
    /* golden_bound, of the largest magnitude, and golden_slack in units of 1e-9. */
    float relative = 1e-9f * (float)number(graph, "golden_bound", 0);
    if (at->variant->options.kernels == OCT_KERNELS_FAST && relative < 1e-5f)
        relative = 1e-5f;
    tolerance t = { .ulp = number(graph, "golden_ulp", 0),
        .bound = relative * largest_magnitude(copy, bytes / sizeof *copy) +
            1e-9f * (float)number(graph, "golden_slack", 0) };
    bool same = compare_floats(at, got, copy, bytes / sizeof *copy, t);
    free(copy);
    return same;
}

static bool fill_input(const oct_graph *graph, oct_session *session, const place *at, int32_t index,
    long runs)
{
    const oct_metadata *entry = find_indexed(graph, "in", index);
    size_t bytes;
    void *input = oct_session_input(session, index, &bytes);
    if (entry == NULL || entry->size != bytes * (size_t)runs) {
        printf("%s (%s): input %d has %zu bytes, the samples %zu for %ld\n", at->file, at->variant->name,
            (int)index, bytes, entry ? entry->size : 0, runs);
        return false;
    }
    if (bytes > 0)
        memcpy(input, (const unsigned char *)entry->data + (size_t)at->sample * bytes, bytes);
    return true;
}

static bool run_samples(const oct_graph *graph, oct_session *session, place *at, oct_error *err)
{
    const oct_subgraph *sub = graph->subgraphs[0];
    long runs = number(graph, "golden_runs", 0);
    bool same = runs > 0;
    for (at->sample = 0; at->sample < runs && same; at->sample++) {
        for (int32_t i = 0; i < sub->input_count && same; i++)
            same = fill_input(graph, session, at, i, runs);
        if (same && oct_session_run(session, err) != OCT_OK) {
            printf("%s (%s): sample %ld: %s\n", at->file, at->variant->name, at->sample, err->text);
            return false;
        }
        for (at->output = 0; at->output < sub->output_count && same; at->output++)
            same = compare_output(graph, session, at, runs);
    }
    return same;
}

static bool run_variant(const oct_graph *graph, const char *file, const variant *v)
{
    oct_error err = { 0 };
    oct_session *session;
    place at = { .file = file, .variant = v };
    if (oct_session_create_graph(graph, &v->options, &session, &err) != OCT_OK) {
        printf("%s (%s): %s\n", file, v->name, err.text);
        return false;
    }
    bool same = run_samples(graph, session, &at, &err);
    oct_session_free(session);
    return same;
}

static bool run_file(const char *path, const char *file)
{
    oct_error err = { 0 };
    oct_backing *backing;
    oct_graph *graph;
    if (oct_backing_map(path, &backing, &err) != OCT_OK) {
        printf("%s\n", err.text);
        return false;
    }
    oct_status status = oct_tflite_read(backing, &graph, &err);
    oct_backing_release(backing);
    if (status != OCT_OK) {
        printf("%s: %s\n", file, err.text);
        return false;
    }
    bool same = true;
    for (size_t i = 0; i < sizeof variants / sizeof *variants && same; i++)
        same = run_variant(graph, file, &variants[i]);
    oct_graph_free(graph);
    return same;
}

static int is_model(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 7 && strcmp(entry->d_name + length - 7, ".tflite") == 0;
}

static void count(tally *t, bool passed)
{
    t->passed += passed;
    t->failed += !passed;
}

static bool run_folder(const char *folder, tally *t)
{
    struct dirent **entries;
    int n = scandir(folder, &entries, is_model, alphasort);
    for (int i = 0; i < n; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        count(t, run_file(path, entries[i]->d_name));
        free(entries[i]);
    }
    if (n >= 0)
        free(entries);
    return n > 0;
}

int main(int argc, char **argv)
{
    const char *place_to_look = argc > 1 ? argv[1] : OCT_TESTS_DIR "/golden/ops";
    size_t length = strlen(place_to_look);
    tally t = { 0, 0 };
    if (length > 7 && strcmp(place_to_look + length - 7, ".tflite") == 0)
        count(&t, run_file(place_to_look, place_to_look));
    else if (!run_folder(place_to_look, &t))
        printf("%s: no models\n", place_to_look);
    printf("%d passed, %d failed\n", t.passed, t.failed);
    return t.failed > 0 || t.passed == 0;
}
