/*
 * Table look-ups of every level against the definition, in place too.
 */
#include "kernels/check.h"

static void check_lookup(oct_lookup_fn look_up, const char *name, size_t n)
{
    uint8_t table[256];
    for (int i = 0; i < 256; i++)
        table[i] = (uint8_t)check_random();
    check_input memory = check_input_create(n);
    uint8_t *x = memory.data, *y = check_output_create(n);
    for (size_t i = 0; i < n; i++)
        x[i] = (uint8_t)(n > 256 ? i : check_random());
    look_up(table, n, x, y);
    bool good = check_output_intact(y, n);
    for (size_t i = 0; i < n; i++)
        good &= y[i] == table[x[i]];
    memcpy(y, x, n);
    look_up(table, n, y, y);
    for (size_t i = 0; i < n; i++)
        good &= y[i] == table[x[i]];
    check(good, "lookup %s: %zu bytes", name, n);
    check_output_free(y);
    check_input_free(&memory);
}

int main(void)
{
    CHECK_LEVELS(level, kernels)
        for (size_t n = 1; n < 700; n++)
            check_lookup(kernels->lookup != NULL ? kernels->lookup : oct_lookup_c,
                oct_cpu_name(level), n);
    return check_done();
}
