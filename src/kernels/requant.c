/*
 * Requantization of rows of channels in plain C.
 */
#include "kernels/requant.h"

#include <math.h>

/* Clamped before the conversion, so that products of any size stay defined. */
static inline int32_t scale_real(double x, double by, const oct_requant *rq)
{
    double code = round(x * by) + rq->zero;
    return code < rq->lo ? rq->lo : code > rq->hi ? rq->hi : (int32_t)code;
}

static inline int32_t scale_32(int32_t x, size_t i, const oct_requant *rq)
{
    if (rq->real != NULL)
        return scale_real(x, rq->real[i], rq);
    return oct_offset_code(oct_mbqm(x, rq->by[i]), rq->zero, rq->lo, rq->hi);
}

static inline int32_t scale_64(int64_t x, size_t i, const oct_requant *rq)
{
    if (rq->real != NULL)
        return scale_real((double)x, rq->real[i], rq);
    return oct_offset_code(oct_mbqm64(x, rq->by[i]), rq->zero, rq->lo, rq->hi);
}

#define REQUANT_32(name, sum_t, out_t)                                                             \
    void oct_requant_##name(const sum_t *sum, const int32_t *bias, size_t n,                       \
        const oct_requant *rq, out_t *y)                                                           \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            uint32_t x = (uint32_t)sum[i] + (bias != NULL ? (uint32_t)bias[i] : 0);                \
            y[i] = (out_t)scale_32((int32_t)x, i, rq);                                             \
        }                                                                                          \
    }
REQUANT_32(s8, int32_t, int8_t)
REQUANT_32(u8, int32_t, uint8_t)
REQUANT_32(s16_b32, int64_t, int16_t)

void oct_requant_s16_b64(const int64_t *sum, const int64_t *bias, size_t n, const oct_requant *rq,
    int16_t *y)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (int16_t)scale_64(sum[i] + (bias != NULL ? bias[i] : 0), i, rq);
}

void oct_finish_f32(const float *sum, const float *bias, size_t n, float lo, float hi, float *y)
{
    for (size_t i = 0; i < n; i++) {
        float v = sum[i] + (bias != NULL ? bias[i] : 0.f);
        v = v < lo ? lo : v;
        y[i] = hi < v ? hi : v;
    }
}

#define FINISH_HYBRID(name, product)                                                               \
    void oct_finish_hybrid_##name(const int32_t *sum, const float *bias, size_t n,                 \
        float row_scale, const float *scale, float lo, float hi, float *y)                         \
    {                                                                                              \
        for (size_t i = 0; i < n; i++) {                                                           \
            float v = product;                                                                     \
            v += bias != NULL ? bias[i] : 0.f;                                                     \
            v = v < lo ? lo : v;                                                                   \
            y[i] = hi < v ? hi : v;                                                                \
        }                                                                                          \
    }
FINISH_HYBRID(shared, (float)sum[i] * (row_scale * scale[i]))
FINISH_HYBRID(channel, (float)sum[i] * scale[i] * row_scale)
