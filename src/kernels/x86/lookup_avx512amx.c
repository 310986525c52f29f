/*
 * Table look-ups by the byte permutations (VBMI) that every processor with AMX has: two of 128 entries
 * each, chosen between by the highest bit.
 */
#include <immintrin.h>

#include "kernels/lookup.h"

OCT_LOOKUP(oct_lookup_avx512amx)
{
    __m512i t[4];
    for (int i = 0; i < 4; i++)
        t[i] = _mm512_loadu_si512(table + 64 * i);
    for (size_t i = 0; i < n; i += 64) {
        __mmask64 mask = n - i >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << (n - i)) - 1;
        __m512i v = _mm512_maskz_loadu_epi8(mask, x + i);
        __m512i low = _mm512_permutex2var_epi8(t[0], v, t[1]);
        __m512i high = _mm512_permutex2var_epi8(t[2], v, t[3]);
        v = _mm512_mask_blend_epi8(_mm512_movepi8_mask(v), low, high);
        _mm512_mask_storeu_epi8(y + i, mask, v);
    }
}
