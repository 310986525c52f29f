/*
 * WAV. Chunks that are not needed are passed over; WAVE_FORMAT_EXTENSIBLE names its coding further
 * back.
 */
#include "eval/wav.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/backing.h"
#include "base/error.h"

enum { CODE_PCM = 1, CODE_FLOAT = 3, CODE_EXTENSIBLE = 0xfffe };

typedef struct coding {
    uint32_t code, channels, bits;
} coding;

bool oct_wav_name(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL && strcasecmp(dot, ".wav") == 0;
}

static uint32_t little(const unsigned char *bytes, int count)
{
    uint32_t value = 0;
    for (int i = 0; i < count; i++)
        value |= (uint32_t)bytes[i] << 8 * i;
    return value;
}

static bool take_coding(const unsigned char *bytes, size_t size, coding *c)
{
    if (size < 16)
        return false;
    *c = (coding){ little(bytes, 2), little(bytes + 2, 2), little(bytes + 14, 2) };
    if (c->code == CODE_EXTENSIBLE && size >= 26)
        c->code = little(bytes + 24, 2);
    return true;
}

static bool is_known(const coding *c)
{
    bool pcm = c->code == CODE_PCM && c->bits >= 8 && c->bits <= 32 && c->bits % 8 == 0;
    return c->channels > 0 && (pcm || (c->code == CODE_FLOAT && c->bits == 32));
}

/* One stored number: the bits of a narrow one are moved up, so that all are read alike. */
static double sample_of(const coding *c, const unsigned char *bytes)
{
    uint32_t raw = little(bytes, (int)c->bits / 8);
    if (c->code == CODE_FLOAT) {
        float value;
        memcpy(&value, &raw, sizeof value);
        return (double)value;
    }
    raw <<= 32 - c->bits;
    if (c->bits == 8)
        raw ^= UINT32_C(1) << 31; /* unsigned, silence is 128 */
    return (double)(int32_t)raw / 0x1p31;
}

static oct_status take_samples(const coding *c, const unsigned char *bytes, size_t size,
    const char *path, oct_sound *out, oct_error *err)
{
    size_t step = c->bits / 8, frame = step * c->channels;
    out->count = (int64_t)(size / frame);
    out->samples = malloc((size_t)out->count * sizeof *out->samples + 1);
    if (out->samples == NULL)
        return oct_fail_memory(err, (size_t)out->count * sizeof *out->samples, path);
    for (int64_t i = 0; i < out->count; i++) {
        double sum = 0;
        for (uint32_t k = 0; k < c->channels; k++)
            sum += sample_of(c, bytes + (size_t)i * frame + k * step);
        out->samples[i] = (float)(sum / c->channels);
    }
    return OCT_OK;
}

static oct_status parse(
    const unsigned char *bytes, size_t size, const char *path, oct_sound *out, oct_error *err)
{
    coding c = { 0 };
    if (size < 12 || memcmp(bytes, "RIFF", 4) != 0 || memcmp(bytes + 8, "WAVE", 4) != 0)
        return oct_fail_at(err, OCT_E_INVALID, 0, "%s: not a WAV file", path);
    for (size_t at = 12; at + 8 <= size;) {
        const unsigned char *chunk = bytes + at + 8;
        uint32_t length = little(bytes + at + 4, 4);
        if (length > size - at - 8)
            return oct_fail_at(err, OCT_E_INVALID, (int64_t)at, "%s: the chunk \"%.4s\" is cut off",
                path, bytes + at);
        if (memcmp(bytes + at, "fmt ", 4) == 0 && !take_coding(chunk, length, &c))
            return oct_fail_at(err, OCT_E_INVALID, (int64_t)at, "%s: the format is cut off", path);
        if (memcmp(bytes + at, "data", 4) == 0) {
            if (!is_known(&c))
                return oct_fail_at(err, OCT_E_UNSUPPORTED, (int64_t)at,
                    "%s: coding %u with %u channels of %u bits; PCM of 8 to 32 bits and 32-bit "
                    "floats "
                    "are known",
                    path, (unsigned)c.code, (unsigned)c.channels, (unsigned)c.bits);
            return take_samples(&c, chunk, length, path, out, err);
        }
        at += 8 + (size_t)length + length % 2;
    }
    return oct_fail_at(err, OCT_E_INVALID, (int64_t)size, "%s: no samples", path);
}

oct_status oct_wav_read(const char *path, oct_sound *out, oct_error *err)
{
    *out = (oct_sound){ 0 };
    oct_backing *backing = NULL;
    OCT_TRY(oct_backing_map(path, &backing, err));
    oct_status status =
        parse(oct_backing_bytes(backing), oct_backing_size(backing), path, out, err);
    oct_backing_release(backing);
    return status;
}
