/*
 * octavo advise: the decision tree again, under other constraints.
 */
#include "constraints.h"

#include <stdlib.h>

static const cli_option options[] = {
    CLI_CONSTRAINT_OPTIONS,
    { 0 },
};

static oct_status print_result(const cli_args *args, const oct_results *results, oct_error *err)
{
    if (!args->json)
        return cli_print_text(oct_results_advice(results), err);
    const char *advised = oct_results_advised(results);
    json_t *object = json_pack("{s:s?, s:s}", "advised", advised, "advice", oct_results_advice(results));
    oct_status status = cli_print_json(object, err);
    json_decref(object);
    return status;
}

static oct_status run(const cli_args *args, oct_error *err)
{
    oct_constraints constraints;
    oct_results *results = NULL;
    oct_status status = cli_get_constraints(args, &constraints, err);
    if (status == OCT_OK)
        status = oct_results_load(args->words[0], &results, err);
    if (status == OCT_OK)
        status = oct_results_advise(results, &constraints, err);
    if (status == OCT_OK)
        status = print_result(args, results, err);
    if (status == OCT_OK)
        status = cli_condition(args, results);
    oct_results_free(results);
    return status;
}

const cli_command cli_advise = {
    .name = "advise",
    .words = "RESULTS.json",
    .min_words = 1,
    .max_words = 1,
    .summary = "the advice again under other constraints, without measuring again",
    .options = options,
    .examples = "  octavo advise out/results.json --max-drop 0.02 --for int-only\n"
                "  octavo advise out/results.json --max-size 500k",
    .run = run,
};
