/*
 * --engine, --litert-library and --kernels: models times engines become one list of subjects.
 */
#include "engines.h"

#include <string.h>

oct_status cli_get_kernels(const cli_args *args, oct_kernels *kernels, oct_error *err)
{
    const char *text = cli_get(args, "kernels");
    *kernels = text != NULL && strcmp(text, "ref") == 0 ? OCT_KERNELS_REF : OCT_KERNELS_FAST;
    if (text != NULL && strcmp(text, "ref") != 0 && strcmp(text, "fast") != 0)
        return cli_usage(args, err, "--kernels: '%s' is neither fast nor ref", text);
    return OCT_OK;
}

static oct_status open_engines(const cli_args *args, cli_engines *e, oct_error *err)
{
    const char *list = cli_get(args, "engine");
    for (const char *at = list == NULL ? "octavo" : list; *at != '\0';) {
        char name[32];
        size_t length = strcspn(at, ",");
        snprintf(name, sizeof name, "%.*s", (int)length, at);
        if (e->engine_count == CLI_MAX_ENGINES)
            return cli_usage(args, err, "--engine: more than %d engines", CLI_MAX_ENGINES);
        oct_status status = oct_engine_open(
            name, cli_get(args, "litert-library"), &e->engines[e->engine_count], err);
        if (status == OCT_E_USAGE) {
            oct_error said = *err;
            return cli_usage(args, err, "--engine: %s", said.text);
        }
        if (status != OCT_OK)
            return status;
        e->engine_count++;
        at += length + (at[length] == ',');
    }
    return e->engine_count > 0 ? OCT_OK : cli_usage(args, err, "--engine: no engine is named");
}

oct_status cli_engines_open(const cli_args *args, cli_engines *e, oct_error *err)
{
    memset(e, 0, sizeof *e);
    oct_status status = cli_get_kernels(args, &e->kernels, err);
    if (status == OCT_OK)
        status = open_engines(args, e, err);
    if (status == OCT_OK && args->word_count * e->engine_count > CLI_MAX_SUBJECTS)
        return cli_usage(args, err, "%d models in %d engines; together at most %d",
            args->word_count, (int)e->engine_count, CLI_MAX_SUBJECTS);
    for (int i = 0; status == OCT_OK && i < args->word_count; i++) {
        status = oct_model_load(args->words[i], NULL, &e->models[i], err);
        for (int32_t k = 0; status == OCT_OK && k < e->engine_count; k++) {
            e->subjects[e->subject_count] = e->models[i];
            e->subject_engines[e->subject_count] = e->engines[k];
            e->subject_names[e->subject_count++] = args->words[i];
        }
    }
    return status;
}

void cli_engines_close(cli_engines *e)
{
    for (int i = 0; i < CLI_MAX_SUBJECTS; i++)
        oct_model_free(e->models[i]);
    for (int32_t k = 0; k < e->engine_count; k++)
        oct_engine_close(e->engines[k]);
}

const char *cli_subject_label(const cli_engines *e, int32_t subject, char *text, size_t size)
{
    if (e->engine_count == 1)
        snprintf(text, size, "%s", e->subject_names[subject]);
    else
        snprintf(text, size, "%s in %s", e->subject_names[subject],
            oct_engine_name(e->subject_engines[subject]));
    return text;
}
