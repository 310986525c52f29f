/*
 * Data that know more than a class: masks, measured on models whose answers are their inputs, and
 * boxes.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <octavo/data.h>
#include <octavo/eval.h>
#include "eval/coco.h"
#include "eval/mask.h"
#include "eval/source.h"
#include "eval/stats.h"
#include "eval/task.h"
#include "eval/tfrecord.h"
#include "eval/truth_expected.h"
#include "eval/wav.h"
#include "exec/build.h"
#include "model/model.h"

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.17g, want %.17g", got, want);
}

/* y = x + shift: the identity, with a last channel that is moved. */
static oct_model *identity(int32_t rank, const int32_t *dims, float shift)
{
    builder b = build_begin();
    int32_t depth = dims[rank - 1];
    float *shifts = calloc((size_t)depth, sizeof *shifts);
    assert_non_null(shifts);
    shifts[depth - 1] = shift;
    int32_t x = build_tensor(&b, "x", OCT_FLOAT32, rank, dims);
    int32_t y = build_tensor(&b, "y", OCT_FLOAT32, rank, dims);
    int32_t s = build_constant(&b, "shift", OCT_FLOAT32, 1, &depth, shifts);
    build_node(&b, OCT_OP_ADD, x, s, y, OCT_OPTIONS_Add);
    build_end(&b, x, y);
    free(shifts);
    oct_model *model = NULL;
    assert_int_equal(oct_model_create(b.graph, "tflite", &model, NULL), OCT_OK);
    return model;
}

static const int32_t pixel_dims[] = { 1, 5, 7, 3 };

/* The identity and a model that favours its last channel, on what the folder or file holds. */
static oct_status evaluate(const char *path, int32_t rank, const int32_t *dims,
    const oct_eval_options *options, oct_eval **eval, oct_error *err)
{
    oct_model *models[] = { identity(rank, dims, 0), identity(rank, dims, 30) };
    oct_preprocess none;
    oct_data *data = NULL;
    assert_int_equal(oct_preprocess_parse("none", &none, NULL), OCT_OK);
    oct_status status = oct_data_open(path, &data, err);
    if (status == OCT_OK)
        status = oct_evaluate((const oct_model *const *)models, 2, data, &none, options, eval, err);
    oct_data_free(data);
    oct_model_free(models[0]);
    oct_model_free(models[1]);
    return status;
}

static oct_eval *evaluate_well(
    const char *path, int32_t rank, const int32_t *dims, const oct_eval_options *options)
{
    oct_eval *eval = NULL;
    oct_error err = { 0 };
    if (evaluate(path, rank, dims, options, &eval, &err) != OCT_OK)
        fail_msg("%s", err.text);
    return eval;
}

static void expect_refusal(
    const char *path, int32_t rank, const int32_t *dims, const char *sentence)
{
    oct_eval *eval = NULL;
    oct_error err = { 0 };
    assert_int_not_equal(evaluate(path, rank, dims, NULL, &eval, &err), OCT_OK);
    if (strstr(err.text, sentence) == NULL)
        fail_msg("'%s' lacks '%s'", err.text, sentence);
}

static const char *const pixels = OCT_TESTS_DIR "/eval/files/pixels";

static void test_pixels(void **unused)
{
    (void)unused;
    oct_eval *eval = evaluate_well(pixels, 4, pixel_dims, &(oct_eval_options){ .threads = 1 });
    oct_eval *many = evaluate_well(pixels, 4, pixel_dims, &(oct_eval_options){ .threads = 3 });
    const oct_segmentation *s = oct_eval_segmentation(eval, 0),
                           *moved = oct_eval_segmentation(eval, 1);
    const oct_class_counts *c = oct_eval_classes(eval, 0);
    assert_int_equal(oct_eval_task(eval), OCT_TASK_SEGMENTATION);
    assert_int_equal(s->classes, 3);
    assert_int_equal(s->right, (int64_t)pixels_right[0]);
    assert_int_equal(s->pixels, (int64_t)pixels_right[1]);
    near(s->mean_iou, pixels_iou[0], 1e-12);
    for (int k = 0; k < 3; k++)
        near((double)c[k].right / (double)(c[k].samples + c[k].answered - c[k].right),
            pixels_iou[k + 1], 1e-12);
    near(moved->difference, moved->mean_iou - s->mean_iou, 1e-15);
    assert_true(moved->difference < 0);
    assert_true(moved->difference_interval.low <= moved->difference &&
                moved->difference <= moved->difference_interval.high);
    assert_memory_equal(moved, oct_eval_segmentation(many, 1), sizeof *moved);
    oct_eval_free(eval);
    oct_eval_free(many);
}

static void test_pixels_refused(void **unused)
{
    (void)unused;
    static const int32_t gray[] = { 1, 5, 7, 1 };
    /* One channel of grays is read as class numbers; 30 added to 255 is none. */
    expect_refusal(pixels, 4, gray, "which is no class number");
    oct_error err = { 0 };
    oct_image mask;
    assert_int_equal(
        oct_mask_read(OCT_TESTS_DIR "/eval/files/pixels/images/0.png", &mask, &err), OCT_E_INVALID);
    assert_non_null(strstr(err.text, "one channel"));
}

static void test_mask_resize(void **unused)
{
    (void)unused;
    unsigned char from[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 }, to[6];
    const oct_image mask = { .h = 3, .w = 4, .c = 1, .pixels = from };
    oct_mask_resize(&mask, (oct_region){ .h = 3, .w = 4 }, to, 3, 2);
    assert_memory_equal(to, ((unsigned char[]){ 1, 3, 5, 7, 9, 11 }), 6);
    oct_mask_resize(&mask, (oct_region){ .y = 1, .x = 1, .h = 2, .w = 2 }, to, 2, 3);
    assert_memory_equal(to, ((unsigned char[]){ 5, 6, 6, 9, 10, 10 }), 6);
}

/* A mean is a ratio of sums: the general bootstrap must give the special one's interval. */
static double ratio(const void *user, const double *sums)
{
    (void)user;
    return sums[1] > 0 ? sums[0] / sums[1] : 0;
}

static void test_bootstrap(void **unused)
{
    (void)unused;
    double rows[50][2], values[50];
    for (int i = 0; i < 50; i++) {
        values[i] = exp((double)(i * 7 % 50) / 13);
        rows[i][0] = values[i];
        rows[i][1] = 1;
    }
    oct_interval mean, measure;
    assert_int_equal(oct_bootstrap_mean(values, 50, 9, &mean, NULL), OCT_OK);
    assert_int_equal(
        oct_bootstrap_measure(&rows[0][0], 50, 2, ratio, NULL, 9, &measure, NULL), OCT_OK);
    near(measure.low, mean.low, 1e-9);
    near(measure.high, mean.high, 1e-9);
}

static void test_boxes_are_read(void **unused)
{
    (void)unused;
    oct_data *data = NULL;
    oct_error err = { 0 };
    char name[64];
    if (oct_data_open(OCT_TESTS_DIR "/eval/files/boxes", &data, &err) != OCT_OK)
        fail_msg("%s", err.text);
    const oct_source *s = data->source;
    assert_int_equal(oct_data_count(data), 2);
    assert_string_equal(oct_data_sample_name(data, 0, name, sizeof name), "images/a.png");
    assert_int_equal(s->sizes[1].w, 40);
    assert_int_equal(s->box_starts[1], 1);
    assert_int_equal(s->box_starts[2], 3);
    assert_true(s->boxes[0].box[2] == 50.5 && s->boxes[0].area == 50.5 * 25);
    assert_true(s->boxes[1].category == 7 && s->boxes[1].area == 180 && !s->boxes[1].crowd);
    assert_true(s->boxes[2].category == 3 && s->boxes[2].crowd);
    assert_int_equal(s->categories[0], 3);
    oct_data_free(data);
}

static void test_boxes_refused(void **unused)
{
    (void)unused;
    static const char *const path = OCT_WORK_DIR "/truth_boxes.json";
    static const char images[] = "\"images\": [{\"id\": 1, \"file_name\": \"a\", "
                                 "\"width\": 2, \"height\": 2}], \"categories\": [{\"id\": 1}]";
    static const struct {
        const char *rest, *sentence;
    } bad[] = {
        { "", "lists images, annotations and categories are expected" },
        { ", \"annotations\": [{\"image_id\": 2, \"category_id\": 1}]",
            "annotations[0]: an image_id of the images" },
        { ", \"annotations\": [{\"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 2, 3]}]",
            "annotations[0]: bbox has to be" },
        { ", \"annotations\": [], \"images\": [{\"id\": 1}, {\"id\": 1}]", "have the id 1" },
        { ", \"annotations\": [], \"images\": [{\"id\": 1, \"file_name\": \"../a\"}]",
            "image 1 needs a file_name in the folder" },
        { ", \"annotations\": ", "line 1" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fprintf(file, "{%s%s}", images, bad[i].rest);
        fclose(file);
        oct_source source = { .root = OCT_WORK_DIR };
        oct_error err = { 0 };
        assert_int_equal(oct_coco_open(&source, path, &err), OCT_E_INVALID);
        if (strstr(err.text, bad[i].sentence) == NULL)
            fail_msg("'%s' lacks '%s'", err.text, bad[i].sentence);
        oct_source_close(&source);
    }
    unlink(path);
}

/* Answers that are the truth, in parts of the picture: boxes [2][4], classes, scores, how many. */
static void test_boxes_are_scored(void **unused)
{
    (void)unused;
    static float kept[2][13] = {
        { .1f, .1f, .6f, .605f, 0, 0, 1, 1, 0, 1, .9f, .8f, 1 }, /* the second box is not counted */
        { .1f, .1f, .6f, .6f, 0, 0, .4f, .2f, 1, 0, .9f, .8f, 2 },
    };
    oct_detection_metrics metrics[1];
    oct_detection_compared compared[1];
    oct_data *data = NULL;
    assert_int_equal(oct_data_open(OCT_TESTS_DIR "/eval/files/boxes", &data, NULL), OCT_OK);
    oct_eval eval = { .samples = 2,
        .models = 1,
        .elements = 13,
        .kept = kept[0],
        .detection = metrics,
        .detection_compared = compared,
        .input_h = 8,
        .input_w = 8,
        .found = { .boxes = 0, .classes = 8, .scores = 10, .count = 12, .room = 2 } };
    assert_int_equal(oct_preprocess_parse("none", &eval.preprocess, NULL), OCT_OK);
    assert_int_equal(oct_detect_fold(&eval, data, 1, NULL), OCT_OK);
    assert_int_equal(eval.class_numbers, OCT_CLASSES_IN_ORDER); /* categories 3 and 7 */
    near(metrics->ap, 1, 1e-12);
    near(metrics->ar1, 1, 1e-12);
    kept[0][12] = 0; /* nothing found in the first picture: category 3 has no right box */
    assert_int_equal(oct_detect_fold(&eval, data, 1, NULL), OCT_OK);
    near(metrics->ap50, 0.5, 1e-12);
    kept[1][8] = NAN;
    assert_int_equal(oct_detect_fold(&eval, data, 1, NULL), OCT_OK);
    near(metrics->ap50, 0, 1e-12);
    oct_data_free(data);
}

/* A copy of two.tfrecord with one byte changed, or cut to `size` when that is not 0. */
static void spoil(const char *path, size_t at, size_t size)
{
    unsigned char bytes[1024];
    FILE *file = fopen(OCT_TESTS_DIR "/eval/files/two.tfrecord", "rb");
    assert_non_null(file);
    size_t have = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_true(have > at && have < sizeof bytes);
    bytes[at] ^= 1;
    file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size != 0 ? size : have, file), size != 0 ? size : have);
    fclose(file);
}

static void test_records(void **unused)
{
    (void)unused;
    static const char *const path = OCT_WORK_DIR "/truth.tfrecord";
    oct_data *data = NULL;
    oct_error err = { 0 };
    oct_image image, same;
    if (oct_data_open(OCT_TESTS_DIR "/eval/files/two.tfrecord", &data, &err) != OCT_OK)
        fail_msg("%s", err.text);
    assert_int_equal(oct_data_count(data), 2);
    assert_int_equal(oct_data_label(data, 0), 300);
    assert_int_equal(oct_data_label(data, 1), 2);
    assert_int_equal(oct_data_class_count(data), 301);
    assert_int_equal(oct_tfrecord_read(data->source, 1, &image, NULL), OCT_OK);
    assert_int_equal(
        oct_image_read(OCT_TESTS_DIR "/eval/files/pixels/images/1.png", &same, NULL), OCT_OK);
    assert_true(image.h == 5 && image.w == 7 && image.c == 3);
    assert_memory_equal(image.pixels, same.pixels, 5 * 7 * 3);
    free(image.pixels);
    free(same.pixels);
    oct_data_free(data);
    static const struct {
        size_t at, size;
        const char *sentence;
    } bad[] = {
        { 3, 0, "not a .npy" }, /* a length that is not its checksum's is no TFRecord file */
        { 0, 100, "not a .npy" },
        { 12, 100, "the last record is cut off" },
        { 12, 0, "no tf.train.Example" },
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        spoil(path, bad[i].at, bad[i].size);
        assert_int_equal(oct_data_open(path, &data, &err), OCT_E_INVALID);
        if (strstr(err.text, bad[i].sentence) == NULL)
            fail_msg("'%s' lacks '%s'", err.text, bad[i].sentence);
    }
    spoil(path, 120, 0); /* in the picture: seen when it is read */
    assert_int_equal(oct_data_open(path, &data, &err), OCT_OK);
    assert_int_equal(oct_tfrecord_read(data->source, 0, &image, &err), OCT_E_INVALID);
    assert_non_null(strstr(err.text, "does not fit its checksum"));
    oct_data_free(data);
    unlink(path);
}

static void test_shards(void **unused)
{
    (void)unused;
    assert_true(oct_tfrecord_is_shard("train-00003-of-00128"));
    assert_true(oct_tfrecord_is_shard("a.tfrecord-00000-of-00001"));
    assert_false(oct_tfrecord_is_shard("best-of-5.png"));
    assert_false(oct_tfrecord_is_shard("-of-00128"));
    oct_source source = { .root = OCT_TESTS_DIR };
    oct_error err = { 0 };
    const char *some[] = { "t-00000-of-00003", "t-00001-of-00003" };
    assert_int_equal(oct_tfrecord_open_shards(&source, some, 2, &err), OCT_E_INVALID);
    assert_non_null(strstr(err.text, "2 of 3 shards are there"));
    const char *two[] = { "t-00000-of-00001", "v-00000-of-00001" };
    assert_int_equal(oct_tfrecord_open_shards(&source, two, 2, &err), OCT_E_INVALID);
    assert_non_null(strstr(err.text, "belong to different sets"));
    oct_source_close(&source);
}

static void write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void test_wav(void **unused)
{
    (void)unused;
    static const char *const path = OCT_WORK_DIR "/truth.wav";
    /* Two channels of 8 bits: 128 is silence. */
    static unsigned char bytes[] = "RIFF\x30\0\0\0WAVE"
                                   "junk\x01\0\0\0?\0"
                                   "fmt \x10\0\0\0\x01\0\x02\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x08\0"
                                   "data\x04\0\0\0\x80\x00\xff\xff";
    size_t size = sizeof bytes - 1;
    oct_sound sound;
    oct_error err = { 0 };
    write_bytes(path, bytes, size);
    if (oct_wav_read(path, &sound, &err) != OCT_OK)
        fail_msg("%s", err.text);
    assert_int_equal(sound.count, 2);
    near((double)sound.samples[0], -0.5, 0);
    near((double)sound.samples[1], 127. / 128, 0);
    free(sound.samples);
    write_bytes(path, bytes, size - 1);
    assert_int_equal(oct_wav_read(path, &sound, &err), OCT_E_INVALID);
    assert_non_null(strstr(err.text, "the chunk \"data\" is cut off"));
    write_bytes(path, bytes, size - 12);
    assert_int_equal(oct_wav_read(path, &sound, &err), OCT_E_INVALID);
    assert_non_null(strstr(err.text, "no samples"));
    bytes[30] = 6; /* A-law */
    write_bytes(path, bytes, size);
    assert_int_equal(oct_wav_read(path, &sound, &err), OCT_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "coding 6 with 2 channels of 8 bits"));
    write_bytes(path, "RIFX", 4);
    assert_int_equal(oct_wav_read(path, &sound, &err), OCT_E_INVALID);
    unlink(path);
}

static void test_values(void **unused)
{
    (void)unused;
    static const char *const path = OCT_WORK_DIR "/truth_values.npz";
    static const int32_t dims[] = { 1, 2 };
    static const float x[3][2] = { { 1, 2 }, { 3, 4 }, { 5, 6 } };
    static const float y[3][2] = { { 1.5f, 2 }, { 3, 3 }, { 4.5f, 6 } };
    oct_npz_entry entries[] = { { "x", "float32", 2, { 3, 2 }, x },
        { "y", "float32", 2, { 3, 2 }, y } };
    assert_int_equal(oct_npz_write(path, entries, 2, NULL), OCT_OK);
    oct_eval *eval = evaluate_well(path, 2, dims, &(oct_eval_options){ .threads = 1 });
    const oct_regression *r = oct_eval_regression(eval, 0), *moved = oct_eval_regression(eval, 1);
    assert_int_equal(oct_eval_task(eval), OCT_TASK_REGRESSION);
    near(r->mae.value, 2. / 6, 1e-12);
    near(r->rmse.value, sqrt(1.5 / 6), 1e-12);
    /* Column means 3 and 11/3. */
    near(r->r2.value, 1 - 1.5 / (4.5 + (25 + 4 + 49) / 9.), 1e-12);
    near(moved->mae.difference, (1 + 30 + 31 + 30) / 6. - 2. / 6, 1e-12);
    assert_true(moved->r2.difference < 0 && moved->rmse.difference > 0);
    oct_eval_free(eval);
    /* Whole numbers are labels for a classifier, values for one number. */
    entries[1] = (oct_npz_entry){ "y", "float32", 2, { 3, 1 }, x };
    assert_int_equal(oct_npz_write(path, entries, 2, NULL), OCT_OK);
    oct_data *data = NULL;
    assert_int_equal(oct_data_open(path, &data, NULL), OCT_OK);
    assert_true(oct_data_has_labels(data));
    oct_data_free(data);
    entries[1] = (oct_npz_entry){ "y", "float32", 2, { 3, 1 }, y };
    assert_int_equal(oct_npz_write(path, entries, 2, NULL), OCT_OK);
    expect_refusal(path, 2, dims, "y has 1 values for a sample, the first output 2");
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pixels),
        cmocka_unit_test(test_pixels_refused),
        cmocka_unit_test(test_mask_resize),
        cmocka_unit_test(test_bootstrap),
        cmocka_unit_test(test_boxes_are_read),
        cmocka_unit_test(test_boxes_refused),
        cmocka_unit_test(test_boxes_are_scored),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_shards),
        cmocka_unit_test(test_wav),
        cmocka_unit_test(test_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
