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
