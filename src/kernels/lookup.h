/*
 * Functions of one byte, by a table of their 256 values.
 */
#ifndef OCT_KERNELS_LOOKUP_H
#define OCT_KERNELS_LOOKUP_H

#include <stddef.h>
#include <stdint.h>

/** y[i] = table[x[i]] for i < n; y may be x. */
#define OCT_LOOKUP(name) void name(const uint8_t table[256], size_t n, const uint8_t *x, uint8_t *y)
typedef OCT_LOOKUP((*oct_lookup_fn));
OCT_LOOKUP(oct_lookup_c);
OCT_LOOKUP(oct_lookup_avx512amx);

#endif
