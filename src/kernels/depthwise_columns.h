/*
 * Depthwise convolution with kernels three columns wide and up to three rows high, a row at a time.
 *
 * The kernel rows of one input column are interleaved so that one dword holds the taps of a
 * channel, ready for a dot product. A column so prepared serves all the outputs whose windows it is
 * in: this is what kernels by taps (depthwise.h) cannot do.
 */
#ifndef OCT_KERNELS_DEPTHWISE_COLUMNS_H
#define OCT_KERNELS_DEPTHWISE_COLUMNS_H

#include <stdbool.h>

#include "kernels/quantize_rows.h"
#include "kernels/requant_tile.h"
#include "kernels/window.h"

enum { OCT_COLUMNS_WIDTH = 3, OCT_COLUMNS_MAX_HEIGHT = 3, OCT_COLUMNS_TAPS = 12 };

/* One row of outputs. */
typedef struct oct_columns_args {
    const void *rows[OCT_COLUMNS_MAX_HEIGHT]; /* input row of kernel row k, at its pixel 0 */
    uint32_t inside;     /* bit k: that row lies in the image; otherwise it is not looked at */
    int32_t in_w, out_w, pad_left, stride;
    int32_t channels;
    int32_t repeat;      /* neighbouring pixels whose channels fill a vector together, or 1 */
    int32_t zero;        /* of the inputs: the code of what lies outside of the image */
    const void *packed;  /* weights and bias */
} oct_columns_args;

/** Whether a window is one for these kernels. */
bool oct_columns_fit(const oct_window *w);

/**
 * Pixels whose channels are taken together: more than one if they fill the lanes exactly and lie
 * side by side.
 */
int32_t oct_columns_repeat(const oct_window *w, int32_t lanes);

/** Fills rows and inside for output row oy of an image whose elements have in_bytes. */
void oct_columns_set_rows(const oct_window *w, const void *image, size_t in_bytes, int32_t oy,
    oct_columns_args *args);

/**
 * Filter [kernel_h][3][channels] as taps [3][4][channels * repeat], those past the kernel's rows
 * zero.
 */
void oct_columns_order(const oct_window *w, const int8_t *filter, int32_t repeat, int8_t *taps);

/* How an int8 kernel wants its weights. */
typedef struct oct_columns_layout {
    int32_t lanes;        /* channels of a vector */
    bool repeats;         /* takes several pixels of few channels together */
    const uint8_t *order; /* channel of each of 64 positions of the requantization constants */
    size_t (*bytes)(int32_t channels);
    /** taps of oct_columns_order(), bias [channels] or NULL, the inputs' zero; packed: zeroed. */
    void (*pack)(const int8_t *taps, const int32_t *bias, int32_t channels, int32_t zero,
        void *packed);
} oct_columns_layout;

extern const oct_columns_layout oct_columns_bytes_layout; /* vectors of 64 bytes */
extern const oct_columns_layout oct_columns_words_layout; /* vectors of 16 words */

/**
 * Finished int8 outputs, y [out_w][channels]; packed, rq and repeat by the kernel's layout. Exact:
 * the bytes of the definition. Reads no byte outside of the rows.
 */
#define OCT_COLUMNS_S8(name)                                                                       \
    void name(const oct_columns_args *args, const oct_requant_tile *rq, int8_t *y)
typedef OCT_COLUMNS_S8((*oct_columns_s8_fn));
OCT_COLUMNS_S8(oct_columns_s8_avx2);         /* oct_columns_words_layout */
OCT_COLUMNS_S8(oct_columns_s8_avx512vnni);   /* oct_columns_bytes_layout */

/* What hybrid sums become: see oct_hybrid_args in rows.h. Arrays have whole vectors of 64. */
typedef struct oct_columns_hybrid {
    oct_row_quant unit;        /* of the image */
    const int32_t *column_sum; /* [channels * repeat] of w */
    const float *scale, *bias; /* [channels * repeat] */
    float lo, hi;
    oct_float_range *range;    /* NULL, or what the outputs are folded into */
} oct_columns_hybrid;

/**
 * y[p][c] = clamp(v * (unit.scale * scale[c]) + bias[c]), v = float(sum of (q - zero) * w), as
 * oct_hybrid_shared_c(). packed in oct_columns_bytes_layout, without bias for zero -128.
 */
#define OCT_COLUMNS_HYBRID(name)                                                                   \
    void name(const oct_columns_args *args, const oct_columns_hybrid *by, float *y)
typedef OCT_COLUMNS_HYBRID((*oct_columns_hybrid_fn));
OCT_COLUMNS_HYBRID(oct_columns_hybrid_avx512vnni);

/** Channel of each of 32 positions, int16: position 16 j + d holds 8 (d / 4) + 4 j + d % 4. */
extern const uint8_t oct_columns_s16_order[32];

size_t oct_columns_s16_bytes(int32_t channels);

/**
 * taps [3][4][channels] of oct_columns_order() for int16 inputs. packed: oct_columns_s16_bytes(),
 * zeroed, 64-byte aligned.
 */
void oct_columns_pack_s16(const int8_t *taps, int32_t channels, void *packed);

/** Finished int16 outputs, y [out_w][channels]; rq in oct_columns_s16_order. Exact. */
#define OCT_COLUMNS_S16(name)                                                                      \
    void name(const oct_columns_args *args, const oct_requant_s16_tile *rq, int16_t *y)
typedef OCT_COLUMNS_S16((*oct_columns_s16_fn));
OCT_COLUMNS_S16(oct_columns_s16_avx512vnni);

#endif
