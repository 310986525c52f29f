/*
 * Float activations of every level: within their bounds of the exact functions in double, the bits of
 * plain C, in place too, special values, nothing written past the end.
 */
#include <math.h>

#include "kernels/check.h"
#include "kernels/sigmoid.h"

enum { MOST = 5000 };

/* How many units in the last place of a float, or of `least`, lie between y and the exact value. */
static double distance(float y, double want, double least)
{
    int exponent;
    frexp(want, &exponent);
    double unit = ldexp(1, exponent - 24);
    return fabs((double)y - want) / fmax(unit, least);
}

static double exact_logistic(double x) { return 1 / (1 + exp(-x)); }
static double exact_hard_swish(double x) { return x * fmin(fmax(x + 3, 0), 6) / 6; }
static double exact_swish(double x) { return x * exact_logistic(x); }

static void swish_c(size_t n, const float *x, float *y) { oct_swish_f32_c(n, x, -0.2f, 9.f, y); }
static float lower = -0.2f, upper = 9.f;

/* One function of a set by its number, so that all are checked alike. */
static void call(const oct_sigmoid_set *set, int function, size_t n, const float *x, float *y)
{
    switch (function) {
    case 0: set->logistic(n, x, y); break;
    case 1: set->tanh(n, x, y); break;
    case 2: set->hard_swish(n, x, y); break;
    default: set->swish(n, x, lower, upper, y); break;
    }
}

static const struct {
    const char *name;
    void (*plain)(size_t n, const float *x, float *y);
    double (*exact)(double x);
    double bound, least, lowest, highest;
} functions[] = {
    { "logistic", oct_logistic_f32_c, exact_logistic, 3, 0x1p-126, 0, 1 },
    { "tanh", oct_tanh_f32_c, tanh, 3, 0x1p-149, -1, 1 },
    { "hard_swish", oct_hard_swish_f32_c, exact_hard_swish, 3, 0x1p-24, -1, INFINITY },
    { "swish", swish_c, exact_swish, 4, 0x1p-119, -0.2, 9 },
};

static float value_at(size_t i)
{
    if (i % 3 == 0)
        return check_float();
    if (i % 3 == 1)
        return (float)check_between(-110000, 110000) / 1000.f;
    uint32_t bits = check_random();
    float any;
    memcpy(&any, &bits, sizeof any);
    return isfinite(any) && fabsf(any) < 1e37f ? any : 0.f;
}

static bool is_right(int f, float x, float y)
{
    double want = functions[f].exact((double)x);
    want = fmin(fmax(want, functions[f].lowest), functions[f].highest);
    return distance(y, want, functions[f].least) <= functions[f].bound;
}

static void check_values(const oct_sigmoid_set *set, const char *name, int f, size_t n)
{
    check_input memory = check_input_create(n * sizeof(float));
    float *x = memory.data, *y = check_output_create(n * sizeof *y), want[MOST];
    for (size_t i = 0; i < n; i++)
        x[i] = value_at(i);
    call(set, f, n, x, y);
    functions[f].plain(n, x, want);
    bool good = check_output_intact(y, n * sizeof *y);
    check(good && memcmp(y, want, n * sizeof *y) == 0, "%s %s: %zu values differ from plain C",
        functions[f].name, name, n);
    for (size_t i = 0; i < n; i++)
        good = good && is_right(f, x[i], y[i]);
    check(good, "%s %s: %zu values off their bound", functions[f].name, name, n);
    memcpy(y, x, n * sizeof *y);
    call(set, f, n, y, y);
    check(memcmp(y, want, n * sizeof *y) == 0, "%s %s in place", functions[f].name, name);
    check_output_free(y);
    check_input_free(&memory);
}

/* swish is its logistic times x, bit by bit: what nodes compute apart and what they compute fused. */
static void check_fused(const oct_sigmoid_set *set, const char *name)
{
    float x[777], gate[777], y[777];
    for (size_t i = 0; i < 777; i++)
        x[i] = value_at(i);
    set->logistic(777, x, gate);
    set->swish(777, x, lower, upper, y);
    bool good = true;
    for (size_t i = 0; i < 777; i++) {
        float want = x[i] * gate[i];
        want = want < lower ? lower : upper < want ? upper : want;
        good &= want == y[i];
    }
    check(good, "swish %s: not x * logistic(x)", name);
}

static void check_special(const oct_sigmoid_set *set, const char *name)
{
    const float x[40] = { INFINITY, -INFINITY, NAN, 0.f, -0.f };
    float logistic[40], tangent[40], swish[40];
    set->logistic(40, x, logistic);
    set->tanh(40, x, tangent);
    set->swish(40, x, -1.f, 6.f, swish);
    check(logistic[0] == 1.f && logistic[1] == 0.f && isnan(logistic[2])
            && logistic[3] == 0.5f && logistic[4] == 0.5f,
        "logistic %s: special values", name);
    check(tangent[0] == 1.f && tangent[1] == -1.f && isnan(tangent[2]) && tangent[3] == 0.f
            && signbit(tangent[4]),
        "tanh %s: special values", name);
    check(swish[0] == 6.f && isnan(swish[1]) && isnan(swish[2]), "swish %s: special values", name);
}

int main(void)
{
    for (int level = 0; level <= (int)oct_cpu_supported(); level++) {
        const oct_sigmoid_set *set = oct_sigmoid_set_of((oct_cpu)level);
        const char *name = oct_cpu_name((oct_cpu)level);
        check_special(set, name);
        for (int round = 0; round < 20; round++)
            check_fused(set, name);
        for (int f = 0; f < 4; f++)
            for (size_t n = 1; n < MOST; n += n < 70 ? 1 : 977)
                check_values(set, name, f, n);
    }
    return check_done();
}
