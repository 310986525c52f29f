/*
 * Extremes in plain C: sixteen of each side by side, so that no value waits for the one before.
 *
 * x * 0 is 0 for what is finite and not-a-number for the rest, and sums keep it: the loop needs no branch.
 */
#include "kernels/extremes.h"

enum { LANES = 16 };

static void fold_one(float x, float *low, float *high, float *poison)
{
    *low = x < *low ? x : *low;
    *high = x > *high ? x : *high;
    *poison += x * 0.f;
}

OCT_EXTREMES(oct_extremes_c)
{
    float lows[LANES], highs[LANES], poisons[LANES];
    size_t i = 0;
    for (int j = 0; j < LANES; j++) {
        lows[j] = *low;
        highs[j] = *high;
        poisons[j] = 0.f;
    }
    for (; i + LANES <= n; i += LANES)
        for (int j = 0; j < LANES; j++)
            fold_one(x[i + (size_t)j], &lows[j], &highs[j], &poisons[j]);
    for (; i < n; i++)
        fold_one(x[i], &lows[0], &highs[0], &poisons[0]);
    float poison = 0.f;
    for (int j = 0; j < LANES; j++) {
        *low = lows[j] < *low ? lows[j] : *low;
        *high = highs[j] > *high ? highs[j] : *high;
        poison += poisons[j];
    }
    return poison == 0.f;
}
