/*
 * Quantized addition in plain C.
 */
#include "kernels/add.h"

static inline int32_t add_each(const oct_add_args *p, int32_t a, int32_t b)
{
    int32_t x = oct_mbqm((int32_t)((uint32_t)(a - p->a_zero) << p->head_room), p->a);
    int32_t y = oct_mbqm((int32_t)((uint32_t)(b - p->b_zero) << p->head_room), p->b);
    int32_t sum = (int32_t)((uint32_t)x + (p->subtract ? -(uint32_t)y : (uint32_t)y));
    return oct_offset_code(oct_mbqm(sum, p->y), p->y_zero, p->lo, p->hi);
}

static bool is_half(oct_multiplier by)
{
    return by.m == 1 << 30 && by.e == 0;
}

bool oct_add_make_table(const oct_add_args *p, oct_add_table *table)
{
    bool of_b = !is_half(p->b);
    if ((of_b && !is_half(p->a)) || p->head_room != 20 || p->y.e > -1 || p->y.e < -20)
        return false;
    oct_multiplier by = of_b ? p->b : p->a;
    int32_t zero = of_b ? p->b_zero : p->a_zero, other_zero = of_b ? p->a_zero : p->b_zero;
    int32_t sign = of_b && p->subtract ? -1 : 1;
    table->of_b = of_b;
    table->minus = !of_b && p->subtract;
    for (int32_t q = INT8_MIN; q <= INT8_MAX; q++) {
        int32_t own = sign * oct_mbqm((q - zero) * (1 << 20), by);
        int32_t other = (table->minus ? other_zero : -other_zero) * (1 << 19);
        uint32_t entry = 2 * (uint32_t)(own + other);
        for (int k = 0; k < 4; k++)
            table->planes[k][(uint8_t)q] = (uint8_t)(entry >> (8 * k));
    }
    return true;
}

OCT_ADD_ROW(oct_add_row_s8_c, int8_t)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (int8_t)add_each(args, a[i], b[i]);
}

OCT_ADD_ROW(oct_add_row_s16_c, int16_t)
{
    for (size_t i = 0; i < n; i++)
        y[i] = (int16_t)add_each(args, a[i], b[i]);
}
