/*
 * Engines by name, and Octavo's own, whose runner is a session.
 */
#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static oct_status own_create(const oct_engine *engine, const oct_model *model,
    const oct_session_options *options, oct_runner **out, oct_error *err)
{
    *out = NULL;
    oct_runner *runner = calloc(1, sizeof *runner);
    if (runner == NULL)
        return oct_fail_memory(err, sizeof *runner, "runner");
    runner->methods = engine->methods;
    oct_status status = oct_session_create(model, options, &runner->session, err);
    if (status != OCT_OK) {
        free(runner);
        return status;
    }
    *out = runner;
    return OCT_OK;
}

static void own_free(oct_runner *runner)
{
    oct_session_free(runner->session);
    free(runner);
}

static void *own_input(oct_runner *runner, int32_t index, size_t *size)
{
    return oct_session_input(runner->session, index, size);
}

static const void *own_output(const oct_runner *runner, int32_t index, size_t *size)
{
    return oct_session_output(runner->session, index, size);
}

static oct_status own_run(oct_runner *runner, oct_error *err)
{
    return oct_session_run(runner->session, err);
}

static void own_close(oct_engine *engine)
{
    free(engine);
}

static const oct_engine_methods own_methods = {
    .create = own_create,
    .free = own_free,
    .input = own_input,
    .output = own_output,
    .run = own_run,
    .close = own_close,
};

static const oct_engine own = { &own_methods, "octavo" };

const oct_engine *oct_engine_own(void)
{
    return &own;
}

oct_status oct_engine_open(const char *name, const char *library, oct_engine **out, oct_error *err)
{
    *out = NULL;
    for (int i = 0; oct_litert_names[i] != NULL; i++)
        if (strcmp(name, oct_litert_names[i]) == 0)
            return oct_litert_open(oct_litert_names[i], library, out, err);
    if (strcmp(name, own.name) != 0)
        return oct_fail(
            err, OCT_E_USAGE, "no engine '%s'; there are octavo, litert and litert-builtin", name);
    oct_engine *engine = malloc(sizeof *engine);
    if (engine == NULL)
        return oct_fail_memory(err, sizeof *engine, "engine");
    *engine = own;
    *out = engine;
    return OCT_OK;
}

void oct_engine_close(oct_engine *engine)
{
    if (engine != NULL)
        engine->methods->close(engine);
}

const char *oct_engine_name(const oct_engine *engine)
{
    return engine == NULL ? own.name : engine->name;
}

oct_status oct_runner_create(const oct_engine *engine, const oct_model *model,
    const oct_session_options *options, oct_runner **out, oct_error *err)
{
    const oct_engine *e = engine == NULL ? &own : engine;
    return e->methods->create(e, model, options, out, err);
}

void oct_runner_free(oct_runner *runner)
{
    if (runner != NULL)
        runner->methods->free(runner);
}

void *oct_runner_input(oct_runner *runner, int32_t index, size_t *size)
{
    return runner->methods->input(runner, index, size);
}

const void *oct_runner_output(const oct_runner *runner, int32_t index, size_t *size)
{
    return runner->methods->output(runner, index, size);
}

void oct_runner_reset(oct_runner *runner)
{
    if (runner->session != NULL)
        oct_session_reset(runner->session);
}

oct_status oct_runner_run(oct_runner *runner, oct_error *err)
{
    return runner->methods->run(runner, err);
}

oct_session *oct_runner_session(const oct_runner *runner)
{
    return runner->session;
}
