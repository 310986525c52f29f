/*
 * The functions are built from exp on [-1/4, 0), powers of e multiplied in bit by bit, and Newton's method
 * for the quotient. Everything wraps at 16 bits where gemmlowp's does.
 */
#include "numeric/fixedpoint16.h"

#include <stdbool.h>

#include "numeric/fixedpoint.h"

static int16_t wrap(int32_t x)
{
    return (int16_t)(uint16_t)(uint32_t)x;
}

static int16_t saturate(int32_t x)
{
    return (int16_t)(x > INT16_MAX ? INT16_MAX : x < INT16_MIN ? INT16_MIN : x);
}

/* Product of Qa and Qb in Q(a+b): nearest, ties upward. */
static int16_t product(int16_t a, int16_t b)
{
    if (a == INT16_MIN && b == INT16_MIN)
        return INT16_MAX;
    int32_t wide = (int32_t)a * b;
    return (int16_t)((wide + (wide >= 0 ? 1 << 14 : 1 - (1 << 14))) / (1 << 15));
}

static int16_t shift_left(int16_t x, int32_t by)
{
    return saturate((int32_t)x * (1 << by));
}

static int16_t shift_right(int16_t x, int32_t by)
{
    return (int16_t)oct_rdbp(x, by);
}

/* An int32 constant of gemmlowp as its int16 one. */
static int16_t constant(int32_t raw)
{
    return (int16_t)oct_rdbp(raw, 16);
}

/* exp(a) for -1/4 <= a < 0, both in Q0: a Taylor polynomial round -1/8. */
static int16_t exp_quarter(int16_t a)
{
    int16_t factor = constant(1895147668); /* exp(-1/8) */
    int16_t x = wrap(a + (1 << 12));
    int16_t x2 = product(x, x), x3 = product(x2, x), x4 = product(x2, x2);
    int16_t sum = product(wrap(shift_right(x4, 2) + x3), constant(715827883)); /* 1/3 */
    int16_t rest = shift_right(wrap(sum + x2), 1);
    return saturate((int32_t)factor + product(factor, wrap(x + rest)));
}

/* exp(a) in Q0 for a <= 0 in Q(bits). */
static int16_t exp_on_negative(int16_t a, int32_t bits)
{
    static const int32_t powers[] = { 1672461947, 1302514674, 790015084, 290630308, 39332535,
        720401, 242 }; /* exp(-1/4), exp(-1/2), exp(-1), ..., exp(-16) */
    int32_t fraction = 15 - bits, quarter = 1 << (fraction - 2);
    int16_t below = wrap((a & (quarter - 1)) - quarter), rest = wrap(below - a);
    int16_t result = exp_quarter(shift_left(below, bits));
    for (int32_t power = -2; power <= 4 && power < bits; power++)
        if (rest & (1 << (fraction + power)))
            result = product(result, constant(powers[power + 2]));
    if (bits > 5 && a < -(32 << fraction))
        result = 0;
    return a == 0 ? INT16_MAX : result;
}

/* 2 / (1 + a) in Q2 for a in Q0, 0 <= a < 1. */
static int16_t two_over_one_plus(int16_t a)
{
    int32_t sum = (int32_t)a + INT16_MAX;
    int16_t half = (int16_t)((sum + 1) / 2);
    int16_t x = wrap(constant(1515870810) + product(half, constant(-1010580540)));
    for (int i = 0; i < 3; i++)
        x = wrap(x + shift_left(product(x, wrap((1 << 13) - product(half, x))), 2));
    return x;
}

int16_t oct_logistic_s16(int16_t a)
{
    if (a == 0)
        return 1 << 14;
    int16_t negative = a > 0 ? wrap(-a) : a;
    int16_t result = shift_left(two_over_one_plus(exp_on_negative(negative, 3)), 1);
    return a > 0 ? result : wrap(INT16_MAX - result);
}

int16_t oct_tanh_s16(int16_t a, int32_t bits)
{
    if (a == 0)
        return 0;
    int16_t negative = a < 0 ? a : wrap(-a);
    int16_t result =
        shift_left(wrap(two_over_one_plus(exp_on_negative(negative, bits + 1)) - (1 << 13)), 2);
    return a < 0 ? wrap(-result) : result;
}
