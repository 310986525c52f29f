/*
 * Each finding on data made to have it, and its absence on data made without.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#ifdef OCT_TESTS_JPEG
#include <turbojpeg.h>
#endif

#include <octavo/doctor.h>
#include <octavo/quantize.h>

#include "eval/tiny.h"

enum { EACH = 20, SAMPLES = EACH * TINY_CLASSES };

/* Vectors in -1..1, each class EACH times. */
typedef struct set {
    float x[SAMPLES][TINY_INPUTS];
    int32_t y[SAMPLES];
} set;

static void make_set(const tiny *t, uint64_t seed, set *s)
{
    oct_random random = oct_random_seed(seed);
    int have[TINY_CLASSES] = { 0 };
    for (int i = 0; i < SAMPLES;) {
        for (int k = 0; k < TINY_INPUTS; k++)
            s->x[i][k] = (float)(oct_random_uniform(&random) * 2 - 1);
        s->y[i] = tiny_answer(t, s->x[i]);
        i += have[s->y[i]]++ < EACH;
    }
}

static oct_data *open_data(const char *path)
{
    oct_data *data = NULL;
    oct_error err = { 0 };
    if (oct_data_open(path, &data, &err) != OCT_OK)
        fail_msg("%s", err.text);
    return data;
}

/* `labels` false: x alone. */
static oct_data *save(const set *s, const char *name, bool labels)
{
    char path[512];
    snprintf(path, sizeof path, "%s/doctor_%s.npz", OCT_WORK_DIR, name);
    const oct_npz_entry entries[] = {
        { .name = "x", .type = "float32", .rank = 2, .dims = { SAMPLES, TINY_INPUTS }, .bytes = s->x },
        { .name = "y", .type = "int32", .rank = 1, .dims = { SAMPLES }, .bytes = s->y },
    };
    assert_int_equal(oct_npz_write(path, entries, labels ? 2 : 1, NULL), OCT_OK);
    return open_data(path);
}

static oct_diagnosis *examine(
    const oct_model *model, oct_data *data, oct_data *calib, const char *preprocess)
{
    const oct_doctor_options options = { .preprocess = preprocess, .threads = 2 };
    oct_diagnosis *d = NULL;
    oct_error err = { 0 };
    if (oct_doctor(model, data, calib, &options, &d, &err) != OCT_OK)
        fail_msg("%s", err.text);
    oct_data_free(data);
    oct_data_free(calib);
    return d;
}

static const oct_finding *find(const oct_diagnosis *d, oct_finding_kind kind)
{
    for (int32_t i = 0; i < oct_diagnosis_count(d); i++)
        if (oct_diagnosis_finding(d, i)->kind == kind)
            return oct_diagnosis_finding(d, i);
    return NULL;
}

/* Exactly this finding, about `count` things, with this text among its places (NULL: any). */
static void finds(oct_diagnosis *d, oct_finding_kind kind, oct_severity severity, int64_t count,
    const char *place)
{
    const oct_finding *f = find(d, kind);
    if (f == NULL)
        fail_msg("no finding '%s' among %d", oct_finding_name(kind), (int)oct_diagnosis_count(d));
    assert_int_equal(f->severity, severity);
    assert_int_equal(f->count, count);
    bool found = place == NULL;
    for (int32_t i = 0; i < f->place_count; i++)
        found = found || strstr(f->places[i], place) != NULL;
    if (!found)
        fail_msg("'%s' is not among the places of '%s' (%s)", place, f->text,
            f->place_count > 0 ? f->places[0] : "none");
    for (int32_t i = 0; i + 1 < oct_diagnosis_count(d); i++)
        assert_true(oct_diagnosis_finding(d, i)->severity >=
                    oct_diagnosis_finding(d, i + 1)->severity);
    oct_diagnosis_free(d);
}

static void finds_nothing(oct_diagnosis *d)
{
    if (oct_diagnosis_count(d) != 0)
        fail_msg("'%s'", oct_diagnosis_finding(d, 0)->text);
    oct_diagnosis_free(d);
}

static void test_arrays(void **unused)
{
    (void)unused;
    tiny t = tiny_create(0);
    set clean, other, s;
    make_set(&t, 1, &clean);
    make_set(&t, 2, &other);
    finds_nothing(examine(t.model, save(&clean, "a", true), save(&other, "b", true), NULL));

    s = clean;
    memcpy(s.x[9], s.x[5], sizeof s.x[5]);
    s.y[9] = s.y[5];
    finds(examine(t.model, save(&s, "a", true), NULL, NULL), OCT_FINDING_DUPLICATES,
        OCT_SEVERITY_WARNING, 1, "sample 9 = sample 5");
    s.y[9] = (s.y[5] + 1) % TINY_CLASSES;
    finds(examine(t.model, save(&s, "a", true), NULL, NULL), OCT_FINDING_CONFLICT,
        OCT_SEVERITY_MEND, 1, "sample 9 (label");

    s = other;
    memcpy(s.x[3], clean.x[77], sizeof s.x[3]);
    memcpy(s.x[8], clean.x[78], sizeof s.x[8]);
    finds(examine(t.model, save(&clean, "a", true), save(&s, "b", false), NULL),
        OCT_FINDING_LEAKAGE, OCT_SEVERITY_MEND, 2, "calibration sample 8 = sample 78");
    char name[64];
    int64_t count;
    oct_data *a = save(&clean, "a", false), *b = save(&s, "b", false);
    assert_int_equal(oct_data_overlap(a, b, &count, name, sizeof name, NULL), OCT_OK);
    assert_int_equal(count, 2);
    assert_string_equal(name, "sample 3");
    oct_data_free(a);
    oct_data_free(b);

    s = clean;
    s.x[4][2] = NAN;
    finds(examine(t.model, save(&s, "a", true), NULL, NULL), OCT_FINDING_NOT_FINITE,
        OCT_SEVERITY_MEND, 1, "sample 4");
    s.x[4][2] = 0.5f;
    for (int k = 0; k < TINY_INPUTS; k++)
        s.x[6][k] = 0.25f;
    finds(examine(t.model, save(&s, "a", true), NULL, NULL), OCT_FINDING_CONSTANT,
        OCT_SEVERITY_WARNING, 1, "sample 6");
    oct_model_free(t.model);
}

static void test_labels(void **unused)
{
    (void)unused;
    tiny t = tiny_create(0);
    set clean, s;
    make_set(&t, 1, &clean);
    s = clean;
    s.y[12] = TINY_CLASSES + 2;
    oct_diagnosis *d = examine(t.model, save(&s, "a", true), NULL, NULL);
    const oct_finding *missing = find(d, OCT_FINDING_MISSING);
    assert_non_null(missing); /* classes 7 and 8, between the model's and the label */
    assert_int_equal(missing->count, 2);
    finds(d, OCT_FINDING_BEYOND, OCT_SEVERITY_MEND, 1, "sample 12: label 9");

    s = clean;
    for (int i = 0, left = 1; i < SAMPLES; i++)
        if (s.y[i] == 2 && left-- <= 0)
            s.y[i] = 3;
    finds(examine(t.model, save(&s, "a", true), NULL, NULL), OCT_FINDING_IMBALANCE,
        OCT_SEVERITY_WARNING, 2 * EACH - 1, "class 2: 1");

    /* Every label moved by two classes: as often right as by chance, or less. */
    for (int i = 0; i < SAMPLES; i++)
        s.y[i] = (clean.y[i] + 2) % TINY_CLASSES;
    finds(examine(t.model, save(&s, "a", true), NULL, NULL), OCT_FINDING_PREPROCESSING,
        OCT_SEVERITY_MEND, SAMPLES, NULL);
    oct_model_free(t.model);
}

static void test_preprocessing(void **unused)
{
    (void)unused;
    tiny t = tiny_create(0);
    set clean, bytes;
    make_set(&t, 1, &clean);
    bytes = clean;
    for (int i = 0; i < SAMPLES; i++)
        for (int k = 0; k < TINY_INPUTS; k++)
            bytes.x[i][k] = (clean.x[i][k] + 1) * 127.5f;
    finds_nothing(examine(t.model, save(&bytes, "a", true), NULL, "tf"));
    finds_nothing(examine(t.model, save(&bytes, "a", true), NULL, "auto"));
    oct_diagnosis *d = examine(t.model, save(&bytes, "a", true), NULL, "unit");
    const oct_finding *f = find(d, OCT_FINDING_PREPROCESSING);
    assert_non_null(f);
    finds(d, OCT_FINDING_PREPROCESSING, OCT_SEVERITY_MEND, f->count, "--preprocess tf");
    finds(examine(t.model, save(&bytes, "a", false), NULL, "none"), OCT_FINDING_RANGE,
        OCT_SEVERITY_WARNING, SAMPLES, NULL);
    finds_nothing(examine(t.model, save(&clean, "a", false), NULL, "none"));
    oct_model_free(t.model);
}

static void test_quantized_input(void **unused)
{
    (void)unused;
    tiny t = tiny_create(0);
    set clean, large;
    make_set(&t, 1, &clean);
    oct_data *calib = save(&clean, "c", false);
    oct_preprocess none;
    oct_data_view *view;
    oct_model *integer;
    oct_preprocess_parse("none", &none, NULL);
    assert_int_equal(oct_data_view_create(calib, t.model, &none, &view, NULL), OCT_OK);
    const oct_quant_options options = { .mode = OCT_MODE_INT8_FULL,
        .calib = oct_data_view_samples(view) };
    assert_int_equal(oct_quantize(t.model, &options, &integer, NULL, NULL), OCT_OK);
    oct_data_view_free(view);
    oct_data_free(calib);
    finds_nothing(examine(integer, save(&clean, "a", false), NULL, "none"));
    large = clean;
    for (int i = 0; i < SAMPLES; i++)
        large.x[i][1] = 50;
    finds(examine(integer, save(&large, "a", false), NULL, "none"), OCT_FINDING_RANGE,
        OCT_SEVERITY_MEND, SAMPLES, NULL);
    oct_model_free(integer);
    oct_model_free(t.model);
}

/* Ranges of which each sample finds more: values grow with the sample. */
static void test_growth(void **unused)
{
    (void)unused;
    tiny t = tiny_create(0);
    set clean, rare;
    make_set(&t, 1, &clean);
    make_set(&t, 3, &rare);
    rare.x[17][0] = 40;
    rare.x[17][3] = -30;
    oct_diagnosis *d = examine(t.model, save(&clean, "a", true), save(&rare, "b", false), NULL);
    const oct_growth *g = oct_diagnosis_growth(d);
    assert_true(g->activations >= 2);
    assert_int_equal(g->samples[2], SAMPLES / 2);
    assert_true(g->median[0] < g->median[1] && g->median[1] < g->median[2]);
    assert_true(g->median[2] < 0.9 && g->median[3] == 1 && g->more > 0.1);
    finds(d, OCT_FINDING_CALIBRATION, OCT_SEVERITY_WARNING, SAMPLES, NULL);
    finds(examine(t.model, save(&clean, "a", true), open_data("random:9"), NULL),
        OCT_FINDING_NOISE, OCT_SEVERITY_MEND, 9, NULL);
    oct_model_free(t.model);
}

static void test_misfit(void **unused)
{
    (void)unused;
    tiny t = tiny_create(0);
    const float x[5][3] = { { 0, 1, 2 }, { 1, 2, 3 }, { 2, 3, 4 }, { 5, 6, 7 }, { 6, 6, 1 } };
    const int64_t dims[] = { 5, 3 };
    char path[512];
    snprintf(path, sizeof path, "%s/doctor_misfit.npy", OCT_WORK_DIR);
    assert_int_equal(oct_npy_write(path, "float32", 2, dims, x, NULL), OCT_OK);
    finds(examine(t.model, open_data(path), NULL, NULL), OCT_FINDING_MISFIT, OCT_SEVERITY_MEND, 5,
        NULL);
    oct_model_free(t.model);
}

#ifdef OCT_TESTS_JPEG

enum { SIDE = 64 };

/* x [1][16][16][3] -> FULLY_CONNECTED -> y [1][2]. */
static oct_model *image_model(void)
{
    static float weights[2][16 * 16 * 3];
    oct_random random = oct_random_seed(5);
    for (size_t i = 0; i < sizeof weights / sizeof(float); i++)
        ((float *)weights)[i] = (float)oct_random_uniform(&random) - 0.5f;
    builder b = build_begin();
    const int32_t x_dims[] = { 1, 16, 16, 3 }, y_dims[] = { 1, 2 }, w_dims[] = { 2, 768 };
    int32_t x = build_tensor(&b, "x", OCT_FLOAT32, 4, x_dims);
    int32_t w = build_constant(&b, "w", OCT_FLOAT32, 2, w_dims, weights);
    int32_t y = build_tensor(&b, "y", OCT_FLOAT32, 2, y_dims);
    build_node(&b, OCT_OP_FULLY_CONNECTED, x, w, y, OCT_OPTIONS_FullyConnected);
    build_end(&b, x, y);
    oct_model *model;
    assert_int_equal(oct_model_create(b.graph, "tflite", &model, NULL), OCT_OK);
    return model;
}

/* Smooth seeded colours, or grey. `brighter` is added to each value. */
static void paint(uint64_t seed, bool grey, int brighter, unsigned char pixels[SIDE][SIDE][3])
{
    oct_random random = oct_random_seed(seed);
    double wave[3][3];
    for (int c = 0; c < 9; c++)
        wave[c / 3][c % 3] = oct_random_uniform(&random) * (c % 3 == 2 ? 6 : 0.3);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            for (int c = 0; c < 3; c++) {
                const double *w = wave[grey ? 0 : c];
                double value = 120 + 90 * sin(w[0] * x + w[1] * y + w[2]) + brighter;
                pixels[y][x][c] = (unsigned char)value;
            }
}

/* part: of the file that is written. */
static void save_jpeg(const char *folder, const char *name, unsigned char pixels[SIDE][SIDE][3],
    int quality, double part)
{
    char path[512];
    unsigned char *bytes = NULL;
    unsigned long size = 0;
    tjhandle jpeg = tjInitCompress();
    assert_int_equal(tjCompress2(jpeg, &pixels[0][0][0], SIDE, 0, SIDE, TJPF_RGB, &bytes, &size,
                         TJSAMP_444, quality, 0),
        0);
    mkdir(folder, 0777);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fwrite(bytes, 1, (size_t)((double)size * part), file);
    fclose(file);
    tjFree(bytes);
    tjDestroy(jpeg);
}

static void save_text(const char *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void test_images(void **unused)
{
    (void)unused;
    oct_model *model = image_model();
    unsigned char pixels[SIDE][SIDE][3];
    char folder[400], calib[400], name[32];
    snprintf(folder, sizeof folder, "%s/doctor_images", OCT_WORK_DIR);
    snprintf(calib, sizeof calib, "%s/doctor_calib", OCT_WORK_DIR);
    for (int i = 0; i < 24; i++) {
        snprintf(name, sizeof name, "p%02d.jpg", i);
        paint((uint64_t)i, false, 0, pixels);
        save_jpeg(folder, name, pixels, 95, 1);
        paint((uint64_t)i + 100, false, 0, pixels);
        save_jpeg(calib, name, pixels, 95, 1);
    }
    oct_diagnosis *d = examine(model, open_data(folder), open_data(calib), "tf");
    for (int32_t i = 0; i < oct_diagnosis_count(d); i++) /* how few they are may be said */
        assert_int_equal(oct_diagnosis_finding(d, i)->kind, OCT_FINDING_CALIBRATION);
    oct_diagnosis_free(d);

    paint(3, false, 0, pixels);
    save_jpeg(folder, "p04.jpg", pixels, 60, 1); /* p03 again, at another quality */
    paint(7, true, 0, pixels);
    save_jpeg(folder, "p07.jpg", pixels, 95, 1);
    paint(8, false, 0, pixels);
    save_jpeg(folder, "p08.jpg", pixels, 95, 0.5);
    save_text(folder, "p09.jpg", "no picture");
    paint(11, false, 2, pixels);
    save_jpeg(calib, "p21.jpg", pixels, 80, 1); /* p11, a little brighter */
    d = examine(model, open_data(folder), open_data(calib), "tf");
    static const struct {
        oct_finding_kind kind;
        oct_severity severity;
        const char *place;
    } want[] = { { OCT_FINDING_BROKEN, OCT_SEVERITY_MEND, "p09.jpg" },
        { OCT_FINDING_DAMAGED, OCT_SEVERITY_MEND, "p08.jpg" },
        { OCT_FINDING_GREY, OCT_SEVERITY_WARNING, "p07.jpg" },
        { OCT_FINDING_NEAR_DUPLICATES, OCT_SEVERITY_NOTE, "p04.jpg ~ p03.jpg" },
        { OCT_FINDING_NEAR_LEAKAGE, OCT_SEVERITY_WARNING, "calibration p21.jpg ~ p11.jpg" } };
    oct_diagnosis_free(d);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++)
        finds(examine(model, open_data(folder), open_data(calib), "tf"), want[i].kind,
            want[i].severity, 1, want[i].place);
    oct_model_free(model);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_arrays), cmocka_unit_test(test_labels),
        cmocka_unit_test(test_preprocessing), cmocka_unit_test(test_quantized_input),
        cmocka_unit_test(test_growth), cmocka_unit_test(test_misfit),
#ifdef OCT_TESTS_JPEG
        cmocka_unit_test(test_images),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
