/*
 * Table look-ups in plain C, one byte at a time.
 */
#include "kernels/lookup.h"

OCT_LOOKUP(oct_lookup_c)
{
    for (size_t i = 0; i < n; i++)
        y[i] = table[x[i]];
}
