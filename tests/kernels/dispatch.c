/*
 * The environment variable OCT_CPU lowers the level, never raises it, and names nothing unknown.
 */
#include "kernels/check.h"

static oct_cpu level_with(const char *value)
{
    if (value != NULL)
        setenv("OCT_CPU", value, 1);
    else
        unsetenv("OCT_CPU");
    return oct_cpu_level();
}

int main(void)
{
    oct_cpu supported = oct_cpu_supported();
    check(level_with(NULL) == supported, "no OCT_CPU: level %d of %d", level_with(NULL), supported);
    check(level_with("") == supported, "empty OCT_CPU");
    check(level_with("pentium") == supported, "unknown OCT_CPU");
    for (int level = 0; level < OCT_CPU_COUNT; level++) {
        oct_cpu got = level_with(oct_cpu_name((oct_cpu)level));
        oct_cpu want = level < (int)supported ? (oct_cpu)level : supported;
        check(got == want, "OCT_CPU=%s: %s", oct_cpu_name((oct_cpu)level), oct_cpu_name(got));
        check(oct_kernel_set_get() == oct_kernel_set_of(want), "kernels of %s",
            oct_cpu_name((oct_cpu)level));
    }
    CHECK_LEVELS(level, kernels)
        check(kernels->gemm_f32 && kernels->gemm_s16 && kernels->requant_s8 && kernels->requant_s16
                && kernels->depthwise_f32 && kernels->depthwise_taps_s8
                && kernels->depthwise_taps_s16 && kernels->add_row_s8 && kernels->add_row_s16
                && kernels->move_flip && kernels->move_widen && kernels->hybrid_shared
                && kernels->hybrid_channel && kernels->quantize.fold
                && kernels->quantize.apply && kernels->f32_layout.lanes > 0
                && kernels->s16_layout.group > 0
                && (kernels->gemm_s8 == NULL || kernels->s8_layout.bytes == 1),
            "%s: every kernel is there", oct_cpu_name(level));
    CHECK_LEVELS(level, kernels) {
        oct_peak_fn peaks[] = { kernels->peak_f32, kernels->peak_s8 };
        for (int i = 0; i < 2; i++)
            check(peaks[i] == NULL || (peaks[i](1) > 0 && peaks[i](21) == 21 * peaks[i](1)),
                "%s: peak %d counts its work", oct_cpu_name(level), i);
    }
    return check_done();
}
