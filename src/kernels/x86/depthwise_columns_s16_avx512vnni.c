/*
 * int16 depthwise convolution by columns, AVX-512 VNNI: 32 lanes of channels (or of pixels times
 * channels).
 *
 * Two kernel rows of a column are interleaved by words, the third one with itself, its second copy
 * meeting a zero weight: four vectors of dwords for vpdpwssd. The saturating pack at the end puts
 * channels back in order.
 */
#include "kernels/depthwise_columns.h"
#include "kernels/x86/dot_avx512vnni.h"
#include "kernels/x86/requant_s16_avx512.h"

enum { LANES = 32, BLOCK_VECTORS = 12 };

/* One block of lanes on its way along a row. */
typedef struct block {
    const oct_columns_args *args;
    const int16_t *rows[OCT_COLUMNS_MAX_HEIGHT];
    __mmask32 channels; /* lanes in use */
    __mmask32 lines[OCT_COLUMNS_MAX_HEIGHT]; /* all or none: rows in the image */
} block;

/* Lanes of the pixels column .. column + repeat - 1 that lie in the image. */
OCT_INLINE __mmask32 lanes_inside(const block *b, int32_t column)
{
    const oct_columns_args *args = b->args;
    if (column >= 0 && column + args->repeat <= args->in_w)
        return b->channels;
    int32_t first = column < 0 ? -column : 0, end = args->in_w - column;
    end = end < args->repeat ? end : args->repeat;
    if (first >= end)
        return 0;
    if (args->repeat == 1)
        return b->channels;
    __mmask32 below = (UINT32_C(1) << (first * args->channels)) - 1;
    __mmask32 above = ~UINT32_C(0) >> (LANES - end * args->channels);
    return above & ~below;
}

OCT_INLINE void load_column(const block *b, int32_t column, __m512i out[4])
{
    __mmask32 mask = lanes_inside(b, column);
    ptrdiff_t at = (ptrdiff_t)column * b->args->channels;
    __m512i r[3];
    OCT_UNROLL for (int k = 0; k < 3; k++)
        r[k] = _mm512_maskz_loadu_epi16(mask & b->lines[k], b->rows[k] + at);
    out[0] = _mm512_unpacklo_epi16(r[0], r[1]);
    out[1] = _mm512_unpackhi_epi16(r[0], r[1]);
    out[2] = _mm512_unpacklo_epi16(r[2], r[2]);
    out[3] = _mm512_unpackhi_epi16(r[2], r[2]);
}

OCT_INLINE void advance(const block *b, int32_t column, __m512i columns[3][4], const int fresh)
{
    OCT_UNROLL for (int i = 0; i < 3 - fresh; i++)
        OCT_UNROLL for (int j = 0; j < 4; j++)
            columns[i][j] = columns[i + fresh][j];
    OCT_UNROLL for (int i = 3 - fresh; i < 3; i++)
        load_column(b, column + i, columns[i]);
}

OCT_INLINE void multiply(const __m512i columns[3][4], const __m512i *weights, __m512i sum[2])
{
    sum[0] = sum[1] = _mm512_setzero_si512();
    OCT_UNROLL for (int i = 0; i < 3; i++)
        OCT_UNROLL for (int j = 0; j < 4; j++)
            sum[j % 2] = oct_dot_s16(
                sum[j % 2], columns[i][j], _mm512_load_si512(weights + 4 * i + j));
}

OCT_INLINE void make_row(const block *b, const __m512i *weights, const oct_requant_s16_tile *rq,
    int32_t c, int16_t *y, const int fresh)
{
    const oct_columns_args *args = b->args;
    const __m512i lo = _mm512_set1_epi16((int16_t)rq->plain.lo);
    const __m512i hi = _mm512_set1_epi16((int16_t)rq->plain.hi);
    oct_requant_s16x16 low = oct_requant_s16x16_load(rq->blocks + c / 16);
    oct_requant_s16x16 high = oct_requant_s16x16_load(rq->blocks + c / 16 + 1);
    __m512i columns[3][4];
    int32_t column = -args->pad_left;
    OCT_UNROLL for (int i = 0; i < 3 - fresh; i++)
        load_column(b, column + i, columns[i + fresh]);
    for (int32_t x = 0; x < args->out_w; x += args->repeat, column += args->stride * args->repeat) {
        advance(b, column, columns, fresh);
        __m512i sum[2];
        multiply(columns, weights, sum);
        __m512i words = _mm512_packs_epi32(oct_requant_s16x16_apply(sum[0], &low),
            oct_requant_s16x16_apply(sum[1], &high));
        words = _mm512_min_epi16(hi, _mm512_max_epi16(lo, words));
        int32_t left = args->out_w - x;
        __mmask32 lanes = left >= args->repeat ? b->channels
                                               : ~UINT32_C(0) >> (LANES - left * args->channels);
        _mm512_mask_storeu_epi16(y + (ptrdiff_t)x * args->channels + c, lanes, words);
    }
}

OCT_COLUMNS_S16(oct_columns_s16_avx512vnni)
{
    const __m512i *weights = args->packed;
    int32_t step = args->stride * args->repeat;
    for (int32_t c = 0; c < args->channels; c += LANES, weights += BLOCK_VECTORS) {
        int32_t lanes = args->repeat > 1 || args->channels - c > LANES ? LANES
                                                                       : args->channels - c;
        block b = { .args = args, .channels = ~UINT32_C(0) >> (LANES - lanes) };
        for (int k = 0; k < OCT_COLUMNS_MAX_HEIGHT; k++) {
            b.rows[k] = (const int16_t *)args->rows[k] + c;
            b.lines[k] = args->inside >> k & 1 ? ~UINT32_C(0) : 0;
        }
        if (step == 1)
            make_row(&b, weights, rq, c, y, 1);
        else if (step == 2)
            make_row(&b, weights, rq, c, y, 2);
        else
            make_row(&b, weights, rq, c, y, 3);
    }
}
