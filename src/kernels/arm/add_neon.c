/*
 * Quantized addition, NEON: 8 elements at a time.
 */
#include "kernels/add.h"
#include "kernels/arm/requant_neon.h"

/* A multiplier that does not shift left, for 4 products. */
typedef struct scaler {
    int32x4_t m, e, less;
} scaler;

OCT_INLINE scaler scaler_of(oct_multiplier by)
{
    return (scaler){ vdupq_n_s32(by.m), vdupq_n_s32(by.e), vdupq_n_s32(by.e < 0 ? -1 : 0) };
}

OCT_INLINE int32x4_t scale(int32x4_t x, const scaler *by)
{
    return oct_mbqm_neon(x, by->m, by->e, by->less);
}

/* What is the same for all elements. */
typedef struct addition {
    scaler a, b, y;
    int16x8_t a_zero, b_zero;
    int32x4_t y_zero, lo, hi, left;
    bool subtract;
} addition;

static addition addition_of(const oct_add_args *args)
{
    return (addition){ scaler_of(args->a), scaler_of(args->b), scaler_of(args->y),
        vdupq_n_s16((int16_t)args->a_zero), vdupq_n_s16((int16_t)args->b_zero),
        vdupq_n_s32(args->y_zero), vdupq_n_s32(args->lo), vdupq_n_s32(args->hi),
        vdupq_n_s32(args->head_room), args->subtract };
}

OCT_INLINE int16x4_t add4(const addition *by, int32x4_t a, int32x4_t b)
{
    a = scale(vshlq_s32(a, by->left), &by->a);
    b = scale(vshlq_s32(b, by->left), &by->b);
    int32x4_t sum = by->subtract ? vsubq_s32(a, b) : vaddq_s32(a, b);
    int32x4_t v = vaddq_s32(scale(sum, &by->y), by->y_zero);
    return vmovn_s32(vminq_s32(by->hi, vmaxq_s32(by->lo, v)));
}

#define ADD_ROW(isa, type, subtracted, store)                                                      \
    OCT_ADD_ROW(oct_add_row_##isa##_neon, type)                                                    \
    {                                                                                              \
        const addition by = addition_of(args);                                                     \
        size_t i = 0;                                                                              \
        for (; i + 8 <= n; i += 8) {                                                               \
            int32x4_t va[2], vb[2];                                                                \
            subtracted(a + i, by.a_zero, va);                                                      \
            subtracted(b + i, by.b_zero, vb);                                                      \
            store(y + i, vcombine_s16(add4(&by, va[0], vb[0]), add4(&by, va[1], vb[1])));          \
        }                                                                                          \
        oct_add_row_##isa##_c(args, n - i, a + i, b + i, y + i);                                   \
    }

/* int8 less its zero point fits 16 bits. */
OCT_INLINE void subtracted_s8(const int8_t *from, int16x8_t zero, int32x4_t out[2])
{
    int16x8_t v = vsubq_s16(vmovl_s8(vld1_s8(from)), zero);
    out[0] = vmovl_s16(vget_low_s16(v));
    out[1] = vmovl_high_s16(v);
}

OCT_INLINE void subtracted_s16(const int16_t *from, int16x8_t zero, int32x4_t out[2])
{
    int16x8_t v = vld1q_s16(from);
    out[0] = vsubl_s16(vget_low_s16(v), vget_low_s16(zero));
    out[1] = vsubl_high_s16(v, zero);
}

OCT_INLINE void store_s8(int8_t *to, int16x8_t v)
{
    vst1_s8(to, vmovn_s16(v));
}

ADD_ROW(s8, int8_t, subtracted_s8, store_s8)
ADD_ROW(s16, int16_t, subtracted_s16, vst1q_s16)
