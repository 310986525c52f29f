/*
 * octavo report: the HTML report again, or several runs side by side.
 */
#include "command.h"

static const cli_option options[] = {
    { "output", 'o', "FILE.html", "the report to write" },
    { 0 },
};

enum { MAX_RESULTS = 16 };

static oct_status run(const cli_args *args, oct_error *err)
{
    oct_results *results[MAX_RESULTS] = { NULL };
    const char *path = cli_get(args, "output");
    if (path == NULL)
        return cli_usage(args, err, "-o FILE.html is missing");
    oct_status status = OCT_OK;
    for (int i = 0; status == OCT_OK && i < args->word_count; i++)
        status = oct_results_load(args->words[i], &results[i], err);
    if (status == OCT_OK)
        status = oct_report_save((const oct_results *const *)results, args->word_count, path, err);
    for (int i = 0; i < MAX_RESULTS; i++)
        oct_results_free(results[i]);
    return status;
}

const cli_command cli_report = {
    .name = "report",
    .words = "RESULTS.json…",
    .min_words = 1,
    .max_words = MAX_RESULTS,
    .summary = "the HTML report from results, or several runs side by side",
    .options = options,
    .examples = "  octavo report out/results.json -o report.html\n"
                "  octavo report v1/results.json v2/results.json -o both.html",
    .run = run,
};
