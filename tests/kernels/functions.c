/*
 * Exponential functions of every level: plain C against exact values on a sample of all floats, the
 * other levels against the bits of plain C.
 */
#include <math.h>

#include "kernels/check.h"
#include "kernels/functions.h"

static double gelu_exact(double x)
{
    return x * 0.5 * erfc(-x * 0.70710678118654752440);
}

static double gelu_tanh_exact(double x)
{
    double u = 0.79788456080286535588 * (x + 0.044715 * x * x * x);
    return x / (1.0 + exp(-2.0 * u));
}

/* Every stride-th float bit pattern, so that all magnitudes, infinities and NaN come. */
static float sample(uint64_t i)
{
    uint32_t bits = (uint32_t)(i * UINT64_C(9973));
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static double ulp_of(double y)
{
    return fmax(ldexp(1.0, ilogb(y == 0.0 ? 1e-300 : y) - 23), 0x1p-149);
}

static bool near_exp(float x, float y)
{
    double want = exp((double)x);
    if (want > 3.4028235e38)
        return y == INFINITY || y >= 3.40282e38f;
    return fabs((double)y - want) <= 2.0 * ulp_of(want);
}

static void check_exact(void)
{
    enum { AT_ONCE = 512 };
    float x[AT_ONCE], y[3][AT_ONCE];
    for (uint64_t first = 0; first * 9973 < (UINT64_C(1) << 32); first += AT_ONCE) {
        for (uint64_t i = 0; i < AT_ONCE; i++)
            x[i] = sample(first + i);
        oct_exp_f32_c(AT_ONCE, x, y[0]);
        oct_gelu_f32_c(AT_ONCE, x, y[1]);
        oct_gelu_tanh_f32_c(AT_ONCE, x, y[2]);
        bool good[3] = { true, true, true };
        for (int i = 0; i < AT_ONCE; i++) {
            if (isnan(x[i])) {
                for (int f = 0; f < 3; f++)
                    good[f] &= isnan(y[f][i]);
                continue;
            }
            good[0] &= near_exp(x[i], y[0][i]);
            if (isinf(x[i]))
                continue;
            double bound = fabs((double)x[i]) * 0x1p-21 + 0x1p-149;
            good[1] &= fabs((double)y[1][i] - gelu_exact((double)x[i])) <= bound;
            good[2] &= fabs((double)y[2][i] - gelu_tanh_exact((double)x[i])) <= bound;
        }
        check(good[0] && good[1] && good[2], "from %a: exp %d, gelu %d, gelu_tanh %d", (double)x[0],
            good[0], good[1], good[2]);
    }
}

typedef void (*unary)(size_t n, const float *x, float *y);

static void check_unary(unary fast, unary plain, const char *what, const char *name, size_t n)
{
    check_input in = check_input_create(n * sizeof(float));
    float *x = in.data, *y = check_output_create(n * sizeof *y), *want = malloc(n * sizeof *want);
    for (size_t i = 0; i < n; i++)
        x[i] = check_random() % 4 == 0 ? sample(check_random()) : check_float() * 4.f;
    fast(n, x, y);
    plain(n, x, want);
    bool equal = check_output_intact(y, n * sizeof *y);
    for (size_t i = 0; i < n; i++) /* signs of NaN may differ */
        equal &= memcmp(&y[i], &want[i], sizeof *y) == 0 || (isnan(y[i]) && isnan(want[i]));
    check(equal, "%s %s: %zu", what, name, n);
    fast(n, x, x);
    check(memcmp(x, y, n * sizeof *y) == 0, "%s %s in place: %zu", what, name, n);
    free(want);
    check_output_free(y);
    check_input_free(&in);
}

static void check_softmax(const oct_functions_set *set, const char *name, size_t n)
{
    check_input in = check_input_create(n * sizeof(float));
    float *x = in.data, *y = check_output_create(n * sizeof *y), *want = malloc(n * sizeof *want);
    double sum = 0.0, top = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        x[i] = (float)check_between(-100000, 100000) / 3000.f;
        top = fmax(top, (double)x[i]);
    }
    for (size_t i = 0; i < n; i++)
        sum += exp(0.5 * ((double)x[i] - top));
    set->softmax_row(n, x, 0.5f, y);
    oct_softmax_row_f32_c(n, x, 0.5f, want);
    bool equal = memcmp(y, want, n * sizeof *y) == 0 && check_output_intact(y, n * sizeof *y);
    bool near = true;
    for (size_t i = 0; i < n; i++) {
        double exact = exp(0.5 * ((double)x[i] - top)) / sum;
        near &= fabs((double)y[i] - exact) <=
                exact * ((double)n / 16 + 10 + fabs((double)x[i] - top)) * 0x1p-23;
    }
    check(equal && near, "softmax %s: %zu, equal %d, near %d", name, n, equal, near);
    free(want);
    check_output_free(y);
    check_input_free(&in);
}

int main(void)
{
    check_exact();
    for (int level = 0; level <= (int)oct_cpu_supported(); level++) {
        const oct_functions_set *set = oct_functions_set_of((oct_cpu)level);
        const char *name = oct_cpu_name((oct_cpu)level);
        for (size_t n = 1; n < 300; n += n < 70 ? 1 : 29) {
            check_unary(set->exp, oct_exp_f32_c, "exp", name, n);
            check_unary(set->gelu, oct_gelu_f32_c, "gelu", name, n);
            check_unary(set->gelu_tanh, oct_gelu_tanh_f32_c, "gelu_tanh", name, n);
            check_softmax(set, name, n);
        }
    }
    return check_done();
}
