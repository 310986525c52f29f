/*
 * Quantized addition and multiplication of every level against plain C.
 */
#include "kernels/check.h"

static void check_mul(const oct_kernel_set *kernels, const char *name, size_t n)
{
    oct_product_s8 p = { check_extreme(-128, 127), check_extreme(-128, 127),
        check_extreme(-128, 127), check_between(-128, 0), check_between(0, 127),
        { check_between(1 << 30, INT32_MAX), -check_extreme(0, 20) } };
    check_input a = check_input_create(n), b = check_input_create(n);
    for (size_t i = 0; i < n; i++) {
        ((int8_t *)a.data)[i] = (int8_t)check_extreme(-128, 127);
        ((int8_t *)b.data)[i] = (int8_t)check_extreme(-128, 127);
    }
    int8_t *got = check_output_create(n), *want = malloc(n);
    kernels->mul_row_s8(&p, n, a.data, b.data, got);
    oct_mul_row_s8_c(&p, n, a.data, b.data, want);
    check(memcmp(got, want, n) == 0 && check_output_intact(got, n) && oct_mul_vectorisable(&p),
        "mul_s8 %s: %zu elements, factor %d %d", name, n, (int)p.scale.m, (int)p.scale.e);
    free(want);
    check_output_free(got);
    check_input_free(&b);
    check_input_free(&a);
}

static void check_add(const oct_kernel_set *kernels, const char *name, size_t n, bool wide)
{
    size_t element = wide ? 2 : 1;
    int32_t low = wide ? -32768 : -128, high = wide ? 32767 : 127;
    bool half = check_random() % 4 == 0; /* equal scales: the multipliers are exactly 1/2 */
    oct_add_args args = { .head_room = wide ? 15 : 20,
        .subtract = check_random() % 2 == 0,
        .a = half ? (oct_multiplier){ 1 << 30, 0 }
                  : (oct_multiplier){ check_between(1 << 30, INT32_MAX), -check_between(1, 12) },
        .b = { 1 << 30, 0 },
        .y = { check_between(1 << 30, INT32_MAX), -check_extreme(0, 24) },
        .a_zero = wide ? 0 : check_extreme(-128, 127),
        .b_zero = wide ? 0 : check_extreme(-128, 127),
        .y_zero = wide ? 0 : check_extreme(-128, 127),
        .lo = check_between(low, 0),
        .hi = check_between(0, high) };
    if (check_random() % 2 == 0) {
        oct_multiplier swapped = args.a;
        args.a = args.b;
        args.b = swapped;
    }
    check_input a = check_input_create(n * element), b = check_input_create(n * element);
    for (size_t i = 0; i < n; i++) {
        int32_t x = check_extreme(low, high), y = check_extreme(low, high);
        if (wide)
            ((int16_t *)a.data)[i] = (int16_t)x, ((int16_t *)b.data)[i] = (int16_t)y;
        else
            ((int8_t *)a.data)[i] = (int8_t)x, ((int8_t *)b.data)[i] = (int8_t)y;
    }
    void *got = check_output_create(n * element), *want = malloc(n * element);
    oct_add_table table;
    if (!wide && kernels->add_table_s8 != NULL && oct_add_make_table(&args, &table)) {
        args.table = &table;
        kernels->add_table_s8(&args, n, a.data, b.data, got);
        oct_add_row_s8_c(&args, n, a.data, b.data, want);
        check(memcmp(got, want, n) == 0 && check_output_intact(got, n),
            "add_table_s8 %s: %zu elements, y %d %d", name, n, (int)args.y.m, (int)args.y.e);
    }
    if (wide) {
        kernels->add_row_s16(&args, n, a.data, b.data, got);
        oct_add_row_s16_c(&args, n, a.data, b.data, want);
    } else {
        kernels->add_row_s8(&args, n, a.data, b.data, got);
        oct_add_row_s8_c(&args, n, a.data, b.data, want);
    }
    check(memcmp(got, want, n * element) == 0 && check_output_intact(got, n * element)
            && oct_add_vectorisable(&args),
        "add_%s %s: %zu elements, y %d %d", wide ? "s16" : "s8", name, n, (int)args.y.m,
        (int)args.y.e);
    free(want);
    check_output_free(got);
    check_input_free(&b);
    check_input_free(&a);
}

int main(void)
{
    CHECK_LEVELS(level, kernels)
        for (size_t round = 0; round < 8000; round++) {
            check_add(kernels, oct_cpu_name(level), 1 + round % 170, round % 2 == 0);
            check_mul(kernels, oct_cpu_name(level), 1 + round % 199);
        }
    return check_done();
}
