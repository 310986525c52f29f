/*
 * The comparison at a glance: one line a form, 100 columns.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "report/other.h"

static const double most_outliers = 0.1; /* of the rounds; beyond, they are named */

/*
 * Columns a UTF-8 text takes: its bytes without continuations. Nothing wide or combining is printed
 * here.
 */
static int columns(const char *text)
{
    int count = 0;
    for (; *text != 0; text++)
        count += (*text & 0xc0) != 0x80;
    return count;
}

static void cell(FILE *out, const char *text, int width)
{
    int pad = width - columns(text);
    fprintf(out, "%s%*s", text, pad > 1 ? pad : 1, "");
}

/* A text cut to the columns that are left, with its newline. */
static void cut(FILE *out, const char *text, int width)
{
    bool whole = columns(text) <= width;
    for (int column = 0; *text != 0 && (whole || column < width - 1);) {
        do
            fputc(*text++, out);
        while ((*text & 0xc0) == 0x80);
        column++;
    }
    fputs(whole ? "\n" : "…\n", out);
}

/* Widths of the columns; with a device there are four for latency, and less room for the others. */
typedef struct widths {
    int form, size, quality, difference, latency, ratio;
} widths;

enum { WIDTH = 100 };

static const widths alone = { 17, 11, 22, 24, 10, 9 }, beside = { 16, 10, 9, 24, 10, 5 };

static const widths *widths_of(const oct_results *results)
{
    return results->beside ? &beside : &alone;
}

static void header(FILE *out, const oct_results *results)
{
    const widths *w = widths_of(results);
    bool device = results->beside;
    cell(out, "form", w->form);
    cell(out, "size", w->size);
    cell(out, results->labelled ? "accuracy" : device ? "same" : "same answers", w->quality);
    if (results->labelled)
        cell(out, "Δ vs float (95 %)", w->difference);
    cell(out, device ? "host" : "latency", w->latency);
    cell(out, device ? "×" : "× float", w->ratio);
    if (device) {
        cell(out, "phone", w->latency);
        cell(out, "×", w->ratio);
    }
    fprintf(out, "advice\n");
}

static void quality(FILE *out, const oct_results *results, const oct_row *row)
{
    const widths *w = widths_of(results);
    char text[64], low[16], high[16], middle[16];
    int64_t count = results->labelled ? row->top1 : row->agree;
    int length =
        snprintf(text, sizeof text, "%.2f %%", 100.0 * (double)count / (double)row->samples);
    if (!results->beside)
        snprintf(text + length, sizeof text - (size_t)length, " (%lld/%lld)", (long long)count,
            (long long)row->samples);
    cell(out, text, w->quality);
    if (!results->labelled)
        return;
    snprintf(text, sizeof text, "%s (%s … %s)",
        oct_format_points(row->difference, middle, sizeof middle),
        oct_format_points(row->difference_interval.low, low, sizeof low),
        oct_format_points(row->difference_interval.high, high, sizeof high));
    cell(out, row == results->rows ? "—" : text, w->difference);
}

static void latency(FILE *out, const widths *w, bool measured, double ns, double ratio)
{
    char text[64] = "—", factor[16] = "—";
    if (measured) {
        oct_format_ns(ns, text, sizeof text);
        snprintf(factor, sizeof factor, "%.2f", ratio);
    }
    cell(out, text, w->latency);
    cell(out, factor, w->ratio);
}

static void line(FILE *out, const oct_results *results, const oct_row *row)
{
    const widths *w = widths_of(results);
    char text[64];
    cell(out, row->form, w->form);
    if (!row->ok) {
        fprintf(out, "failed: ");
        cut(out, row->failure, WIDTH - w->form - 8);
        return;
    }
    cell(out, oct_format_bytes(row->bytes, text, sizeof text), w->size);
    quality(out, results, row);
    if (results->beside)
        latency(out, w, row->has_host_latency, row->host_median_ns, row->host_ratio);
    latency(out, w, results->beside ? results->device_latency : row->has_latency, row->median_ns,
        row->ratio);
    fprintf(out, "%s\n", row->verdict);
}

/* Where the phone's column comes from, and whether its answers are the host's. */
static void phone(FILE *out, const oct_results *results)
{
    const json_t *device = json_object_get(results->root, "device");
    const char *android =
        json_string_value(json_object_get(json_object_get(device, "facts"), "android"));
    const char *cores = json_string_value(json_object_get(device, "cores_given"));
    int64_t samples = 0, same = 0;
    fprintf(out, "phone: %s", results->device);
    if (android != NULL)
        fprintf(out, ", Android %s", android);
    if (cores != NULL)
        fprintf(out, ", cores %s", cores);
    for (int32_t i = 0; i < results->row_count; i++) {
        const oct_row *row = &results->rows[i];
        samples += row->ok && row->same_as_host >= 0 ? row->samples : 0;
        same += row->ok && row->same_as_host >= 0 ? row->same_as_host : 0;
    }
    if (samples > 0)
        fprintf(out, "; %lld of %lld answers are the host's", (long long)same, (long long)samples);
    fputc('\n', out);
}

/* Rounds that were not alike: a trend, or so many outliers that they are no accidents. */
static void unsteady(FILE *out, const oct_results *results, size_t form, const char *place)
{
    const json_t *object = json_array_get(json_object_get(results->root, "forms"), form);
    if (place != NULL)
        object = json_object_get(object, place);
    const json_t *latency = json_object_get(object, "latency");
    const json_t *steadiness = json_object_get(latency, "steadiness");
    double rounds = (double)json_array_size(json_object_get(latency, "times_ns"));
    double outliers = json_number_value(json_object_get(steadiness, "outliers"));
    bool drifted = json_is_true(json_object_get(steadiness, "drifted"));
    bool wild = outliers > most_outliers * rounds;
    if (!drifted && !wild)
        return;
    fprintf(
        out, "not steady: %s%s", results->rows[form].form, place != NULL ? " on the phone" : "");
    if (drifted)
        fprintf(out, ", drift of %+.1f %% from the first round to the last",
            100 * json_number_value(json_object_get(steadiness, "drift")));
    char limit[32];
    if (wild)
        fprintf(out, ", %.0f of %.0f rounds above %s", outliers, rounds,
            oct_format_ns(
                json_number_value(json_object_get(steadiness, "outlier_ns")), limit, sizeof limit));
    fputc('\n', out);
}

oct_status oct_results_table(const oct_results *results, char **text, oct_error *err)
{
    size_t size = 0;
    *text = NULL;
    FILE *out = open_memstream(text, &size);
    if (out == NULL)
        return oct_fail_memory(err, 4096, "table");
    header(out, results);
    for (int32_t i = 0; i < results->row_count; i++)
        line(out, results, &results->rows[i]);
    for (int32_t i = 0; i < results->row_count; i++) {
        unsteady(out, results, (size_t)i, NULL);
        unsteady(out, results, (size_t)i, "device");
    }
    if (results->device != NULL)
        phone(out, results);
    oct_other_table(out, results);
    return fclose(out) == 0 ? OCT_OK : oct_fail_memory(err, size, "table");
}
