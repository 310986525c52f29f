/*
 * Reading the constraints of the advice.
 */
#include "constraints.h"

#include <stdlib.h>
#include <string.h>

/* "500000", "500k", "4M" */
static oct_status read_bytes(const cli_args *args, int64_t *bytes, oct_error *err)
{
    const char *text = cli_get(args, "max-size");
    if (text == NULL)
        return OCT_OK;
    char *end;
    double number = strtod(text, &end);
    double unit = *end == 'k' ? 1e3 : *end == 'M' ? 1e6 : *end == 'G' ? 1e9 : 1;
    if (end == text || (unit > 1 ? end[1] : end[0]) != '\0' || !(number > 0) || number * unit > 1e15)
        return cli_usage(args, err, "--max-size: '%s' is not a size such as 500000, 500k or 4M", text);
    *bytes = (int64_t)(number * unit);
    return OCT_OK;
}

oct_status cli_get_constraints(const cli_args *args, oct_constraints *constraints, oct_error *err)
{
    const char *target = cli_get(args, "for");
    double latency_ms;
    *constraints = (oct_constraints){ .has_max_drop = cli_get(args, "max-drop") != NULL };
    if (target != NULL && !oct_target_from_name(target, &constraints->target))
        return cli_usage(args, err, "--for: '%s' is not cpu, gpu, int-only or mcu", target);
    oct_status status = cli_get_number(args, "max-drop", 0, &constraints->max_drop, err);
    if (status == OCT_OK && (constraints->max_drop < 0 || constraints->max_drop >= 1))
        return cli_usage(args, err, "--max-drop: %g is not in 0 … 1 (0.01 is one point)",
            constraints->max_drop);
    if (status == OCT_OK)
        status = cli_get_number(args, "max-latency", 0, &latency_ms, err);
    if (status == OCT_OK && latency_ms < 0)
        return cli_usage(args, err, "--max-latency: must not be negative");
    if (status == OCT_OK)
        status = read_bytes(args, &constraints->max_bytes, err);
    if (status == OCT_OK)
        constraints->max_latency_ns = latency_ms * 1e6;
    return status;
}

oct_status cli_condition(const cli_args *args, const oct_results *results)
{
    bool asked = cli_get(args, "max-drop") != NULL || cli_get(args, "max-size") != NULL ||
        cli_get(args, "max-latency") != NULL;
    return asked && oct_results_advised(results) == NULL ? OCT_E_CONDITION : OCT_OK;
}
