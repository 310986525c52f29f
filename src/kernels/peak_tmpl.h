/*
 * A loop of independent multiply-adds.
 *
 * Before including it, a variant defines NAME, VEC, ZERO(), X (an operand with ones and zeros among
 * its bits: multiplying zeros heats less, and clocks may rise), STEP(sum, x), which is one
 * multiply-add in every lane, and EACH, the numbers it multiplies.
 */
#include "kernels/peak.h"
#include "kernels/tile.h"

#ifdef __aarch64__
#define KEEP(v) __asm__ volatile("" : "+w"(v))
#else
#define KEEP(v) __asm__ volatile("" : "+v"(v))
#endif

OCT_PEAK(NAME)
{
    VEC sum[OCT_PEAK_CHAINS], x = X;
    OCT_UNROLL for (int i = 0; i < OCT_PEAK_CHAINS; i++) {
        sum[i] = ZERO();
        KEEP(sum[i]); /* or all chains would be one */
    }
    for (int64_t turn = 0; turn < turns; turn++) {
        KEEP(x); /* x may change: nothing can be taken out of the loop */
        OCT_UNROLL for (int i = 0; i < OCT_PEAK_CHAINS; i++)
            sum[i] = STEP(sum[i], x);
    }
    OCT_UNROLL for (int i = 0; i < OCT_PEAK_CHAINS; i++)
        KEEP(sum[i]);
    return turns * OCT_PEAK_CHAINS * EACH;
}

#undef KEEP
#undef NAME
#undef VEC
#undef ZERO
#undef X
#undef STEP
#undef EACH
