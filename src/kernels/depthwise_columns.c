/*
 * What the kernels by columns share: which windows fit, and the order of their taps.
 */
#include "kernels/depthwise_columns.h"

#include <string.h>

#include "kernels/depthwise.h"

bool oct_columns_fit(const oct_window *w)
{
    return w->kernel_w == OCT_COLUMNS_WIDTH && w->kernel_h <= OCT_COLUMNS_MAX_HEIGHT
        && w->dilation_h == 1 && w->dilation_w == 1;
}

int32_t oct_columns_repeat(const oct_window *w, int32_t lanes)
{
    return w->stride_w == 1 && lanes % w->in_c == 0 ? lanes / w->in_c : 1;
}

void oct_columns_set_rows(const oct_window *w, const void *image, size_t in_bytes, int32_t oy,
    oct_columns_args *args)
{
    size_t row_bytes = (size_t)w->in_w * (size_t)w->in_c * in_bytes;
    args->inside = 0;
    for (int32_t k = 0; k < OCT_COLUMNS_MAX_HEIGHT; k++) {
        int32_t y = oy * w->stride_h - w->pad_top + k;
        bool inside = k < w->kernel_h && y >= 0 && y < w->in_h;
        args->rows[k] = (const char *)image + (inside ? (size_t)y * row_bytes : 0);
        args->inside |= inside ? 1u << k : 0;
    }
}

enum { COLUMN_TAPS = OCT_COLUMNS_TAPS / OCT_COLUMNS_WIDTH };

void oct_columns_order(const oct_window *w, const int8_t *filter, int32_t repeat, int8_t *taps)
{
    size_t n = (size_t)w->in_c, wide = n * (size_t)repeat;
    memset(taps, 0, OCT_COLUMNS_TAPS * wide);
    for (int32_t ky = 0; ky < w->kernel_h; ky++)
        for (int32_t kx = 0; kx < w->kernel_w; kx++)
            for (int32_t r = 0; r < repeat; r++)
                memcpy(taps + (size_t)(kx * COLUMN_TAPS + ky) * wide + (size_t)r * n,
                    filter + (size_t)(ky * w->kernel_w + kx) * n, n);
}

const uint8_t oct_columns_s16_order[32] = { 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26,
    27, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31 };

/* A block of 32 channels: for each column, pairs of rows 0 and 1, then of row 2 and nothing. */
enum { S16_LANES = 32, S16_BLOCK = 3 * 2 * S16_LANES };

size_t oct_columns_s16_bytes(int32_t channels)
{
    return (size_t)((channels + S16_LANES - 1) / S16_LANES) * S16_BLOCK * sizeof(int32_t);
}

void oct_columns_pack_s16(const int8_t *taps, int32_t channels, void *packed)
{
    int16_t *to = packed;
    for (int32_t first = 0; first < channels; first += S16_LANES)
        for (int32_t kx = 0; kx < OCT_COLUMNS_WIDTH; kx++)
            for (int32_t pair = 0; pair < 2; pair++)
                for (int32_t i = 0; i < S16_LANES; i++, to += 2) {
                    int32_t c = first + oct_columns_s16_order[i];
                    if (c >= channels)
                        continue;
                    const int8_t *from = taps + (size_t)(4 * kx + 2 * pair) * (size_t)channels + c;
                    to[0] = from[0];
                    to[1] = from[channels];
                }
}

static size_t bytes_layout_bytes(int32_t channels)
{
    return oct_depthwise_dot_bytes(OCT_COLUMNS_TAPS, channels);
}

static void bytes_layout_pack(const int8_t *taps, const int32_t *bias, int32_t channels,
    int32_t zero, void *packed)
{
    oct_depthwise_pack_dot(taps, bias, OCT_COLUMNS_TAPS, channels, zero, packed);
}

const oct_columns_layout oct_columns_bytes_layout = { 64, true, oct_depthwise_dot_order,
    bytes_layout_bytes, bytes_layout_pack };

/* Words of two lanes interleaved: 16 j + d holds 16 j + 8 (d / 4 % 2) + 4 (d / 8) + d % 4. */
#define SIXTEEN(n)                                                                                 \
    n, n + 1, n + 2, n + 3, n + 8, n + 9, n + 10, n + 11, n + 4, n + 5, n + 6, n + 7, n + 12,      \
        n + 13, n + 14, n + 15
static const uint8_t words_order[64] = { SIXTEEN(0), SIXTEEN(16), SIXTEEN(32), SIXTEEN(48) };
#undef SIXTEEN

/*
 * A block of 16 channels: their bias, then for each column pairs of rows 0 and 1, of row 2 and
 * nothing.
 */
enum { WORDS_LANES = 16, WORDS_BLOCK = WORDS_LANES + 3 * 2 * WORDS_LANES };

static size_t words_layout_bytes(int32_t channels)
{
    return (size_t)((channels + WORDS_LANES - 1) / WORDS_LANES) * WORDS_BLOCK * sizeof(int32_t);
}

/* The kernel sees x itself: what the zero point adds is taken off the bias. */
static void words_layout_pack(const int8_t *taps, const int32_t *bias, int32_t channels,
    int32_t zero, void *packed)
{
    for (int32_t i = 0; i < (channels + WORDS_LANES - 1) / WORDS_LANES * WORDS_LANES; i++) {
        int32_t c = i / 64 * 64 + words_order[i % 64], total = 0;
        int32_t *block = (int32_t *)packed + (size_t)(i / WORDS_LANES) * WORDS_BLOCK;
        int16_t *pairs = (int16_t *)(void *)(block + WORDS_LANES) + 2 * (i % WORDS_LANES);
        if (c >= channels)
            continue;
        for (int32_t t = 0; t < OCT_COLUMNS_TAPS; t++) {
            int8_t w = taps[(size_t)t * (size_t)channels + (size_t)c];
            pairs[t / 2 * 2 * WORDS_LANES + t % 2] = w;
            total += w;
        }
        block[i % WORDS_LANES] = (bias != NULL ? bias[c] : 0) - zero * total;
    }
}

const oct_columns_layout oct_columns_words_layout = { WORDS_LANES, false, words_order,
    words_layout_bytes, words_layout_pack };
