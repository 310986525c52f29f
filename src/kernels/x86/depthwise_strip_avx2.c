/*
 * Float depthwise convolution of a strip, AVX2 with FMA.
 */
#include <immintrin.h>

#include "kernels/tile.h"

OCT_INLINE __m256i first_lanes(int n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

#define NAME oct_depthwise_strip_avx2
#define VEC __m256
#define LANES 8
#define MASK __m256i
#define LOAD _mm256_load_ps
#define LOADU(mask, full, p) (full ? _mm256_loadu_ps(p) : _mm256_maskload_ps(p, mask))
#define STORE(mask, full, p, v) (full ? _mm256_storeu_ps(p, v) : _mm256_maskstore_ps(p, mask, v))
#define SET1 _mm256_set1_ps
#define FMA _mm256_fmadd_ps
#define MIN _mm256_min_ps
#define MAX _mm256_max_ps
#include "kernels/x86/depthwise_strip_tmpl.h"
