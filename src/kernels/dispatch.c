/*
 * One table of kernels for each level.
 */
#include "kernels/dispatch.h"

#define ROWS_OF(isa)                                                                               \
    .move_flip = oct_move_flip_##isa, .move_widen = oct_move_widen_##isa,                          \
    .hybrid_shared = oct_hybrid_shared_##isa, .hybrid_channel = oct_hybrid_channel_##isa,          \
    .quantize = { oct_range_fold_##isa, oct_quantize_floats_##isa },                               \
    .depthwise_taps_s8 = oct_depthwise_taps_s8_##isa,                                              \
    .depthwise_taps_s16 = oct_depthwise_taps_s16_##isa, .depthwise_f32 = oct_depthwise_f32_##isa,  \
    .gemm_f32 = oct_gemm_f32_##isa, .add_row_s8 = oct_add_row_s8_##isa,                            \
    .add_row_s16 = oct_add_row_s16_##isa, .mul_row_s8 = oct_mul_row_s8_##isa,                      \
    .extremes = oct_extremes_##isa

static const oct_kernel_set kernels_c = {
    ROWS_OF(c),
    .f32_layout = { .lanes = 16, .vectors = 1, .group = 1, .bytes = 4 },
    .s16_layout = { .lanes = 16, .vectors = 1, .group = 2, .bytes = 2 },
    .gemm_s16 = oct_gemm_s16_c,
    .requant_s8 = oct_requant_tile_s8_c,
    .requant_s16 = oct_requant_tile_s16_c,
};

#if defined(__x86_64__) && !defined(OCT_PORTABLE)
static const oct_kernel_set kernels_avx2 = {
    ROWS_OF(avx2),
    .f32_layout = { .lanes = 8, .vectors = 2, .group = 1, .bytes = 4 },
    .s16_layout = { .lanes = 8, .vectors = 2, .group = 2, .bytes = 2 },
    .gemm_s16 = oct_gemm_s16_avx2,
    .peak_f32 = oct_peak_f32_avx2,
    .peak_s8 = oct_peak_s8_avx2,
    .depthwise_strip = oct_depthwise_strip_avx2,
    .columns = &oct_columns_words_layout,
    .columns_s8 = oct_columns_s8_avx2,
    .requant_s8 = oct_requant_tile_s8_avx2,
    .requant_s16 = oct_requant_tile_s16_c,
};

#define AVX512_LAYOUTS                                                                             \
    .depthwise_strip = oct_depthwise_strip_avx512, .peak_f32 = oct_peak_f32_avx512,                \
    .f32_layout = { .lanes = 16, .vectors = 4, .group = 1, .bytes = 4 },                           \
    .s16_layout = { .lanes = 16, .vectors = 4, .group = 2, .bytes = 2 },                           \
    .requant_s8 = oct_requant_tile_s8_avx512, .requant_s16 = oct_requant_tile_s16_avx512

static const oct_kernel_set kernels_avx512 = {
    ROWS_OF(avx512),
    AVX512_LAYOUTS,
    .gemm_s16 = oct_gemm_s16_avx512,
    .peak_s8 = oct_peak_s8_avx512,
    .columns = &oct_columns_words_layout,
    .columns_s8 = oct_columns_s8_avx2,
};

#define AVX512VNNI_KERNELS                                                                         \
    ROWS_OF(avx512), AVX512_LAYOUTS, .peak_s8 = oct_peak_s8_avx512vnni,                            \
    .s8_layout = { .lanes = 16, .vectors = 4, .group = 4, .bytes = 1 },                            \
    .gemm_s16 = oct_gemm_s16_avx512vnni, .gemm_s8 = oct_gemm_s8_avx512vnni,                        \
    .depthwise_s8 = oct_depthwise_s8_avx512vnni, .columns = &oct_columns_bytes_layout,             \
    .columns_s8 = oct_columns_s8_avx512vnni,                                                       \
    .columns_hybrid = oct_columns_hybrid_avx512vnni, .columns_s16 = oct_columns_s16_avx512vnni

static const oct_kernel_set kernels_avx512vnni = { AVX512VNNI_KERNELS };

static const oct_kernel_set kernels_avx512amx = {
    AVX512VNNI_KERNELS,
    .gemm_s8_tiles = { oct_gemm_s8_begin_avx512amx, oct_gemm_s8_avx512amx,
        oct_gemm_s8_end_avx512amx },
    .lookup = oct_lookup_avx512amx,
    .add_table_s8 = oct_add_table_s8_avx512amx,
};
#endif

#if defined(__aarch64__) && !defined(OCT_PORTABLE)
/* Plain C for rows: every compiler for this processor vectorises it with NEON. */
#define NEON_KERNELS                                                                               \
    .move_flip = oct_move_flip_c, .move_widen = oct_move_widen_c,                                  \
    .hybrid_shared = oct_hybrid_shared_c, .hybrid_channel = oct_hybrid_channel_c,                  \
    .quantize = { oct_range_fold_c, oct_quantize_floats_c }, .extremes = oct_extremes_c,           \
    .depthwise_taps_s8 = oct_depthwise_taps_s8_neon,                                               \
    .depthwise_taps_s16 = oct_depthwise_taps_s16_neon, .depthwise_f32 = oct_depthwise_f32_neon,    \
    .peak_f32 = oct_peak_f32_neon, .gemm_f32 = oct_gemm_f32_neon, .gemm_s16 = oct_gemm_s16_neon,   \
    .add_row_s8 = oct_add_row_s8_neon, .add_row_s16 = oct_add_row_s16_neon,                        \
    .mul_row_s8 = oct_mul_row_s8_c,                                                                \
    .requant_s8 = oct_requant_tile_s8_neon, .requant_s16 = oct_requant_tile_s16_neon,              \
    .f32_layout = { .lanes = 4, .vectors = 4, .group = 1, .bytes = 4 },                            \
    .s16_layout = { .lanes = 4, .vectors = 4, .group = 1, .bytes = 2 }

static const oct_kernel_set kernels_neon = { NEON_KERNELS, .peak_s8 = oct_peak_s8_neon };

static const oct_kernel_set kernels_dotprod = {
    NEON_KERNELS,
    .s8_layout = { .lanes = 4, .vectors = 4, .group = 4, .bytes = 1 },
    .gemm_s8 = oct_gemm_s8_dotprod,
    .peak_s8 = oct_peak_s8_dotprod,
    .s8_signed = true,
};

static const oct_kernel_set kernels_i8mm = {
    NEON_KERNELS,
    .s8_layout = { .lanes = 2, .vectors = 8, .group = 8, .bytes = 1 },
    .gemm_s8 = oct_gemm_s8_i8mm,
    .peak_s8 = oct_peak_s8_i8mm,
    .s8_signed = true,
};
#endif

const oct_kernel_set *oct_kernel_set_of(oct_cpu level)
{
    switch (level) {
#if defined(__x86_64__) && !defined(OCT_PORTABLE)
    case OCT_CPU_AVX2: return &kernels_avx2;
    case OCT_CPU_AVX512: return &kernels_avx512;
    case OCT_CPU_AVX512VNNI: return &kernels_avx512vnni;
    case OCT_CPU_AVX512AMX: return &kernels_avx512amx;
#endif
#if defined(__aarch64__) && !defined(OCT_PORTABLE)
    case OCT_CPU_NEON: return &kernels_neon;
    case OCT_CPU_DOTPROD: return &kernels_dotprod;
    case OCT_CPU_I8MM: return &kernels_i8mm;
#endif
    default: return &kernels_c;
    }
}

const oct_kernel_set *oct_kernel_set_get(void)
{
    return oct_kernel_set_of(oct_cpu_level());
}
