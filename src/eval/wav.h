/*
 * WAV files: sound as floats.
 *
 * "RIFF", size, "WAVE", then chunks of a name, a size and bytes padded to even: "fmt " says how
 * samples are stored, "data" has them, channels interleaved.
 */
#ifndef OCT_EVAL_WAV_H
#define OCT_EVAL_WAV_H

#include <octavo/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One channel, -1..1. */
typedef struct oct_sound {
    int64_t count;
    float *samples; /* [count], owned: free() */
} oct_sound;

/** True for names that end in .wav, in any case. */
bool oct_wav_name(const char *name);

/**
 * Reads PCM of 8 (unsigned), 16, 24 or 32 bits, divided by the largest power of two, and 32-bit
 * floats as they are; several channels become their mean. The rate is not looked at.
 * Errors: OCT_E_INVALID with byte offset, OCT_E_UNSUPPORTED (another coding), OCT_E_SYSTEM,
 * OCT_E_MEMORY; all name the file.
 */
oct_status oct_wav_read(const char *path, oct_sound *out, oct_error *err);

#endif
