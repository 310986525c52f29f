/*
 * The loops of functions.h; ISA is the suffix of the variant's names.
 *
 * Written without branches, with fused multiply-adds where it says so and nowhere else: compilers
 * vectorise it, and every variant rounds alike. exp(x) = 2^n exp(r) with a polynomial in r; GELU's
 * error function is a quotient of two polynomials in x^2.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernels/functions.h"
#include "kernels/tile.h"

#define PASTE(name, isa) name##_##isa
#define NAMED(name, isa) PASTE(name, isa)

/* Elements do not depend on each other, even where y is x. */
#ifdef __clang__
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

OCT_INLINE uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

OCT_INLINE float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* yes or no, both of them computed: a conditional expression may become a branch. */
OCT_INLINE float select(int condition, float yes, float no)
{
    uint32_t mask = 0u - (uint32_t)condition;
    return float_of((bits_of(yes) & mask) | (bits_of(no) & ~mask));
}

OCT_INLINE float power_of_two(int32_t n)
{
    return float_of((uint32_t)(n + 127) << 23);
}

/* The scale is applied in two steps: results may be subnormal or infinite. NaN gives infinity. */
OCT_INLINE float exp_of(float x)
{
    const float to_integer = 0x1.8p23f; /* added, it leaves the rounded integer in the low bits */
    x = x < 89.f ? x : 89.f;
    x = x > -104.f ? x : -104.f;
    float t = fmaf(x, 0x1.715476p+0f, to_integer), n = t - to_integer;
    float r = fmaf(n, 0x1.bd0106p-13f, fmaf(n, -0x1.63p-1f, x)); /* ln 2 in two parts */
    float p = fmaf(0x1.6a2434p-10f, r, 0x1.1239e2p-7f);
    p = fmaf(p, r, 0x1.5558f2p-5f);
    p = fmaf(p, r, 0x1.555492p-3f);
    p = fmaf(p, r, 0x1.fffffcp-2f);
    p = fmaf(fmaf(p, r, 1.f), r, 1.f);
    int32_t e = (int32_t)(bits_of(t) - bits_of(to_integer)), half = e >> 1;
    return p * power_of_two(half) * power_of_two(e - half);
}

/* Phi(x) - 1/2 = x P(x^2) / Q(x^2), relative error 2^-25 up to 5.6; 1/2 from there on. */
OCT_INLINE float half_erf(float x)
{
    float z = x * x;
    float p = fmaf(0x1.7f10f2p-26f, z, 0x1.a619a6p-18f),
          q = fmaf(0x1.3ca962p-20f, z, 0x1.33a0fp-14f);
    p = fmaf(p, z, 0x1.624584p-13f);
    q = fmaf(q, z, 0x1.ee4572p-10f);
    p = fmaf(p, z, 0x1.3288fap-8f);
    q = fmaf(q, z, 0x1.d5da86p-6f);
    p = fmaf(p, z, 0x1.15f272p-5f);
    q = fmaf(q, z, 0x1.01c14cp-2f);
    p = fmaf(p, z, 0x1.988452p-2f);
    q = fmaf(q, z, 1.f);
    return select(z < 31.36f, x * p / q, copysignf(0.5f, x));
}

/* x / (1 + exp(-2 u)); -inf times 0 is NaN, as it is in the function's definition. */
OCT_INLINE float gelu_by_tanh(float x)
{
    float u = 1.5957691216f * fmaf(0.044715f * x * x, x, x);
    return x * (1.f / (1.f + exp_of(-u)));
}

void NAMED(oct_exp_f32, ISA)(size_t n, const float *x, float *y)
{
    INDEPENDENT for (size_t i = 0; i < n; i++) y[i] = select(x[i] == x[i], exp_of(x[i]), x[i]);
}

void NAMED(oct_gelu_f32, ISA)(size_t n, const float *x, float *y)
{
    INDEPENDENT for (size_t i = 0; i < n; i++) y[i] = x[i] * (0.5f + half_erf(x[i]));
}

void NAMED(oct_gelu_tanh_f32, ISA)(size_t n, const float *x, float *y)
{
    INDEPENDENT for (size_t i = 0; i < n; i++) y[i] = gelu_by_tanh(x[i]);
}

/* What a row is folded into: lane l has the elements i with i mod 16 = l. */
typedef float lanes __attribute__((vector_size(64)));
typedef int32_t lane_bits __attribute__((vector_size(64)));

OCT_INLINE void load_lanes(lanes *to, const float *from, size_t count, float rest)
{
    float v[16];
    if (count >= 16) {
        memcpy(to, from, sizeof *to);
        return;
    }
    for (size_t l = 0; l < 16; l++)
        v[l] = l < count ? from[l] : rest;
    memcpy(to, v, sizeof *to);
}

OCT_INLINE float largest(const float *x, size_t n)
{
    lanes top, v;
    load_lanes(&top, x, n, -INFINITY);
    for (size_t i = 16; i < n; i += 16) {
        load_lanes(&v, x + i, n - i, -INFINITY);
        lane_bits more = v > top;
        top = (lanes)(((lane_bits)v & more) | ((lane_bits)top & ~more));
    }
    float all = top[0];
    for (int l = 1; l < 16; l++)
        all = top[l] > all ? top[l] : all;
    return all;
}

OCT_INLINE float sum_of(const float *x, size_t n)
{
    lanes sum = { 0 }, v;
    for (size_t i = 0; i < n; i += 16) {
        load_lanes(&v, x + i, n - i, 0.f);
        sum += v;
    }
    for (int half = 8; half > 0; half /= 2)
        for (int l = 0; l < half; l++)
            sum[l] += sum[l + half];
    return sum[0];
}

void NAMED(oct_softmax_row_f32, ISA)(size_t n, const float *x, float beta, float *y)
{
    const float top = largest(x, n);
    INDEPENDENT for (size_t i = 0; i < n; i++)
    {
        float v = (x[i] - top) * beta;
        y[i] = select(v == v, exp_of(v), v);
    }
    const float inverse = 1.f / sum_of(y, n);
    INDEPENDENT for (size_t i = 0; i < n; i++) y[i] *= inverse;
}
