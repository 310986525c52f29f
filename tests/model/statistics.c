/*
 * Statistics of parts lead to the bytes that all samples at once lead to, however they were cut and in
 * any order; files that are damaged or of something else are refused.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <octavo/statistics.h>

#include "base/sha256.h"
#include "exec/build.h"
#include "model/model.h"
#include "quant/statistics.h"

enum { SAMPLES = 300, WIDTH = 24, HIDDEN = 48, OUTPUTS = 6 };

static float noise(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / (float)(1 << 23) - 1;
}

/* x [1, 24] -> FULLY_CONNECTED 48 -> FULLY_CONNECTED 6. */
static oct_model *make_model(uint32_t seed)
{
    static float w1[HIDDEN][WIDTH], w2[OUTPUTS][HIDDEN];
    for (int i = 0; i < HIDDEN * WIDTH; i++)
        w1[i / WIDTH][i % WIDTH] = noise(&seed) * (i / WIDTH % 5 == 0 ? 3.f : 0.3f);
    for (int i = 0; i < OUTPUTS * HIDDEN; i++)
        w2[i / HIDDEN][i % HIDDEN] = noise(&seed);
    builder b = build_begin();
    const int32_t x_dims[] = { 1, WIDTH }, h_dims[] = { 1, HIDDEN }, y_dims[] = { 1, OUTPUTS };
    const int32_t a_dims[] = { HIDDEN, WIDTH }, b_dims[] = { OUTPUTS, HIDDEN };
    int32_t x = build_tensor(&b, "x", OCT_FLOAT32, 2, x_dims);
    int32_t first = build_constant(&b, "w1", OCT_FLOAT32, 2, a_dims, w1);
    int32_t second = build_constant(&b, "w2", OCT_FLOAT32, 2, b_dims, w2);
    int32_t h = build_tensor(&b, "h", OCT_FLOAT32, 2, h_dims);
    int32_t y = build_tensor(&b, "y", OCT_FLOAT32, 2, y_dims);
    oct_fully_connected_options *o =
        build_node(&b, OCT_OP_FULLY_CONNECTED, x, first, h, OCT_OPTIONS_FullyConnected)->options;
    o->fused_activation = OCT_ACT_RELU;
    build_node(&b, OCT_OP_FULLY_CONNECTED, h, second, y, OCT_OPTIONS_FullyConnected);
    build_end(&b, x, y);
    oct_model *model;
    assert_int_equal(oct_model_create(b.graph, "tflite", &model, NULL), OCT_OK);
    return model;
}

/* Samples order[first], order[first + step], ... */
typedef struct part {
    const int *order;
    int first, step;
    int broken; /* the sample that cannot be read; -1: none */
} part;

static oct_status read_part(
    void *user, int64_t index, int32_t input, void *bytes, size_t size, oct_error *err)
{
    const part *p = user;
    int sample = p->order[p->first + (int)index * p->step];
    uint32_t state = (uint32_t)sample * 7919u + 1;
    assert_int_equal(input, 0);
    assert_int_equal(size, WIDTH * sizeof(float));
    if (sample == p->broken)
        return oct_fail(err, OCT_E_INVALID, "sample %d is broken", sample);
    for (int i = 0; i < WIDTH; i++)
        ((float *)bytes)[i] = noise(&state) * (float)(1 + sample % 7);
    return OCT_OK;
}

static oct_samples samples_of(part *p)
{
    return (oct_samples){ p, (SAMPLES - p->first + p->step - 1) / p->step, read_part };
}

static void shuffle(int order[SAMPLES], uint32_t seed)
{
    for (int i = 0; i < SAMPLES; i++)
        order[i] = i;
    for (int i = SAMPLES - 1; i > 0; i--) {
        int k = (int)((double)(noise(&seed) + 1) / 2 * i), kept = order[i];
        order[i] = order[k];
        order[k] = kept;
    }
}

static void assert_done(oct_status status, const oct_error *err)
{
    if (status != OCT_OK)
        fail_msg("%s", err->text);
}

/* The bytes of a quantized model; free(). */
static void *make(const oct_model *model, const oct_quant_options *options, size_t *size)
{
    oct_model *out;
    oct_error err = { 0 };
    void *bytes;
    assert_done(oct_quantize(model, options, &out, NULL, &err), &err);
    assert_done(oct_model_serialize(out, &bytes, size, &err), &err);
    oct_model_free(out);
    return bytes;
}

/* Statistics of `parts` parts in shuffled order, by way of their bytes. */
static oct_statistics *add_up(
    const oct_model *model, oct_quant_options options, int parts, uint32_t seed)
{
    int order[SAMPLES];
    oct_statistics *sum = oct_statistics_create();
    oct_error err = { 0 };
    shuffle(order, seed);
    for (int i = 0; i < parts; i++) {
        part p = { order, parts - 1 - i, parts, -1 };
        oct_samples samples = samples_of(&p);
        oct_statistics *one, *read;
        unsigned char *bytes;
        size_t size;
        options.calib = &samples;
        options.threads = 1 + i % 2;
        assert_done(oct_statistics_gather(model, &options, "none", &one, &err), &err);
        assert_done(oct_statistics_encode(one, &bytes, &size, &err), &err);
        assert_done(oct_statistics_decode(bytes, size, "part", &read, &err), &err);
        assert_done(oct_statistics_merge(sum, read, &err), &err);
        oct_statistics_free(read);
        oct_statistics_free(one);
        free(bytes);
    }
    assert_int_equal(oct_statistics_samples(sum), SAMPLES);
    return sum;
}

static void test_same_bytes(void **unused)
{
    (void)unused;
    oct_model *model = make_model(3);
    static const oct_mode modes[] = { OCT_MODE_INT8, OCT_MODE_INT8_FULL, OCT_MODE_INT16X8,
        OCT_MODE_DYNAMIC };
    int order[SAMPLES];
    shuffle(order, 1);
    for (size_t m = 0; m < sizeof modes / sizeof *modes; m++)
        for (int effort = 0; effort < OCT_EFFORT_COUNT; effort++)
            for (int range = 0; range < OCT_RANGE_COUNT; range++) {
                oct_quant_options options = { .mode = modes[m], .effort = (oct_effort)effort,
                    .range = (oct_range_method)range };
                if (!oct_mode_uses_calibration(options.mode, options.effort))
                    continue;
                part all = { order, 0, 1, -1 };
                oct_samples samples = samples_of(&all);
                size_t want_size, size;
                options.calib = &samples;
                void *want = make(model, &options, &want_size);
                for (int parts = 1; parts <= 7; parts += 3) {
                    options.calib = NULL;
                    oct_statistics *sum = add_up(model, options, parts, (uint32_t)(parts + range));
                    options.statistics = sum;
                    void *got = make(model, &options, &size);
                    options.statistics = NULL;
                    if (size != want_size || memcmp(got, want, size) != 0)
                        fail_msg("%s, effort %d, range %d, %d parts: other bytes",
                            oct_mode_name(options.mode), effort, range, parts);
                    free(got);
                    oct_statistics_free(sum);
                }
                free(want);
            }
    oct_model_free(model);
}

static void test_refusals(void **unused)
{
    (void)unused;
    oct_model *model = make_model(3), *other = make_model(4), *out;
    oct_quant_options options = { .mode = OCT_MODE_INT8, .effort = OCT_EFFORT_DEFAULT };
    oct_statistics *sum = add_up(model, options, 2, 5), *more = NULL;
    oct_error err = { 0 };
    options.statistics = sum;
    assert_int_equal(oct_quantize(other, &options, &out, NULL, &err), OCT_E_INVALID);
    options.effort = OCT_EFFORT_NONE;
    assert_int_equal(oct_quantize(model, &options, &out, NULL, &err), OCT_E_INVALID);
    assert_non_null(strstr(err.text, "effort none"));
    options.effort = OCT_EFFORT_HIGH; /* looks at the same samples */
    assert_int_equal(oct_quantize(model, &options, &out, NULL, &err), OCT_OK);
    oct_model_free(out);

    int order[SAMPLES];
    shuffle(order, 2);
    part p = { order, 0, 1, -1 };
    oct_samples samples = samples_of(&p);
    options = (oct_quant_options){ .mode = OCT_MODE_INT8, .calib = &samples,
        .effort = OCT_EFFORT_DEFAULT };
    assert_int_equal(oct_statistics_gather(model, &options, "tf", &more, &err), OCT_OK);
    assert_int_equal(oct_statistics_merge(sum, more, &err), OCT_E_INVALID);
    assert_non_null(strstr(err.text, "preprocessing tf"));
    oct_statistics_free(more);
    p.broken = 77;
    assert_int_equal(oct_statistics_gather(model, &options, "none", &more, &err), OCT_E_INVALID);
    assert_null(more);
    options.mode = OCT_MODE_FLOAT16;
    assert_int_equal(oct_statistics_gather(model, &options, "none", &more, &err), OCT_E_USAGE);
    oct_statistics_free(sum);
    oct_model_free(other);
    oct_model_free(model);
}

/* Every cut and a damaged byte anywhere are seen, and nothing is read beyond the end. */
static void test_damage(void **unused)
{
    (void)unused;
    oct_model *model = make_model(3);
    int order[SAMPLES];
    shuffle(order, 2);
    part p = { order, SAMPLES - 6, 1, -1 };
    oct_samples samples = samples_of(&p);
    const oct_quant_options options = { .mode = OCT_MODE_INT8, .calib = &samples,
        .effort = OCT_EFFORT_DEFAULT };
    oct_statistics *s, *read;
    unsigned char *bytes;
    char digest[65];
    size_t size;
    assert_int_equal(oct_statistics_gather(model, &options, "none", &s, NULL), OCT_OK);
    assert_int_equal(oct_statistics_encode(s, &bytes, &size, NULL), OCT_OK);
    for (size_t cut = 0; cut < size; cut += 13) {
        unsigned char *exact = malloc(cut + 1);
        memcpy(exact, bytes, cut);
        assert_int_equal(oct_statistics_decode(exact, cut, "cut", &read, NULL), OCT_E_INVALID);
        free(exact);
    }
    for (size_t at = 0; at < size; at += 29) {
        bytes[at] ^= 0x41;
        assert_int_equal(oct_statistics_decode(bytes, size, "bad", &read, NULL), OCT_E_INVALID);
        bytes[at] ^= 0x41;
    }
    /* With a digest that fits, what was damaged is refused or read, but never believed blindly. */
    for (size_t at = 0; at + 64 < size; at += at < 600 ? 1 : 101) {
        bytes[at] ^= 0x81;
        oct_sha256(bytes, size - 64, digest);
        memcpy(bytes + size - 64, digest, 64);
        if (oct_statistics_decode(bytes, size, "forged", &read, NULL) == OCT_OK) {
            oct_quant_options forged = { .mode = OCT_MODE_INT8, .effort = OCT_EFFORT_DEFAULT,
                .statistics = read };
            oct_model *out = NULL;
            oct_quantize(model, &forged, &out, NULL, NULL);
            oct_model_free(out);
            oct_statistics_free(read);
        }
        bytes[at] ^= 0x81;
    }
    assert_int_equal(oct_statistics_save(s, OCT_WORK_DIR "/s.stats", NULL), OCT_OK);
    assert_int_equal(oct_statistics_load(OCT_WORK_DIR "/s.stats", &read, NULL), OCT_OK);
    assert_int_equal(oct_statistics_samples(read), 6);
    oct_statistics_free(read);
    oct_statistics_free(s);
    free(bytes);
    oct_model_free(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_same_bytes),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_damage) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
