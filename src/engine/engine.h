/*
 * A runner is one model made ready in one engine: what evaluation and benchmark need of a session,
 * and no more.
 */
#ifndef OCT_ENGINE_ENGINE_H
#define OCT_ENGINE_ENGINE_H

#include <octavo/engine.h>
#include <octavo/session.h>

typedef struct oct_runner oct_runner;

/**
 * Makes a model ready to run.
 *
 * engine   NULL: Octavo's own.
 * model    must outlive the runner.
 * options  kernels is read by Octavo's engine only; may be NULL.
 * out      owned by the caller, oct_runner_free(); NULL after failure.
 * Errors: those of oct_session_create(); OCT_E_UNSUPPORTED when another engine refuses the model.
 * Several threads may make runners of one engine at the same time.
 */
oct_status oct_runner_create(const oct_engine *engine, const oct_model *model,
    const oct_session_options *options, oct_runner **out, oct_error *err);

void oct_runner_free(oct_runner *runner);

/** Buffer of input `index`, in the model's order; *size is its bytes. Owned by the runner. */
void *oct_runner_input(oct_runner *runner, int32_t index, size_t *size);

/** Value of output `index` after a run; valid until the next run. Owned by the runner. */
const void *oct_runner_output(const oct_runner *runner, int32_t index, size_t *size);

/** Forgets states before an independent sample: oct_session_reset(). LiteRT's interface has nothing of the kind. */
void oct_runner_reset(oct_runner *runner);

/** Runs once. */
oct_status oct_runner_run(oct_runner *runner, oct_error *err);

/** The session behind it, for its arena and its profile; NULL in other engines. */
oct_session *oct_runner_session(const oct_runner *runner);

/* What an engine provides; src/engine/<name>.c each. */
typedef struct oct_engine_methods {
    oct_status (*create)(const oct_engine *engine, const oct_model *model,
        const oct_session_options *options, oct_runner **out, oct_error *err);
    void (*free)(oct_runner *runner);
    void *(*input)(oct_runner *runner, int32_t index, size_t *size);
    const void *(*output)(const oct_runner *runner, int32_t index, size_t *size);
    oct_status (*run)(oct_runner *runner, oct_error *err);
    void (*close)(oct_engine *engine);
} oct_engine_methods;

/* First member of every engine and of every runner. */
struct oct_engine {
    const oct_engine_methods *methods;
    const char *name; /* static */
};

struct oct_runner {
    const oct_engine_methods *methods;
    oct_session *session; /* NULL in other engines */
};

/** Octavo's own engine; static. */
const oct_engine *oct_engine_own(void);

/** LiteRT with the kernels of `name`, which is one of oct_litert_names and static. */
oct_status oct_litert_open(const char *name, const char *library, oct_engine **out, oct_error *err);

/** The names LiteRT opens by; ends with NULL. */
extern const char *const oct_litert_names[];

#endif
