/*
 * Depthwise convolution by columns, AVX-512 VNNI: 64 lanes of channels (or of pixels times
 * channels), three prepared columns in registers, each moved on along x.
 *
 * Unpacking bytes, then words, makes four vectors of dwords from three rows; the last byte of a
 * dword meets a zero weight. It permutes channels exactly as the tree of saturating packs at the
 * end permutes them back.
 */
#include "kernels/depthwise_columns.h"
#include "kernels/x86/dot_avx512vnni.h"
#include "kernels/x86/hybrid_avx512.h"
#include "kernels/x86/requant_avx512.h"

/* One block of 64 lanes on its way along a row. */
typedef struct block {
    const oct_columns_args *args;
    const int8_t *rows[OCT_COLUMNS_MAX_HEIGHT]; /* at the block's first channel of pixel 0 */
    __m512i fill;       /* what lies outside */
    __mmask64 channels; /* lanes in use */
    __mmask64 lines[OCT_COLUMNS_MAX_HEIGHT]; /* all or none: rows in the image */
} block;

/* Lanes of the pixels column .. column + repeat - 1 that lie in the image. */
OCT_INLINE __mmask64 lanes_inside(const block *b, int32_t column)
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
    __mmask64 below = (UINT64_C(1) << (first * args->channels)) - 1;
    __mmask64 above = ~UINT64_C(0) >> (64 - end * args->channels);
    return above & ~below;
}

/* The interleaved taps of one input column as uint8. */
OCT_INLINE void load_column(const block *b, int32_t column, __m512i out[4])
{
    const __m512i sign = _mm512_set1_epi8((char)0x80);
    __mmask64 mask = lanes_inside(b, column);
    ptrdiff_t at = (ptrdiff_t)column * b->args->channels;
    __m512i r[3];
    OCT_UNROLL for (int k = 0; k < 3; k++)
        r[k] = _mm512_xor_si512(sign, _mm512_mask_loadu_epi8(b->fill, mask & b->lines[k],
            b->rows[k] + at));
    __m512i low01 = _mm512_unpacklo_epi8(r[0], r[1]), high01 = _mm512_unpackhi_epi8(r[0], r[1]);
    __m512i low22 = _mm512_unpacklo_epi8(r[2], r[2]), high22 = _mm512_unpackhi_epi8(r[2], r[2]);
    out[0] = _mm512_unpacklo_epi16(low01, low22);
    out[1] = _mm512_unpackhi_epi16(low01, low22);
    out[2] = _mm512_unpacklo_epi16(high01, high22);
    out[3] = _mm512_unpackhi_epi16(high01, high22);
}

/* Moves the three columns on to those that begin at `column`; `fresh` of them are new. */
OCT_INLINE void advance(const block *b, int32_t column, __m512i columns[3][4], const int fresh)
{
    OCT_UNROLL for (int i = 0; i < 3 - fresh; i++)
        OCT_UNROLL for (int j = 0; j < 4; j++)
            columns[i][j] = columns[i + fresh][j];
    OCT_UNROLL for (int i = 3 - fresh; i < 3; i++)
        load_column(b, column + i, columns[i]);
}

OCT_INLINE void multiply(const __m512i columns[3][4], const __m512i *weights, __m512i sum[4])
{
    OCT_UNROLL for (int j = 0; j < 4; j++)
        sum[j] = _mm512_load_si512(weights + j);
    OCT_UNROLL for (int i = 0; i < 3; i++)
        OCT_UNROLL for (int j = 0; j < 4; j++)
            sum[j] = oct_dot_u8s8(
                sum[j], columns[i][j], _mm512_load_si512(weights + 4 + 4 * i + j));
}

/* Where the lanes of the pixels from x on are stored, counted in elements, and which of them. */
OCT_INLINE __mmask64 lanes_out(const block *b, int32_t x)
{
    const oct_columns_args *args = b->args;
    int32_t left = args->out_w - x;
    return left >= args->repeat ? b->channels : ~UINT64_C(0) >> (64 - left * args->channels);
}

OCT_INLINE void row_s8(const block *b, const __m512i *weights, const oct_requant_tile *rq,
    int32_t c, int8_t *y, const int fresh, const bool any_sign)
{
    const oct_columns_args *args = b->args;
    const __m512i lo = _mm512_set1_epi8((char)rq->plain.lo);
    const __m512i hi = _mm512_set1_epi8((char)rq->plain.hi);
    oct_requant16 by[4];
    OCT_UNROLL for (int j = 0; j < 4; j++)
        by[j] = oct_requant16_load(rq->blocks + c / 16 + j);
    __m512i columns[3][4];
    int32_t column = -args->pad_left;
    OCT_UNROLL for (int i = 0; i < 3 - fresh; i++)
        load_column(b, column + i, columns[i + fresh]);
    for (int32_t x = 0; x < args->out_w; x += args->repeat, column += args->stride * args->repeat) {
        advance(b, column, columns, fresh);
        __m512i sum[4];
        multiply(columns, weights, sum);
        OCT_UNROLL for (int j = 0; j < 4; j++)
            sum[j] = oct_requant16_apply(sum[j], &by[j], any_sign);
        __m512i bytes = _mm512_packs_epi16(
            _mm512_packs_epi32(sum[0], sum[1]), _mm512_packs_epi32(sum[2], sum[3]));
        bytes = _mm512_min_epi8(hi, _mm512_max_epi8(lo, bytes));
        _mm512_mask_storeu_epi8(y + (ptrdiff_t)x * args->channels + c, lanes_out(b, x), bytes);
    }
}

/* 4 x 4 transposition of 128-bit lanes: from the order of the interleaving to the natural one. */
OCT_INLINE void natural_order(__m512i v[4])
{
    __m512i a = _mm512_shuffle_i32x4(v[0], v[1], 0x44), b = _mm512_shuffle_i32x4(v[2], v[3], 0x44);
    __m512i c = _mm512_shuffle_i32x4(v[0], v[1], 0xee), d = _mm512_shuffle_i32x4(v[2], v[3], 0xee);
    v[0] = _mm512_shuffle_i32x4(a, b, 0x88);
    v[1] = _mm512_shuffle_i32x4(a, b, 0xdd);
    v[2] = _mm512_shuffle_i32x4(c, d, 0x88);
    v[3] = _mm512_shuffle_i32x4(c, d, 0xdd);
}

/* What the sums of a block become, see oct_columns_hybrid. */
typedef struct float_end {
    __m512i offset[4]; /* what seeing the codes as uint8 and their zero point add to the sums */
    __m512 scale[4], lo, hi;
    const float *bias;
    oct_range16 range;
} float_end;

OCT_INLINE float_end make_float_end(const oct_columns_hybrid *by, int32_t c)
{
    float_end e = { .lo = _mm512_set1_ps(by->lo), .hi = _mm512_set1_ps(by->hi),
        .bias = by->bias + c, .range = oct_range16_none() };
    OCT_UNROLL for (int j = 0; j < 4; j++) {
        e.offset[j] = _mm512_mullo_epi32(_mm512_loadu_si512(by->column_sum + c + 16 * j),
            _mm512_set1_epi32(by->unit.zero + 128));
        e.scale[j] = _mm512_mul_ps(
            _mm512_set1_ps(by->unit.scale), _mm512_loadu_ps(by->scale + c + 16 * j));
    }
    return e;
}

OCT_INLINE void store_floats(float_end *e, __m512i sum[4], float *y, __mmask64 lanes,
    const bool full)
{
    natural_order(sum);
    OCT_UNROLL for (int j = 0; j < 4; j++) {
        const __mmask16 mask = (__mmask16)(full ? 0xffff : lanes >> (16 * j));
        __m512 v = _mm512_cvtepi32_ps(_mm512_sub_epi32(sum[j], e->offset[j]));
        v = _mm512_add_ps(_mm512_mul_ps(v, e->scale[j]), _mm512_loadu_ps(e->bias + 16 * j));
        v = oct_clamp16(v, e->lo, e->hi);
        _mm512_mask_storeu_ps(y + 16 * j, mask, v);
        oct_range16_fold(&e->range, full ? v : _mm512_maskz_mov_ps(mask, v));
    }
}

OCT_INLINE void row_hybrid(const block *b, const __m512i *weights, const oct_columns_hybrid *by,
    int32_t c, float *y, const int fresh)
{
    const oct_columns_args *args = b->args;
    float_end end = make_float_end(by, c);
    __m512i columns[3][4];
    int32_t column = -args->pad_left;
    OCT_UNROLL for (int i = 0; i < 3 - fresh; i++)
        load_column(b, column + i, columns[i + fresh]);
    for (int32_t x = 0; x < args->out_w; x += args->repeat, column += args->stride * args->repeat) {
        advance(b, column, columns, fresh);
        __m512i sum[4];
        multiply(columns, weights, sum);
        __mmask64 lanes = lanes_out(b, x);
        float *to = y + (ptrdiff_t)x * args->channels + c;
        if (lanes == ~UINT64_C(0))
            store_floats(&end, sum, to, lanes, true);
        else
            store_floats(&end, sum, to, lanes, false);
    }
    if (by->range != NULL)
        oct_range16_join(&end.range, by->range);
}

/* The block of 64 lanes from channel c on. */
OCT_INLINE block make_block(const oct_columns_args *args, int32_t c)
{
    int32_t lanes = args->repeat > 1 ? 64 : args->channels - c < 64 ? args->channels - c : 64;
    block b = { .args = args, .fill = _mm512_set1_epi8((char)args->zero),
        .channels = ~UINT64_C(0) >> (64 - lanes) };
    for (int k = 0; k < OCT_COLUMNS_MAX_HEIGHT; k++) {
        b.rows[k] = (const int8_t *)args->rows[k] + c;
        b.lines[k] = args->inside >> k & 1 ? ~UINT64_C(0) : 0;
    }
    return b;
}

/* Weights of a block: 4 vectors of bias, 12 of taps. */
enum { BLOCK_VECTORS = 16 };

/* Columns that are new at each step. */
static inline int32_t fresh_columns(const oct_columns_args *args)
{
    int32_t step = args->stride * args->repeat;
    return step < 3 ? step : 3;
}

#define EACH_FRESH(args, call)                                                                     \
    switch (fresh_columns(args)) {                                                                 \
    case 1: call(1); break;                                                                        \
    case 2: call(2); break;                                                                        \
    default: call(3); break;                                                                       \
    }

OCT_COLUMNS_S8(oct_columns_s8_avx512vnni)
{
    const __m512i *weights = args->packed;
    for (int32_t c = 0; c < args->channels; c += 64, weights += BLOCK_VECTORS) {
        block b = make_block(args, c);
#define ROW(fresh)                                                                                 \
    if (rq->any_sign)                                                                              \
        row_s8(&b, weights, rq, c, y, fresh, true);                                                \
    else                                                                                           \
        row_s8(&b, weights, rq, c, y, fresh, false)
        EACH_FRESH(args, ROW)
#undef ROW
    }
}

OCT_COLUMNS_HYBRID(oct_columns_hybrid_avx512vnni)
{
    const __m512i *weights = args->packed;
    for (int32_t c = 0; c < args->channels; c += 64, weights += BLOCK_VECTORS) {
        block b = make_block(args, c);
#define ROW(fresh) row_hybrid(&b, weights, by, c, y, fresh)
        EACH_FRESH(args, ROW)
#undef ROW
    }
}
