/*
 * The loops of elementwise.h; ISA is the suffix of the variant's names.
 *
 * MBQM is written without branches, so that compilers vectorise it: both of its roundings are floors
 * (kernel operands stay below 2^29, so adding the half does not overflow):
 *   SRDHM(x, m) = floor((x * m + 2^30) / 2^31),  RDBP(t, k) = floor((t + 2^(k-1) - [t < 0]) / 2^k).
 */
#include <math.h>

#include "kernels/elementwise.h"

#define PASTE(name, isa) name##_##isa
#define NAMED(name, isa) PASTE(name, isa)

enum { HEAD_ROOM = 20, LOW_BITS = 31 - HEAD_ROOM };

/*
 * A sum's operand d * 2^20, |d| < 2^8: SRDHM is floor((d * m + 2^10) / 2^11), and with m in two parts all
 * products fit 32 bits.
 */
typedef struct lift { int32_t high, low, right, half, sign; } lift;

static inline lift split_lift(oct_multiplier d)
{
    lift s = { .high = d.m >> LOW_BITS, .low = d.m & ((1 << LOW_BITS) - 1), .right = -d.e };
    s.half = s.right > 0 ? 1 << (s.right - 1) : 0;
    s.sign = s.right > 0 ? -1 : 0;
    return s;
}

static inline int32_t lifted(int32_t d, lift s)
{
    int32_t t = d * s.high + ((d * s.low + (1 << (LOW_BITS - 1))) >> LOW_BITS);
    return (t + s.half + ((t >> 31) & s.sign)) >> s.right;
}

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

/* Three loops, so that a repeated operand is scaled once. EACH(u, v) combines two scaled operands. */
#define LOOPS(READ_A, READ_B, EACH)                                                                \
    if (a_step != 0 && b_step != 0)                                                                \
        for (size_t i = 0; i < n; i++)                                                             \
            y[i] = EACH(READ_A(a[i]), READ_B(b[i]));                                               \
    else if (a_step != 0) {                                                                        \
        int32_t v = READ_B(b[0]);                                                                  \
        for (size_t i = 0; i < n; i++)                                                             \
            y[i] = EACH(READ_A(a[i]), v);                                                          \
    } else {                                                                                       \
        int32_t u = READ_A(a[0]);                                                                  \
        for (size_t i = 0; i < n; i++)                                                             \
            y[i] = EACH(u, READ_B(b[i * b_step]));                                                 \
    }

#define SUM_A(code) lifted((code) - a_zero, a_scale)
#define SUM_B(code) lifted((code) - b_zero, b_scale)
#define PLUS(u, v) clamped(scaled((u) + (v), scale) + y_zero, lo, hi)
#define MINUS(u, v) clamped(scaled((u) - (v), scale) + y_zero, lo, hi)

#define SUM_LOCALS                                                                                 \
    lift a_scale = split_lift(p->a_scale), b_scale = split_lift(p->b_scale);                       \
    scaling scale = split(p->scale);                                                               \
    int32_t a_zero = p->a_zero, b_zero = p->b_zero, y_zero = p->y_zero, lo = p->lo, hi = p->hi

void NAMED(oct_add_s8, ISA)(const oct_sum_s8 *p, size_t n, const int8_t *a, size_t a_step,
    const int8_t *b, size_t b_step, int8_t *y)
{
    SUM_LOCALS;
    LOOPS(SUM_A, SUM_B, PLUS)
}

void NAMED(oct_sub_s8, ISA)(const oct_sum_s8 *p, size_t n, const int8_t *a, size_t a_step,
    const int8_t *b, size_t b_step, int8_t *y)
{
    SUM_LOCALS;
    LOOPS(SUM_A, SUM_B, MINUS)
}

#define FACTOR_A(code) ((code) - a_zero)
#define FACTOR_B(code) ((code) - b_zero)
#define TIMES(u, v) clamped(scaled((u) * (v), scale) + y_zero, lo, hi)

void NAMED(oct_mul_s8, ISA)(const oct_product_s8 *p, size_t n, const int8_t *a, size_t a_step,
    const int8_t *b, size_t b_step, int8_t *y)
{
    scaling scale = split(p->scale);
    int32_t a_zero = p->a_zero, b_zero = p->b_zero, y_zero = p->y_zero, lo = p->lo, hi = p->hi;
    LOOPS(FACTOR_A, FACTOR_B, TIMES)
}

/* Clamped before the conversion, far outside int8; NaN fails the first comparison. */
void NAMED(oct_quantize_s8, ISA)(const oct_affine *p, size_t n, const float *x, int8_t *y)
{
    float scale = p->scale;
    int32_t zero = p->zero, lo = p->lo, hi = p->hi;
    for (size_t i = 0; i < n; i++) {
        float code = x[i] / scale;
        code = code > -1e4f ? code : -1e4f;
        code = code < 1e4f ? code : 1e4f;
        /* Just less than a half: no tie is missed and nothing below one is lifted. */
        y[i] = clamped((int32_t)(code + copysignf(0x1.fffffep-2f, code)) + zero, lo, hi);
    }
}
