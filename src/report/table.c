/*
 * The comparison at a glance: one line a form, 100 columns.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "report/results.h"

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

enum { WIDTH = 100, FORM = 17, SIZE = 11, QUALITY = 22, DIFFERENCE = 24, LATENCY = 10, RATIO = 9 };

static void header(FILE *out, const oct_results *results)
{
    cell(out, "form", FORM);
    cell(out, "size", SIZE);
    cell(out, results->labelled ? "accuracy" : "same answers", QUALITY);
    if (results->labelled)
        cell(out, "Δ vs float (95 %)", DIFFERENCE);
    cell(out, "latency", LATENCY);
    cell(out, "× float", RATIO);
    fprintf(out, "advice\n");
}

static void quality(FILE *out, const oct_results *results, const oct_row *row)
{
    char text[64], low[16], high[16], middle[16];
    int64_t count = results->labelled ? row->top1 : row->agree;
    snprintf(text, sizeof text, "%.2f %% (%lld/%lld)", 100.0 * (double)count / (double)row->samples,
        (long long)count, (long long)row->samples);
    cell(out, text, QUALITY);
    if (!results->labelled)
        return;
    snprintf(text, sizeof text, "%s (%s … %s)",
        oct_format_points(row->difference, middle, sizeof middle),
        oct_format_points(row->difference_interval.low, low, sizeof low),
        oct_format_points(row->difference_interval.high, high, sizeof high));
    cell(out, row == results->rows ? "—" : text, DIFFERENCE);
}

static void line(FILE *out, const oct_results *results, const oct_row *row)
{
    char text[64] = "—", ratio[16] = "—";
    cell(out, row->form, FORM);
    if (!row->ok) {
        fprintf(out, "failed: ");
        cut(out, row->failure, WIDTH - FORM - 8);
        return;
    }
    cell(out, oct_format_bytes(row->bytes, text, sizeof text), SIZE);
    quality(out, results, row);
    if (row->has_latency) {
        oct_format_ns(row->median_ns, text, sizeof text);
        snprintf(ratio, sizeof ratio, "%.2f", row->ratio);
    }
    cell(out, row->has_latency ? text : "—", LATENCY);
    cell(out, ratio, RATIO);
    fprintf(out, "%s\n", row->verdict);
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
    return fclose(out) == 0 ? OCT_OK : oct_fail_memory(err, size, "table");
}
