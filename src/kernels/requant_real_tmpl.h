/*
 * The loop of requant_real.h; ISA is the suffix of the variant's name.
 *
 * Just less than a half is added before truncation: no tie is missed and nothing below one is lifted.
 * Products are clamped first, to just outside the codes, so that the conversion is defined.
 */
#include <math.h>

#include "kernels/requant_real.h"

#define PASTE(name, isa) name##_##isa
#define NAMED(name, isa) PASTE(name, isa)

static inline int8_t code_of(double v, double least, double most, int32_t zero)
{
    v = v > least ? v : least;
    v = v < most ? v : most;
    return (int8_t)((int32_t)(v + copysign(0x1.fffffffffffffp-2, v)) + zero);
}

OCT_REQUANT_TILE(NAMED(oct_requant_real_s8, ISA))
{
    const double *real = rq->plain.real + column;
    int32_t zero = rq->plain.zero;
    double least = (double)(rq->plain.lo - zero), most = (double)(rq->plain.hi - zero);
    for (int32_t m = 0; m < rows; m++, sum += sum_stride, y += y_stride)
        for (int32_t n = 0; n < columns; n++)
            y[n] = code_of((double)sum[n] * real[n], least, most, zero);
}
