/*
 * A stream of samples with random access: what calibration and evaluation read.
 *
 * The library brings sources for folders, arrays and IDX files (data.h); a caller may bring more.
 */
#ifndef OCTAVO_SAMPLES_H
#define OCTAVO_SAMPLES_H

#include <stddef.h>
#include <stdint.h>
#include <octavo/error.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

typedef struct oct_samples {
    void *user;
    int64_t count; /* samples 0 .. count-1 */
    /**
     * Writes the value of model input `input` for sample `index` into `bytes`.
     *
     * bytes  size bytes, the input tensor for batch 1 in the float model's type and layout (NHWC).
     * Called from several threads at once for different samples; the same bytes each time.
     * Returns OCT_OK, or a status with its sentence in *err.
     */
    oct_status (*read)(void *user, int64_t index, int32_t input, void *bytes, size_t size,
        oct_error *err);
} oct_samples;

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
