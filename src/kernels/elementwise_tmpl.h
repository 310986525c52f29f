/*
 * The loops of elementwise.h; ISA is the suffix of the variant's names.
 *
 * MBQM is written without branches, so that compilers vectorise it: both of its roundings are
 * floors (kernel operands stay below 2^29, so adding the half does not overflow):
 *   SRDHM(x, m) = floor((x * m + 2^30) / 2^31),  RDBP(t, k) = floor((t + 2^(k-1) - [t < 0]) / 2^k).
 */
#include <math.h>

#include "kernels/elementwise.h"

#define PASTE(name, isa) name##_##isa
#define NAMED(name, isa) PASTE(name, isa)

/* A multiplier with its two shifts and roundings taken apart, outside the loops. */
typedef struct scaling { int32_t m, left, right, half, sign; } scaling;

static inline scaling split(oct_multiplier d)
{
    scaling s = { .m = d.m, .left = d.e > 0 ? d.e : 0, .right = d.e < 0 ? -d.e : 0 };
    s.half = s.right > 0 ? 1 << (s.right - 1) : 0;
    s.sign = s.right > 0 ? -1 : 0;
    return s;
}

/* Bits 31 to 62 of the product are the high half, so a logical shift serves. */
static inline int32_t scaled(int32_t x, scaling s)
{
    int64_t product = (int64_t)(int32_t)((uint32_t)x << s.left) * s.m + (INT64_C(1) << 30);
    int32_t t = (int32_t)(uint32_t)((uint64_t)product >> 31);
    return (t + s.half + ((t >> 31) & s.sign)) >> s.right;
}

static inline int8_t clamped(int32_t code, int32_t lo, int32_t hi)
{
    code = code < lo ? lo : code;
    return (int8_t)(code > hi ? hi : code);
}

#define TIMES(u, v)                                                                                \
    clamped(scaled(((u) - q.a_zero) * ((v) - q.b_zero), scale) + q.y_zero, q.lo, q.hi)

void NAMED(oct_mul_s8, ISA)(const oct_product_s8 *p, size_t n, const int8_t *a, size_t a_step,
    const int8_t *b, size_t b_step, int8_t *y)
{
    oct_product_s8 q = *p;
    scaling scale = split(p->scale);
    int32_t first_a = a[0], first_b = b[0];
    if (a_step != 0 && b_step != 0)
        for (size_t i = 0; i < n; i++)
            y[i] = TIMES(a[i], b[i]);
    else if (a_step != 0)
        for (size_t i = 0; i < n; i++)
            y[i] = TIMES(a[i], first_b);
    else
        for (size_t i = 0; i < n; i++)
            y[i] = TIMES(first_a, b[i * b_step]);
}

/* Differences stay below 2^15, their squares below 2^30. */
static inline int8_t squared(int32_t a, int32_t b, const scaling *y, int32_t zero)
{
    int32_t difference = a - b;
    return clamped(scaled(difference * difference, *y) + zero, INT8_MIN, INT8_MAX);
}

#define SCALED_A(v) scaled(((v) - q.a_zero) * 128, a_scale)
#define SCALED_B(v) scaled(((v) - q.b_zero) * 128, b_scale)

void NAMED(oct_squared_difference_s8, ISA)(const oct_difference_s8 *p, size_t n, const int8_t *a,
    size_t a_step, const int8_t *b, size_t b_step, int8_t *y)
{
    oct_difference_s8 q = *p;
    scaling a_scale = split(p->a), b_scale = split(p->b), y_scale = split(p->y);
    int32_t first_a = SCALED_A(a[0]), first_b = SCALED_B(b[0]);
    if (a_step != 0 && b_step != 0)
        for (size_t i = 0; i < n; i++)
            y[i] = squared(SCALED_A(a[i]), SCALED_B(b[i]), &y_scale, q.y_zero);
    else if (a_step != 0)
        for (size_t i = 0; i < n; i++)
            y[i] = squared(SCALED_A(a[i]), first_b, &y_scale, q.y_zero);
    else
        for (size_t i = 0; i < n; i++)
            y[i] = squared(first_a, SCALED_B(b[i * b_step]), &y_scale, q.y_zero);
}

static inline int16_t clamped_s16(int32_t code, int32_t lo, int32_t hi)
{
    code = code < lo ? lo : code;
    return (int16_t)(code > hi ? hi : code);
}

/*
 * Clamped before the conversion, far outside the type; NaN fails the first comparison. Just less
 * than a half is added: no tie is missed and nothing below one is lifted.
 */
#define QUANTIZE(name, type, limit, clamped_to)                                                    \
    void NAMED(name, ISA)(const oct_affine *p, size_t n, const float *x, type *y)                  \
    {                                                                                              \
        float scale = p->scale;                                                                    \
        int32_t zero = p->zero, lo = p->lo, hi = p->hi;                                            \
        for (size_t i = 0; i < n; i++) {                                                           \
            float code = x[i] / scale;                                                             \
            code = code > -limit ? code : -limit;                                                  \
            code = code < limit ? code : limit;                                                    \
            code += copysignf(0x1.fffffep-2f, code);                                               \
            y[i] = clamped_to((int32_t)code + zero, lo, hi);                                       \
        }                                                                                          \
    }
QUANTIZE(oct_quantize_s8, int8_t, 1e4f, clamped)
QUANTIZE(oct_quantize_s16, int16_t, 1e5f, clamped_s16)
