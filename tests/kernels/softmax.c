/*
 * SOFTMAX on 8 bits by tables of differences against the definition, byte for byte.
 */
#include "kernels/softmax.h"

#include "kernels/check.h"

static void check_row(size_t n, float scale, int32_t spread)
{
    check_input in = check_input_create(n);
    int8_t *x = in.data, *y = check_output_create(n), *want = malloc(n);
    int32_t low = check_between(-128, 127 - spread);
    for (size_t i = 0; i < n; i++)
        x[i] = (int8_t)check_extreme(low, low + spread);
    oct_softmax_fixed how = oct_softmax_fixed_init(1.f, scale);
    oct_softmax_differences table;
    oct_softmax_differences_init(&how, &table);
    oct_softmax_s8(x, n, &how, want);
    oct_softmax_by_table_s8(x, n, &table, y);
    bool equal = memcmp(y, want, n) == 0 && check_output_intact(y, n);
    for (size_t i = 0; i < n; i++)
        x[i] ^= INT8_MIN;
    oct_softmax_u8((const uint8_t *)x, n, &how, (uint8_t *)want);
    oct_softmax_by_table_u8((const uint8_t *)x, n, &table, (uint8_t *)y);
    equal &= memcmp(y, want, n) == 0 && check_output_intact(y, n);
    check(equal, "%zu codes, scale %g, spread %d", n, (double)scale, (int)spread);
    free(want);
    check_output_free(y);
    check_input_free(&in);
}

int main(void)
{
    static const float scales[] = { 1e-4f, 0.003f, 0.05f, 0.1f, 0.37f, 1.f, 4.f, 40.f };
    for (size_t n = 1; n < 1100; n += n < 40 ? 1 : 97)
        for (size_t s = 0; s < sizeof scales / sizeof *scales; s++)
            for (int32_t spread = 0; spread < 256; spread += 51)
                check_row(n, scales[s], spread);
    return check_done();
}
