/*
 * Packing of a convolution's weights: panels by group and chunk, biases that make up for how activations are
 * seen, constants of the requantization.
 */
#include <math.h>
#include <stdlib.h>

#include "kernels/requant_real.h"
#include "ops/arith.h"
#include "ops/fast_conv_parts.h"

/* size zeroed bytes on a cache line. */
static void *alloc_aligned(oct_op *op, size_t size)
{
    char *bytes = oct_op_alloc(op, size + 63);
    return bytes == NULL ? NULL : bytes + (64 - (uintptr_t)bytes % 64) % 64;
}

/* Sum of weights and of their magnitudes; in pieces that 32 bits hold, which compilers vectorise. */
static int64_t sum_weights(const int8_t *weights, size_t k, int64_t *magnitudes)
{
    enum { PIECE = 1 << 16 };
    int64_t sum = 0;
    *magnitudes = 0;
    for (size_t first = 0; first < k; first += PIECE) {
        size_t count = k - first < PIECE ? k - first : PIECE;
        int32_t part = 0, part_magnitudes = 0;
        for (size_t i = 0; i < count; i++) {
            part += weights[first + i];
            part_magnitudes += abs(weights[first + i]);
        }
        sum += part;
        *magnitudes += part_magnitudes;
    }
    return sum;
}

/* Largest magnitude of a channel's sum of weights times `each`, plus its bias. */
static int64_t most_sum(const int8_t *filter, const int32_t *bias, int32_t channels, size_t k,
    int64_t each)
{
    int64_t most = 0;
    for (int32_t n = 0; n < channels; n++) {
        int64_t sum;
        sum_weights(filter + (size_t)n * k, k, &sum);
        sum = sum * each + (bias != NULL ? llabs(bias[n]) : 0);
        most = sum > most ? sum : most;
    }
    return most;
}

/* Biases of the packed panels: what flipping or the zero point adds is taken off. */
static int32_t *panel_bias(oct_op *op, const oct_linear *l, const oct_fast_conv *f,
    const int8_t *filter, const int32_t *bias)
{
    int32_t *folded = oct_op_alloc(op, (size_t)l->window.out_c * sizeof *folded);
    for (int32_t n = 0; folded != NULL && n < l->window.out_c; n++) {
        int64_t magnitudes;
        int32_t sum = (int32_t)sum_weights(filter + (size_t)n * f->k, f->k, &magnitudes);
        if (f->column_sum != NULL && oct_fast_conv_on_bytes(op, f))
            f->column_sum[n] = sum;
        uint32_t b = bias != NULL ? (uint32_t)bias[n] : 0;
        int32_t zero = oct_fast_conv_on_bytes(op, f) ? l->in_zero + (f->kernels->s8_signed ? 0 : 128) : 0;
        uint32_t offset = (uint32_t)(zero * sum);
        folded[n] = (int32_t)(b - offset);
    }
    return folded;
}

/* int16 by int8 sums leave int32 after 2^9 of the largest products; then chunks are summed. */
static void choose_chunks(const oct_op *op, const oct_linear *l, oct_fast_conv *f)
{
    enum { SAFE_TAPS = 504 }; /* 504 * 128 * 32768 < 2^31 */
    const int8_t *filter = op->in[l->slots.filter]->data;
    f->chunk = f->k;
    if (op->form == OCT_FORM_S16
        && most_sum(filter, NULL, l->window.out_c, f->k, 32768) > INT32_MAX)
        f->chunk = SAFE_TAPS;
    f->chunks = (int32_t)((f->k + f->chunk - 1) / f->chunk);
    f->chunk_bytes = (size_t)f->groups * oct_gemm_packed_bytes(f->layout, f->group_c, f->chunk);
}

static bool are_finite(const double *real, int32_t channels)
{
    for (int32_t c = 0; real != NULL && c < channels; c++)
        if (!isfinite(real[c]))
            return false;
    return real != NULL;
}

/* Packs the weights of all groups; bias (int32, or float) may be NULL. */
static void pack_groups(const oct_op *op, const oct_linear *l, const oct_fast_conv *f, const void *bias)
{
    const void *filter = op->in[l->slots.filter]->data;
    for (int32_t g = 0; g < f->groups; g++) {
        size_t first = (size_t)g * (size_t)f->group_c;
        const void *own = bias != NULL ? (const int32_t *)bias + first : NULL;
        if (oct_fast_conv_is_float(op)) {
            oct_gemm_pack_f32(f->layout, (const float *)filter + first * f->k, own, f->group_c, f->k,
                oct_fast_conv_panels(f, 0, g, f->k));
            continue;
        }
        for (int32_t i = 0; i < f->chunks; i++)
            oct_gemm_pack_s8(f->layout,
                (const int8_t *)filter + first * f->k + (size_t)i * f->chunk, f->k,
                i == 0 ? own : NULL, f->group_c, oct_fast_conv_chunk_taps(f, i),
                oct_fast_conv_panels(f, i, g, oct_fast_conv_chunk_taps(f, i)));
    }
}

/*
 * Constants of the vectorised requantization; groups begin at whole vectors of their own, so that the
 * constants of a panel's first column are at a multiple of 16.
 */
static oct_status pack_requant(oct_op *op, const oct_linear *l, oct_fast_conv *f, oct_error *err)
{
    int32_t padded = (f->group_c + 15) / 16 * 16, all = f->groups * padded;
    oct_multiplier *by = oct_op_alloc(op, (size_t)all * sizeof *by);
    oct_requant_block *blocks = alloc_aligned(op, (size_t)all / 16 * sizeof *blocks);
    if (by == NULL || blocks == NULL)
        return oct_fail_memory(err, (size_t)all * sizeof *by, "requantization constants");
    for (int32_t n = 0; n < l->window.out_c; n++)
        by[n / f->group_c * padded + n % f->group_c] = l->rq.by[n];
    oct_requant rq = l->rq;
    rq.by = by;
    oct_requant_tile_init(&rq, all, all, NULL, blocks, &f->rq);
    f->requant = f->kernels->requant_s8;
    f->group_constants = padded;
    return OCT_OK;
}

static oct_status pack_integers(oct_op *op, const oct_linear *l, oct_fast_conv *f, oct_error *err)
{
    int32_t channels = l->window.out_c;
    const int8_t *filter = op->in[l->slots.filter]->data;
    const int32_t *bias = op->form == OCT_FORM_S8 ? oct_linear_bias(op, l) : NULL;
    if (op->form == OCT_FORM_HYBRID) {
        const float *given = oct_linear_bias(op, l);
        f->column_sum = oct_op_alloc(op, (size_t)channels * sizeof *f->column_sum);
        f->bias = given != NULL ? given : oct_op_alloc(op, (size_t)channels * sizeof *f->bias);
        if (f->column_sum == NULL || f->bias == NULL)
            return oct_fail_memory(err, (size_t)channels * 4, "sums of weights");
    }
    int32_t *folded = panel_bias(op, l, f, filter, bias);
    if (folded == NULL)
        return oct_fail_memory(err, (size_t)channels * sizeof *folded, "biases");
    pack_groups(op, l, f, folded);
    f->rq = (oct_requant_tile){ .plain = l->rq };
    f->requant = oct_requant_tile_s8_c;
    f->group_constants = f->group_c;
    f->wide = op->form == OCT_FORM_S16 && !l->bias32 && l->rq.real == NULL && f->chunks == 1
        && (f->groups == 1 || f->group_c % 16 == 0);
    if (f->wide)
        return oct_linear_requant_s16(op, l, NULL, channels, &f->rq_s16, err);
    if (op->form == OCT_FORM_S8 && are_finite(l->rq.real, channels))
        f->requant = oct_requant_real_s8_of(oct_cpu_level());
    int64_t most = op->form == OCT_FORM_S8 ? most_sum(filter, bias, channels, f->k, 255) : 0;
    if (op->form == OCT_FORM_S8 && oct_requant_vectorisable(&l->rq, channels, most))
        return pack_requant(op, l, f, err);
    return OCT_OK;
}

oct_status oct_fast_conv_pack(oct_op *op, const oct_linear *l, oct_fast_conv *f, oct_error *err)
{
    choose_chunks(op, l, f);
    size_t bytes = (size_t)f->chunks * f->chunk_bytes;
    f->panels = alloc_aligned(op, bytes);
    if (f->panels == NULL)
        return oct_fail_memory(err, bytes, "packed weights");
    if (!oct_fast_conv_is_float(op))
        return pack_integers(op, l, f, err);
    pack_groups(op, l, f, oct_linear_bias(op, l));
    return OCT_OK;
}
