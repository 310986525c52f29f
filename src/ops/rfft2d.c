/*
 * RFFT2D: the spectrum of a real image, the half of it that says all, in double until the last rounding.
 *
 * Lengths are powers of two, as LiteRT asks: rows first, then columns, each by decimation in time. Inputs are
 * cut off or filled up with zeros to the lengths. (For a width of 1 LiteRT reads past the row.)
 * Source: LiteRT tflite/kernels/rfft2d.cc.
 */
#include <math.h>
#include <string.h>

#include "ops/arith.h"

typedef struct complex64 {
    double re, im;
} complex64;

typedef struct params {
    int32_t h, w;          /* lengths */
    const complex64 *turn; /* exp(-2 pi i k / longest) [longest / 2] */
    int32_t longest;
} params;

enum { MAX_LENGTH = 1 << 24 };

static bool is_length(int64_t n)
{
    return n > 0 && n <= MAX_LENGTH && (n & (n - 1)) == 0;
}

static oct_status infer(oct_op *op, oct_error *err)
{
    const oct_value *in = op->in[0], *lengths = op->in[1];
    OCT_TRY(oct_op_need_known(op, 1, "lengths", err));
    if (in->rank < 2 || in->rank > 8 || oct_value_count(lengths) != 2)
        return oct_op_fail(op, OCT_E_INVALID, err, "an image and two lengths are asked for");
    if (in->type != OCT_FLOAT32)
        return oct_op_fail(op, OCT_E_UNSUPPORTED, err, "spectrum of %s", oct_type_name(in->type));
    int32_t dims[8];
    memcpy(dims, in->dims, (size_t)in->rank * sizeof *dims);
    for (size_t i = 0; i < 2; i++) {
        int64_t length = oct_value_integer(lengths, i);
        if (!is_length(length))
            return oct_op_fail(op, OCT_E_INVALID, err,
                "the length %lld is no power of two that fits", (long long)length);
        dims[in->rank - 2 + (int32_t)i] = (int32_t)length;
    }
    dims[in->rank - 1] = dims[in->rank - 1] / 2 + 1;
    return oct_op_set_shape(op, 0, OCT_COMPLEX64, in->rank, dims, err);
}

static oct_status prepare(oct_op *op, oct_error *err)
{
    params *p = oct_op_alloc(op, sizeof *p);
    if (p == NULL)
        return oct_fail_memory(err, sizeof *p, op->out[0]->label);
    p->h = (int32_t)oct_value_integer(op->in[1], 0);
    p->w = (int32_t)oct_value_integer(op->in[1], 1);
    p->longest = p->h > p->w ? p->h : p->w;
    size_t count = (size_t)p->longest / 2 + 1;
    complex64 *turn = oct_op_alloc(op, count * sizeof *turn);
    if (turn == NULL)
        return oct_fail_memory(err, count * sizeof *turn, op->out[0]->label);
    for (size_t k = 0; k < count; k++) {
        double angle = -2 * M_PI * (double)k / (double)p->longest;
        turn[k] = (complex64){ cos(angle), sin(angle) };
    }
    p->turn = turn;
    op->prepared = p;
    op->scratch_bytes[0] = ((size_t)p->h * (size_t)p->w + (size_t)p->h) * sizeof(complex64);
    return OCT_OK;
}

/* Elements to the places that decimation in time starts from. */
static void reverse_bits(complex64 *x, size_t n)
{
    for (size_t i = 1, j = 0; i < n; i++) {
        size_t bit = n >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j ^= bit;
        if (i < j) {
            complex64 kept = x[i];
            x[i] = x[j];
            x[j] = kept;
        }
    }
}

static void transform(const params *p, complex64 *x, int32_t length)
{
    size_t n = (size_t)length;
    reverse_bits(x, n);
    for (size_t half = 1; half < n; half *= 2) {
        size_t step = (size_t)p->longest / (2 * half);
        for (size_t start = 0; start < n; start += 2 * half) {
            for (size_t k = 0; k < half; k++) {
                complex64 w = p->turn[k * step], *a = &x[start + k], *b = a + half;
                complex64 t = { b->re * w.re - b->im * w.im, b->re * w.im + b->im * w.re };
                *b = (complex64){ a->re - t.re, a->im - t.im };
                *a = (complex64){ a->re + t.re, a->im + t.im };
            }
        }
    }
}

static void eval_image(
    const params *p, const oct_value *in, const float *x, complex64 *work, float *y)
{
    size_t h = (size_t)p->h, w = (size_t)p->w, kept = w / 2 + 1;
    size_t rows = (size_t)in->dims[in->rank - 2], columns = (size_t)in->dims[in->rank - 1];
    complex64 *column = work + h * w;
    memset(work, 0, h * w * sizeof *work);
    for (size_t i = 0; i < h && i < rows; i++) {
        for (size_t j = 0; j < w && j < columns; j++)
            work[i * w + j].re = x[i * columns + j];
        transform(p, work + i * w, p->w);
    }
    for (size_t j = 0; j < kept; j++) {
        for (size_t i = 0; i < h; i++)
            column[i] = work[i * w + j];
        transform(p, column, p->h);
        for (size_t i = 0; i < h; i++) {
            y[2 * (i * kept + j)] = (float)column[i].re;
            y[2 * (i * kept + j) + 1] = (float)column[i].im;
        }
    }
}

static oct_status eval(oct_op *op, oct_error *err)
{
    (void)err;
    const params *p = op->prepared;
    const oct_value *in = op->in[0];
    size_t images = oct_value_span(in, 0, in->rank - 2);
    size_t from = oct_value_span(in, in->rank - 2, in->rank);
    size_t to = 2 * (size_t)p->h * ((size_t)p->w / 2 + 1);
    for (size_t i = 0; i < images; i++)
        eval_image(p, in, (const float *)in->data + i * from, op->scratch[0],
            (float *)op->out[0]->data + i * to);
    return OCT_OK;
}

const oct_op_def oct_op_rfft2d = {
    .name = "RFFT2D",
    .code = OCT_OP_RFFT2D,
    .min_in = 2,
    .max_in = 2,
    .min_out = 1,
    .max_out = 1,
    .options = OCT_OPTIONS_Rfft2d,
    .runtime = "2.5",
    .infer = infer,
    .prepare = prepare,
    .ref = { [OCT_FORM_ANY] = { .eval = eval } },
};
