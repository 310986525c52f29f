/*
 * int8 depthwise convolution by columns, AVX2: 16 channels widened to 16 bits.
 *
 * Two kernel rows of a column are interleaved by words, the third one with itself, its second copy
 * meeting a zero weight; pmaddwd adds pairs. The saturating packs at the end put channels back in
 * order. There are no masked loads of bytes, so channels that do not fill a vector are copied.
 */
#include <string.h>

#include "kernels/depthwise_columns.h"
#include "kernels/x86/requant_avx2.h"

enum { LANES = 16, BLOCK_VECTORS = 14 }; /* of a block: 2 vectors of bias, 12 of taps */

/* One block of lanes on its way along a row. */
typedef struct block {
    const oct_columns_args *args;
    const int8_t *rows[OCT_COLUMNS_MAX_HEIGHT];
    __m256i fill;  /* what lies outside */
    int32_t lanes; /* in use */
} block;

OCT_INLINE __m256i load_words(const int8_t *from, int32_t lanes)
{
    int8_t part[LANES] = { 0 };
    if (lanes < LANES)
        from = memcpy(part, from, (size_t)lanes);
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)from));
}

OCT_INLINE void load_column(const block *b, int32_t column, __m256i out[4])
{
    const oct_columns_args *args = b->args;
    bool inside = column >= 0 && column < args->in_w;
    ptrdiff_t at = (ptrdiff_t)column * args->channels;
    __m256i r[3];
    OCT_UNROLL for (int k = 0; k < 3; k++) {
        bool here = inside && (args->inside >> k & 1) != 0;
        r[k] = here ? load_words(b->rows[k] + at, b->lanes) : b->fill;
    }
    out[0] = _mm256_unpacklo_epi16(r[0], r[1]);
    out[1] = _mm256_unpackhi_epi16(r[0], r[1]);
    out[2] = _mm256_unpacklo_epi16(r[2], r[2]);
    out[3] = _mm256_unpackhi_epi16(r[2], r[2]);
}

OCT_INLINE void advance(const block *b, int32_t column, __m256i columns[3][4], const int fresh)
{
    OCT_UNROLL for (int i = 0; i < 3 - fresh; i++)
        OCT_UNROLL for (int j = 0; j < 4; j++)
            columns[i][j] = columns[i + fresh][j];
    OCT_UNROLL for (int i = 3 - fresh; i < 3; i++)
        load_column(b, column + i, columns[i]);
}

OCT_INLINE void multiply(const __m256i columns[3][4], const __m256i *weights, __m256i sum[2])
{
    sum[0] = _mm256_load_si256(weights);
    sum[1] = _mm256_load_si256(weights + 1);
    OCT_UNROLL for (int i = 0; i < 3; i++)
        OCT_UNROLL for (int j = 0; j < 4; j++)
            sum[j % 2] = _mm256_add_epi32(sum[j % 2],
                _mm256_madd_epi16(columns[i][j], _mm256_load_si256(weights + 2 + 4 * i + j)));
}

OCT_INLINE void make_row(const block *b, const __m256i *weights, const oct_requant_tile *rq,
    int32_t c, int8_t *y, const int fresh, const bool any_sign)
{
    const oct_columns_args *args = b->args;
    const __m128i lo = _mm_set1_epi8((char)rq->plain.lo), hi = _mm_set1_epi8((char)rq->plain.hi);
    oct_requant8 first = oct_requant8_load(rq->blocks + c / LANES, 0);
    oct_requant8 second = oct_requant8_load(rq->blocks + c / LANES, 1);
    __m256i columns[3][4];
    int32_t column = -args->pad_left;
    OCT_UNROLL for (int i = 0; i < 3 - fresh; i++)
        load_column(b, column + i, columns[i + fresh]);
    for (int32_t x = 0; x < args->out_w; x++, column += args->stride) {
        advance(b, column, columns, fresh);
        __m256i sum[2];
        multiply(columns, weights, sum);
        __m128i bytes = oct_clamp_words(
            _mm256_packs_epi32(oct_requant8_apply(sum[0], &first, any_sign),
                oct_requant8_apply(sum[1], &second, any_sign)), lo, hi);
        int8_t *to = y + (ptrdiff_t)x * args->channels + c;
        if (b->lanes == LANES) {
            _mm_storeu_si128((__m128i *)(void *)to, bytes);
        } else {
            int8_t part[LANES];
            _mm_storeu_si128((__m128i *)(void *)part, bytes);
            memcpy(to, part, (size_t)b->lanes);
        }
    }
}

OCT_INLINE void make_any_row(const block *b, const __m256i *weights, const oct_requant_tile *rq,
    int32_t c, int8_t *y, const bool any_sign)
{
    if (b->args->stride == 1)
        make_row(b, weights, rq, c, y, 1, any_sign);
    else if (b->args->stride == 2)
        make_row(b, weights, rq, c, y, 2, any_sign);
    else
        make_row(b, weights, rq, c, y, 3, any_sign);
}

OCT_COLUMNS_S8(oct_columns_s8_avx2)
{
    const __m256i *weights = args->packed;
    for (int32_t c = 0; c < args->channels; c += LANES, weights += BLOCK_VECTORS) {
        block b = { .args = args, .fill = _mm256_set1_epi16((int16_t)args->zero),
            .lanes = args->channels - c < LANES ? args->channels - c : LANES };
        for (int k = 0; k < OCT_COLUMNS_MAX_HEIGHT; k++)
            b.rows[k] = (const int8_t *)args->rows[k] + c;
        if (rq->any_sign)
            make_any_row(&b, weights, rq, c, y, true);
        else
            make_any_row(&b, weights, rq, c, y, false);
    }
}
