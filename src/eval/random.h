/*
 * Seeded random numbers: SplitMix64, eight bytes of state, the same on every machine.
 *
 * Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014.
 */
#ifndef OCT_EVAL_RANDOM_H
#define OCT_EVAL_RANDOM_H

#include <stdint.h>

typedef struct oct_random {
    uint64_t state;
} oct_random;

static inline uint64_t oct_random_next(oct_random *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/** Seeds that differ by little give unrelated sequences. */
static inline oct_random oct_random_seed(uint64_t seed)
{
    oct_random r = { seed };
    r.state = oct_random_next(&r);
    return r;
}

/** Uniform in [0, 1), 53 bits. */
static inline double oct_random_uniform(oct_random *r)
{
    return (double)(oct_random_next(r) >> 11) * 0x1p-53;
}

/** Uniform in 0 .. bound-1, bound >= 1; the bias of the multiplication is below bound / 2^32. */
static inline uint32_t oct_random_below(oct_random *r, uint32_t bound)
{
    return (uint32_t)((oct_random_next(r) >> 32) * bound >> 32);
}

#endif
