/*
 * octavo ops: the operators known, printed from their descriptors.
 */
#include "command.h"

#include <stdlib.h>
#include <string.h>

static void append_forms(char *text, size_t size, const json_t *forms)
{
    size_t i;
    const json_t *form;
    text[0] = '\0';
    json_array_foreach(forms, i, form)
    {
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%s", i == 0 ? "" : " ", json_string_value(form));
    }
}

static oct_status print_table(const char *text, oct_error *err)
{
    json_t *all = json_loads(text, 0, NULL);
    size_t i;
    const json_t *op;
    printf("%-26s %-40s %-9s %s\n", "operator", "reference kernels", "versions", "quantization");
    json_array_foreach(all, i, op)
    {
        char forms[128];
        append_forms(forms, sizeof forms, json_object_get(op, "ref"));
        printf("%-26s %-40s %-9d %s\n", json_string_value(json_object_get(op, "name")), forms,
            (int)json_integer_value(json_object_get(op, "max_version")),
            json_string_value(
                json_object_get(op, json_object_get(op, "absent") ? "absent" : "rule")));
    }
    json_decref(all);
    return cli_print_text("", err);
}

static oct_status run(const cli_args *args, oct_error *err)
{
    char *text;
    oct_status status = oct_ops_describe(&text, err);
    if (status != OCT_OK)
        return status;
    status = args->json ? cli_print_text(text, err) : print_table(text, err);
    free(text);
    return status;
}

const cli_command cli_ops = {
    .name = "ops",
    .words = "",
    .summary = "operators known: forms, quantization rules, versions",
    .examples = "  octavo ops\n  octavo ops --json | jq '.[] | select(.name == \"CONV_2D\")'",
    .run = run,
};
