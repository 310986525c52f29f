/*
 * Data sets and preprocessing against Pillow, TensorFlow and numpy (expected.h), and what damaged
 * files and wrong choices are answered with.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <octavo/data.h>
#include "base/file.h"
#include "eval/image.h"
#include "eval/idx.h"
#include "eval/metadata.h"
#include "eval/npy.h"
#include "eval/preprocess.h"
#include "eval/source.h"

#include "expected.h"

#define FILES OCT_TESTS_DIR "/eval/files/"

static oct_data *open_data(const char *spec)
{
    oct_error err = { 0 };
    oct_data *data = NULL;
    if (oct_data_open(spec, &data, &err) != OCT_OK)
        fail_msg("%s", err.text);
    return data;
}

static void refuses(const char *spec, oct_status status, const char *text)
{
    oct_error err = { 0 };
    oct_data *data = NULL;
    assert_int_equal(oct_data_open(spec, &data, &err), status);
    assert_null(data);
    if (strstr(err.text, text) == NULL)
        fail_msg("'%s' lacks '%s'", err.text, text);
}

/* The bytes of sample `index` are `want`. */
static void has_bytes(const oct_data *data, int64_t index, const unsigned char *want, size_t size)
{
    oct_sample_value field;
    int64_t at = data->chosen == NULL ? index : data->chosen[index];
    assert_int_equal(oct_source_read(data->source, at, NULL, &field, NULL), OCT_OK);
    assert_memory_equal(field.bytes, want, size);
    free(field.owned);
}

static void test_folder_per_class(void **unused)
{
    (void)unused;
    oct_data *data = open_data(FILES "classes");
    char text[64];
    assert_int_equal(oct_data_count(data), 4);
    assert_true(oct_data_has_labels(data));
    assert_int_equal(oct_data_class_count(data), 2);
    assert_string_equal(oct_data_class_name(data, 1), "shirt");
    assert_null(oct_data_class_name(data, 2));
    assert_string_equal(oct_data_sample_name(data, 2, text, sizeof text), "shirt/b.jpg");
    assert_int_equal(oct_data_label(data, 1), 0);
    assert_int_equal(oct_data_label(data, 3), 1);
    has_bytes(data, 0, png_rgb, sizeof png_rgb);
    has_bytes(data, 1, jpeg_gray, sizeof jpeg_gray);
    has_bytes(data, 2, jpeg_rgb, sizeof jpeg_rgb);
    oct_data_free(data);

    data = open_data(FILES "classes/boot");
    assert_false(oct_data_has_labels(data));
    assert_int_equal(oct_data_label(data, 0), -1);
    assert_int_equal(oct_data_count(data), 2);
    oct_data_free(data);
}

static void test_arrays(void **unused)
{
    (void)unused;
    static const char *const specs[] = { FILES "x.npy", FILES "xy.npz", FILES "xy_deflated.npz",
        FILES "tiny-images-idx3-ubyte.gz" };
    static const int32_t labels[] = { 0, 1, 2, 1, 0, 4 };
    for (size_t i = 0; i < 4; i++) {
        oct_data *data = open_data(specs[i]);
        assert_int_equal(oct_data_count(data), 6);
        assert_int_equal(oct_data_has_labels(data), i > 0);
        for (int64_t k = 0; k < 6; k++) {
            has_bytes(data, k, array_x + 20 * k, 20);
            assert_int_equal(oct_data_label(data, k), i > 0 ? labels[k] : -1);
        }
        assert_int_equal(oct_data_class_count(data), i > 0 ? 5 : 0);
        oct_data_free(data);
    }
}

static void test_choices(void **unused)
{
    (void)unused;
    oct_data *data = open_data(FILES "xy.npz:every=2");
    assert_int_equal(oct_data_count(data), 3);
    has_bytes(data, 2, array_x + 20 * 4, 20);
    oct_data_free(data);
    data = open_data(FILES "xy.npz:1-5:every=3:2");
    char text[32];
    assert_int_equal(oct_data_count(data), 2);
    assert_int_equal(oct_data_label(data, 1), 0);
    assert_string_equal(oct_data_sample_name(data, 1, text, sizeof text), "sample 4");
    oct_data *inner = NULL;
    const int64_t second = 1;
    assert_int_equal(oct_data_subset(data, &second, 1, &inner, NULL), OCT_OK);
    has_bytes(inner, 0, array_x + 20 * 4, 20);
    oct_data_free(inner);
    oct_data_free(data);
    data = open_data(FILES "xy.npz:99");
    assert_int_equal(oct_data_count(data), 6);
    oct_data_free(data);
    data = open_data("random:12");
    assert_int_equal(oct_data_count(data), 12);
    assert_true(oct_data_is_random(data));
    oct_data_free(data);
    refuses(FILES "xy.npz:7-9", OCT_E_USAGE, "no sample is left of 6");
    refuses(FILES "xy.npz:every=0", OCT_E_USAGE, "':every=0' is no choice");
    refuses(FILES "xy.npz:-3", OCT_E_USAGE, "':-3' is no choice");
    refuses(FILES "xy.npz:99999999999999999999", OCT_E_USAGE, "is no choice");
    refuses("random:0", OCT_E_USAGE, "random:N");
    refuses(FILES "absent", OCT_E_SYSTEM, "no such file or folder");
    refuses(FILES "classes/boot/notes.txt", OCT_E_INVALID, "not a .npy, .npz, IDX or TFRecord file");
    refuses(OCT_TESTS_DIR "/eval/files/classes/../../../eval", OCT_E_INVALID, "no .jpg");
}

static void save(const char *path, const char *text)
{
    assert_int_equal(oct_file_save(path, text, strlen(text), NULL), OCT_OK);
}

static void test_labels_csv(void **unused)
{
    (void)unused;
    char folder[] = "/tmp/octavo_csv_XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/labels.csv", folder);
    save(path, "file,label\n\"b.png\",shirt\na.png,boot\r\n\nc.png,shirt\n");
    oct_data *data = open_data(folder);
    assert_int_equal(oct_data_count(data), 3);
    assert_int_equal(oct_data_class_count(data), 2);
    assert_int_equal(oct_data_label(data, 0), 1);
    assert_int_equal(oct_data_label(data, 1), 0);
    assert_string_equal(oct_data_class_name(data, 0), "boot");
    oct_sample_value field;
    oct_error err = { 0 };
    assert_int_equal(oct_source_read(data->source, 1, NULL, &field, &err), OCT_E_SYSTEM);
    assert_non_null(strstr(err.text, "sample 1"));
    assert_non_null(strstr(err.text, "a.png"));
    oct_data_free(data);
    save(path, "a.png,3\nb.png,0\n");
    data = open_data(folder);
    assert_int_equal(oct_data_class_count(data), 4);
    assert_int_equal(oct_data_label(data, 0), 3);
    assert_null(oct_data_class_name(data, 0));
    oct_data_free(data);
    save(path, "a.png,3\nb.png\n");
    refuses(folder, OCT_E_INVALID, "line 2 is not");
    save(path, "../../etc/passwd,1\n");
    refuses(folder, OCT_E_INVALID, "line 1 is not");
    unlink(path);
    rmdir(folder);
}

/* In place: syncing as oct_file_save(), or cutting to nothing first, takes its time on a real disk. */
static void write_quickly(int descriptor, const void *bytes, size_t size)
{
    assert_int_equal(pwrite(descriptor, bytes, size, 0), size);
    assert_int_equal(ftruncate(descriptor, (off_t)size), 0);
}

/* Every file cut at every length, and with each byte changed, is refused or read: never more. */
static void test_damaged_files(void **unused)
{
    (void)unused;
    static const char *const names[] = { "x.npy", "x_big_fortran.npy", "xy.npz", "xy_deflated.npz",
        "tiny-images-idx3-ubyte.gz", "tiny-labels-idx1-ubyte" };
    char path[] = "/tmp/octavo_damaged_XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    int refused = 0;
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        char name[512];
        unsigned char bytes[1024];
        snprintf(name, sizeof name, FILES "%s", names[n]);
        FILE *file = fopen(name, "rb");
        assert_non_null(file);
        size_t size = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        for (size_t i = 0; i < 2 * size; i++) {
            bool cut = i < size;
            unsigned char kept = bytes[i % size];
            if (!cut)
                bytes[i - size] ^= (unsigned char)(1 + i * 37);
            write_quickly(descriptor, bytes, cut ? i : size);
            bytes[i % size] = kept;
            oct_error err = { 0 };
            oct_data *data = NULL;
            oct_status status = oct_data_open(path, &data, &err);
            if (cut)
                assert_int_not_equal(status, OCT_OK);
            refused += status != OCT_OK;
            if (status != OCT_OK)
                assert_true(err.text[0] != 0);
            oct_data_free(data);
        }
    }
    assert_true(refused > 2000);
    close(descriptor);
    unlink(path);
}

static void test_array_files(void **unused)
{
    (void)unused;
    oct_array array;
    assert_int_equal(oct_array_read(FILES "x_big_fortran.npy", NULL, &array, NULL), OCT_OK);
    assert_string_equal(array.type, "int32");
    assert_int_equal(array.rank, 3);
    for (int i = 0; i < 120; i++)
        assert_int_equal(((const int32_t *)array.bytes)[i], array_x[i]);
    oct_array_free(&array);
    oct_error err = { 0 };
    assert_int_equal(oct_array_read(FILES "xy.npz", NULL, &array, &err), OCT_E_INVALID);
    assert_non_null(strstr(err.text, "holds 2 arrays"));
    assert_int_equal(oct_array_read(FILES "xy.npz", "z", &array, &err), OCT_E_INVALID);
    assert_int_equal(oct_array_read(FILES "xy.npz", "y", &array, &err), OCT_OK);
    assert_string_equal(array.type, "int64");
    oct_array_free(&array);
}

/* What is written is what is read; tests/eval/make_files.py's numpy wrote the other direction. */
static void test_write_arrays(void **unused)
{
    (void)unused;
    const char *path = OCT_WORK_DIR "/written.npz", *npy = OCT_WORK_DIR "/written.npy";
    const float f[] = { 1.5f, -2, 3, 4, 5, 6 };
    const int64_t dims[] = { 2, 3 }, scalar[] = { 6 };
    oct_npz_entry entries[] = { { "a", "float32", 2, { 2, 3 }, f },
        { "b/c", "uint8", 1, { 20 }, array_x } };
    assert_int_equal(oct_npz_write(path, entries, 2, NULL), OCT_OK);
    assert_int_equal(oct_npy_write(npy, "float32", 2, dims, f, NULL), OCT_OK);
    for (int i = 0; i < 2; i++) {
        oct_array array;
        assert_int_equal(oct_array_read(i == 0 ? path : npy, "a", &array, NULL), OCT_OK);
        assert_int_equal(array.rank, 2);
        assert_int_equal(array.dims[1], 3);
        assert_memory_equal(array.bytes, f, sizeof f);
        oct_array_free(&array);
    }
    assert_int_equal(oct_npy_write(npy, "string", 1, scalar, f, NULL), OCT_E_USAGE);
    unlink(path);
    unlink(npy);
}

static void same_floats(const float *got, const float *want, size_t count, float tolerance)
{
    for (size_t i = 0; i < count; i++)
        if (!(fabsf(got[i] - want[i]) <= tolerance))
            fail_msg("value %zu: got %.9g, want %.9g", i, (double)got[i], (double)want[i]);
}

/* Bits of tf.image.resize; Pillow's antialiasing to the last bits of float32. */
static void test_resize(void **unused)
{
    (void)unused;
    static const struct {
        int32_t h, w;
        const float *bilinear, *nearest, *antialias;
    } cases[] = {
        { 5, 4, bilinear_5_4, nearest_5_4, antialias_5_4 },
        { 13, 16, bilinear_13_16, nearest_13_16, antialias_13_16 },
        { 3, 20, bilinear_3_20, nearest_3_20, antialias_3_20 },
    };
    oct_region all = { 0, 0, 9, 7 };
    for (size_t i = 0; i < 3; i++) {
        float to[13 * 16 * 3];
        int32_t h = cases[i].h, w = cases[i].w;
        size_t count = (size_t)(h * w * 3);
        oct_resize(resize_from, 7, 3, all, to, h, w, OCT_FILTER_BILINEAR, false, NULL);
        same_floats(to, cases[i].bilinear, count, 0);
        oct_resize(resize_from, 7, 3, all, to, h, w, OCT_FILTER_NEAREST, false, NULL);
        same_floats(to, cases[i].nearest, count, 0);
        oct_resize(resize_from, 7, 3, all, to, h, w, OCT_FILTER_BILINEAR, true, NULL);
        same_floats(to, cases[i].antialias, count, 4e-5f);
    }
    float part[2 * 3 * 3];
    oct_resize(resize_from, 7, 3, (oct_region){ 1, 2, 2, 3 }, part, 2, 3, OCT_FILTER_BILINEAR,
        false, NULL);
    assert_memory_equal(part, resize_from + (1 * 7 + 2) * 3, 9 * sizeof(float));
}

static void preprocess(const char *spec, oct_preprocess *p)
{
    oct_error err = { 0 };
    if (oct_preprocess_parse(spec, p, &err) != OCT_OK)
        fail_msg("%s", err.text);
}

/* Bits of keras.applications.imagenet_utils.preprocess_input. */
static void test_normalise(void **unused)
{
    (void)unused;
    static const struct {
        const char *spec;
        const float *want;
    } cases[] = {
        { "tf", keras_tf },
        { "torch", keras_torch },
        { "caffe", keras_caffe },
    };
    float image[12];
    for (int i = 0; i < 12; i++)
        image[i] = (float)(i * 21);
    oct_sample_value field = {
        .type = OCT_FLOAT32, .rank = 3, .dims = { 2, 2, 3 }, .bytes = image
    };
    for (size_t i = 0; i < 3; i++) {
        oct_preprocess p;
        float to[12];
        preprocess(cases[i].spec, &p);
        assert_int_equal(oct_image_to_input(&p, &field, 2, 2, 3, to, NULL), OCT_OK);
        same_floats(to, cases[i].want, 12, 0);
    }
}

static void test_channels_and_crop(void **unused)
{
    (void)unused;
    oct_preprocess p;
    float to[9 * 7 * 3];
    oct_sample_value rgb = { .type = OCT_UINT8, .rank = 3, .dims = { 9, 7, 3 }, .bytes = png_rgb };
    preprocess("none", &p);
    assert_int_equal(oct_image_to_input(&p, &rgb, 9, 7, 1, to, NULL), OCT_OK);
    for (int i = 0; i < 63; i++)
        assert_true(to[i] == png_as_gray[i]);
    oct_sample_value gray = {
        .type = OCT_UINT8, .rank = 2, .dims = { 9, 7 }, .bytes = png_as_gray
    };
    assert_int_equal(oct_image_to_input(&p, &gray, 9, 7, 3, to, NULL), OCT_OK);
    for (int i = 0; i < 189; i++)
        assert_true(to[i] == png_as_gray[i / 3]);
    p.keep_aspect = true; /* the 7 x 7 centre of 9 x 7 */
    p.bgr = true;
    assert_int_equal(oct_image_to_input(&p, &rgb, 7, 7, 3, to, NULL), OCT_OK);
    for (int i = 0; i < 147; i++)
        assert_true(to[i] == png_rgb[21 + i / 3 * 3 + 2 - i % 3]);
    oct_sample_value line = { .type = OCT_UINT8, .rank = 3, .dims = { 9, 7, 2 }, .bytes = png_rgb };
    oct_error err = { 0 };
    assert_int_equal(oct_image_to_input(&p, &line, 7, 7, 3, to, &err), OCT_E_INVALID);
}

static void test_metadata(void **unused)
{
    (void)unused;
    oct_preprocess p;
    assert_true(oct_metadata_normalization(model_metadata, sizeof model_metadata, &p));
    assert_true(p.mean[0] == 123.5f && p.mean[1] == 116.25f && p.mean[2] == 103.5f);
    assert_true(p.std[0] == 58.5f && p.std[2] == 58.5f && p.divisor == 1 && !p.bgr);
    /* Cut or changed, it is read within its bytes: each copy has exactly its own size. */
    int found = 0;
    for (size_t i = 0; i < 2 * sizeof model_metadata; i++) {
        bool cut = i < sizeof model_metadata;
        size_t size = cut ? i : sizeof model_metadata;
        unsigned char *copy = malloc(size == 0 ? 1 : size);
        assert_non_null(copy);
        memcpy(copy, model_metadata, size);
        if (!cut)
            copy[i - sizeof model_metadata] ^= (unsigned char)(1 + i * 41);
        found += oct_metadata_normalization(copy, size, &p);
        free(copy);
    }
    assert_true(found > 0 && found < (int)sizeof model_metadata);
}

static void test_preprocess_json(void **unused)
{
    (void)unused;
    const char *path = OCT_WORK_DIR "/preprocess.json";
    oct_preprocess p;
    save(path, "{\"resize\": \"nearest\", \"antialias\": true, \"crop\": 0.875, \"divisor\": 2, "
               "\"mean\": [1, 2, 3], \"std\": 4, \"order\": \"bgr\", \"keep_aspect\": true}");
    preprocess(path, &p);
    assert_int_equal(p.filter, OCT_FILTER_NEAREST);
    assert_true(p.antialias && p.bgr && p.keep_aspect);
    assert_true(p.crop == 0.875f && p.divisor == 2 && p.mean[2] == 3 && p.std[1] == 4);
    static const struct {
        const char *json, *text;
    } bad[] = {
        { "{\"crop\": 2}", "crop: must be at most 1" },
        { "{\"std\": [1, 0, 1]}", "std: must be above 0" },
        { "{\"mean\": \"x\"}", "mean: numbers" },
        { "{\"size\": 3}", "size: an unknown key" },
        { "{\"order\": \"gbr\"}", "\"rgb\" or \"bgr\"" },
        { "[1]", "object" },
        { "{", "line 1" },
        { "{\"divisor\": [1, 2, 3]}", "one number" },
        { "{\"antialias\": 1}", "true or false" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        oct_error err = { 0 };
        save(path, bad[i].json);
        assert_int_equal(oct_preprocess_parse(path, &p, &err), OCT_E_INVALID);
        if (strstr(err.text, bad[i].text) == NULL)
            fail_msg("'%s' lacks '%s'", err.text, bad[i].text);
    }
    unlink(path);
    assert_int_equal(oct_preprocess_parse("imagenet", &p, NULL), OCT_E_USAGE);
    assert_int_equal(oct_preprocess_parse("absent.json", &p, NULL), OCT_E_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folder_per_class),
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_labels_csv),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_array_files),
        cmocka_unit_test(test_write_arrays),
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_normalise),
        cmocka_unit_test(test_channels_and_crop),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_preprocess_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
