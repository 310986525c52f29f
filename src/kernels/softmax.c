/*
 * SOFTMAX in plain C: float, fixed point for 8 bits, tables for 16 bits.
 */
#include "kernels/softmax.h"

#include <math.h>
#include <string.h>

#include "numeric/fixedpoint_math.h"

void oct_softmax_f32(const float *x, size_t n, float beta, float *y)
{
    float top = x[0], sum = 0.f;
    for (size_t i = 1; i < n; i++)
        top = x[i] > top ? x[i] : top;
    for (size_t i = 0; i < n; i++) {
        y[i] = expf((x[i] - top) * beta);
        sum += y[i];
    }
    for (size_t i = 0; i < n; i++)
        y[i] /= sum;
}

enum { SCALED_BITS = 5, SUM_BITS = 12 }; /* integer bits of differences and of the sum */

oct_softmax_fixed oct_softmax_fixed_init(float beta, float scale)
{
    double real = (double)beta * (double)scale * (double)(1 << (31 - SCALED_BITS));
    oct_softmax_fixed how = { oct_quantize_multiplier(fmin(real, 2147483647.0)), 0 };
    double reach = 31.0 * (double)(1 << (31 - SCALED_BITS)) / ldexp(1.0, how.by.e);
    how.floor = -(int32_t)fmin(floor(reach), 65536.0);
    return how;
}

static inline int32_t exp_of_difference(int32_t difference, const oct_softmax_fixed *how)
{
    int32_t left = how->by.e > 0 ? how->by.e : 0, right = how->by.e > 0 ? 0 : -how->by.e;
    int32_t shifted = (int32_t)((uint32_t)difference << left);
    return oct_exp_on_negative(oct_rdbp(oct_srdhm(shifted, how->by.m), right), SCALED_BITS);
}

#define SOFTMAX_8(name, type, lowest)                                                              \
    void oct_softmax_##name(const type *x, size_t n, const oct_softmax_fixed *how, type *y)        \
    {                                                                                              \
        int32_t top = x[0];                                                                        \
        for (size_t i = 1; i < n; i++)                                                             \
            top = x[i] > top ? x[i] : top;                                                         \
        uint32_t sum = 0;                                                                          \
        for (size_t i = 0; i < n; i++)                                                             \
            if (x[i] - top >= how->floor)                                                          \
                sum += (uint32_t)oct_rdbp(exp_of_difference(x[i] - top, how), SUM_BITS);           \
        int32_t shift, scale = oct_reciprocal((int32_t)sum, SUM_BITS, &shift);                     \
        int32_t right = shift + 31 - 8 < 31 ? shift + 31 - 8 : 31;                                 \
        for (size_t i = 0; i < n; i++) {                                                           \
            int32_t code = 0;                                                                      \
            if (x[i] - top >= how->floor)                                                          \
                code = oct_rdbp(oct_srdhm(scale, exp_of_difference(x[i] - top, how)), right);      \
            y[i] = (type)oct_clamp_i32(code + (lowest), lowest, (lowest) + 255);                   \
        }                                                                                          \
    }
SOFTMAX_8(s8, int8_t, -128)
SOFTMAX_8(u8, uint8_t, 0)

void oct_softmax_differences_init(const oct_softmax_fixed *how, oct_softmax_differences *table)
{
    int32_t most = 0;
    for (int32_t d = 255; d >= 0; d--) {
        table->exp[d] = -d >= how->floor ? exp_of_difference(-d, how) : 0;
        table->share[d] = (uint32_t)oct_rdbp(table->exp[d], SUM_BITS);
        table->last[d] = table->exp[d] >= most;
        most = table->last[d] ? table->exp[d] : most;
    }
}

/* Output codes above the lowest of all differences of a row; from some one on they are 0. */
static void codes_of_row(const oct_softmax_differences *table, uint32_t sum, uint8_t codes[256])
{
    int32_t shift, scale = oct_reciprocal((int32_t)sum, SUM_BITS, &shift);
    int32_t right = shift + 31 - 8 < 31 ? shift + 31 - 8 : 31;
    memset(codes, 0, 256);
    for (int32_t d = 0; d < 256; d++) {
        int32_t code = oct_rdbp(oct_srdhm(scale, table->exp[d]), right);
        if (code == 0 && table->last[d])
            break;
        codes[d] = (uint8_t)oct_clamp_i32(code, 0, 255);
    }
}

#define SOFTMAX_BY_TABLE(name, type, lowest)                                                       \
    void oct_softmax_by_table_##name(                                                              \
        const type *x, size_t n, const oct_softmax_differences *table, type *y)                    \
    {                                                                                              \
        type top = x[0];                                                                           \
        for (size_t i = 1; i < n; i++)                                                             \
            top = x[i] > top ? x[i] : top;                                                         \
        uint32_t sums[4] = { 0 }; /* independent chains */                                         \
        size_t i = 0;                                                                              \
        for (; i + 4 <= n; i += 4)                                                                 \
            for (size_t j = 0; j < 4; j++)                                                         \
                sums[j] += table->share[top - x[i + j]];                                           \
        for (; i < n; i++)                                                                         \
            sums[0] += table->share[top - x[i]];                                                   \
        uint8_t codes[256];                                                                        \
        codes_of_row(table, sums[0] + sums[1] + sums[2] + sums[3], codes);                         \
        for (i = 0; i < n; i++)                                                                    \
            y[i] = (type)(codes[top - x[i]] + (lowest));                                           \
    }
SOFTMAX_BY_TABLE(s8, int8_t, -128)
SOFTMAX_BY_TABLE(u8, uint8_t, 0)

static double exp_real(double v)
{
    return exp(v);
}

static double one_over_one_plus_real(double v)
{
    return 1.0 / (1.0 + v);
}

/*
 * 513 points of f on [low, high], codes of [-1, 1); each is moved by half the error that linear
 * interpolation makes in the middle of its segment.
 */
static void fill_table(double (*f)(double), double low, double high, int16_t table[513])
{
    const double step = (high - low) / 512, to_code = 65536.0 / 2;
    for (int i = 0; i < 512; i++) {
        double value = round(f(low + i * step) * to_code);
        double middle = round(f(low + i * step + step / 2) * to_code);
        double interpolated = round((f(low + (i + 1) * step) * to_code + value) / 2);
        double code = value - round((interpolated - middle) / 2);
        table[i] = (int16_t)fmin(fmax(code, INT16_MIN), INT16_MAX);
    }
    table[512] = (int16_t)fmin(fmax(round(f(high) * to_code), INT16_MIN), INT16_MAX);
}

void oct_softmax_tables_init(float beta, float scale, oct_softmax_tables *tables)
{
    fill_table(exp_real, -10.0, 0.0, tables->exp);
    fill_table(one_over_one_plus_real, 0.0, 1.0, tables->reciprocal);
    tables->by = oct_quantize_multiplier((double)(scale * beta) / (10.0 / 65535.0));
}

static inline int16_t look_up(const int16_t table[513], int32_t v)
{
    int32_t i = 256 + (v >> 7), part = v & 127;
    return (int16_t)(table[i] + (((table[i + 1] - table[i]) * part + 64) >> 7));
}

void oct_softmax_s16(
    const int16_t *x, size_t n, const oct_softmax_tables *tables, int16_t *exps, int16_t *y)
{
    int32_t top = x[0], sum = 0; /* sum in Q16.15 */
    for (size_t i = 1; i < n; i++)
        top = x[i] > top ? x[i] : top;
    for (size_t i = 0; i < n; i++) {
        int32_t position = oct_mbqm(x[i] - top, tables->by);
        position = oct_clamp_i32(position, INT16_MIN - INT16_MAX, 0) + INT16_MAX;
        exps[i] = look_up(tables->exp, position);
        sum += exps[i];
    }
    /* sum = 2^(16 - zeros) * (1 + fraction); the table gives 1 / (1 + fraction). */
    int32_t zeros = __builtin_clz((unsigned)sum);
    int32_t mantissa = (int32_t)((((int64_t)sum << (zeros - 1)) + (1 << 13)) >> 14);
    int32_t inverse =
        look_up(tables->reciprocal, oct_clamp_i32(mantissa - 98304, INT16_MIN, INT16_MAX));
    int32_t shift = 31 - zeros;
    for (size_t i = 0; i < n; i++) {
        int32_t product = exps[i] * inverse;
        y[i] = (int16_t)oct_clamp_i32((product + ((1 << shift) >> 1)) >> shift, 0, INT16_MAX);
    }
}
