/*
 * Pools of every level against the definition: taps inside, means rounded half away, clamps.
 */
#include "kernels/check.h"
#include "kernels/pool.h"

enum { MOST_CHANNELS = 130 };

static oct_window random_window(void)
{
    oct_window w = { .batches = check_between(1, 2), .in_h = check_between(1, 20),
        .in_w = check_between(1, 20), .kernel_h = check_between(1, 19),
        .kernel_w = check_between(1, 19), .stride_h = check_between(1, 3),
        .stride_w = check_between(1, 3), .dilation_h = 1, .dilation_w = 1, .depth = 1 };
    w.in_c = w.out_c = check_between(1, check_random() % 2 ? 9 : MOST_CHANNELS);
    oct_window_axis(true, w.in_h, w.kernel_h, w.stride_h, 1, &w.out_h, &w.pad_top);
    oct_window_axis(true, w.in_w, w.kernel_w, w.stride_w, 1, &w.out_w, &w.pad_left);
    return w;
}

/* The taps of one output channel, as doubles (exact for all types). */
typedef struct taps {
    double sum, most;
    float float_sum;
    int32_t count;
} taps;

static void add_tap(taps *t, double v)
{
    t->sum += v;
    t->float_sum += (float)v;
    t->most = t->count == 0 || v > t->most ? v : t->most;
    t->count++;
}

static double mean_of(const taps *t, bool real)
{
    if (real)
        return (double)(t->float_sum / (float)t->count);
    int64_t sum = (int64_t)t->sum, half = t->count / 2;
    return (double)((sum > 0 ? sum + half : sum - half) / t->count);
}

static double within(double v, double lo, double hi)
{
    v = v < lo ? lo : v;
    return hi < v ? hi : v;
}

#define CHECK_POOL(name, type, sum_t)                                                              \
    static void check_##name(const oct_pool_set *set, const char *level, double lo, double hi,     \
        double least, double most)                                                                 \
    {                                                                                              \
        oct_window w = random_window();                                                            \
        size_t n = (size_t)w.in_c;                                                                 \
        size_t inputs = (size_t)w.batches * (size_t)w.in_h * (size_t)w.in_w * n;                   \
        check_input memory = check_input_create(inputs * sizeof(type));                            \
        type *x = memory.data;                                                                     \
        bool same = check_random() % 3 == 0;                                                       \
        for (size_t i = 0; i < inputs; i++)                                                        \
            x[i] = (type)(same ? (int32_t)least : check_extreme((int32_t)least, (int32_t)most));   \
        sum_t sum[MOST_CHANNELS];                                                                  \
        type *mean = check_output_create(n * sizeof *mean);                                        \
        type *max = check_output_create(n * sizeof *max);                                          \
        int32_t b = check_between(0, w.batches - 1), oy = check_between(0, w.out_h - 1);           \
        int32_t ox = check_between(0, w.out_w - 1);                                                \
        set->average_##name(&w, x, (sum_t)lo, (sum_t)hi, b, oy, ox, sum, mean);                    \
        set->max_##name(&w, x, (sum_t)lo, (sum_t)hi, b, oy, ox, sum, max);                         \
        bool good = check_output_intact(mean, n * sizeof *mean)                                    \
            && check_output_intact(max, n * sizeof *max);                                          \
        for (size_t c = 0; c < n; c++) {                                                           \
            taps t = { 0 };                                                                        \
            for (int32_t ky = 0; ky < w.kernel_h; ky++)                                            \
                for (int32_t kx = 0; kx < w.kernel_w; kx++) {                                      \
                    int32_t iy = oy * w.stride_h - w.pad_top + ky;                                 \
                    int32_t ix = ox * w.stride_w - w.pad_left + kx;                                \
                    if (iy >= 0 && iy < w.in_h && ix >= 0 && ix < w.in_w)                          \
                        add_tap(&t, (double)x[((size_t)(b * w.in_h + iy) * (size_t)w.in_w          \
                                                  + (size_t)ix) * n + c]);                         \
                }                                                                                  \
            bool real = (type)0.5f != 0;                                                           \
            good &= mean[c] == (type)within(mean_of(&t, real), lo, hi);                            \
            good &= max[c] == (type)within(t.most, lo, hi);                                        \
        }                                                                                          \
        check(good, "pool_" #name " %s: %dx%dx%d, %dx%d window", level, w.in_h, w.in_w, w.in_c,    \
            w.kernel_h, w.kernel_w);                                                               \
        check_output_free(max);                                                                    \
        check_output_free(mean);                                                                   \
        check_input_free(&memory);                                                                 \
    }
OCT_POOL_TYPES(CHECK_POOL)

int main(void)
{
    for (int level = 0; level <= (int)oct_cpu_supported(); level++) {
        const oct_pool_set *set = oct_pool_set_of((oct_cpu)level);
        const char *name = oct_cpu_name((oct_cpu)level);
        for (int round = 0; round < 500; round++) {
            int32_t lo = check_extreme(-128, 0), hi = check_extreme(1, 127);
            check_f32(set, name, lo * 100., hi * 100., -9999, 9999);
            check_s8(set, name, lo, hi, -128, 127);
            check_u8(set, name, lo + 128, hi + 128, 0, 255);
            check_s16(set, name, lo * 256., hi * 256., -32768, 32767);
        }
    }
    return check_done();
}
