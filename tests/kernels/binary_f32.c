/*
 * Float arithmetic of two rows of every level against its definition, bit for bit.
 */
#include "kernels/binary_f32.h"

#include <math.h>

#include "kernels/check.h"

static float want(int which, float a, float b, oct_clamp clamp)
{
    float d = a - b, v = which == 0 ? a + b : which == 1 ? d : which == 2 ? a * b : d * d;
    v = v < clamp.lo ? clamp.lo : v;
    return clamp.hi < v ? clamp.hi : v;
}

/* shape 0: both operands walk; 1: b is repeated; 2: a is repeated. */
static void check_rows(
    const oct_binary_f32_set *set, const char *name, size_t n, int which, int shape)
{
    const oct_binary_f32_fn loops[] = { set->add, set->sub, set->mul, set->squared_difference };
    const oct_clamp clamp =
        check_random() % 2 ? (oct_clamp){ 0.f, 6.f } : (oct_clamp){ -INFINITY, INFINITY };
    size_t a_step = shape != 2, b_step = shape != 1, an = a_step ? n : 1, bn = b_step ? n : 1;
    check_input a_memory = check_input_create(an * sizeof(float));
    check_input b_memory = check_input_create(bn * sizeof(float));
    float *a = a_memory.data, *b = b_memory.data, *y = check_output_create(n * sizeof *y);
    for (size_t i = 0; i < an; i++)
        a[i] = check_random() % 20 == 0 ? NAN : check_float();
    for (size_t i = 0; i < bn; i++)
        b[i] = check_random() % 20 == 0 ? INFINITY : check_float();
    loops[which](&clamp, n, a, a_step, b, b_step, y);
    bool equal = check_output_intact(y, n * sizeof *y);
    for (size_t i = 0; i < n; i++) {
        float w = want(which, a[i * a_step], b[i * b_step], clamp);
        equal &= y[i] == w ? signbit(y[i]) == signbit(w) : isnan(y[i]) && isnan(w);
    }
    check(equal, "%s: loop %d, %zu, shape %d", name, which, n, shape);
    float *in_place = shape == 2 ? b : a;
    loops[which](&clamp, n, a, a_step, b, b_step, in_place);
    check(memcmp(in_place, y, n * sizeof *y) == 0, "%s in place: loop %d, %zu, shape %d", name,
        which, n, shape);
    check_output_free(y);
    check_input_free(&b_memory);
    check_input_free(&a_memory);
}

int main(void)
{
    for (int level = 0; level <= (int)oct_cpu_supported(); level++)
        for (size_t n = 1; n < 200; n++)
            for (int i = 0; i < 12; i++)
                check_rows(oct_binary_f32_set_of((oct_cpu)level), oct_cpu_name((oct_cpu)level), n,
                    i % 4, i / 4);
    return check_done();
}
