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

/* exp(r) for |r| up to ln(2) / 2. */
OCT_INLINE float exp_near_0(float r)
{
    float p = fmaf(0x1.6a2434p-10f, r, 0x1.1239e2p-7f);
    p = fmaf(p, r, 0x1.5558f2p-5f);
    p = fmaf(p, r, 0x1.555492p-3f);
    p = fmaf(p, r, 0x1.fffffcp-2f);
    return fmaf(fmaf(p, r, 1.f), r, 1.f);
}

/* x = n ln 2 + r: t holds n in its low bits, n + to_integer as a float. */
static const float to_integer = 0x1.8p23f;

OCT_INLINE float split_by_ln2(float x, float *r)
{
    float t = fmaf(x, 0x1.715476p+0f, to_integer), n = t - to_integer;
    *r = fmaf(n, 0x1.bd0106p-13f, fmaf(n, -0x1.63p-1f, x)); /* ln 2 in two parts */
    return t;
}

/* The scale is applied in two steps: results may be subnormal or infinite. NaN gives infinity. */
OCT_INLINE float exp_of(float x)
{
    x = x < 89.f ? x : 89.f;
    x = x > -104.f ? x : -104.f;
    float r, t = split_by_ln2(x, &r);
    int32_t e = (int32_t)(bits_of(t) - bits_of(to_integer)), half = e >> 1;
    return exp_near_0(r) * power_of_two(half) * power_of_two(e - half);
}

/* exp(x) for x <= 0; 0 where it is no normal number; NaN stays NaN. */
OCT_INLINE float exp_below_0(float x)
{
    float r, t = split_by_ln2(x, &r);
    float y = float_of(bits_of(exp_near_0(r)) + (bits_of(t) << 23));
    return select(x < -87.3f, 0.f, select(x == x, y, x));
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
enum { LANES = 16 };
typedef float lanes __attribute__((vector_size(64)));
typedef int32_t lane_bits __attribute__((vector_size(64)));

/* What `fold` makes of the 16 lanes, halves at a time. */
#define FOLD_HALVES(v, fold)                                                                       \
    fold(v, __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));  \
    fold(v, __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 14, 15));  \
    fold(v, __builtin_shufflevector(v, v, 2, 3, 0, 1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));  \
    fold(v, __builtin_shufflevector(v, v, 1, 0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
#define ADD(v, w) v += (w)
#define TAKE_LARGER(v, w) upper = w, take_larger(&v, &upper)

OCT_INLINE void take_larger(lanes *top, const lanes *v)
{
    lane_bits more = *v > *top;
    *top = (lanes)(((lane_bits)*v & more) | ((lane_bits)*top & ~more));
}

/* The last vector may overlap the one before. */
OCT_INLINE float largest(const float *x, size_t n)
{
    lanes top, v, upper;
    memcpy(&top, x + n - LANES, sizeof top);
    for (size_t i = 0; i + LANES < n; i += LANES) {
        memcpy(&v, x + i, sizeof v);
        take_larger(&top, &v);
    }
    FOLD_HALVES(top, TAKE_LARGER);
    return top[0];
}

/* y = exp((x - top) * beta) of one vector. */
OCT_INLINE void exp_lanes(const float *x, float top, float beta, float *y)
{
    INDEPENDENT for (int l = 0; l < LANES; l++) y[l] = exp_below_0((x[l] - top) * beta);
}

/*
 * The last vector overlaps the one before: it is read before that is written, and takes part in the
 * sum with the elements behind it alone, in lanes 0, 1, ...
 */
OCT_INLINE void softmax_row(size_t n, const float *x, float beta, float *y)
{
    const float top = largest(x, n);
    const size_t whole = n / LANES * LANES, rest = n - whole;
    float part[2 * LANES] = { 0.f };
    lanes sum = { 0 }, v;
    exp_lanes(x + n - LANES, top, beta, part);
    for (size_t i = 0; i < whole; i += LANES) {
        exp_lanes(x + i, top, beta, y + i);
        memcpy(&v, y + i, sizeof v);
        sum += v;
    }
    memcpy(&v, part + LANES - rest, sizeof v);
    sum += v;
    memcpy(y + n - LANES, part, LANES * sizeof *y);
    FOLD_HALVES(sum, ADD);
    const float inverse = 1.f / sum[0];
    INDEPENDENT for (size_t i = 0; i < n; i++) y[i] *= inverse;
}

/* Fewer than 16 elements: the other lanes repeat the first one and are left out of the sum. */
OCT_INLINE void softmax_short_row(size_t n, const float *x, float beta, float *y)
{
    float row[LANES];
    lanes sum = { 0 };
    for (size_t l = 0; l < LANES; l++)
        row[l] = x[l < n ? l : 0];
    exp_lanes(row, largest(row, LANES), beta, row);
    memcpy(&sum, row, n * sizeof *row);
    FOLD_HALVES(sum, ADD);
    for (size_t i = 0; i < n; i++)
        y[i] = row[i] * (1.f / sum[0]);
}

void NAMED(oct_softmax_row_f32, ISA)(size_t n, const float *x, float beta, float *y)
{
    if (n < LANES)
        softmax_short_row(n, x, beta, y);
    else
        softmax_row(n, x, beta, y);
}
