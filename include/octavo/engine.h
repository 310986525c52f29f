/*
 * The runtime that runs a model: Octavo's own sessions, or LiteRT loaded when asked for, so that
 * accuracy and latency can also be shown in the runtime that users ship.
 */
#ifndef OCTAVO_ENGINE_H
#define OCTAVO_ENGINE_H

#include <octavo/error.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef struct oct_engine oct_engine;

/**
 * Opens an engine by name.
 *
 * name     "octavo"; "litert" (XNNPACK where it takes an operator, as applications get it) or
 *          "litert-builtin" (LiteRT's own optimised kernels). LiteRT 2.3.0 gives these kernels also
 *          when its reference kernels are asked for, so there is no name for the latter.
 * library  path of LiteRT's shared library, libLiteRt.so of version 2.1 or later as the PyPI wheel
 *          ai-edge-litert and the Android archives have it; NULL: the environment variable
 *          OCT_LITERT_LIBRARY, else the loader's search path. Ignored by "octavo".
 * out      owned by the caller, oct_engine_close(); NULL after failure.
 * Errors: OCT_E_USAGE (no such engine), OCT_E_SYSTEM (library not found, or without a function that
 * is needed, named).
 */
oct_status oct_engine_open(
    const char *name, const char *library, oct_engine **out, oct_error *err);

/** Closes an engine nothing runs in any more; NULL is nothing. */
void oct_engine_close(oct_engine *engine);

/** The name it was opened by; "octavo" for NULL. Lives as long as the engine. */
const char *oct_engine_name(const oct_engine *engine);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
