/*
 * The set of kernels that run on a processor, chosen once when a session is made.
 */
#ifndef OCT_KERNELS_DISPATCH_H
#define OCT_KERNELS_DISPATCH_H

#include "base/cpu.h"
#include "kernels/add.h"
#include "kernels/depthwise.h"
#include "kernels/depthwise_columns.h"
#include "kernels/extremes.h"
#include "kernels/gemm.h"
#include "kernels/lookup.h"
#include "kernels/mul.h"
#include "kernels/peak.h"
#include "kernels/requant_tile.h"
#include "kernels/rows.h"

typedef struct oct_kernel_set {
    oct_gemm_layout f32_layout, s16_layout, s8_layout;
    oct_gemm_f32_fn gemm_f32;
    oct_gemm_int_fn gemm_s16;
    oct_gemm_int_fn gemm_s8; /* NULL: int8 goes through gemm_s16, widened */
    bool s8_signed;          /* gemm_s8 takes int8 as it is, not flipped to uint8 */
    oct_gemm_tiles gemm_s8_tiles; /* product NULL: none on this level */
    oct_requant_tile_fn requant_s8;
    oct_requant_tile_s16_fn requant_s16;
    oct_depthwise_f32_fn depthwise_f32;
    oct_depthwise_strip_fn depthwise_strip; /* NULL: none on this level */
    oct_depthwise_sums_fn depthwise_taps_s8, depthwise_taps_s16;
    oct_depthwise_s8_fn depthwise_s8; /* NULL: none on this level */
    const oct_columns_layout *columns;    /* of columns_s8 */
    oct_columns_s8_fn columns_s8;         /* NULL, like the next two: none on this level */
    oct_columns_hybrid_fn columns_hybrid;
    oct_columns_s16_fn columns_s16;
    oct_add_row_s8_fn add_row_s8;
    oct_add_row_s16_fn add_row_s16;
    oct_add_row_s8_fn add_table_s8; /* add_row_s8 by a table; NULL: none on this level */
    oct_mul_row_s8_fn mul_row_s8;
    oct_lookup_fn lookup; /* NULL: plain C is as good */
    void (*move_flip)(void *to, const void *from, size_t n, int32_t zero);
    void (*move_widen)(void *to, const void *from, size_t n, int32_t zero);
    void (*hybrid_shared)(const oct_hybrid_args *args);
    void (*hybrid_channel)(const oct_hybrid_args *args);
    oct_quantize_kernels quantize;
    oct_extremes_fn extremes;
    oct_peak_fn peak_f32, peak_s8; /* NULL: not known */
} oct_kernel_set;

/** Kernels of a level that oct_cpu_supported() includes; static storage. */
const oct_kernel_set *oct_kernel_set_of(oct_cpu level);

/** Kernels of oct_cpu_level(). */
const oct_kernel_set *oct_kernel_set_get(void);

#endif
