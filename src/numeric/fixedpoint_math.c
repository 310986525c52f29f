/*
 * exp, reciprocal and inverse square root in fixed point.
 */
#include "numeric/fixedpoint_math.h"

/* exp(a) for a in [-1/4, 0) in Q0: exp(-1/8) times the fourth-order series around -1/8. */
static int32_t exp_quarter(int32_t a)
{
    const int32_t exp_minus_eighth = 1895147668, third = 715827883;
    int32_t x = a + (1 << 28);
    int32_t x2 = oct_srdhm(x, x), x3 = oct_srdhm(x2, x), x4 = oct_srdhm(x2, x2);
    int32_t series = oct_rdbp(oct_srdhm(oct_rdbp(x4, 2) + x3, third) + x2, 1);
    return exp_minus_eighth + oct_srdhm(exp_minus_eighth, x + series);
}

int32_t oct_exp_on_negative(int32_t a, int32_t bits)
{
    /* exp(-2^k) in Q0 for k = -2 .. 4 */
    static const int32_t factors[] = { 1672461947, 1302514674, 790015084, 290630308, 39332535,
        720401, 242 };
    if (a == 0)
        return INT32_MAX;
    if (bits > 5 && a < -(INT32_C(32) << (31 - bits)))
        return 0;
    int32_t quarter = INT32_C(1) << (29 - bits);
    int32_t part = (a & (quarter - 1)) - quarter; /* in [-1/4, 0) */
    int32_t result = exp_quarter(part * (INT32_C(1) << bits));
    int32_t rest = part - a; /* a multiple of 1/4 */
    for (int32_t i = 0; i < 7 && i - 2 < bits; i++)
        if (rest & (int32_t)(UINT32_C(1) << (29 - bits + i)))
            result = oct_srdhm(result, factors[i]);
    return result;
}

int32_t oct_one_over_one_plus(int32_t a)
{
    const int32_t c48_17 = 1515870810, c32_17 = -1010580540; /* Q2 */
    int32_t half = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2); /* (1 + a) / 2 in Q0 */
    int32_t x = c48_17 + oct_srdhm(half, c32_17);
    for (int i = 0; i < 3; i++) {
        int32_t error = (1 << 29) - oct_srdhm(half, x);
        x += oct_saturating_shift_left(oct_srdhm(x, error), 2);
    }
    return oct_saturating_shift_left(x, 1);
}

int32_t oct_reciprocal(int32_t x, int32_t digits, int32_t *shift)
{
    int32_t zeros = __builtin_clz((unsigned)x);
    *shift = digits - zeros;
    return oct_one_over_one_plus((int32_t)(((uint32_t)x << zeros) - (UINT32_C(1) << 31)));
}

oct_multiplier oct_inverse_sqrt(int32_t x)
{
    const int32_t half_sqrt2 = 1518500250, three_halves = (1 << 28) + (1 << 27); /* Q0, Q3 */
    if (x <= 1)
        return (oct_multiplier){ INT32_MAX, 0 };
    int32_t shift = 11;
    while (x >= 1 << 29) {
        x /= 4;
        shift++;
    }
    int32_t pairs = (__builtin_clz((unsigned)x) - 1) / 2 - 1;
    shift -= pairs;
    x <<= 2 * pairs;
    int32_t half = oct_rdbp(x >> 1, 1); /* Q3 */
    int32_t r = 1 << 28;                /* 1 in Q3 */
    for (int i = 0; i < 5; i++) {
        int32_t cube = oct_saturating_shift_left(oct_srdhm(oct_srdhm(r, r), r), 6);
        r = oct_saturating_shift_left(oct_srdhm(three_halves, r) - oct_srdhm(half, cube), 3);
    }
    int32_t m = oct_srdhm(r, half_sqrt2);
    if (shift < 0) {
        m <<= -shift;
        shift = 0;
    }
    return (oct_multiplier){ m, -shift };
}
