/*
 * SOFTMAX of one row in each arithmetic.
 */
#ifndef OCT_KERNELS_SOFTMAX_H
#define OCT_KERNELS_SOFTMAX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "numeric/fixedpoint.h"

/** y[i] = exp(beta * (x[i] - max)) / sum; n >= 1; y may be x. Source: LiteRT reference/softmax.h.
 */
void oct_softmax_f32(const float *x, size_t n, float beta, float *y);

/* The fixed-point form: differences of codes times by = beta * scale in Q5.26. */
typedef struct oct_softmax_fixed {
    oct_multiplier by;
    int32_t floor; /* differences below it count as -infinity */
} oct_softmax_fixed;

oct_softmax_fixed oct_softmax_fixed_init(float beta, float scale);

/** Outputs in units of 1/256 above the lowest code. Source: LiteRT reference/softmax.h. */
void oct_softmax_s8(const int8_t *x, size_t n, const oct_softmax_fixed *how, int8_t *y);
void oct_softmax_u8(const uint8_t *x, size_t n, const oct_softmax_fixed *how, uint8_t *y);

/* What depends on a difference alone: exp in Q0 and in Q12, 0 below the floor; [top - code]. */
typedef struct oct_softmax_differences {
    int32_t exp[256];
    uint32_t share[256]; /* of the sum */
    bool last[256];      /* no larger difference has a larger exp */
} oct_softmax_differences;

void oct_softmax_differences_init(const oct_softmax_fixed *how, oct_softmax_differences *table);

/** The same bytes as oct_softmax_s8() and oct_softmax_u8(), by tables. y may be x. */
void oct_softmax_by_table_s8(const int8_t *x, size_t n, const oct_softmax_differences *table,
    int8_t *y);
void oct_softmax_by_table_u8(const uint8_t *x, size_t n, const oct_softmax_differences *table,
    uint8_t *y);

/* The int16 form: tables of exp on [-10, 0] and of 1 / (1 + x) on [0, 1], 512 segments each. */
typedef struct oct_softmax_tables {
    int16_t exp[513], reciprocal[513];
    oct_multiplier by; /* codes to table positions */
} oct_softmax_tables;

void oct_softmax_tables_init(float beta, float scale, oct_softmax_tables *tables);

/** Outputs in units of 1/32768, 0 .. 32767. exps [n] scratch. Source: LiteRT reference/softmax.h.
 */
void oct_softmax_s16(const int16_t *x, size_t n, const oct_softmax_tables *tables, int16_t *exps,
    int16_t *y);

#endif
