/*
 * Depthwise sums as loops that compilers vectorise; ISA is the suffix of the variant's names.
 */
#include "kernels/depthwise.h"

#define PASTE(name, isa) name##_##isa
#define NAMED(name, isa) PASTE(name, isa)

enum { WIDTH = 32 }; /* channels at a time */

#define TAP_SUMS(name, type)                                                                       \
    void NAMED(oct_depthwise_taps_##name, ISA)(const oct_depthwise_args *args,                     \
        const int32_t *bias, int32_t zero, int32_t *sum, size_t sum_stride)                        \
    {                                                                                              \
        for (int32_t c = 0; c < args->channels; c += WIDTH) {                                      \
            int32_t n = args->channels - c < WIDTH ? args->channels - c : WIDTH;                   \
            for (int32_t p = 0; p < args->pixels; p++) {                                           \
                int32_t s[WIDTH];                                                                  \
                for (int32_t i = 0; i < n; i++)                                                    \
                    s[i] = bias != NULL ? bias[c + i] : 0;                                         \
                for (int32_t t = 0; t < args->count; t++) {                                        \
                    const type *x = (const type *)args->taps[t].x + (size_t)p * args->step + c;    \
                    const int16_t *w = (const int16_t *)args->taps[t].w + c;                       \
                    if (n == WIDTH) {                                                              \
                        for (int32_t i = 0; i < WIDTH; i++)                                        \
                            s[i] += (x[i] - zero) * w[i];                                          \
                    } else {                                                                       \
                        for (int32_t i = 0; i < n; i++)                                            \
                            s[i] += (x[i] - zero) * w[i];                                          \
                    }                                                                              \
                }                                                                                  \
                int32_t *to = sum + (size_t)p * sum_stride + c;                                    \
                for (int32_t i = 0; i < n; i++)                                                    \
                    to[i] = s[i];                                                                  \
            }                                                                                      \
        }                                                                                          \
    }
TAP_SUMS(s8, int8_t)
TAP_SUMS(s16, int16_t)
