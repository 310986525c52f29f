/*
 * Vector requantization of every level against the scalar definition, half of the sums within one
 * unit of a rounding tie.
 */
#include <math.h>

#include "kernels/check.h"
#include "kernels/requant_real.h"

enum { MOST_CHANNELS = 150, MOST_ROWS = 5 };

/* A sum whose product with the multiplier lies at or beside the middle between two codes. */
static int32_t near_tie(oct_multiplier by, int32_t limit)
{
    double code = check_between(-300, 300) + 0.5;
    double x = code * ldexp(1.0, 31 - by.e) / (double)by.m + check_between(-1, 1);
    return fabs(x) < (double)limit ? (int32_t)llround(x) : check_between(-limit + 1, limit - 1);
}

static int32_t random_sum(oct_multiplier by, int32_t limit)
{
    if (check_random() % 2 == 0 && by.m != 0)
        return near_tie(by, limit);
    return check_random() % 4 == 0 ? check_extreme(-limit + 1, limit - 1)
                                   : check_between(-70000, 70000);
}

static void check_s8(const oct_kernel_set *kernels, const char *name, int32_t channels, bool relu)
{
    oct_multiplier by[MOST_CHANNELS];
    for (int32_t c = 0; c < channels; c++)
        by[c] = check_random() % 16 == 0
                    ? (oct_multiplier){ 0, 0 }
                    : (oct_multiplier){ check_extreme(1 << 30, INT32_MAX), -check_extreme(1, 20) };
    int32_t zero = check_extreme(-128, 127);
    oct_requant rq = { .by = by,
        .zero = zero,
        .lo = relu ? zero : check_between(-128, 0),
        .hi = check_between(zero > 0 ? zero : 0, 127) };
    if (!relu && rq.lo >= zero)
        rq.lo = -128;
    int32_t rows = check_between(1, MOST_ROWS);
    size_t stride = ((size_t)channels + 15) / 16 * 16, n = (size_t)channels;
    oct_requant_block *blocks = check_packed_create(stride / 16 * sizeof *blocks);
    oct_requant_tile tile;
    check(oct_requant_vectorisable(&rq, channels, (1 << 30) - 1), "vectorisable");
    oct_requant_tile_init(&rq, channels, channels, NULL, blocks, &tile);
    int32_t *sum = check_packed_create((size_t)rows * stride * sizeof *sum);
    for (size_t i = 0; i < (size_t)rows * stride; i++)
        sum[i] = i % stride < n ? random_sum(by[i % stride], 1 << 30) : 0;
    size_t y_bytes = (size_t)rows * (n + 1);
    int8_t *y = check_output_create(y_bytes), want[MOST_CHANNELS];
    kernels->requant_s8(sum, stride, rows, channels, &tile, 0, y, n + 1);
    bool intact = check_output_intact(y, y_bytes);
    for (int32_t m = 0; m < rows; m++) {
        oct_requant_s8(sum + (size_t)m * stride, NULL, n, &rq, want);
        for (size_t c = 0; c < n; c++)
            check(y[(size_t)m * (n + 1) + c] == want[c] && intact,
                "requant_s8 %s: channel %zu of %zu, sum %d, m %d, e %d, zero %d: %d, want %d", name,
                c, n, (int)sum[(size_t)m * stride + c], (int)by[c].m, (int)by[c].e, (int)zero,
                y[(size_t)m * (n + 1) + c], want[c]);
        check((uint8_t)y[(size_t)m * (n + 1) + n] == 0xa5, "requant_s8 %s: past a row", name);
    }
    check_output_free(y);
    free(sum);
    free(blocks);
}

static void check_s16(const oct_kernel_set *kernels, const char *name, int32_t channels)
{
    oct_multiplier by[MOST_CHANNELS];
    int64_t bias[MOST_CHANNELS], wide[MOST_CHANNELS];
    for (int32_t c = 0; c < channels; c++) {
        by[c] = (oct_multiplier){ check_extreme(1 << 30, INT32_MAX), check_extreme(-31, 7) };
        bias[c] = (int64_t)check_extreme(INT32_MIN / 2, INT32_MAX / 2) * check_between(1, 1 << 10);
    }
    oct_requant rq = { .by = by, .lo = check_between(-32768, 0), .hi = check_between(0, 32767) };
    bool biased = check_random() % 4 != 0;
    int32_t rows = check_between(1, MOST_ROWS);
    size_t stride = ((size_t)channels + 15) / 16 * 16, n = (size_t)channels;
    int32_t *sum = check_packed_create((size_t)rows * stride * sizeof *sum);
    for (size_t i = 0; i < (size_t)rows * stride; i++)
        sum[i] =
            check_random() % 2 ? check_extreme(INT32_MIN, INT32_MAX) : check_between(-99999, 99999);
    size_t y_bytes = (size_t)rows * (n + 1) * sizeof(int16_t);
    int16_t *y = check_output_create(y_bytes), want[MOST_CHANNELS];
    oct_requant_s16_block *blocks = check_packed_create(stride / 16 * sizeof *blocks);
    oct_requant_s16_tile tile;
    oct_requant_s16_tile_init(&rq, biased ? bias : NULL, channels, channels, NULL, blocks, &tile);
    kernels->requant_s16(sum, stride, rows, channels, &tile, 0, y, n + 1);
    bool intact = check_output_intact(y, y_bytes);
    for (int32_t m = 0; m < rows; m++) {
        for (size_t c = 0; c < n; c++)
            wide[c] = sum[(size_t)m * stride + c];
        oct_requant_s16_b64(wide, biased ? bias : NULL, n, &rq, want);
        for (size_t c = 0; c < n; c++)
            check(y[(size_t)m * (n + 1) + c] == want[c] && intact,
                "requant_s16 %s: sum %d, bias %lld, m %d, e %d: %d, want %d", name,
                (int)sum[(size_t)m * stride + c], (long long)(biased ? bias[c] : 0), (int)by[c].m,
                (int)by[c].e, y[(size_t)m * (n + 1) + c], want[c]);
    }
    check_output_free(y);
    free(blocks);
    free(sum);
}

/* Half of the products at a tie between codes, or a rounding error beside it. */
static void check_real(oct_requant_tile_fn fast, const char *name, int32_t channels)
{
    double real[MOST_CHANNELS];
    for (int32_t c = 0; c < channels; c++)
        real[c] = check_random() % 2 ? ldexp(1.0, -check_between(0, 31))
                                     : (double)check_between(1, INT32_MAX) * 0x1p-40;
    int32_t zero = check_extreme(-128, 127), rows = check_between(1, MOST_ROWS);
    oct_requant_tile tile = { .plain = { .real = real,
                                  .zero = zero,
                                  .lo = check_between(-128, 0),
                                  .hi = check_between(0, 127) } };
    size_t stride = ((size_t)channels + 15) / 16 * 16, n = (size_t)channels;
    int32_t *sum = check_packed_create((size_t)rows * stride * sizeof *sum);
    for (size_t i = 0; i < (size_t)rows * stride; i++) {
        double tie = (check_between(-300, 300) + 0.5) / real[i % stride % n] + check_between(-1, 1);
        sum[i] = check_random() % 2 && fabs(tie) < 2e9 ? (int32_t)llround(tie)
                                                       : check_extreme(INT32_MIN, INT32_MAX);
    }
    size_t y_bytes = (size_t)rows * (n + 1);
    int8_t *y = check_output_create(y_bytes), want[MOST_CHANNELS];
    fast(sum, stride, rows, channels, &tile, 0, y, n + 1);
    bool equal = check_output_intact(y, y_bytes);
    for (int32_t m = 0; m < rows; m++) {
        oct_requant_s8(sum + (size_t)m * stride, NULL, n, &tile.plain, want);
        equal &= memcmp(y + (size_t)m * (n + 1), want, n) == 0;
        equal &= (uint8_t)y[(size_t)m * (n + 1) + n] == 0xa5;
    }
    check(equal, "requant_real %s: %d x %d, zero %d", name, (int)rows, (int)channels, (int)zero);
    check_output_free(y);
    free(sum);
}

int main(void)
{
    CHECK_LEVELS(level, kernels)
    {
        for (int32_t round = 0; round < 4000; round++) {
            check_s8(kernels, oct_cpu_name(level), check_between(1, MOST_CHANNELS), round % 2 == 0);
            check_s16(kernels, oct_cpu_name(level), check_between(1, MOST_CHANNELS));
            check_real(oct_requant_real_s8_of(level), oct_cpu_name(level),
                check_between(1, MOST_CHANNELS));
        }
    }
    return check_done();
}
