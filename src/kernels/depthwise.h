/*
 * Fast depthwise convolution with one output channel for each input channel.
 *
 * A kernel makes a run of pixels along x for all channels. Where the window lies in the image is
 * the caller's business: it passes one pointer for each tap that exists, so borders need neither
 * padding nor copies. oct_depthwise_row() cuts an output row into its border pixels and the run
 * between them.
 */
#ifndef OCT_KERNELS_DEPTHWISE_H
#define OCT_KERNELS_DEPTHWISE_H

#include "kernels/requant_tile.h"
#include "kernels/window.h"

enum { OCT_DEPTHWISE_MAX_TAPS = 128 };

/* One tap of a run: where its first pixel and its weights begin, both at channel 0. */
typedef struct oct_depthwise_tap {
    const void *x, *w;
} oct_depthwise_tap;

typedef struct oct_depthwise_args {
    const oct_depthwise_tap *taps; /* [count], in order ky, kx */
    int32_t count;
    int32_t pixels, channels;
    size_t step; /* elements from a pixel to the next in x */
} oct_depthwise_args;

/**
 * y[p][c] = clamp(fma chain over taps of x * w starting from bias[c], lo, hi), the same bits on
 * every level.
 * taps[].w, bias  floats, readable to a multiple of 16 channels, 64-byte aligned
 * y               [pixels][channels]
 */
#define OCT_DEPTHWISE_F32(name)                                                                    \
    void name(const oct_depthwise_args *args, const float *bias, float lo, float hi, float *y)
typedef OCT_DEPTHWISE_F32((*oct_depthwise_f32_fn));
OCT_DEPTHWISE_F32(oct_depthwise_f32_c);
OCT_DEPTHWISE_F32(oct_depthwise_f32_avx2);
OCT_DEPTHWISE_F32(oct_depthwise_f32_avx512);
OCT_DEPTHWISE_F32(oct_depthwise_f32_neon);

/* Rows of pixels whose 3x3 or 5x5 windows all lie in the image. */
typedef struct oct_depthwise_strip {
    const float *x;      /* first tap of the first pixel, at channel 0 */
    size_t line;         /* elements from an input row to the next */
    size_t row_step;     /* elements between the first taps of neighbouring output rows */
    int32_t kernel;      /* height and width: 3 or 5 */
    int32_t stride;      /* of pixels: 1 or 2 */
    int32_t rows, pixels, channels;
    const float *weights, *bias; /* as for oct_depthwise_f32_c(): taps weight_step elements apart */
    size_t weight_step;
    float lo, hi;
    float *y;
    size_t y_step;       /* elements from an output row to the next */
} oct_depthwise_strip;

/** The results of oct_depthwise_f32_c() for those pixels, bit by bit. */
#define OCT_DEPTHWISE_STRIP(name) void name(const oct_depthwise_strip *s)
typedef OCT_DEPTHWISE_STRIP((*oct_depthwise_strip_fn));
OCT_DEPTHWISE_STRIP(oct_depthwise_strip_avx2);
OCT_DEPTHWISE_STRIP(oct_depthwise_strip_avx512);

/**
 * sum[p][c] = bias[c] + sum over taps of (x - zero) * w, modulo 2^32; x is int8, or int16 with
 * zero 0.
 * taps[].w  dwords with an int16 in the low half and zeros above
 * bias      [channels]; both readable to a multiple of 16 channels, 64-byte aligned
 * sum       [pixels][channels], rows sum_stride elements apart
 */
#define OCT_DEPTHWISE_SUMS(name)                                                                   \
    void name(const oct_depthwise_args *args, const int32_t *bias, int32_t zero, int32_t *sum,     \
        size_t sum_stride)
typedef OCT_DEPTHWISE_SUMS((*oct_depthwise_sums_fn));
#define OCT_DEPTHWISE_SUMS_DECLARE(isa)                                                            \
    OCT_DEPTHWISE_SUMS(oct_depthwise_taps_s8_##isa);                                               \
    OCT_DEPTHWISE_SUMS(oct_depthwise_taps_s16_##isa);
OCT_DEPTHWISE_SUMS_DECLARE(c)
OCT_DEPTHWISE_SUMS_DECLARE(avx2)
OCT_DEPTHWISE_SUMS_DECLARE(avx512)
OCT_DEPTHWISE_SUMS_DECLARE(neon)
#undef OCT_DEPTHWISE_SUMS_DECLARE

/**
 * Finished int8 outputs by dot products over four taps at a time.
 *
 * All taps are given (count is their number rounded up to 4): missing ones point to a row of zero
 * points, padding ones anywhere. Weights and bias come from packed, made by
 * oct_depthwise_pack_dot(); taps[].w is not used. The order of channels in a block of 64 is that
 * of the byte interleaving, see oct_depthwise_dot_order; rq is made with it.
 */
#define OCT_DEPTHWISE_S8(name)                                                                     \
    void name(const oct_depthwise_args *args, const void *packed, const oct_requant_tile *rq,      \
        int8_t *y)
typedef OCT_DEPTHWISE_S8((*oct_depthwise_s8_fn));
OCT_DEPTHWISE_S8(oct_depthwise_s8_avx512vnni);

/** Channel of each of 64 positions: position 16 j + d holds channel 16 (d / 4) + 4 j + d % 4. */
extern const uint8_t oct_depthwise_dot_order[64];

size_t oct_depthwise_dot_bytes(int32_t taps, int32_t channels);

/**
 * filter [taps][channels] and bias [channels] (NULL: zeros) for inputs with a zero point.
 * packed: zeroed, 64-byte aligned.
 */
void oct_depthwise_pack_dot(const int8_t *filter, const int32_t *bias, int32_t taps,
    int32_t channels, int32_t zero, void *packed);

/* Called for each run: args hold taps, pixels and step; x0 is its first pixel. */
typedef void (*oct_depthwise_run_fn)(void *user, const oct_depthwise_args *args, int32_t x0);

typedef struct oct_depthwise_plan {
    oct_window window;
    size_t in_bytes;     /* of an input element */
    size_t weight_bytes; /* from one tap's weights to the next */
    const void *weights; /* [taps] */
    const void *missing; /* row that missing taps point to; NULL: they are left out */
} oct_depthwise_plan;

/**
 * Output rows [rows->begin, rows->end) and columns whose windows lie in the image altogether;
 * either may be empty, begin == end.
 */
void oct_depthwise_inner(const oct_window *w, oct_tap_range *rows, oct_tap_range *columns);

/** Calls run for the pieces of output row (b, oy). x: the whole input tensor. */
void oct_depthwise_row(const oct_depthwise_plan *plan, const void *x, int32_t b, int32_t oy,
    oct_depthwise_run_fn run, void *user);

#endif
