/*
 * The loops of sigmoid.h; ISA is the suffix of the variant's names.
 *
 * Written without branches and with fused multiply-adds only, so that compilers vectorise it and
 * every variant rounds alike. exp(x) = 2^n * exp(r) with a polynomial in r; 1 / (1 + e) is a cubic
 * polynomial on [1, 2] and one step of Halley's iteration, cheaper than a vector division.
 */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "kernels/sigmoid.h"
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

/* exp(-a) for a >= 0, relative error below 2^-23; 0 where it is no normal number, and for NaN. */
OCT_INLINE float exp_negative(float a)
{
    float x = a < 87.3f ? -a : -87.3f;
    const float to_integer = 0x1.8p23f; /* added, it leaves the rounded integer in the low bits */
    float t = fmaf(x, 0x1.715476p+0f, to_integer), n = t - to_integer;
    float r = fmaf(n, 0x1.bd0106p-13f, fmaf(n, -0x1.63p-1f, x)); /* ln 2 in two parts */
    float p = fmaf(0x1.6a2434p-10f, r, 0x1.1239e2p-7f);
    p = fmaf(p, r, 0x1.5558f2p-5f);
    p = fmaf(p, r, 0x1.555492p-3f);
    p = fmaf(p, r, 0x1.fffffcp-2f);
    p = fmaf(fmaf(p, r, 1.f), r, 1.f);
    return select(a < 87.3f, float_of(bits_of(p) + (bits_of(t) << 23)), 0.f);
}

/* 1 / d for 1 <= d <= 2. */
OCT_INLINE float reciprocal(float d)
{
    float r = fmaf(-0x1.c65272p-3f, d, 0x1.54bddap+0f);
    r = fmaf(fmaf(r, d, -0x1.783c4ep+1f), d, 0x1.6a09bep+1f);
    float e = fmaf(-d, r, 1.f);
    return fmaf(r, fmaf(e, e, e), r);
}

OCT_INLINE float logistic(float x)
{
    float e = exp_negative(fabsf(x)), r = reciprocal(1.f + e);
    return select(x == x, select(x >= 0.f, 1.f, e) * r, x);
}

/* An odd polynomial near 0, where 1 - exp(-2 |x|) would lose digits. */
OCT_INLINE float tanh_of(float x)
{
    float a = fabsf(x), s = x * x;
    float e = exp_negative(2.f * a);
    float far = fmaf(-2.f * e, reciprocal(1.f + e), 1.f);
    float p = fmaf(-0x1.76ac1ap-8f, s, 0x1.5256d8p-6f);
    p = fmaf(p, s, -0x1.b84448p-5f);
    p = fmaf(p, s, 0x1.110768p-3f);
    p = fmaf(p, s, -0x1.555534p-2f);
    float near = x * fmaf(p, s, 1.f);
    return select(x == x, select(a < 0.625f, near, copysignf(far, x)), x);
}

OCT_INLINE float clamped(float v, float lo, float hi)
{
    v = v < lo ? lo : v;
    return hi < v ? hi : v;
}

void NAMED(oct_logistic_f32, ISA)(size_t n, const float *x, float *y)
{
    INDEPENDENT for (size_t i = 0; i < n; i++)
        y[i] = logistic(x[i]);
}

void NAMED(oct_tanh_f32, ISA)(size_t n, const float *x, float *y)
{
    INDEPENDENT for (size_t i = 0; i < n; i++)
        y[i] = tanh_of(x[i]);
}

void NAMED(oct_hard_swish_f32, ISA)(size_t n, const float *x, float *y)
{
    INDEPENDENT for (size_t i = 0; i < n; i++)
        y[i] = x[i] * clamped(x[i] + 3.f, 0.f, 6.f) * (1.f / 6.f);
}

void NAMED(oct_swish_f32, ISA)(size_t n, const float *x, float lo, float hi, float *y)
{
    INDEPENDENT for (size_t i = 0; i < n; i++)
        y[i] = clamped(x[i] * logistic(x[i]), lo, hi);
}
