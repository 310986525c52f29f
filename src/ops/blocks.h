/*
 * Copies between tensors that are cut along one axis: equal blocks at equal distances.
 */
#ifndef OCT_OPS_BLOCKS_H
#define OCT_OPS_BLOCKS_H

#include <stddef.h>
#include <string.h>

/** count blocks of `bytes` bytes; blocks begin a stride apart on either side; no overlap. */
static inline void oct_copy_blocks(void *y, size_t y_stride, const void *x, size_t x_stride,
    size_t bytes, size_t count)
{
    for (size_t i = 0; bytes > 0 && i < count; i++)
        memcpy((unsigned char *)y + i * y_stride, (const unsigned char *)x + i * x_stride, bytes);
}

#endif
