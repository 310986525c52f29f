/*
 * Extremes of every level against plain C, with what is not a number anywhere.
 */
#include <math.h>

#include "kernels/check.h"

static void check_extremes(const oct_kernel_set *kernels, const char *name, size_t n)
{
    check_input x = check_input_create(n * sizeof(float));
    float *values = x.data, low[2], high[2];
    for (size_t i = 0; i < n; i++)
        values[i] = check_float();
    bool bad = n > 0 && check_random() % 3 == 0;
    if (bad) {
        const float strange[] = { NAN, INFINITY, -INFINITY };
        values[check_random() % n] = strange[check_random() % 3];
    }
    low[0] = low[1] = check_random() % 2 == 0 ? 1e30f : -1.f;
    high[0] = high[1] = check_random() % 2 == 0 ? -1e30f : 2.f;
    float want_low = low[0], want_high = high[0];
    for (size_t i = 0; i < n; i++) {
        want_low = fminf(want_low, values[i]);
        want_high = fmaxf(want_high, values[i]);
    }
    bool got = kernels->extremes(values, n, &low[0], &high[0]);
    bool plain = oct_extremes_c(values, n, &low[1], &high[1]);
    check(got == !bad && plain == !bad && low[0] == want_low && high[0] == want_high &&
            low[1] == want_low && high[1] == want_high,
        "extremes %s: %zu values", name, n);
    check_input_free(&x);
}

int main(void)
{
    CHECK_LEVELS(level, kernels)
        for (size_t round = 0; round < 2000; round++)
            check_extremes(kernels, oct_cpu_name(level), round % 333);
    return check_done();
}
