/*
 * Row tiles of the register-blocked kernels.
 *
 * A kernel's body is one always-inline function of constant row and vector counts, with an instance
 * of each and a table to choose from. Rows are spread over tiles evenly, so that
 * 7 rows become 4 + 3 and not 6 + 1.
 */
#ifndef OCT_KERNELS_TILE_H
#define OCT_KERNELS_TILE_H

#include <stdint.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define OCT_CHECKED 1
#endif
#endif

#ifdef OCT_CHECKED
/* The sanitizers' checks, copied into every instance of every body, would take clang minutes. */
#define OCT_INLINE static inline
#define OCT_UNROLL
#else
#define OCT_INLINE static inline __attribute__((always_inline))
/* Full unrolling keeps the accumulator arrays in registers. */
#define OCT_UNROLL _Pragma("GCC unroll 16")
#endif

/** Rows of the next tile when `rows` are left and `most` fit one tile. */
static inline int32_t oct_tile_rows(int32_t rows, int32_t most)
{
    int32_t tiles = (rows + most - 1) / most;
    return (rows + tiles - 1) / tiles;
}

#endif
