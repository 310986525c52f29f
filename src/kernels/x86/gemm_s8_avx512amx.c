/*
 * uint8 by int8 matrix product, AMX: tiles of 16 rows by 16 columns, 64 bytes deep.
 *
 * The panels are those of the VNNI kernel: 16 groups of four k of one vector are the rows of a
 * weight tile. A product takes 52 cycles, but a new one can start every 16, so tiles 0 to 3 hold
 * four sums: two row tiles by two vectors, or four row tiles by a last single one. Tiles 4 and 5
 * hold 64 bytes of k, 6 and 7 the rest. Rows that do not fill a tile are made by one that overlaps
 * the tile before.
 */
#include <immintrin.h>
#include <string.h>

#include "kernels/gemm.h"

/* What LDTILECFG reads: Intel 64 and IA-32 Architectures Software Developer's Manual, vol. 2. */
typedef struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_config;

enum { TILE = 16, DEEP = 64 };

void oct_gemm_s8_begin_avx512amx(int32_t groups)
{
    tile_config config = { .palette = 1 };
    uint8_t rest = (uint8_t)(groups % TILE);
    for (int i = 0; i < 8; i++) {
        config.row_bytes[i] = DEEP;
        config.rows[i] = TILE;
    }
    if (rest > 0) {
        config.row_bytes[6] = (uint16_t)(4 * rest);
        config.rows[7] = rest;
    }
    __asm__ volatile("" : : "m"(config)); /* gcc 12 thinks the next line reads 8 bytes of it */
    _tile_loadconfig(&config);
}

void oct_gemm_s8_end_avx512amx(void)
{
    _tile_release();
}

/* Row tiles and one or two vectors of a panel. */
typedef struct strip {
    const char *a[4];
    int32_t *sum[4];
    size_t a_stride, sum_bytes; /* bytes */
    const int32_t *bias;
    const char *weights;
    size_t step; /* bytes from one group of k to the next */
    int32_t blocks; /* of DEEP bytes */
    bool rest;
} strip;

/* Tile numbers are part of the instruction, so each shape is written out by macros. */
#define LOAD_A(tile, row, k) _tile_loadd(tile, s->a[row] + (size_t)(k) * DEEP, s->a_stride)
#define LOAD_B(tile, vector, k)                                                                    \
    _tile_loadd(tile, s->weights + (size_t)(k) * TILE * s->step + (size_t)(vector) * 64, s->step)
#define BIAS(sum, vector) _tile_loadd(sum, s->bias + (vector) * TILE, 0)
#define STORE(tile, row, vector)                                                                   \
    _tile_stored(tile, s->sum[row] + (vector) * TILE, s->sum_bytes)
/* What `depth` does with tiles for a and b at block k, over all of k. */
#define ALL_DEPTH(depth)                                                                           \
    for (int32_t k = 0; k < s->blocks; k++) {                                                      \
        depth(4, 5, k)                                                                             \
    }                                                                                              \
    if (s->rest) {                                                                                 \
        depth(6, 7, s->blocks)                                                                     \
    }
#define MULTIPLY(sum, a, b, vector, k) LOAD_B(b, vector, k); _tile_dpbusd(sum, a, b);

static void two_by_two(const strip *s)
{
#define DEPTH(a, b, k)                                                                             \
    LOAD_A(a, 0, k);                                                                               \
    MULTIPLY(0, a, b, 0, k) MULTIPLY(1, a, b, 1, k)                                                \
    LOAD_A(a, 1, k);                                                                               \
    MULTIPLY(2, a, b, 0, k) MULTIPLY(3, a, b, 1, k)
    BIAS(0, 0); BIAS(1, 1); BIAS(2, 0); BIAS(3, 1);
    ALL_DEPTH(DEPTH)
    STORE(0, 0, 0); STORE(1, 0, 1); STORE(2, 1, 0); STORE(3, 1, 1);
#undef DEPTH
}

static void four_by_one(const strip *s)
{
#define DEPTH(a, b, k)                                                                             \
    LOAD_B(b, 0, k);                                                                               \
    LOAD_A(a, 0, k); _tile_dpbusd(0, a, b);                                                        \
    LOAD_A(a, 1, k); _tile_dpbusd(1, a, b);                                                        \
    LOAD_A(a, 2, k); _tile_dpbusd(2, a, b);                                                        \
    LOAD_A(a, 3, k); _tile_dpbusd(3, a, b);
    BIAS(0, 0); BIAS(1, 0); BIAS(2, 0); BIAS(3, 0);
    ALL_DEPTH(DEPTH)
    STORE(0, 0, 0); STORE(1, 1, 0); STORE(2, 2, 0); STORE(3, 3, 0);
#undef DEPTH
}

/* The row tiles from `row` on; those past the end lie over the last full one. */
static void set_rows(strip *s, const oct_gemm_int_args *args, int32_t row, int32_t tiles,
    int32_t vector)
{
    int32_t last = args->rows - TILE;
    for (int32_t i = 0; i < tiles; i++) {
        int32_t first = row + i * TILE < last ? row + i * TILE : last;
        s->a[i] = (const char *)args->a + (size_t)first * args->a_stride;
        s->sum[i] = args->sum + (size_t)first * args->sum_stride + vector * TILE;
    }
}

void oct_gemm_s8_avx512amx(const oct_gemm_int_args *args)
{
    strip s = { .a_stride = args->a_stride, .sum_bytes = args->sum_stride * sizeof *args->sum,
        .step = (size_t)args->vectors * 64, .blocks = args->groups / TILE,
        .rest = args->groups % TILE != 0 };
    for (int32_t vector = 0; vector < args->vectors; vector += 2) {
        s.bias = (const int32_t *)args->panel + vector * TILE;
        s.weights = (const char *)args->panel + s.step + (size_t)vector * 64;
        bool pair = vector + 1 < args->vectors;
        int32_t tiles = pair ? 2 : 4;
        for (int32_t row = 0; row < args->rows; row += tiles * TILE) {
            set_rows(&s, args, row, tiles, vector);
            (pair ? two_by_two : four_by_one)(&s);
        }
    }
}
