/*
 * report.html: the page, its style and script, Chart.js and the documents as JSON, in one file.
 */
#include <octavo/report.h>

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "report/assets.h"
#include "report/results.h"

static oct_status put(oct_file *file, const char *text, oct_error *err)
{
    return oct_file_write(file, text, strlen(text), err);
}

/*
 * JSON inside <script>: "</" could end the element and "<!--" open a comment, so every '<' is
 * escaped.
 */
static oct_status put_json(oct_file *file, const char *json, oct_error *err)
{
    while (*json != 0) {
        size_t length = strcspn(json, "<");
        OCT_TRY(oct_file_write(file, json, length, err));
        json += length;
        if (*json == '<') {
            OCT_TRY(put(file, "\\u003c", err));
            json++;
        }
    }
    return OCT_OK;
}

static oct_status put_results(
    oct_file *file, const oct_results *const *results, int32_t count, oct_error *err)
{
    OCT_TRY(put(file, "[", err));
    for (int32_t i = 0; i < count; i++) {
        char *json = json_dumps(results[i]->root, JSON_COMPACT | JSON_REAL_PRECISION(17));
        if (json == NULL)
            return oct_fail_memory(err, 1 << 16, "report");
        oct_status status = i == 0 ? OCT_OK : put(file, ",\n", err);
        if (status == OCT_OK)
            status = put_json(file, json, err);
        free(json);
        OCT_TRY(status);
    }
    return put(file, "]", err);
}

/*
 * The page has one line for each part that is put in: <!--style-->, <!--results-->, <!--chart-->,
 * <!--script-->.
 */
static oct_status put_page(
    oct_file *file, const oct_results *const *results, int32_t count, oct_error *err)
{
    const char *page = oct_asset_page;
    for (;;) {
        const char *mark = strstr(page, "<!--"), *end = mark == NULL ? NULL : strstr(mark, "-->");
        if (end == NULL)
            return put(file, page, err);
        OCT_TRY(oct_file_write(file, page, (size_t)(mark - page), err));
        if (strncmp(mark, "<!--style", 9) == 0)
            OCT_TRY(put(file, oct_asset_style, err));
        else if (strncmp(mark, "<!--results", 11) == 0)
            OCT_TRY(put_results(file, results, count, err));
        else if (strncmp(mark, "<!--chart", 9) == 0)
            OCT_TRY(put(file, oct_asset_chart, err));
        else if (strncmp(mark, "<!--script", 10) == 0)
            OCT_TRY(put(file, oct_asset_script, err));
        page = end + 3;
    }
}

oct_status oct_report_save(
    const oct_results *const *results, int32_t count, const char *path, oct_error *err)
{
    oct_file file;
    OCT_TRY(oct_file_begin(&file, path, err));
    oct_status status = put_page(&file, results, count, err);
    if (status != OCT_OK) {
        oct_file_abandon(&file);
        return status;
    }
    return oct_file_commit(&file, err);
}
