/*
 * Element-wise int8 loops of every level against the fixed-point definitions, byte for byte.
 */
#include <math.h>

#include "kernels/check.h"
#include "kernels/elementwise.h"

static oct_multiplier random_multiplier(int32_t lowest, int32_t highest)
{
    return (oct_multiplier){ check_extreme(1 << 30, INT32_MAX), check_between(lowest, highest) };
}

static int8_t want_product(const oct_product_s8 *p, int32_t a, int32_t b)
{
    int32_t y = oct_mbqm((a - p->a_zero) * (b - p->b_zero), p->scale) + p->y_zero;
    return (int8_t)oct_clamp_i32(y, p->lo, p->hi);
}

static void random_codes(int8_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (int8_t)check_extreme(-128, 127);
}

/* shape 0: both operands walk; 1: b repeated; 2: a repeated. */
static void check_product(const oct_elementwise_set *set, const char *name, size_t n, int shape)
{
    size_t a_step = shape != 2, b_step = shape != 1, an = a_step ? n : 1, bn = b_step ? n : 1;
    check_input a_memory = check_input_create(an), b_memory = check_input_create(bn);
    int8_t *a = a_memory.data, *b = b_memory.data, *y = check_output_create(n);
    random_codes(a, an);
    random_codes(b, bn);
    int32_t lo = check_extreme(-128, 0), hi = check_extreme(0, 127);
    oct_product_s8 p = { check_extreme(-128, 127), check_extreme(-128, 127),
        check_extreme(-128, 127), lo, hi, random_multiplier(-20, 4) };
    set->mul_s8(&p, n, a, a_step, b, b_step, y);
    bool equal = check_output_intact(y, n);
    for (size_t i = 0; i < n; i++)
        equal &= y[i] == want_product(&p, a[i * a_step], b[i * b_step]);
    check(equal, "mul of %s: %zu codes, shape %d", name, n, shape);
    check_output_free(y);
    check_input_free(&a_memory);
    check_input_free(&b_memory);
}

static int8_t want_difference(const oct_difference_s8 *p, int32_t a, int32_t b)
{
    int32_t d = oct_mbqm((a - p->a_zero) * 128, p->a) - oct_mbqm((b - p->b_zero) * 128, p->b);
    return (int8_t)oct_clamp_i32(oct_mbqm(d * d, p->y) + p->y_zero, -128, 127);
}

static void check_difference(const oct_elementwise_set *set, const char *name, size_t n, int shape)
{
    size_t a_step = shape != 2, b_step = shape != 1, an = a_step ? n : 1, bn = b_step ? n : 1;
    check_input a_memory = check_input_create(an), b_memory = check_input_create(bn);
    int8_t *a = a_memory.data, *b = b_memory.data, *y = check_output_create(n);
    random_codes(a, an);
    random_codes(b, bn);
    oct_multiplier half = { 1 << 30, 0 }, less = random_multiplier(-9, -1);
    bool a_larger = check_random() % 2 == 0;
    oct_difference_s8 p = { check_extreme(-128, 127), check_extreme(-128, 127),
        check_extreme(-128, 127), a_larger ? half : less, a_larger ? less : half,
        random_multiplier(-30, 0) };
    p.y.e = check_random() % 2 ? check_between(-24, -14) : p.y.e;
    set->squared_difference_s8(&p, n, a, a_step, b, b_step, y);
    bool equal = check_output_intact(y, n);
    for (size_t i = 0; i < n; i++)
        equal &= y[i] == want_difference(&p, a[i * a_step], b[i * b_step]);
    check(equal, "squared difference of %s: %zu codes, shape %d", name, n, shape);
    check_output_free(y);
    check_input_free(&a_memory);
    check_input_free(&b_memory);
}

static float value_of(int kind)
{
    switch (kind) {
    case 0:
        return check_float();
    case 1:
        return (float)check_between(-200, 200) + 0.5f; /* ties */
    case 2:
        return nextafterf((float)check_between(-200, 200) + 0.5f, 0.f); /* just below them */
    default:
        return check_random() % 2 ? INFINITY : -INFINITY;
    }
}

static void check_quantize(const oct_elementwise_set *set, const char *name, size_t n, int kind)
{
    check_input memory = check_input_create(n * sizeof(float));
    float *x = memory.data;
    for (size_t i = 0; i < n; i++)
        x[i] = value_of(kind);
    x[n / 2] = check_random() % 2 ? NAN : x[n / 2];
    int8_t *q = check_output_create(n);
    int16_t *wide = check_output_create(2 * n);
    float scale = kind == 0 ? 0.017f : 1.f;
    oct_affine affine = { scale, check_extreme(-128, 127), -128, 127 };
    oct_affine affine_wide = { scale / (kind == 0 ? 100.f : 1.f), 0, -32768, 32767 };
    set->quantize_s8(&affine, n, x, q);
    set->quantize_s16(&affine_wide, n, x, wide);
    bool equal = check_output_intact(q, n) && check_output_intact(wide, 2 * n);
    for (size_t i = 0; i < n; i++) {
        float code = roundf(x[i] / affine.scale) + (float)affine.zero;
        equal &= q[i] == (code > 127.f ? 127 : code > -128.f ? (int)code : -128);
        code = roundf(x[i] / affine_wide.scale);
        equal &= wide[i] == (code > 32767.f ? 32767 : code > -32768.f ? (int)code : -32768);
    }
    check(equal, "quantize of %s: %zu values of kind %d", name, n, kind);
    check_output_free(wide);
    check_output_free(q);
    check_input_free(&memory);
}

int main(void)
{
    for (int level = 0; level <= (int)oct_cpu_supported(); level++) {
        const oct_elementwise_set *set = oct_elementwise_set_of((oct_cpu)level);
        const char *name = oct_cpu_name((oct_cpu)level);
        for (size_t n = 1; n < 150; n += n < 20 ? 1 : 13)
            for (int round = 0; round < 40; round++) {
                check_product(set, name, n, round % 3);
                check_difference(set, name, n, round % 3);
                check_quantize(set, name, n, round % 4);
            }
    }
    return check_done();
}
