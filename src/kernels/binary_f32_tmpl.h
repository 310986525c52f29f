/*
 * The loops of binary_f32.h; ISA is the suffix of the variant's names.
 */
#include "kernels/binary_f32.h"
#include "kernels/tile.h"

#define PASTE(name, isa) name##_##isa
#define NAMED(name, isa) PASTE(name, isa)

/* Elements do not depend on each other, even where y is an operand. */
#ifdef __clang__
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

OCT_INLINE float clamped(float v, float lo, float hi)
{
    v = v < lo ? lo : v;
    return hi < v ? hi : v;
}

OCT_INLINE float sum_of(float a, float b) { return a + b; }
OCT_INLINE float difference_of(float a, float b) { return a - b; }
OCT_INLINE float product_of(float a, float b) { return a * b; }
OCT_INLINE float square_of(float a, float b) { return (a - b) * (a - b); }

#define BINARY(name, each)                                                                         \
    OCT_BINARY_F32(NAMED(name, ISA))                                                               \
    {                                                                                              \
        const float lo = clamp->lo, hi = clamp->hi, first_a = a[0], first_b = b[0];                \
        if (a_step != 0 && b_step != 0)                                                            \
            INDEPENDENT for (size_t i = 0; i < n; i++)                                             \
                y[i] = clamped(each(a[i], b[i]), lo, hi);                                          \
        else if (a_step != 0)                                                                      \
            INDEPENDENT for (size_t i = 0; i < n; i++)                                             \
                y[i] = clamped(each(a[i], first_b), lo, hi);                                       \
        else                                                                                       \
            INDEPENDENT for (size_t i = 0; i < n; i++)                                             \
                y[i] = clamped(each(first_a, b[i * b_step]), lo, hi);                              \
    }
BINARY(oct_add_f32, sum_of)
BINARY(oct_sub_f32, difference_of)
BINARY(oct_mul_f32, product_of)
BINARY(oct_squared_difference_f32, square_of)
