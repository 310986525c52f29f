/*
 * Packing of computed right operands.
 */
#include "kernels/pack_matrix.h"

#include <string.h>

/* A panel while it is packed: its columns, padded to `width`. */
typedef struct panel {
    char *bias, *weights;
    int32_t first, columns, width;
} panel;

static panel find_panel(
    const oct_gemm_layout *layout, const oct_right_matrix *b, int32_t first, void *packed)
{
    int32_t full = oct_gemm_panel_columns(layout), left = b->columns - first;
    int32_t width = layout->lanes * oct_gemm_panel_vectors(layout, b->columns, first);
    char *at = (char *)packed + (size_t)(first / full) * oct_gemm_panel_bytes(layout, b->depth);
    return (panel){ at, at + (size_t)width * 4, first, left < full ? left : full, width };
}

void oct_pack_matrix_f32(const oct_gemm_layout *layout, const oct_right_matrix *b, void *packed)
{
    memset(packed, 0, oct_gemm_packed_bytes(layout, b->columns, b->depth));
    if (b->by_column) {
        oct_gemm_pack_f32(layout, b->data, NULL, b->columns, b->depth, packed);
        return;
    }
    for (int32_t c = 0; c < b->columns; c += oct_gemm_panel_columns(layout)) {
        panel p = find_panel(layout, b, c, packed);
        const float *from = (const float *)b->data + c;
        for (size_t k = 0; k < b->depth; k++, from += b->columns)
            memcpy(p.weights + k * (size_t)p.width * sizeof *from, from,
                (size_t)p.columns * sizeof *from);
    }
}

/* Sums of all columns. */
static void sum_columns(const oct_right_matrix *b, int32_t *sums)
{
    const int8_t *from = b->data;
    size_t columns = (size_t)b->columns;
    memset(sums, 0, columns * sizeof *sums);
    if (b->by_column) {
        for (size_t n = 0; n < columns; n++, from += b->depth)
            for (size_t k = 0; k < b->depth; k++)
                sums[n] += from[k];
        return;
    }
    for (size_t k = 0; k < b->depth; k++, from += columns)
        for (size_t n = 0; n < columns; n++)
            sums[n] += from[n];
}

typedef int8_t byte16 __attribute__((vector_size(16)));
typedef int16_t word8 __attribute__((vector_size(16)));

/* Four rows of 16 bytes as 16 groups of four. */
static void interleave4(const int8_t *const row[4], size_t at, char *to)
{
    byte16 v[4];
    for (int i = 0; i < 4; i++)
        memcpy(&v[i], row[i] + at, sizeof v[i]);
#define LOW(a, b)                                                                                  \
    (word8) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH(a, b)                                                                                 \
    (word8) __builtin_shufflevector(                                                               \
        a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
    word8 ab[2] = { LOW(v[0], v[1]), HIGH(v[0], v[1]) };
    word8 cd[2] = { LOW(v[2], v[3]), HIGH(v[2], v[3]) };
    for (int i = 0; i < 2; i++, to += 32) {
        word8 low = __builtin_shufflevector(ab[i], cd[i], 0, 8, 1, 9, 2, 10, 3, 11);
        word8 high = __builtin_shufflevector(ab[i], cd[i], 4, 12, 5, 13, 6, 14, 7, 15);
        memcpy(to, &low, sizeof low);
        memcpy(to + 16, &high, sizeof high);
    }
#undef LOW
#undef HIGH
}

/* Rows k .. k + 3 of the columns of a panel. */
static void pack_four_rows(const oct_right_matrix *b, size_t k, const panel *p, char *to)
{
    static const int8_t zeros[256]; /* no panel is wider */
    const int8_t *row[4];
    for (size_t i = 0; i < 4; i++)
        row[i] = k + i < b->depth
                     ? (const int8_t *)b->data + (k + i) * (size_t)b->columns + p->first
                     : zeros;
    int32_t n = 0;
    for (; n + 16 <= p->columns; n += 16)
        interleave4(row, (size_t)n, to + 4 * n);
    for (; n < p->columns; n++)
        for (int i = 0; i < 4; i++)
            to[4 * n + i] = row[i][n];
}

/* Any group, one or two bytes a weight. */
static void pack_elements(
    const oct_gemm_layout *layout, const oct_right_matrix *b, int32_t zero, const panel *p)
{
    size_t n_step = b->by_column ? b->depth : 1, k_step = b->by_column ? 1 : (size_t)b->columns;
    size_t group = (size_t)layout->group, step = (size_t)p->width * group;
    for (size_t k = 0; k < b->depth; k++) {
        const int8_t *from = (const int8_t *)b->data + (size_t)p->first * n_step + k * k_step;
        size_t to = k / group * step + k % group;
        for (int32_t n = 0; n < p->columns; n++, from += n_step, to += group) {
            if (layout->bytes == 1)
                ((int8_t *)p->weights)[to] = *from;
            else
                ((int16_t *)(void *)p->weights)[to] = (int16_t)(*from - zero);
        }
    }
}

void oct_pack_matrix_s8(const oct_gemm_layout *layout, const oct_right_matrix *b, int32_t a_zero,
    int32_t b_zero, int32_t *sums, void *packed)
{
    bool fours = layout->bytes == 1 && layout->group == 4;
    memset(packed, 0, oct_gemm_packed_bytes(layout, b->columns, b->depth));
    sum_columns(b, sums);
    if (fours && b->by_column)
        oct_gemm_pack_s8(layout, b->data, b->depth, NULL, b->columns, b->depth, packed);
    for (int32_t c = 0; c < b->columns; c += oct_gemm_panel_columns(layout)) {
        panel p = find_panel(layout, b, c, packed);
        if (!fours)
            pack_elements(layout, b, b_zero, &p);
        else if (!b->by_column)
            for (size_t k = 0; k < b->depth; k += 4)
                pack_four_rows(b, k, &p, p.weights + k * (size_t)p.width);
        if (layout->bytes == 1)
            for (int32_t n = 0; n < p.columns; n++)
                ((int32_t *)(void *)p.bias)[n] =
                    (int32_t)((uint32_t)-a_zero *
                              ((uint32_t)sums[c + n] - (uint32_t)b_zero * (uint32_t)b->depth));
    }
}
